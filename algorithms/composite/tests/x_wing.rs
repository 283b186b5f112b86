//! X-Wing as the registry sees it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should panic"
)]

use std::convert::Infallible;
use std::sync::Arc;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{SeedableRng, TryCryptoRng, TryRng};
use pqfw_framework::catalogue::Kat;
use pqfw_framework::kem::{Decapsulate, Kem, KemError};
use pqfw_framework::provider::Randomness;
use pqfw_framework::registry::{Code, Entry, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};
use proptest::prelude::*;

/// Bytes of ML-KEM-768's share of a public key and of a ciphertext.
const ML_KEM_PUBLIC: usize = 1184;
const ML_KEM_CIPHERTEXT: usize = 1088;

fn with_entry<T>(check: impl FnOnce(&Registry, &Entry) -> T) -> T {
    let builder = Registry::builder().with(pqfw_composite::plugin());
    let registry = builder.build().unwrap();
    let [entry] = registry.entries_of("X-Wing") else {
        panic!("one provider")
    };
    check(&registry, entry)
}

fn x_wing() -> Arc<dyn Kem> {
    with_entry(|_, entry| match entry.code() {
        Code::Kem(code) => code.clone(),
        _ => panic!("no KEM"),
    })
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn generated() -> Box<dyn Decapsulate> {
    x_wing().generate(&mut rng(1)).unwrap()
}

fn opened(key: &dyn Decapsulate, ciphertext: &[u8]) -> [u8; 32] {
    let mut secret = [0; 32];
    key.decapsulate(ciphertext, &mut secret).unwrap();
    secret
}

fn sealed(ek: &[u8], rng: &mut dyn chacha20::rand_core::CryptoRng) -> (Vec<u8>, [u8; 32]) {
    let key = x_wing().import_encapsulation_key(ek).unwrap();
    let (mut ciphertext, mut secret) = (vec![0; 1120], [0; 32]);
    key.encapsulate(rng, &mut ciphertext, &mut secret).unwrap();
    (ciphertext, secret)
}

/// Gives these bytes, and fails when they are used up.
struct Bytes(Vec<u8>);

impl TryRng for Bytes {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("nobody asks for words")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("nobody asks for words")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let given: Vec<_> = self.0.drain(..bytes.len()).collect();
        bytes.copy_from_slice(&given);
        Ok(())
    }
}

impl TryCryptoRng for Bytes {}

#[test]
fn it_passes_the_admission_gate() {
    with_entry(|registry, entry| {
        assert_eq!(registry.admit(entry, &mut rng(1)), Ok(()));
        assert_eq!(entry.provider().randomness, Randomness::Injected);
    });
}

#[test]
fn the_drafts_random_bytes_give_its_keys_ciphertexts_and_secrets() {
    with_entry(|_, entry| {
        let answers = Kat::parse(&entry.info().known_answers).unwrap();
        assert_eq!(answers.cases.len(), 3);
        for case in &answers.cases {
            let value = |name| case.value(name).unwrap();
            let mut seed = Bytes(value("seed").to_vec());
            let key = x_wing().generate(&mut seed).unwrap();
            assert_eq!(key.encapsulation_key(), value("ek"));
            let mut random = Bytes(value("eseed").to_vec());
            let (ciphertext, secret) = sealed(value("ek"), &mut random);
            assert!(seed.0.is_empty() && random.0.is_empty());
            assert_eq!(ciphertext, value("ct"));
            assert_eq!(secret, value("ss"));
            assert_eq!(opened(&*key, &ciphertext), secret);
        }
    });
}

#[test]
fn seed_and_expanded_form_are_the_same_bytes() {
    let key = generated();
    let [seed, expanded] =
        [SecretKind::Seed, SecretKind::Expanded].map(|kind| key.export(kind).unwrap());
    assert_eq!(seed.expose(), expanded.expose());
    for form in [
        SecretForm::Seed(seed.expose()),
        SecretForm::Expanded(seed.expose()),
    ] {
        let again = x_wing().import_decapsulation_key(form).unwrap();
        assert_eq!(again.encapsulation_key(), key.encapsulation_key());
    }
}

