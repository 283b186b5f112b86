//! The provider `rustcrypto` of ML-DSA, seen as the registry sees it.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use std::convert::Infallible;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{Rng, SeedableRng, TryCryptoRng, TryRng};
use pqfw_framework::catalogue::{Kat, SignatureSizes, Sizes};
use pqfw_framework::provider::Randomness;
use pqfw_framework::registry::{Code, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError};

/// Where s1 begins in an expanded key (FIPS 204, Algorithm 24).
const S1: usize = 128;

/// Runs `check` on the code of every parameter set, with the bytes of t0 in an expanded key.
fn every_level(check: impl Fn(&dyn Signature, &SignatureSizes, usize)) {
    let registry = Registry::builder()
        .with(pqfw_ml_dsa::plugin())
        .build()
        .unwrap();
    let mut levels = 0;
    for entry in registry.entries() {
        let (Code::Signature(code), Sizes::Signature(sizes)) = (entry.code(), entry.info().sizes)
        else {
            panic!("{} is no signature", entry.full_name());
        };
        let k = match entry.info().id.as_str() {
            "ML-DSA-44" => 4,
            "ML-DSA-65" => 6,
            _ => 8,
        };
        check(&**code, &sizes, 416 * k);
        levels += 1;
    }
    assert_eq!(levels, 3);
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

#[test]
fn every_parameter_set_passes_the_admission_gate() {
    let registry = Registry::builder()
        .with(pqfw_ml_dsa::plugin())
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
        assert!(entry.provider().native_context);
    }
}

#[test]
fn a_key_read_in_expanded_form_signs_and_has_no_seed() {
    every_level(|code, _, _| {
        let generated = code.generate(&mut rng(1)).unwrap();
        assert_eq!(generated.export(SecretKind::Seed).unwrap().len(), 32);
        let bytes = expanded(&*generated);
        let imported = import(code, &bytes).unwrap();
        let unsupported = SignatureError::FormUnsupported(SecretKind::Seed);
        assert_eq!(imported.export(SecretKind::Seed).err(), Some(unsupported));
        assert_eq!(expanded(&*imported), bytes);
        assert_eq!(imported.verifying_key(), generated.verifying_key());
        let signature = imported.sign(&mut rng(2), &[b"m"], b"").unwrap();
        let key = code
            .import_verifying_key(&generated.verifying_key())
            .unwrap();
        assert_eq!(key.verify(&[b"m"], b"", &signature), Ok(()));
    });
}

#[test]
fn signing_is_hedged_with_the_callers_randomness() {
    every_level(|code, _, _| {
        let key = code.generate(&mut rng(1)).unwrap();
        let sign = |seed| key.sign(&mut rng(seed), &[b"m"], b"").unwrap();
        assert_eq!(sign(2), sign(2));
        assert_ne!(sign(2), sign(3));
    });
}

/// Gives nothing but zeros.
struct Zeros;

impl TryRng for Zeros {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(0);
        Ok(())
    }
}

impl TryCryptoRng for Zeros {}

#[test]
fn with_zeros_for_randomness_it_gives_the_deterministic_signatures_of_nist() {
    let registry = Registry::builder()
        .with(pqfw_ml_dsa::plugin())
        .build()
        .unwrap();
    for entry in registry.entries() {
        let Code::Signature(code) = entry.code() else {
            panic!("no signature")
        };
        let kat = Kat::parse(&entry.info().known_answers).unwrap();
        let mut deterministic = kat
            .cases
            .iter()
            .filter(|c| c.value("deterministic").is_some());
        let case = deterministic.next().unwrap();
        let value = |name| case.value(name).unwrap();
        // FIPS 204, Algorithm 2: the deterministic variant is the hedged one with rnd = 0.
        let key = import(&**code, value("sk")).unwrap();
        let signature = key
            .sign(&mut Zeros, &[value("message")], value("context"))
            .unwrap();
        assert_eq!(signature, value("signature"), "{}", entry.full_name());
    }
}

