//! ML-KEM: agreement with liboqs and with RustCrypto, and what is refused.

use std::thread;

use pqfw_framework::kem::{Decapsulate, Kem, KemError};
use pqfw_framework::secret::{SecretForm, SecretKind};
use proptest::prelude::{ProptestConfig, any, proptest};

use crate::support::{Liboqs, kem, kem_of, rng};

const LEVELS: [(u16, usize, usize); 3] = [(512, 2, 768), (768, 3, 1088), (1024, 4, 1568)];

/// Runs `check` on every parameter set, with its level, its k, and the bytes of a ciphertext.
fn every_level(check: impl Fn(&dyn Kem, u16, usize, usize)) {
    for (level, k, ciphertext) in LEVELS {
        check(&*kem(&format!("ML-KEM-{level}")), level, k, ciphertext);
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
    every_level(|kem, level, _, _| {
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
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn the_same_random_bytes_give_what_rustcrypto_gives(seed in any::<u64>()) {
        let run = |kem: &dyn Kem, ciphertext: usize| {
            let mut random = rng(seed);
            let key = kem.generate(&mut random).unwrap();
            let ek = kem.import_encapsulation_key(&key.encapsulation_key()).unwrap();
            let (mut sent, mut secret, mut opened) = (vec![0; ciphertext], [0; 32], [0; 32]);
            ek.encapsulate(&mut random, &mut sent, &mut secret).unwrap();
            key.decapsulate(&sent, &mut opened).unwrap();
            assert_eq!(opened, secret);
            let stored = key.export(SecretKind::Seed).unwrap().expose().to_vec();
            (stored, expanded(&*key), ek.to_bytes(), sent, secret)
        };
        every_level(|ours, level, _, ciphertext| {
            let theirs = kem_of(pqfw_ml_kem::plugin(), &format!("ML-KEM-{level}"));
            assert_eq!(run(ours, ciphertext), run(&*theirs, ciphertext));
        });
    }
}

#[test]
fn a_key_read_in_expanded_form_has_no_seed() {
    every_level(|kem, _, _, _| {
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
    every_level(|kem, _, k, _| {
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
    every_level(|kem, _, k, _| {
        let good = expanded(&*kem.generate(&mut rng(1)).unwrap());
        let (ek, hash) = (384 * k, 768 * k + 32);
        // The first and last byte of the encapsulation key within, and of its hash.
        for position in [ek, hash - 1, hash, hash + 31] {
            let mut damaged = good.clone();
            damaged[position] ^= 1;
            assert_eq!(import(kem, &damaged).err(), invalid, "at {position}");
        }
        // A secret vector that is not reduced, and one of another key: no hash covers it.
        let mut unreduced = good.clone();
        set_coefficient(&mut unreduced, 0, 3329);
        assert_eq!(import(kem, &unreduced).err(), invalid);
        let other = expanded(&*kem.generate(&mut rng(2)).unwrap());
        let of_two = [&other[..ek], &good[ek..]].concat();
        assert_eq!(import(kem, &of_two).err(), invalid);
    });
}

#[test]
fn a_value_of_the_wrong_length_is_an_error_and_no_panic() {
    every_level(|kem, _, k, _| {
        for length in [0, 384 * k, 768 * k + 95, 768 * k + 97] {
            let refused = import(kem, &vec![0; length]).err();
            assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
        }
        for length in [0, 32, 63, 65] {
            let seed = vec![0; length];
            let refused = kem.import_decapsulation_key(SecretForm::Seed(&seed)).err();
            assert_eq!(refused, Some(KemError::DecapsulationKeyInvalid));
        }
        for length in [0, 384 * k + 31, 384 * k + 33] {
            let refused = kem.import_encapsulation_key(&vec![0; length]).err();
            assert_eq!(refused, Some(KemError::EncapsulationKeyInvalid));
        }
        let key = kem.generate(&mut rng(1)).unwrap();
        let failed = Err(KemError::ProviderFailed);
        assert_eq!(key.decapsulate(&[0; 7], &mut [0; 32]), failed);
        let public = kem.import_encapsulation_key(&key.encapsulation_key());
        let sent = public
            .unwrap()
            .encapsulate(&mut rng(2), &mut [0; 7], &mut [0; 32]);
        assert_eq!(sent, failed);
    });
}

#[test]
fn one_key_serves_many_threads() {
    every_level(|kem, _, _, ciphertext| {
        let key = kem.generate(&mut rng(1)).unwrap();
        let ek = kem
            .import_encapsulation_key(&key.encapsulation_key())
            .unwrap();
        thread::scope(|scope| {
            for seed in 0..4 {
                let (key, ek) = (&key, &ek);
                scope.spawn(move || {
                    let mut random = rng(seed);
                    for _ in 0..20 {
                        let (mut sent, mut theirs, mut ours) =
                            (vec![0; ciphertext], [0; 32], [0; 32]);
                        ek.encapsulate(&mut random, &mut sent, &mut theirs).unwrap();
                        key.decapsulate(&sent, &mut ours).unwrap();
                        assert_eq!(ours, theirs);
                    }
                });
            }
        });
    });
}