#[test]
fn a_private_key_of_another_length_is_refused() {
    for length in [0, 31, 33, 96, 2400] {
        let bytes = vec![7; length];
        for form in [SecretForm::Seed(&bytes), SecretForm::Expanded(&bytes)] {
            let imported = x_wing().import_decapsulation_key(form);
            assert_eq!(imported.err(), Some(KemError::DecapsulationKeyInvalid));
        }
    }
}

#[test]
fn a_public_key_outside_the_modulus_or_of_another_length_is_refused() {
    let good = generated().encapsulation_key();
    assert!(x_wing().import_encapsulation_key(&good).is_ok());
    let invalid = Some(KemError::EncapsulationKeyInvalid);
    // Twelve ones are 4095, which is no integer modulo 3329 (FIPS 203 section 7.2).
    let mut large = good.clone();
    large[..2].fill(0xff);
    assert_eq!(
        x_wing().import_encapsulation_key(&large).err(),
        invalid.clone()
    );
    for length in [0, ML_KEM_PUBLIC, good.len() - 1] {
        let short = x_wing().import_encapsulation_key(&good[..length]);
        assert_eq!(short.err(), invalid.clone());
    }
}

#[test]
fn damage_to_either_half_of_a_ciphertext_gives_another_secret_and_no_error() {
    let key = generated();
    let (ciphertext, secret) = sealed(&key.encapsulation_key(), &mut rng(2));
    assert_eq!(opened(&*key, &ciphertext), secret);
    for position in [0, ML_KEM_CIPHERTEXT - 1, ML_KEM_CIPHERTEXT, 1119] {
        let mut damaged = ciphertext.clone();
        damaged[position] ^= 1;
        let other = opened(&*key, &damaged);
        assert_ne!(other, secret, "at {position}");
        assert_eq!(opened(&*key, &damaged), other, "at {position}");
    }
}

#[test]
fn the_public_key_of_x25519_is_hashed_into_the_secret() {
    // The highest bit is ignored by X25519 (RFC 7748 section 5), so both keys have the same
    // secrets underneath, and the same ciphertext comes out.
    let key = generated();
    let (ek, mut other) = (key.encapsulation_key(), key.encapsulation_key());
    other[1215] ^= 0x80;
    let (ciphertext, secret) = sealed(&ek, &mut rng(2));
    let (same, different) = sealed(&other, &mut rng(2));
    assert_eq!(ciphertext, same);
    assert_ne!(secret, different);
}

#[test]
fn a_point_of_small_order_is_not_refused_as_the_draft_has_it() {
    let key = generated();
    let (ciphertext, secret) = sealed(&key.encapsulation_key(), &mut rng(2));
    let mut zero = ciphertext.clone();
    zero[ML_KEM_CIPHERTEXT..].fill(0);
    assert_ne!(opened(&*key, &zero), secret);
    let mut ek = key.encapsulation_key();
    ek[ML_KEM_PUBLIC..].fill(0);
    let (_, secret) = sealed(&ek, &mut rng(2));
    assert_ne!(secret, [0; 32]);
}

#[test]
fn buffers_of_another_length_are_an_error_and_no_panic() {
    let key = generated();
    let (ciphertext, _) = sealed(&key.encapsulation_key(), &mut rng(2));
    for length in [0, ML_KEM_CIPHERTEXT, 1119] {
        let outcome = key.decapsulate(&ciphertext[..length], &mut [0; 32]);
        assert_eq!(outcome, Err(KemError::CiphertextInvalid));
    }
    let outcome = key.decapsulate(&ciphertext, &mut [0; 31]);
    assert_eq!(outcome, Err(KemError::ProviderFailed));
    let public = x_wing()
        .import_encapsulation_key(&key.encapsulation_key())
        .unwrap();
    for (ct, ss) in [(1119, 32), (1121, 32), (1120, 33)] {
        let outcome = public.encapsulate(&mut rng(2), &mut vec![0; ct], &mut vec![0; ss]);
        assert_eq!(outcome, Err(KemError::ProviderFailed));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn what_is_sealed_is_opened(seed: [u8; 32], random: u64) {
        let key = x_wing().import_decapsulation_key(SecretForm::Seed(&seed)).unwrap();
        let (ciphertext, secret) = sealed(&key.encapsulation_key(), &mut rng(random));
        prop_assert_eq!(opened(&*key, &ciphertext), secret);
    }
}
