//! ML-DSA and Ed25519 of AWS-LC: what they refuse.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use std::sync::Arc;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::Kat;
use pqfw_framework::registry::{Code, Plugin, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError};

fn registry(plugin: Plugin) -> Registry {
    Registry::builder().with(plugin).build().unwrap()
}

fn code_of(plugin: Plugin, id: &str) -> Arc<dyn Signature> {
    match registry(plugin).entries_of(id)[0].code() {
        Code::Signature(code) => code.clone(),
        _ => panic!("{id} is no signature"),
    }
}

fn code(id: &str) -> Arc<dyn Signature> {
    code_of(pqfw_aws_lc::plugin(), id)
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn expanded(key: &dyn Sign) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

/// Runs `check` on ML-DSA of every level.
fn every_level(check: impl Fn(&dyn Signature)) {
    for level in [44, 65, 87] {
        check(&*code(&format!("ML-DSA-{level}")));
    }
}

#[test]
fn ml_dsa_makes_keys_of_the_callers_seed_and_keeps_it() {
    every_level(|code| {
        let key = code.generate(&mut rng(1)).unwrap();
        let seed = key.export(SecretKind::Seed).unwrap();
        let again = code
            .import_signing_key(SecretForm::Seed(seed.expose()))
            .unwrap();
        assert_eq!(again.verifying_key(), key.verifying_key());
        assert_eq!(expanded(&*again), expanded(&*key));
        let bytes = expanded(&*key);
        let imported = code
            .import_signing_key(SecretForm::Expanded(&bytes))
            .unwrap();
        assert_eq!(imported.verifying_key(), key.verifying_key());
        let unsupported = SignatureError::FormUnsupported(SecretKind::Seed);
        assert_eq!(imported.export(SecretKind::Seed).err(), Some(unsupported));
    });
}

#[test]
fn a_damaged_key_of_ml_dsa_is_refused_and_no_bytes_make_it_panic() {
    every_level(|code| {
        let good = expanded(&*code.generate(&mut rng(1)).unwrap());
        // rho, tr, s1, and the last byte, which is t0's; K may be any 32 bytes.
        for position in [0, 64, 128, good.len() - 1] {
            let mut damaged = good.clone();
            damaged[position] ^= 1;
            let refused = code
                .import_signing_key(SecretForm::Expanded(&damaged))
                .err();
            assert_eq!(
                refused,
                Some(SignatureError::SigningKeyInvalid),
                "at {position}"
            );
        }
        for bytes in [
            vec![0xff; good.len()],
            vec![0; good.len()],
            vec![0; good.len() - 1],
        ] {
            let refused = code.import_signing_key(SecretForm::Expanded(&bytes)).err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
        }
        let refused = code.import_signing_key(SecretForm::Seed(&[0; 31])).err();
        assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
        let refused = code.import_verifying_key(&[0; 1311]).err();
        assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
    });
}

#[test]
fn another_message_or_signature_is_rejected_and_a_context_unsupported() {
    for id in ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87", "Ed25519"] {
        let signer = code(id).generate(&mut rng(1)).unwrap();
        let key = code(id)
            .import_verifying_key(&signer.verifying_key())
            .unwrap();
        let mut signature = signer
            .sign(&mut rng(2), &[b"me", b"", b"ssage"], b"")
            .unwrap();
        assert_eq!(key.verify(&[b"message"], b"", &signature), Ok(()));
        let rejected = Err(SignatureError::Rejected);
        assert_eq!(key.verify(&[b"messagE"], b"", &signature), rejected);
        assert_eq!(key.verify(&[b"message"], b"", &signature[1..]), rejected);
        assert_eq!(key.verify(&[b"message"], b"", b""), rejected);
        signature[40] ^= 1;
        assert_eq!(key.verify(&[b"message"], b"", &signature), rejected);
        let unsupported = SignatureError::ContextUnsupported;
        assert_eq!(
            signer.sign(&mut rng(2), &[b"m"], b"c"),
            Err(unsupported.clone())
        );
        assert_eq!(key.verify(&[b"m"], b"c", &signature), Err(unsupported));
    }
}

