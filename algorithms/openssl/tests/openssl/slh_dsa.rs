//! SLH-DSA, with the quick sets: agreement with RustCrypto, and what is refused.

use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError};

use crate::support::{Stuck, rng, signature, signature_of};

const REJECTED: Result<(), SignatureError> = Err(SignatureError::Rejected);

/// Runs `check` on two parameter sets with n = 16.
fn quick_sets(check: impl Fn(&dyn Signature)) {
    for id in ["SLH-DSA-SHA2-128f", "SLH-DSA-SHAKE-128f"] {
        check(&*signature(id));
    }
}

fn expanded(key: &dyn Sign) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

fn import(code: &dyn Signature, bytes: &[u8]) -> Result<Box<dyn Sign>, SignatureError> {
    code.import_signing_key(SecretForm::Expanded(bytes))
}

#[test]
fn the_same_key_and_random_bytes_give_what_rustcrypto_gives() {
    let id = "SLH-DSA-SHA2-128f";
    let (ours, theirs) = (signature(id), signature_of(pqfw_slh_dsa::plugin(), id));
    let bytes = expanded(&*ours.generate(&mut rng(1)).unwrap());
    let run = |code: &dyn Signature| {
        let key = import(code, &bytes).unwrap();
        let signature = key.sign(&mut rng(2), &[b"m"], b"context").unwrap();
        (key.verifying_key(), signature)
    };
    assert_eq!(run(&*ours), run(&*theirs));
}

#[test]
fn a_key_begins_with_its_seed() {
    quick_sets(|code| {
        let key = code.generate(&mut Stuck(7, 48)).unwrap();
        let bytes = expanded(&*key);
        assert_eq!(bytes[..48], [7; 48]);
        let seed = SecretForm::Seed(&[7; 48]);
        let again = code.import_signing_key(seed).unwrap();
        assert_eq!(expanded(&*again), bytes);
        let imported = import(code, &bytes).unwrap();
        for key in [key, again, imported] {
            assert_eq!(key.export(SecretKind::Seed).unwrap().expose(), [7; 48]);
            assert_eq!(key.verifying_key(), bytes[32..]);
        }
    });
}

#[test]
fn signing_is_hedged_with_the_callers_randomness() {
    quick_sets(|code| {
        let key = code.generate(&mut rng(1)).unwrap();
        let sign = |seed| key.sign(&mut rng(seed), &[b"m"], b"").unwrap();
        assert_eq!(sign(2), sign(2));
        assert_ne!(sign(2), sign(3));
    });
}

#[test]
fn message_parts_and_context_are_bound() {
    quick_sets(|code| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        assert_eq!(key.to_bytes(), signer.verifying_key());
        let signature = signer
            .sign(&mut rng(2), &[b"me", b"", b"ssage"], &[7; 255])
            .unwrap();
        assert_eq!(key.verify(&[b"message"], &[7; 255], &signature), Ok(()));
        assert_eq!(key.verify(&[b"messagE"], &[7; 255], &signature), REJECTED);
        assert_eq!(key.verify(&[b"message"], &[7; 254], &signature), REJECTED);
        let malformed = vec![0xff; signature.len()];
        let long = [&signature[..], b"!"].concat();
        for forged in [b"", &signature[1..], &malformed, &long] {
            assert_eq!(key.verify(&[b"message"], &[7; 255], forged), REJECTED);
        }
        let too_long = SignatureError::ContextTooLong(256);
        let refused = signer.sign(&mut rng(2), &[b"m"], &[7; 256]);
        assert_eq!(refused, Err(too_long.clone()));
        assert_eq!(key.verify(&[b"m"], &[7; 256], &signature), Err(too_long));
    });
}

#[test]
fn a_key_damaged_anywhere_but_in_sk_prf_is_refused() {
    let invalid = Some(SignatureError::SigningKeyInvalid);
    quick_sets(|code| {
        let good = expanded(&*code.generate(&mut rng(1)).unwrap());
        // SK.seed ‖ SK.prf ‖ PK.seed ‖ PK.root: FIPS 205 section 9.1.
        for position in [0, 15, 32, 47, 48, 63] {
            let mut damaged = good.clone();
            damaged[position] ^= 1;
            assert_eq!(import(code, &damaged).err(), invalid, "at {position}");
        }
        let mut other_prf = good.clone();
        other_prf[16] ^= 1;
        assert!(import(code, &other_prf).is_ok());
    });
}

#[test]
fn a_key_of_the_wrong_length_is_an_error_and_no_panic() {
    let invalid = Some(SignatureError::SigningKeyInvalid);
    quick_sets(|code| {
        for length in [0, 32, 47, 49] {
            let seed = vec![0; length];
            let refused = code.import_signing_key(SecretForm::Seed(&seed)).err();
            assert_eq!(refused, invalid);
        }
        for length in [0, 32, 63, 65] {
            assert_eq!(import(code, &vec![0; length]).err(), invalid);
        }
        for length in [0, 31, 33] {
            let refused = code.import_verifying_key(&vec![0; length]).err();
            assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
        }
    });
}