#[test]
fn message_parts_and_context_are_bound() {
    every_level(|code, _, _| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let signature = signer
            .sign(&mut rng(2), &[b"me", b"", b"ssage"], b"context")
            .unwrap();
        assert_eq!(key.verify(&[b"message"], b"context", &signature), Ok(()));
        for (message, context) in [
            ("messagE", "context"),
            ("message", "contexT"),
            ("message", ""),
        ] {
            let outcome = key.verify(&[message.as_bytes()], context.as_bytes(), &signature);
            assert_eq!(outcome, Err(SignatureError::Rejected));
        }
        assert_eq!(
            key.verify(&[b"message"], b"context", b""),
            Err(SignatureError::Rejected)
        );
        let malformed = vec![0xff; signature.len()];
        let outcome = key.verify(&[b"message"], b"context", &malformed);
        assert_eq!(outcome, Err(SignatureError::Rejected));
    });
}

#[test]
fn a_context_may_have_255_bytes_and_not_256() {
    every_level(|code, _, _| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let signature = signer.sign(&mut rng(2), &[b"m"], &[7; 255]).unwrap();
        assert_eq!(key.verify(&[b"m"], &[7; 255], &signature), Ok(()));
        let too_long = SignatureError::ContextTooLong(256);
        assert_eq!(
            signer.sign(&mut rng(2), &[b"m"], &[7; 256]),
            Err(too_long.clone())
        );
        assert_eq!(key.verify(&[b"m"], &[7; 256], &signature), Err(too_long));
    });
}

#[test]
fn a_key_of_the_wrong_length_is_an_error_and_no_panic() {
    every_level(|code, sizes, _| {
        for length in [0, 31, 33] {
            let refused = code
                .import_signing_key(SecretForm::Seed(&vec![0; length]))
                .err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
        }
        for length in [0, 64, S1, sizes.signing_key - 1, sizes.signing_key + 1] {
            let refused = import(code, &vec![0; length]).err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
        }
        let refused = code
            .import_verifying_key(&vec![0; sizes.verifying_key - 1])
            .err();
        assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
    });
}

#[test]
fn a_key_with_a_secret_coefficient_out_of_range_is_refused() {
    every_level(|code, sizes, t0_bytes| {
        let good = expanded(&*code.generate(&mut rng(1)).unwrap());
        // Seven ones in a row hold a whole code of 3 or 4 bits at any alignment; the largest code
        // of either width is out of range.
        for position in S1..sizes.signing_key - t0_bytes {
            let mut malformed = good.clone();
            malformed[position] = 0xff;
            let refused = import(code, &malformed).err();
            assert_eq!(
                refused,
                Some(SignatureError::SigningKeyInvalid),
                "at {position}"
            );
        }
    });
}

#[test]
fn a_key_damaged_in_rho_or_tr_or_s1_is_refused() {
    every_level(|code, _, _| {
        let good = expanded(&*code.generate(&mut rng(1)).unwrap());
        for position in [0, 31, 64, 127, S1, S1 + 383] {
            let mut damaged = good.clone();
            damaged[position] ^= 1;
            let refused = import(code, &damaged).err();
            assert_eq!(
                refused,
                Some(SignatureError::SigningKeyInvalid),
                "at {position}"
            );
        }
    });
}

#[test]
fn damage_to_t0_is_not_seen_until_a_signature_fails() {
    every_level(|code, sizes, t0_bytes| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let mut damaged = expanded(&*signer);
        rng(2).fill_bytes(&mut damaged[sizes.signing_key - t0_bytes..]);
        let signature = import(code, &damaged)
            .unwrap()
            .sign(&mut rng(3), &[b"m"], b"")
            .unwrap();
        assert_eq!(
            key.verify(&[b"m"], b"", &signature),
            Err(SignatureError::Rejected)
        );
    });
}

#[test]
fn no_bytes_of_the_right_length_make_an_import_panic() {
    every_level(|code, sizes, t0_bytes| {
        let good = expanded(&*code.generate(&mut rng(1)).unwrap());
        let mut random = rng(2);
        for from in [0, 64, S1, sizes.signing_key - t0_bytes] {
            for _ in 0..50 {
                let mut bytes = good.clone();
                random.fill_bytes(&mut bytes[from..]);
                // Only a key that is random in t0 alone passes: see the test above.
                let imported = import(code, &bytes);
                assert_eq!(imported.is_ok(), from == sizes.signing_key - t0_bytes);
            }
        }
        for byte in [0x00, 0xff] {
            let refused = import(code, &vec![byte; sizes.signing_key]).err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
        }
    });
}
