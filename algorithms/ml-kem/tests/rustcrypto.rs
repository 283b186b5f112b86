//! The provider `rustcrypto` of ML-KEM, seen as the registry sees it.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::{KemSizes, Sizes};
use pqfw_framework::kem::{Decapsulate, Kem, KemError};
use pqfw_framework::provider::Randomness;
use pqfw_framework::registry::{Code, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};

/// Runs `check` on the code of every parameter set.
fn every_level(check: impl Fn(&dyn Kem, &KemSizes)) {
    let registry = Registry::builder()
        .with(pqfw_ml_kem::plugin())
        .build()
        .unwrap();
    let mut levels = 0;
    for entry in registry.entries() {
        let (Code::Kem(kem), Sizes::Kem(sizes)) = (entry.code(), entry.info().sizes) else {
            panic!("{} is no KEM", entry.full_name());
        };
        check(&**kem, &sizes);
        levels += 1;
    }
    assert_eq!(levels, 3);
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn expanded(key: &dyn Decapsulate) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

/// Sets the first coefficient of an encoded vector: 12 bits, little-endian (FIPS 203, Algorithm 5).
fn set_first_coefficient(bytes: &mut [u8], value: u16) {
    bytes[0] = value as u8;
    bytes[1] = bytes[1] & 0xf0 | (value >> 8) as u8;
}

#[test]
fn every_parameter_set_passes_the_admission_gate() {
    let registry = Registry::builder()
        .with(pqfw_ml_kem::plugin())
        .build()
        .unwrap();
    for entry in registry.entries() {
        assert_eq!(
            registry.admit(entry, &mut rng(1)),
            Ok(()),
            "{}",
            entry.full_name()
        );
        assert_eq!(entry.provider().randomness, Randomness::Injected);
    }
}

#[test]
fn a_key_read_in_expanded_form_has_no_seed() {
    every_level(|kem, _| {
        let generated = kem.generate(&mut rng(1)).unwrap();
        assert_eq!(generated.export(SecretKind::Seed).unwrap().len(), 64);
        let bytes = expanded(&*generated);
        let imported = kem
            .import_decapsulation_key(SecretForm::Expanded(&bytes))
            .unwrap();
        assert_eq!(
            imported.export(SecretKind::Seed).err(),
            Some(KemError::FormUnsupported(SecretKind::Seed))
        );
        assert_eq!(expanded(&*imported), bytes);
        assert_eq!(imported.encapsulation_key(), generated.encapsulation_key());
    });
}

#[test]
fn an_encapsulation_key_with_a_coefficient_of_q_or_more_is_refused() {
    every_level(|kem, _| {
        let mut key = kem.generate(&mut rng(1)).unwrap().encapsulation_key();
        set_first_coefficient(&mut key, 3328);
        assert_eq!(kem.import_encapsulation_key(&key).unwrap().to_bytes(), key);
        for too_much in [3329, 4095] {
            set_first_coefficient(&mut key, too_much);
            let refused = kem.import_encapsulation_key(&key).err();
            assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid));
        }
    });
}

#[test]
fn a_damaged_decapsulation_key_is_refused() {
    every_level(|kem, sizes| {
        let good = expanded(&*kem.generate(&mut rng(1)).unwrap());
        let ek = sizes.decapsulation_key - sizes.encapsulation_key - 64;
        let hash = sizes.decapsulation_key - 64;
        // The first and last byte of the encapsulation key within, and of its hash.
        for position in [ek, hash - 1, hash, hash + 31] {
            let mut damaged = good.clone();
            damaged[position] ^= 1;
            let refused = kem
                .import_decapsulation_key(SecretForm::Expanded(&damaged))
                .err();
            assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
        }
    });
}

#[test]
fn a_key_of_the_wrong_length_is_an_error_and_no_panic() {
    every_level(|kem, sizes| {
        for length in [0, 63, 65] {
            let refused = kem
                .import_decapsulation_key(SecretForm::Seed(&vec![0; length]))
                .err();
            assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
        }
        let short = vec![0; sizes.decapsulation_key - 1];
        let refused = kem
            .import_decapsulation_key(SecretForm::Expanded(&short))
            .err();
        assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
        let refused = kem
            .import_encapsulation_key(&vec![0; sizes.encapsulation_key + 1])
            .err();
        assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid));
        let key = kem.generate(&mut rng(1)).unwrap();
        let short = vec![0; sizes.ciphertext - 1];
        assert_eq!(
            key.decapsulate(&short, &mut [0; 32]),
            Err(KemError::CiphertextInvalid)
        );
    });
}

#[test]
fn every_random_byte_comes_from_the_caller() {
    every_level(|kem, sizes| {
        let run = |seed| {
            let mut rng = rng(seed);
            let dk = kem.generate(&mut rng).unwrap();
            let ek = kem
                .import_encapsulation_key(&dk.encapsulation_key())
                .unwrap();
            let (mut ciphertext, mut secret) = (vec![0; sizes.ciphertext], [0; 32]);
            ek.encapsulate(&mut rng, &mut ciphertext, &mut secret)
                .unwrap();
            (expanded(&*dk), ciphertext, secret)
        };
        assert_eq!(run(1), run(1));
        assert_ne!(run(1).0, run(2).0);
    });
}

#[test]
fn a_forged_ciphertext_gives_another_secret_and_no_error() {
    every_level(|kem, sizes| {
        let dk = kem.generate(&mut rng(1)).unwrap();
        let ek = kem
            .import_encapsulation_key(&dk.encapsulation_key())
            .unwrap();
        let (mut ciphertext, mut secret) = (vec![0; sizes.ciphertext], [0; 32]);
        ek.encapsulate(&mut rng(2), &mut ciphertext, &mut secret)
            .unwrap();
        ciphertext[0] ^= 1;
        let mut got = [0; 32];
        assert_eq!(dk.decapsulate(&ciphertext, &mut got), Ok(()));
        assert_ne!(got, secret);
    });
}
