//! Ed25519: the answers of RFC 8032, and what is refused.

use pqfw_framework::catalogue::Kat;
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::SignatureError;

use crate::support::{registry, rng, signature, signature_of};

const ID: &str = "Ed25519";
const REJECTED: Result<(), SignatureError> = Err(SignatureError::Rejected);

fn kat() -> Kat {
    let registry = registry(pqfw_openssl::plugin());
    Kat::parse(&registry.find(ID).unwrap().known_answers).unwrap()
}

#[test]
fn the_seeds_of_rfc_8032_give_its_signatures_in_either_form() {
    for case in kat().cases {
        let value = |name| case.value(name).unwrap();
        let seed = value("seed");
        for form in [SecretForm::Seed(seed), SecretForm::Expanded(seed)] {
            let key = signature(ID).import_signing_key(form).unwrap();
            let signature = key.sign(&mut rng(1), &[value("message")], b"").unwrap();
            assert_eq!(signature, value("signature"));
            for kind in [SecretKind::Seed, SecretKind::Expanded] {
                assert_eq!(key.export(kind).unwrap().expose(), seed);
            }
        }
    }
}

#[test]
fn another_message_or_signature_is_rejected_and_a_context_unsupported() {
    let signer = signature(ID).generate(&mut rng(1)).unwrap();
    let key = signature(ID).import_verifying_key(&signer.verifying_key());
    let key = key.unwrap();
    assert_eq!(key.to_bytes(), signer.verifying_key());
    let mut signature = signer
        .sign(&mut rng(2), &[b"me", b"", b"ssage"], b"")
        .unwrap();
    assert_eq!(key.verify(&[b"message"], b"", &signature), Ok(()));
    assert_eq!(key.verify(&[b"messagE"], b"", &signature), REJECTED);
    assert_eq!(key.verify(&[b"message"], b"", &signature[1..]), REJECTED);
    assert_eq!(key.verify(&[b"message"], b"", b""), REJECTED);
    signature[40] ^= 1;
    assert_eq!(key.verify(&[b"message"], b"", &signature), REJECTED);
    let unsupported = SignatureError::ContextUnsupported;
    let refused = signer.sign(&mut rng(2), &[b"m"], b"c");
    assert_eq!(refused, Err(unsupported.clone()));
    assert_eq!(key.verify(&[b"m"], b"c", &signature), Err(unsupported));
}

#[test]
fn it_and_dalek_refuse_the_same_small_points() {
    let dalek = signature_of(pqfw_classical::plugin(), ID);
    // The y of every point of small order, in every encoding.
    let mut points = vec![[0; 32], [0; 32], [0xff; 32], [0xff; 32], [0xff; 32]];
    points[1][0] = 1;
    for (point, low) in points[2..].iter_mut().zip([0xec, 0xed, 0xee]) {
        (point[0], point[31]) = (low, 0x7f);
    }
    points.push(
        *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\
           \xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    );
    points.push(
        *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\
           \x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
    );
    for sign in [0, 0x80] {
        for mut point in points.clone() {
            point[31] |= sign;
            let invalid = Some(SignatureError::VerifyingKeyInvalid);
            assert_eq!(signature(ID).import_verifying_key(&point).err(), invalid);
            assert_eq!(dalek.import_verifying_key(&point).err(), invalid);
        }
    }
    for seed in 1..4 {
        let point = dalek.generate(&mut rng(seed)).unwrap().verifying_key();
        assert!(signature(ID).import_verifying_key(&point).is_ok());
    }
}

#[test]
fn a_signature_with_r_of_small_order_is_rejected() {
    // By the key of RFC 8032, section 7.1, test 1, over `small order R`: R is the neutral point,
    // and S = k·a fits it. Made with Python from the formulas of section 5.1.6.
    let mut forged = [0; 64];
    forged[0] = 1;
    forged[32..].copy_from_slice(
        b"\xf0\xa6\x9d\xde\xbb\x80\x2c\x89\xe4\x05\x56\x1d\x33\x15\xc1\x91\
          \xf2\xa6\xa9\x84\xf8\xb7\x99\x9f\x1f\x27\x1e\x28\xc0\xa9\x85\x0d",
    );
    let kat = kat();
    let vk = kat.cases[0].value("vk").unwrap();
    let message = b"small order R";
    // RFC 8032's equation holds, so it is our check that refuses.
    let lax = openssl::pkey::Id::ED25519;
    let lax = openssl::pkey::PKey::public_key_from_raw_bytes(vk, lax).unwrap();
    let mut verifier = openssl::sign::Verifier::new_without_digest(&lax).unwrap();
    assert!(verifier.verify_oneshot(&forged, message).unwrap());
    let key = signature(ID).import_verifying_key(vk).unwrap();
    assert_eq!(key.verify(&[message], b"", &forged), REJECTED);
}

#[test]
fn a_public_key_off_the_curve_verifies_nothing() {
    // There is no point with y = 2. OpenSSL finds out when it verifies.
    let mut off_the_curve = [0; 32];
    off_the_curve[0] = 2;
    let key = signature(ID).import_verifying_key(&off_the_curve).unwrap();
    let signer = signature(ID).generate(&mut rng(1)).unwrap();
    let signature = signer.sign(&mut rng(2), &[b"m"], b"").unwrap();
    assert_eq!(key.verify(&[b"m"], b"", &signature), REJECTED);
}

#[test]
fn a_key_of_the_wrong_length_is_refused() {
    for length in [0, 31, 33, 64] {
        let bytes = vec![1; length];
        for form in [SecretForm::Seed(&bytes), SecretForm::Expanded(&bytes)] {
            let refused = signature(ID).import_signing_key(form).err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
        }
        let refused = signature(ID).import_verifying_key(&bytes).err();
        assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
    }
}
