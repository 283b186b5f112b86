//! ML-KEM and X25519 of AWS-LC: what they refuse.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use std::sync::Arc;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::kem::{Decapsulate, Kem, KemError};
use pqfw_framework::registry::{Code, Plugin, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};

fn code_of(plugin: Plugin, id: &str) -> Arc<dyn Kem> {
    let registry = Registry::builder().with(plugin).build().unwrap();
    match registry.entries_of(id)[0].code() {
        Code::Kem(kem) => kem.clone(),
        _ => panic!("{id} is no KEM"),
    }
}

fn code(id: &str) -> Arc<dyn Kem> {
    code_of(pqfw_aws_lc::plugin(), id)
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn expanded(key: &dyn Decapsulate) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

/// Runs `check` on ML-KEM of every level, with its k.
fn every_level(check: impl Fn(&dyn Kem, usize)) {
    for (level, k) in [(512, 2), (768, 3), (1024, 4)] {
        check(&*code(&format!("ML-KEM-{level}")), k);
    }
}

/// Sets a coefficient of an encoded vector: 12 bits, little-endian (FIPS 203, Algorithm 5).
fn set_coefficient(bytes: &mut [u8], index: usize, value: u16) {
    for bit in 0..12 {
        let at = 12 * index + bit;
        let (byte, mask) = (&mut bytes[at / 8], 1 << (at % 8));
        *byte = *byte & !mask | if value >> bit & 1 == 1 { mask } else { 0 };
    }
}

#[test]
fn ml_kem_has_no_seed_form() {
    every_level(|kem, _| {
        let unsupported = Some(KemError::FormUnsupported(SecretKind::Seed));
        assert_eq!(
            kem.import_decapsulation_key(SecretForm::Seed(&[0; 64]))
                .err(),
            unsupported
        );
        let key = kem.generate(&mut rng(1)).unwrap();
        assert_eq!(key.export(SecretKind::Seed).err(), unsupported);
    });
}

#[test]
fn an_imported_key_of_ml_kem_gives_its_public_key() {
    every_level(|kem, _| {
        let generated = kem.generate(&mut rng(1)).unwrap();
        let bytes = expanded(&*generated);
        let imported = kem
            .import_decapsulation_key(SecretForm::Expanded(&bytes))
            .unwrap();
        assert_eq!(imported.encapsulation_key(), generated.encapsulation_key());
        assert_eq!(expanded(&*imported), bytes);
    });
}

#[test]
fn an_encapsulation_key_with_any_coefficient_of_q_or_more_is_refused() {
    every_level(|kem, k| {
        let good = kem.generate(&mut rng(1)).unwrap().encapsulation_key();
        for index in 0..256 * k {
            let mut key = good.clone();
            set_coefficient(&mut key, index, 3328);
            assert!(kem.import_encapsulation_key(&key).is_ok(), "{index}");
            for too_much in [3329, 4095] {
                set_coefficient(&mut key, index, too_much);
                let refused = kem.import_encapsulation_key(&key).err();
                assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid), "{index}");
            }
        }
    });
}

#[test]
fn a_damaged_decapsulation_key_of_ml_kem_is_refused() {
    every_level(|kem, k| {
        let good = expanded(&*kem.generate(&mut rng(1)).unwrap());
        let (ek, hash) = (384 * k, 768 * k + 32);
        // The first and last byte of the encapsulation key within, and of its hash.
        for position in [ek, hash - 1, hash, hash + 31] {
            let mut damaged = good.clone();
            damaged[position] ^= 1;
            let refused = kem
                .import_decapsulation_key(SecretForm::Expanded(&damaged))
                .err();
            assert_eq!(
                refused,
                Some(KemError::DecapsulationKeyInvalid),
                "at {position}"
            );
        }
        // An unreduced encapsulation key under its right hash.
        let mut unreduced = good.clone();
        set_coefficient(&mut unreduced[ek..], 0, 3329);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA3_256, &unreduced[ek..hash]);
        unreduced[hash..hash + 32].copy_from_slice(digest.as_ref());
        let refused = kem
            .import_decapsulation_key(SecretForm::Expanded(&unreduced))
            .err();
        assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
    });
}

