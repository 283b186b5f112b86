//! Dilithium2 over ML-DSA-44, seen as the registry sees it, and beside ML-DSA-44 itself.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should panic"
)]

use std::sync::Arc;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng};
use ml_dsa::common::KeyInit as _;
use ml_dsa::{ExpandedSigningKey, MlDsa44, VerifyingKey};
use pqfw_framework::catalogue::Kat;
use pqfw_framework::provider::Randomness;
use pqfw_framework::registry::{Code, Entry, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError};
use proptest::prelude::*;

/// Keys and signatures of dilithium-py: ORIGIN.md beside the file.
const VECTORS: &str = include_str!("../../../tests/vectors/dilithium/dilithium2.kat");

/// Where the parts of a private key begin (specification, section 5.4).
const TR: usize = 32 + 32;
const S1: usize = TR + 32;
const T0: usize = S1 + 768;
const LENGTH: usize = T0 + 1664;

fn with_entry<T>(check: impl FnOnce(&Registry, &Entry) -> T) -> T {
    let builder = Registry::builder().with(pqfw_dilithium::plugin());
    let registry = builder.build().unwrap();
    let entries: Vec<_> = registry.entries().collect();
    let [entry] = entries[..] else {
        panic!("one provider of one algorithm")
    };
    assert_eq!(entry.full_name(), "Dilithium2@rustcrypto");
    check(&registry, entry)
}

fn dilithium2() -> Arc<dyn Signature> {
    with_entry(|_, entry| match entry.code() {
        Code::Signature(code) => code.clone(),
        _ => panic!("no signature"),
    })
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn generated() -> Box<dyn Sign> {
    dilithium2().generate(&mut rng(1)).unwrap()
}

fn expanded(key: &dyn Sign) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

fn import(bytes: &[u8]) -> Result<Box<dyn Sign>, SignatureError> {
    dilithium2().import_signing_key(SecretForm::Expanded(bytes))
}

fn refused(bytes: &[u8]) -> bool {
    import(bytes).err() == Some(SignatureError::SigningKeyInvalid)
}

#[test]
fn it_passes_the_admission_gate() {
    with_entry(|registry, entry| {
        assert_eq!(registry.admit(entry, &mut rng(1)), Ok(()));
        assert_eq!(entry.provider().randomness, Randomness::Injected);
        assert!(!entry.provider().native_context);
    });
}

#[test]
fn keys_and_signatures_of_dilithium_py_are_good_here_and_its_keys_sign_here() {
    let vectors = Kat::parse(VECTORS).unwrap();
    assert_eq!(vectors.cases.len(), 3);
    for case in &vectors.cases {
        let value = |name| case.value(name).unwrap();
        let key = dilithium2().import_verifying_key(value("vk")).unwrap();
        let message = value("message");
        assert_eq!(key.verify(&[message], b"", value("signature")), Ok(()));
        let signer = import(value("sk")).unwrap();
        assert_eq!(signer.verifying_key(), value("vk"));
        assert_eq!(expanded(&*signer), value("sk"));
        let signature = signer.sign(&mut rng(2), &[message], b"").unwrap();
        assert_eq!(signature.len(), value("signature").len());
        assert_eq!(key.verify(&[message], b"", &signature), Ok(()));
    }
}

#[test]
fn a_generated_key_survives_export_and_has_no_seed() {
    let key = generated();
    let bytes = expanded(&*key);
    assert_eq!(bytes.len(), LENGTH);
    let again = import(&bytes).unwrap();
    assert_eq!(again.verifying_key(), key.verifying_key());
    assert_eq!(expanded(&*again), bytes);
    let unsupported = SignatureError::FormUnsupported(SecretKind::Seed);
    assert_eq!(
        key.export(SecretKind::Seed).err(),
        Some(unsupported.clone())
    );
    let seed = dilithium2().import_signing_key(SecretForm::Seed(&[0; 32]));
    assert_eq!(seed.err(), Some(unsupported));
}

#[test]
fn signing_is_randomised_by_the_caller() {
    let key = generated();
    let sign = |seed| key.sign(&mut rng(seed), &[b"m"], b"").unwrap();
    assert_eq!(sign(2), sign(2));
    assert_ne!(sign(2), sign(3));
}

#[test]
fn the_parts_of_a_message_are_signed_as_one() {
    let signer = generated();
    let key = dilithium2()
        .import_verifying_key(&signer.verifying_key())
        .unwrap();
    let parts: [&[u8]; 3] = [b"me", b"", b"ssage"];
    let signature = signer.sign(&mut rng(2), &parts, b"").unwrap();
    assert_eq!(key.verify(&[b"message"], b"", &signature), Ok(()));
    let rejected = Err(SignatureError::Rejected);
    assert_eq!(key.verify(&[b"messagE"], b"", &signature), rejected);
    assert_eq!(key.verify(&[], b"", &signature), rejected);
}

#[test]
fn there_is_no_context() {
    let signer = generated();
    let key = dilithium2()
        .import_verifying_key(&signer.verifying_key())
        .unwrap();
    let signature = signer.sign(&mut rng(2), &[b"m"], b"").unwrap();
    let unsupported = SignatureError::ContextUnsupported;
    assert_eq!(
        key.verify(&[b"m"], b"c", &signature),
        Err(unsupported.clone())
    );
    assert_eq!(signer.sign(&mut rng(2), &[b"m"], b"c"), Err(unsupported));
}

#[test]
fn neither_dilithium2_nor_ml_dsa_44_verifies_the_other_under_one_public_key() {
    let theirs = ExpandedSigningKey::<MlDsa44>::from_seed(&[7; 32].into());
    let public = theirs.verifying_key().encode();
    // `generate` draws the seed that ML-DSA-44 was given: one key pair for both.
    struct Sevens;
    impl chacha20::rand_core::TryRng for Sevens {
        type Error = std::convert::Infallible;
        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(0x0707_0707)
        }
        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(0x0707_0707_0707_0707)
        }
        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            bytes.fill(7);
            Ok(())
        }
    }
    impl chacha20::rand_core::TryCryptoRng for Sevens {}
    let ours = dilithium2().generate(&mut Sevens).unwrap();
    assert_eq!(ours.verifying_key(), public.to_vec());

    let signature = theirs.sign_deterministic(b"m", b"").unwrap().encode();
    let key = dilithium2().import_verifying_key(&public).unwrap();
    let outcome = key.verify(&[b"m"], b"", &signature);
    assert_eq!(outcome, Err(SignatureError::Rejected));

    let signature = ours.sign(&mut rng(2), &[b"m"], b"").unwrap();
    let signature = ml_dsa::Signature::<MlDsa44>::try_from(&signature[..]).unwrap();
    let key = VerifyingKey::<MlDsa44>::new_from_slice(&public).unwrap();
    assert!(!key.verify_with_context(b"m", b"", &signature));
}

