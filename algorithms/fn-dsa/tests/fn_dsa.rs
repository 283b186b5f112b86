//! FN-DSA as the registry sees it, and beside the reference implementation in C.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should panic"
)]

use std::convert::Infallible;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng, TryCryptoRng, TryRng};
use pqfw_framework::catalogue::{SignatureSizes, Sizes};
use pqfw_framework::provider::Randomness;
use pqfw_framework::registry::{Code, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError};
use proptest::prelude::*;
use sha3::digest::{Digest as _, ExtendableOutput as _, Update as _, XofReader as _};
use sha3::{Sha3_256, Shake256};

/// SHA3-256(sk ‖ vk ‖ signature) of the even cases, which sign messages and not hashes, by the
/// program test_fndsa.c of c-fn-dsa at commit bab31dd5086ff20f1402be9f4d55d2b6470b96f1.
const DIGESTS: [(&str, [&str; 3]); 2] = [
    (
        "FN-DSA-512",
        [
            "71009cd3bc68f5061608ab541e9ae27ba0263c42fad97c112825075176d539d0",
            "91807eec4fc11be204e0bb48d6cc5968dd4dd4e1e886370ddb0c95458d9b68f0",
            "7c6a265c4b6732dccbb2fcc872be4546709285f8ed13902d7adfef2fb006d513",
        ],
    ),
    (
        "FN-DSA-1024",
        [
            "51bec3b8ca2565a94b2f1ad7bdc5f3844170495f235b8ea87fdae7e6d3b9dcb6",
            "83868908f2f89ee85a4e869b3d040de1f040e0dfa2e8cdabff00f0a2a2e8c120",
            "65602b1692abe97e845e41589d21927732f71c36ef1c888d155a15708b7b60e4",
        ],
    ),
];

