//! Kyber over the provider `rustcrypto` of ML-KEM, seen as the registry sees it.
//!
//! The known answers of the gate, made by liboqs, hold both an accepted and a rejected ciphertext.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::{KemSizes, Sizes};
use pqfw_framework::kem::{Kem, KemError};
use pqfw_framework::provider::{ConstantTime, ProviderInfo, Randomness};
use pqfw_framework::registry::{Code, Plugin, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};

const LEVELS: [u16; 3] = [512, 768, 1024];

fn registry() -> Registry {
    let builder = Registry::builder().with(pqfw_kyber::plugin());
    builder.with(pqfw_ml_kem::plugin()).build().unwrap()
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Runs `check` on Kyber and ML-KEM of every level.
fn every_level(check: impl Fn(&dyn Kem, &dyn Kem, &KemSizes)) {
    let registry = registry();
    for level in LEVELS {
        let entry = |family| &registry.entries_of(&format!("{family}-{level}"))[0];
        let (kyber, ml_kem) = (entry("Kyber"), entry("ML-KEM"));
        let (Code::Kem(kyber), Code::Kem(ml_kem), Sizes::Kem(sizes)) =
            (kyber.code(), ml_kem.code(), kyber.info().sizes)
        else {
            panic!("no KEM")
        };
        check(&**kyber, &**ml_kem, &sizes);
    }
}

#[test]
fn every_level_passes_the_admission_gate() {
    let registry = registry();
    for level in LEVELS {
        let [entry] = registry.entries_of(&format!("Kyber-{level}")) else {
            panic!("one provider of ML-KEM makes one of Kyber")
        };
        assert_eq!(
            registry.admit(entry, &mut rng(1)),
            Ok(()),
            "{}",
            entry.full_name()
        );
    }
}

#[test]
fn the_provider_is_that_of_the_base_and_the_version_names_both() {
    let registry = registry();
    let provider = registry.entries_of("Kyber-768")[0].provider();
    assert_eq!(provider.name, "rustcrypto");
    let version = concat!("ml-kem 0.3.4 + pqfw-kyber ", env!("CARGO_PKG_VERSION"));
    assert_eq!(provider.version, version);
    assert_eq!(provider.randomness, Randomness::Injected);
    assert_eq!(provider.constant_time, ConstantTime::Claimed);
    assert!(provider.constant_time_source.contains("pqfw-kyber"));
}

#[test]
fn a_validation_of_the_base_is_not_inherited() {
    let validated = ProviderInfo::new("module", "1")
        .own_randomness()
        .validated();
    let registry = registry();
    let Code::Kem(ml_kem) = registry.entries_of("ML-KEM-768")[0].code() else {
        panic!("no KEM")
    };
    let module = Plugin::new("module").offer("ML-KEM-768", validated, Code::Kem(ml_kem.clone()));
    let builder = Registry::builder().with(pqfw_kyber::plugin()).with(module);
    let registry = builder.build().unwrap();
    let provider = registry.entries_of("Kyber-768")[0].provider();
    assert!(!provider.validated);
    assert_eq!(provider.randomness, Randomness::Provider);
}

#[test]
fn a_seed_is_refused_and_not_read_as_another_key() {
    every_level(|kyber, _, _| {
        let unsupported = Some(KemError::FormUnsupported(SecretKind::Seed));
        let refused = kyber
            .import_decapsulation_key(SecretForm::Seed(&[0; 64]))
            .err();
        assert_eq!(refused, unsupported);
        // ML-KEM beneath generated from a seed and could export it.
        let generated = kyber.generate(&mut rng(1)).unwrap();
        assert_eq!(generated.export(SecretKind::Seed).err(), unsupported);
    });
}

#[test]
fn keys_and_ciphertexts_are_those_of_ml_kem_and_secrets_are_not() {
    every_level(|kyber, ml_kem, sizes| {
        let kyber_key = kyber.generate(&mut rng(1)).unwrap();
        let expanded = kyber_key.export(SecretKind::Expanded).unwrap();
        let form = SecretForm::Expanded(expanded.expose());
        let ml_kem_key = ml_kem.import_decapsulation_key(form).unwrap();
        let ek = kyber
            .import_encapsulation_key(&kyber_key.encapsulation_key())
            .unwrap();
        let (mut ciphertext, mut sent) = (vec![0; sizes.ciphertext], [0; 32]);
        ek.encapsulate(&mut rng(2), &mut ciphertext, &mut sent)
            .unwrap();
        for forge in [false, true] {
            ciphertext[0] ^= u8::from(forge);
            let [mut kyber_secret, mut ml_kem_secret] = [[0; 32]; 2];
            kyber_key
                .decapsulate(&ciphertext, &mut kyber_secret)
                .unwrap();
            ml_kem_key
                .decapsulate(&ciphertext, &mut ml_kem_secret)
                .unwrap();
            assert_eq!(kyber_secret == sent, !forge);
            assert_ne!(kyber_secret, ml_kem_secret);
        }
    });
}

#[test]
fn a_damaged_key_is_refused() {
    every_level(|kyber, _, sizes| {
        let key = kyber.generate(&mut rng(1)).unwrap();
        let mut damaged = key.export(SecretKind::Expanded).unwrap().expose().to_vec();
        damaged[sizes.decapsulation_key - 64] ^= 1;
        let refused = kyber
            .import_decapsulation_key(SecretForm::Expanded(&damaged))
            .err();
        assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
        let unreduced = vec![0xff; sizes.encapsulation_key];
        let refused = kyber.import_encapsulation_key(&unreduced).err();
        assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid));
    });
}
