//! Whose key it is: signed, pinned, on first use, or nobody's.

use pqfw_framework::kem::KemError;
use pqfw_framework::keys::{Fingerprint, KeyCodecError};
use pqfw_framework::signature::SignatureError;
use pqfw_framework::system::Failure;
use pqfw_mlkem_tcp::session::SessionError;
use pqfw_mlkem_tcp::trust::{Basis, KeysError, ServerKeys, Trust, TrustError};
use pqfw_mlkem_tcp::wire::Greeting;

use crate::support::people::{anybody, plain, signed};
use crate::support::{rng, suite, suite_of};

fn refusal(trust: &Trust, greeting: &Greeting) -> TrustError {
    trust.judge(&suite(), greeting).err().unwrap()
}

fn pin(fingerprint: &Option<Fingerprint>) -> Trust {
    Trust {
        signed: false,
        pins: vec![fingerprint.clone().unwrap()],
    }
}

fn change(
    greeting: &Greeting,
    change: impl Fn(&mut Vec<u8>, &mut Vec<u8>, &mut Vec<u8>),
) -> Greeting {
    let mut changed = greeting.clone();
    if let Greeting::Signed {
        kem,
        sign,
        signature,
    } = &mut changed
    {
        change(kem, sign, signature);
    }
    changed
}

#[test]
fn the_fingerprint_that_the_server_prints_is_the_one_that_the_client_sees() {
    for keys in [plain(&suite()), signed(&suite(), 5)] {
        let trusted = anybody().judge(&suite(), &keys.greeting).unwrap();
        assert_eq!(trusted.fingerprint, keys.fingerprint);
        assert_eq!(trusted.key.to_bytes(), keys.kem.encapsulation_key());
        assert!(
            trusted
                .warning()
                .unwrap()
                .contains(keys.fingerprint.unwrap().as_str())
        );
    }
}

#[test]
fn first_use_and_no_use_are_told_apart_and_a_pin_is_silent() {
    let basis =
        |trust: &Trust, keys: &ServerKeys| trust.judge(&suite(), &keys.greeting).unwrap().basis;
    let (plain, signed) = (plain(&suite()), signed(&suite(), 5));
    assert_eq!(basis(&anybody(), &plain), Basis::Nothing);
    assert_eq!(basis(&anybody(), &signed), Basis::FirstUse);
    for keys in [plain, signed] {
        assert_eq!(basis(&pin(&keys.fingerprint), &keys), Basis::Pinned);
    }
}

#[test]
fn a_signature_that_is_asked_for_cannot_be_taken_away() {
    let trust = Trust {
        signed: true,
        pins: Vec::new(),
    };
    let keys = plain(&suite());
    assert_eq!(refusal(&trust, &keys.greeting), TrustError::Unsigned);
    let pinned = Trust {
        signed: true,
        ..pin(&keys.fingerprint)
    };
    assert_eq!(refusal(&pinned, &keys.greeting), TrustError::Unsigned);
}

#[test]
fn a_signature_is_over_this_key_by_that_one() {
    let (real, other) = (signed(&suite(), 5).greeting, signed(&suite(), 7).greeting);
    let Greeting::Signed {
        kem: other_kem,
        sign: other_sign,
        ..
    } = &other
    else {
        panic!("it is signed");
    };
    let forged = [
        change(&real, |kem, _, _| kem.clone_from(other_kem)),
        change(&real, |_, sign, _| sign.clone_from(other_sign)),
        change(&real, |_, _, signature| signature[0] ^= 1),
        change(&real, |_, _, signature| {
            signature.pop();
        }),
    ];
    for forged in forged {
        assert_eq!(refusal(&anybody(), &forged), TrustError::Signature);
    }
}

#[test]
fn a_pin_refuses_every_other_server() {
    let (ours, other) = (signed(&suite(), 5), signed(&suite(), 7));
    let trust = pin(&ours.fingerprint);
    let shown = other.fingerprint.unwrap().to_string();
    assert_eq!(
        refusal(&trust, &other.greeting),
        TrustError::NotPinned { shown }
    );
    let unsigned = refusal(&trust, &plain(&suite()).greeting);
    assert!(matches!(unsigned, TrustError::NotPinned { .. }));
    // The signing key's fingerprint says nothing about a KEM key without its signature.
    let Greeting::Signed { kem, .. } = ours.greeting else {
        panic!("it is signed");
    };
    let stripped = refusal(&trust, &Greeting::Plain { kem });
    assert!(matches!(stripped, TrustError::NotPinned { .. }));
}

#[test]
fn a_key_that_its_specification_refuses_is_refused() {
    // FIPS 203 section 7.2: coefficients are below q, whose bytes are not all 0xff.
    let kem = vec![0xff; 1184];
    let refused = refusal(&anybody(), &Greeting::Plain { kem });
    assert!(matches!(refused, TrustError::Key(_)), "{refused}");
    assert_eq!(SessionError::Trust(refused).failure(), Failure::Operation);
    assert_eq!(
        SessionError::Trust(TrustError::Signature).failure(),
        Failure::Authentication
    );
}

#[test]
fn a_signing_key_that_no_fingerprint_can_name_is_refused_at_the_start() {
    let suite = suite_of(["ML-KEM-768", "FN-DSA-512", "AES-256-GCM", "HKDF-SHA256"]);
    let signing = suite.signature.generate(&mut rng(1)).unwrap();
    let refused = ServerKeys::generate(&suite, Some(&signing), &mut rng(2)).err();
    let nameless = KeyCodecError::NoIdentifier("FN-DSA-512".into());
    assert_eq!(refused, Some(KeysError::NoIdentifier(nameless)));

    // A server that does it all the same: nothing can be compared, and no pin is met.
    let kem = plain(&suite).kem.encapsulation_key();
    let greeting = Greeting::Signed {
        sign: signing.verifying_key(),
        signature: signing.sign(&mut rng(3), &[&kem]).unwrap(),
        kem,
    };
    let trusted = anybody().judge(&suite, &greeting).unwrap();
    assert_eq!(trusted.fingerprint, None);
    let warning = trusted.warning().unwrap();
    assert!(warning.contains("no fingerprint"), "{warning}");
    let pinned = pin(&signed(&crate::support::suite(), 5).fingerprint);
    let shown = "a key that has no fingerprint".into();
    let refused = pinned.judge(&suite, &greeting).err();
    assert_eq!(refused, Some(TrustError::NotPinned { shown }));
}

#[test]
fn a_provider_that_fails_is_told_as_one() {
    let failures = [
        KeysError::from(KemError::ProviderFailed),
        KeysError::from(SignatureError::ProviderFailed),
    ];
    for failure in failures {
        assert!(matches!(failure, KeysError::Crypto(_)));
    }
}