/// Runs `check` on the code of every degree n, with n and the bytes of f.
fn every_degree(check: impl Fn(&dyn Signature, &SignatureSizes, usize, usize)) {
    let builder = Registry::builder().with(pqfw_fn_dsa::plugin());
    let registry = builder.build().unwrap();
    let mut degrees = 0;
    for entry in registry.entries() {
        let (Code::Signature(code), Sizes::Signature(sizes)) = (entry.code(), entry.info().sizes)
        else {
            panic!("{} is no signature", entry.full_name());
        };
        let (n, short) = match entry.info().id.as_str() {
            "FN-DSA-512" => (512, 512 * 6 / 8),
            _ => (1024, 1024 * 5 / 8),
        };
        check(&**code, &sizes, n, short);
        degrees += 1;
    }
    assert_eq!(degrees, 2);
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn expanded(key: &dyn Sign) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

fn import(code: &dyn Signature, bytes: &[u8]) -> Result<Box<dyn Sign>, SignatureError> {
    code.import_signing_key(SecretForm::Expanded(bytes))
}

fn refused(code: &dyn Signature, bytes: &[u8]) -> bool {
    import(code, bytes).err() == Some(SignatureError::SigningKeyInvalid)
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
fn every_degree_passes_the_admission_gate() {
    let builder = Registry::builder().with(pqfw_fn_dsa::plugin());
    let registry = builder.build().unwrap();
    for entry in registry.entries() {
        let name = entry.full_name();
        assert_eq!(registry.admit(entry, &mut rng(1)), Ok(()), "{name}");
        assert_eq!(entry.provider().randomness, Randomness::Injected);
        assert!(entry.provider().native_context);
    }
}

#[test]
fn the_same_random_bytes_give_the_keys_and_signatures_of_the_reference_in_c() {
    every_degree(|code, _, n, _| {
        let (_, digests) = DIGESTS[usize::from(n == 1024)];
        for (digest, case) in digests.iter().zip([0, 2, 4]) {
            // 32 bytes for the key, 40 for the signature, from SHAKE256(log n ‖ le32(case)).
            let mut hash = Shake256::default();
            hash.update(&[if n == 512 { 9 } else { 10 }, case, 0, 0, 0]);
            let mut bytes = vec![0; 32 + 40];
            hash.finalize_xof().read(&mut bytes);
            let mut bytes = Bytes(bytes);
            let key = code.generate(&mut bytes).unwrap();
            let signature = key.sign(&mut bytes, &[b"message"], b"domain").unwrap();
            assert!(bytes.0.is_empty());
            let all = [expanded(&*key), key.verifying_key(), signature].concat();
            let got: String = Sha3_256::digest(all)
                .iter()
                .map(|b| format!("{b:02x}"))
                .collect();
            assert_eq!(got, *digest, "degree {n}, case {case}");
        }
    });
}

#[test]
fn a_generated_key_survives_export_and_has_no_seed() {
    every_degree(|code, sizes, _, _| {
        let key = code.generate(&mut rng(1)).unwrap();
        let bytes = expanded(&*key);
        assert_eq!(bytes.len(), sizes.signing_key);
        let again = import(code, &bytes).unwrap();
        assert_eq!(again.verifying_key(), key.verifying_key());
        assert_eq!(expanded(&*again), bytes);
        let signature = again.sign(&mut rng(2), &[b"m"], b"").unwrap();
        let public = code.import_verifying_key(&key.verifying_key()).unwrap();
        assert_eq!(public.to_bytes(), key.verifying_key());
        assert_eq!(public.verify(&[b"m"], b"", &signature), Ok(()));
        let unsupported = SignatureError::FormUnsupported(SecretKind::Seed);
        assert_eq!(
            key.export(SecretKind::Seed).err(),
            Some(unsupported.clone())
        );
        let seed = code.import_signing_key(SecretForm::Seed(&[0; 32]));
        assert_eq!(seed.err(), Some(unsupported));
    });
}

#[test]
fn every_generated_key_can_be_read_again() {
    every_degree(|code, _, _, _| {
        for seed in 0..40 {
            let key = code.generate(&mut rng(seed)).unwrap();
            assert!(import(code, &expanded(&*key)).is_ok(), "seed {seed}");
        }
    });
}

#[test]
fn signing_is_randomised_by_the_caller_and_always_of_one_length() {
    every_degree(|code, sizes, _, _| {
        let key = code.generate(&mut rng(1)).unwrap();
        let sign = |seed| key.sign(&mut rng(seed), &[b"m"], b"").unwrap();
        assert_eq!(sign(2), sign(2));
        assert_ne!(sign(2), sign(3));
        for seed in 0..50 {
            assert_eq!(sign(seed).len(), sizes.signature);
        }
    });
}

#[test]
fn message_parts_and_context_are_bound() {
    every_degree(|code, _, _, _| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let parts: [&[u8]; 3] = [b"me", b"", b"ssage"];
        let signature = signer.sign(&mut rng(2), &parts, b"context").unwrap();
        assert_eq!(key.verify(&[b"message"], b"context", &signature), Ok(()));
        for (message, context) in [
            ("messagE", "context"),
            ("message", "contexT"),
            ("message", ""),
            ("tmessage", "contex"),
        ] {
            let outcome = key.verify(&[message.as_bytes()], context.as_bytes(), &signature);
            assert_eq!(outcome, Err(SignatureError::Rejected));
        }
    });
}

#[test]
fn a_context_may_have_255_bytes_and_not_256() {
    every_degree(|code, _, _, _| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let signature = signer.sign(&mut rng(2), &[b"m"], &[7; 255]).unwrap();
        assert_eq!(key.verify(&[b"m"], &[7; 255], &signature), Ok(()));
        let too_long = SignatureError::ContextTooLong(256);
        let signed = signer.sign(&mut rng(2), &[b"m"], &[7; 256]);
        assert_eq!(signed, Err(too_long.clone()));
        assert_eq!(key.verify(&[b"m"], &[7; 256], &signature), Err(too_long));
    });
}

#[test]
fn a_forged_or_malformed_signature_is_rejected() {
    every_degree(|code, _, _, _| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let signature = signer.sign(&mut rng(2), &[b"m"], b"").unwrap();
        let rejected = Err(SignatureError::Rejected);
        for position in 0..signature.len() {
            let mut forged = signature.clone();
            forged[position] ^= 1;
            assert_eq!(key.verify(&[b"m"], b"", &forged), rejected, "at {position}");
        }
        for length in [0, 1, 41, signature.len() - 1] {
            assert_eq!(key.verify(&[b"m"], b"", &signature[..length]), rejected);
        }
        let longer = [&signature[..], &[0]].concat();
        assert_eq!(key.verify(&[b"m"], b"", &longer), rejected);
        for byte in [0x00, 0xff] {
            let same = vec![byte; signature.len()];
            assert_eq!(key.verify(&[b"m"], b"", &same), rejected);
        }
    });
}

