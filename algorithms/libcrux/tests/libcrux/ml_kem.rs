//! ML-KEM: agreement with liboqs and with RustCrypto, and what is refused.

use pqfw_framework::kem::{Decapsulate, Kem, KemError};
use pqfw_framework::secret::{SecretForm, SecretKind};
use proptest::prelude::{any, proptest};
use sha3::{Digest, Sha3_256};

use crate::support::{Liboqs, kem, rng};

/// Runs `check` on every parameter set, with its level and its k.
fn every_level(check: impl Fn(&dyn Kem, u16, usize)) {
    for (level, k) in [(512, 2), (768, 3), (1024, 4)] {
        let id = format!("ML-KEM-{level}");
        check(&*kem(pqfw_libcrux::plugin(), &id), level, k);
    }
}

fn expanded(key: &dyn Decapsulate) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

fn import(kem: &dyn Kem, bytes: &[u8]) -> Result<Box<dyn Decapsulate>, KemError> {
    kem.import_decapsulation_key(SecretForm::Expanded(bytes))
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
fn it_opens_what_liboqs_sealed_and_rejects_as_it_does() {
    every_level(|kem, level, _| {
        let liboqs = Liboqs::new("kem", &format!("ML-KEM-{level}"));
        let key = import(kem, &liboqs.value("sk")).unwrap();
        assert_eq!(key.encapsulation_key(), liboqs.value("pk"));
        let mut ciphertext = liboqs.value("ct");
        let mut secret = [0; 32];
        key.decapsulate(&ciphertext, &mut secret).unwrap();
        assert_eq!(secret.as_slice(), liboqs.value("ss"));
        ciphertext[0] ^= 1;
        key.decapsulate(&ciphertext, &mut secret).unwrap();
        let rejection = liboqs.value("ct_tampered_first_byte_xor_1_ss");
        assert_eq!(secret.as_slice(), rejection);
    });
}

proptest! {
    #[test]
    fn the_same_random_bytes_give_what_rustcrypto_gives(seed in any::<u64>()) {
        let run = |kem: &dyn Kem| {
            let mut random = rng(seed);
            let key = kem.generate(&mut random).unwrap();
            let ek = kem.import_encapsulation_key(&key.encapsulation_key()).unwrap();
            let (mut ciphertext, mut secret) = (vec![0; 1568], [0; 32]);
            let length = match ek.to_bytes().len() {
                800 => 768,
                1184 => 1088,
                _ => 1568,
            };
            ek.encapsulate(&mut random, &mut ciphertext[..length], &mut secret).unwrap();
            let mut opened = [0; 32];
            key.decapsulate(&ciphertext[..length], &mut opened).unwrap();
            assert_eq!(opened, secret);
            let stored = key.export(SecretKind::Seed).unwrap().expose().to_vec();
            (stored, expanded(&*key), ciphertext, secret)
        };
        every_level(|ours, level, _| {
            let theirs = kem(pqfw_ml_kem::plugin(), &format!("ML-KEM-{level}"));
            assert_eq!(run(ours), run(&*theirs));
        });
    }
}

#[test]
fn a_key_read_in_expanded_form_has_no_seed() {
    every_level(|kem, _, _| {
        let generated = kem.generate(&mut rng(1)).unwrap();
        let bytes = expanded(&*generated);
        let imported = import(kem, &bytes).unwrap();
        let unsupported = KemError::FormUnsupported(SecretKind::Seed);
        assert_eq!(imported.export(SecretKind::Seed).err(), Some(unsupported));
        assert_eq!(expanded(&*imported), bytes);
        assert_eq!(imported.encapsulation_key(), generated.encapsulation_key());
    });
}

#[test]
fn an_encapsulation_key_with_any_coefficient_of_q_or_more_is_refused() {
    every_level(|kem, _, k| {
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
fn a_damaged_decapsulation_key_is_refused() {
    let invalid = Some(KemError::DecapsulationKeyInvalid);
    every_level(|kem, _, k| {
        let good = expanded(&*kem.generate(&mut rng(1)).unwrap());
        let (ek, hash) = (384 * k, 768 * k + 32);
        // The first and last byte of the encapsulation key within, and of its hash.
        for position in [ek, hash - 1, hash, hash + 31] {
            let mut damaged = good.clone();
            damaged[position] ^= 1;
            assert_eq!(import(kem, &damaged).err(), invalid, "at {position}");
        }
        // An unreduced encapsulation key under its right hash.
        let mut unreduced = good.clone();
        set_coefficient(&mut unreduced[ek..], 0, 3329);
        let digest = Sha3_256::digest(&unreduced[ek..hash]);
        unreduced[hash..hash + 32].copy_from_slice(&digest);
        assert_eq!(import(kem, &unreduced).err(), invalid);
        // An unreduced secret vector, which no hash covers.
        for index in 0..256 * k {
            let mut unreduced = good.clone();
            set_coefficient(&mut unreduced, index, 3329);
            assert_eq!(import(kem, &unreduced).err(), invalid, "{index}");
        }
    });
}

#[test]
fn a_value_of_the_wrong_length_is_an_error_and_no_panic() {
    every_level(|kem, _, k| {
        for length in [0, 384 * k, 768 * k + 95, 768 * k + 97] {
            let refused = import(kem, &vec![0; length]).err();
            assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
        }
        for length in [0, 63, 65] {
            let seed = vec![0; length];
            let refused = kem.import_decapsulation_key(SecretForm::Seed(&seed)).err();
            assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
        }
        for length in [0, 384 * k + 31, 384 * k + 33] {
            let refused = kem.import_encapsulation_key(&vec![0; length]).err();
            assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid));
        }
        let key = kem.generate(&mut rng(1)).unwrap();
        let refused = key.decapsulate(&[0; 7], &mut [0; 32]);
        assert_eq!(refused, Err(KemError::CiphertextInvalid));
    });
}