#[test]
fn the_seeds_of_rfc_8032_give_its_signatures_in_either_form() {
    let registry = registry(pqfw_aws_lc::plugin());
    let kat = Kat::parse(&registry.find("Ed25519").unwrap().known_answers).unwrap();
    for case in kat.cases {
        let value = |name| case.value(name).unwrap();
        let seed = value("seed");
        for form in [SecretForm::Seed(seed), SecretForm::Expanded(seed)] {
            let key = code("Ed25519").import_signing_key(form).unwrap();
            let signature = key.sign(&mut rng(1), &[value("message")], b"").unwrap();
            assert_eq!(signature, value("signature"));
            for kind in [SecretKind::Seed, SecretKind::Expanded] {
                assert_eq!(key.export(kind).unwrap().expose(), seed);
            }
        }
    }
}

#[test]
fn ed25519_and_dalek_refuse_the_same_small_points() {
    let dalek = code_of(pqfw_classical::plugin(), "Ed25519");
    // The y of every point of small order, in every encoding; then three that are not.
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
            assert_eq!(code("Ed25519").import_verifying_key(&point).err(), invalid);
            assert_eq!(dalek.import_verifying_key(&point).err(), invalid);
        }
    }
    for seed in 1..4 {
        let point = dalek.generate(&mut rng(seed)).unwrap().verifying_key();
        assert!(code("Ed25519").import_verifying_key(&point).is_ok());
    }
}

#[test]
fn a_signature_of_ed25519_with_r_of_small_order_is_rejected() {
    // By the key of RFC 8032, section 7.1, test 1, over `small order R`: R is the neutral point,
    // and S = k·a fits it. Made with Python from the formulas of section 5.1.6.
    let mut signature = [0; 64];
    signature[0] = 1;
    signature[32..].copy_from_slice(
        b"\xf0\xa6\x9d\xde\xbb\x80\x2c\x89\xe4\x05\x56\x1d\x33\x15\xc1\x91\
          \xf2\xa6\xa9\x84\xf8\xb7\x99\x9f\x1f\x27\x1e\x28\xc0\xa9\x85\x0d",
    );
    let registry = registry(pqfw_aws_lc::plugin());
    let kat = Kat::parse(&registry.find("Ed25519").unwrap().known_answers).unwrap();
    let vk = kat.cases[0].value("vk").unwrap();
    let message = b"small order R";
    // RFC 8032's equation holds, so it is our check that refuses.
    let lax = aws_lc_rs::signature::UnparsedPublicKey::new(&aws_lc_rs::signature::ED25519, vk);
    assert!(lax.verify(message, &signature).is_ok());
    let key = code("Ed25519").import_verifying_key(vk).unwrap();
    assert_eq!(
        key.verify(&[message], b"", &signature),
        Err(SignatureError::Rejected)
    );
}

#[test]
fn a_public_key_of_ed25519_off_the_curve_verifies_nothing() {
    // There is no point with y = 2. AWS-LC finds out when it verifies.
    let mut off_the_curve = [0; 32];
    off_the_curve[0] = 2;
    let key = code("Ed25519")
        .import_verifying_key(&off_the_curve)
        .unwrap();
    let signer = code("Ed25519").generate(&mut rng(1)).unwrap();
    let signature = signer.sign(&mut rng(2), &[b"m"], b"").unwrap();
    assert_eq!(
        key.verify(&[b"m"], b"", &signature),
        Err(SignatureError::Rejected)
    );
}

#[test]
fn a_key_of_ed25519_of_the_wrong_length_is_refused() {
    for form in [SecretForm::Seed(&[1; 31]), SecretForm::Expanded(&[1; 64])] {
        let refused = code("Ed25519").import_signing_key(form).err();
        assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
    }
    for length in [31, 33, 44] {
        let refused = code("Ed25519").import_verifying_key(&vec![1; length]).err();
        assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
    }
}