#[test]
fn a_public_key_of_another_length_degree_or_range_is_refused() {
    every_degree(|code, sizes, _, _| {
        let good = code.generate(&mut rng(1)).unwrap().verifying_key();
        let invalid = Some(SignatureError::VerifyingKeyInvalid);
        for length in [0, 1, sizes.verifying_key - 1] {
            assert_eq!(
                code.import_verifying_key(&good[..length]).err(),
                invalid.clone()
            );
        }
        let mut other = good.clone();
        other[0] ^= 3;
        assert_eq!(code.import_verifying_key(&other).err(), invalid);
        // Fourteen ones are 16383, which is no integer modulo 12289.
        let mut large = good.clone();
        large[1..3].fill(0xff);
        assert_eq!(code.import_verifying_key(&large).err(), invalid);
    });
}

#[test]
fn a_private_key_of_another_length_or_degree_is_refused() {
    every_degree(|code, sizes, _, _| {
        let good = expanded(&*code.generate(&mut rng(1)).unwrap());
        for length in [0, 1, 64, sizes.signing_key - 64, sizes.signing_key - 1] {
            assert!(refused(code, &good[..length]));
        }
        assert!(refused(code, &[&good[..], &[0]].concat()));
        let mut other = good.clone();
        other[0] ^= 3;
        assert!(refused(code, &other));
    });
}

#[test]
fn damage_anywhere_in_a_private_key_is_found() {
    every_degree(|code, sizes, _, _| {
        let good = expanded(&*code.generate(&mut rng(1)).unwrap());
        for position in (0..sizes.signing_key).step_by(97) {
            for bit in [0x01, 0x80] {
                let mut damaged = good.clone();
                damaged[position] ^= bit;
                assert!(refused(code, &damaged), "at {position}");
            }
        }
    });
}

/// Coefficients of `bits` bits, in two's complement.
fn coefficients(packed: &[u8], bits: usize) -> Vec<i8> {
    let bit = |at: usize| packed[at / 8] >> (at % 8) & 1;
    (0..8 * packed.len() / bits)
        .map(|c| {
            let code = (0..bits).fold(0, |code, b| code | bit(c * bits + b) << b);
            (code << (8 - bits)).cast_signed() >> (8 - bits)
        })
        .collect()
}

#[test]
fn a_key_that_is_consistent_and_no_basis_is_refused() {
    every_degree(|code, _, n, short| {
        let good = expanded(&*code.generate(&mut rng(1)).unwrap());
        let f = coefficients(&good[1..1 + short], short * 8 / n);
        // G follows from f, g and F alone: with F = 0 it is 0, with F = f it is g, and each passes
        // every check but that of the equation. Signing with the second would never end.
        for coefficient in [0, 1] {
            let mut made = good.clone();
            for (byte, f) in made[1 + 2 * short..].iter_mut().zip(&f) {
                *byte = (f * coefficient).cast_unsigned();
            }
            assert!(refused(code, &made));
        }
    });
}

#[test]
fn another_basis_of_the_same_lattice_is_a_key_too() {
    every_degree(|code, _, n, short| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let mut made = expanded(&*signer);
        let f = coefficients(&made[1..1 + short], short * 8 / n);
        for (byte, f) in made[1 + 2 * short..].iter_mut().zip(&f) {
            *byte = (byte.cast_signed() + f).cast_unsigned();
        }
        let other = import(code, &made).unwrap();
        let signature = other.sign(&mut rng(2), &[b"m"], b"").unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        assert_eq!(key.verify(&[b"m"], b"", &signature), Ok(()));
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn no_bytes_of_the_right_length_make_an_import_panic(seed: u64, from in 0_usize..1300) {
        every_degree(|code, sizes, _, _| {
            let mut key = expanded(&*code.generate(&mut rng(1)).unwrap());
            rng(seed).fill_bytes(&mut key[from..]);
            assert!(refused(code, &key));
            assert_eq!(key.len(), sizes.signing_key);
        });
    }
}