#[test]
fn a_value_of_ml_kem_of_the_wrong_length_is_an_error_and_no_panic() {
    every_level(|kem, k| {
        for length in [0, 384 * k, 768 * k + 95, 768 * k + 97] {
            let bytes = vec![0; length];
            let refused = kem
                .import_decapsulation_key(SecretForm::Expanded(&bytes))
                .err();
            assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
        }
        for length in [0, 384 * k + 31, 384 * k + 33] {
            let refused = kem.import_encapsulation_key(&vec![0; length]).err();
            assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid));
        }
        let key = kem.generate(&mut rng(1)).unwrap();
        assert_eq!(
            key.decapsulate(&[0; 7], &mut [0; 32]),
            Err(KemError::ProviderFailed)
        );
    });
}

#[test]
fn x25519_refuses_points_of_small_order() {
    let kem = code("X25519");
    let key = kem.generate(&mut rng(1)).unwrap();
    // u = 0, 1, p - 1, p and p + 1 (RFC 7748 section 6.1).
    for (first, others) in [(0, 0), (1, 0), (0xec, 0xff), (0xed, 0xff), (0xee, 0xff)] {
        let mut point = [others; 32];
        (point[0], point[31]) = (first, others & 0x7f);
        let public = kem.import_encapsulation_key(&point).unwrap();
        let refused = public.encapsulate(&mut rng(2), &mut [0; 32], &mut [0; 32]);
        assert_eq!(refused, Err(KemError::EncapsulationKeyInvalid));
        let mut secret = [7; 32];
        assert_eq!(
            key.decapsulate(&point, &mut secret),
            Err(KemError::CiphertextInvalid)
        );
        assert_eq!(secret, [7; 32], "a refusal writes nothing");
    }
}

#[test]
fn x25519_exports_a_private_key_as_it_was_imported() {
    let mut unclamped = [0xff; 32];
    unclamped[31] = 0xbf;
    let form = SecretForm::Expanded(&unclamped);
    let key = code("X25519").import_decapsulation_key(form).unwrap();
    assert_eq!(expanded(&*key), unclamped);
    let dalek = code_of(pqfw_classical::plugin(), "X25519");
    let same = dalek.import_decapsulation_key(form).unwrap();
    assert_eq!(key.encapsulation_key(), same.encapsulation_key());
}

#[test]
fn x25519_takes_the_same_random_bytes_to_the_same_place_as_dalek() {
    let run = |kem: Arc<dyn Kem>| {
        let mut random = rng(1);
        let key = kem.generate(&mut random).unwrap();
        let public = kem
            .import_encapsulation_key(&key.encapsulation_key())
            .unwrap();
        let (mut ciphertext, mut secret) = ([0; 32], [0; 32]);
        public
            .encapsulate(&mut random, &mut ciphertext, &mut secret)
            .unwrap();
        (expanded(&*key), ciphertext, secret)
    };
    assert_eq!(
        run(code("X25519")),
        run(code_of(pqfw_classical::plugin(), "X25519"))
    );
}

#[test]
fn x25519_has_no_seed_form_and_no_other_length() {
    let kem = code("X25519");
    let unsupported = Some(KemError::FormUnsupported(SecretKind::Seed));
    assert_eq!(
        kem.import_decapsulation_key(SecretForm::Seed(&[1; 32]))
            .err(),
        unsupported
    );
    let key = kem.generate(&mut rng(1)).unwrap();
    assert_eq!(key.export(SecretKind::Seed).err(), unsupported);
    let refused = kem.import_encapsulation_key(&[1; 31]).err();
    assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid));
    let refused = kem
        .import_decapsulation_key(SecretForm::Expanded(&[1; 33]))
        .err();
    assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
    assert_eq!(
        key.decapsulate(&[1; 31], &mut [0; 32]),
        Err(KemError::CiphertextInvalid)
    );
}