#[test]
fn a_forged_or_malformed_signature_is_rejected() {
    let signer = generated();
    let key = dilithium2()
        .import_verifying_key(&signer.verifying_key())
        .unwrap();
    let signature = signer.sign(&mut rng(2), &[b"m"], b"").unwrap();
    let rejected = Err(SignatureError::Rejected);
    for position in (0..signature.len()).step_by(121) {
        let mut forged = signature.clone();
        forged[position] ^= 1;
        assert_eq!(key.verify(&[b"m"], b"", &forged), rejected, "at {position}");
    }
    for length in [0, 1, signature.len() - 1] {
        assert_eq!(key.verify(&[b"m"], b"", &signature[..length]), rejected);
    }
    let longer = [&signature[..], &[0]].concat();
    assert_eq!(key.verify(&[b"m"], b"", &longer), rejected);
    let ones = vec![0xff; signature.len()];
    assert_eq!(key.verify(&[b"m"], b"", &ones), rejected);
}

#[test]
fn a_key_of_the_wrong_length_is_an_error_and_no_panic() {
    // 2560 bytes are a private key of ML-DSA-44.
    for length in [0, TR, S1, LENGTH - 1, LENGTH + 1, 2560] {
        assert!(refused(&vec![0; length]), "{length}");
    }
    let imported = dilithium2().import_verifying_key(&[0; 1311]);
    assert_eq!(imported.err(), Some(SignatureError::VerifyingKeyInvalid));
}

#[test]
fn a_key_with_a_secret_coefficient_out_of_range_is_refused() {
    let good = expanded(&*generated());
    for position in S1..T0 {
        let mut malformed = good.clone();
        malformed[position] = 0xff;
        assert!(refused(&malformed), "at {position}");
    }
}

#[test]
fn a_key_damaged_in_rho_or_tr_or_s1_is_refused() {
    let good = expanded(&*generated());
    for position in [0, 31, TR, S1 - 1, S1, S1 + 383] {
        let mut damaged = good.clone();
        damaged[position] ^= 1;
        assert!(refused(&damaged), "at {position}");
    }
}

#[test]
fn damage_to_t0_is_not_seen_until_a_signature_fails() {
    let signer = generated();
    let key = dilithium2()
        .import_verifying_key(&signer.verifying_key())
        .unwrap();
    let mut damaged = expanded(&*signer);
    rng(2).fill_bytes(&mut damaged[T0..]);
    let signature = import(&damaged)
        .unwrap()
        .sign(&mut rng(3), &[b"m"], b"")
        .unwrap();
    let outcome = key.verify(&[b"m"], b"", &signature);
    assert_eq!(outcome, Err(SignatureError::Rejected));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_of_the_right_length_make_an_import_panic(
        from in 0..S1 + 300, bytes in prop::collection::vec(any::<u8>(), LENGTH)
    ) {
        let mut key = expanded(&*generated());
        key[from..].copy_from_slice(&bytes[from..]);
        prop_assert!(refused(&key));
        prop_assert!(refused(&bytes));
    }
}
