//! ML-DSA by PQClean: forms, checks of keys, contexts, damage.

#![cfg(feature = "pqclean")]
#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::{SignatureSizes, Sizes};
use pqfw_framework::provider::{ConstantTime, Randomness};
use pqfw_framework::registry::{Code, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError};
use proptest::prelude::*;

/// Where s1 begins in an expanded key (FIPS 204, Algorithm 24).
const S1: usize = 128;

/// Runs `check` on the code of every parameter set.
fn every_level(check: impl Fn(&str, &dyn Signature, &SignatureSizes)) {
    let registry = registry();
    for id in ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"] {
        let entry = &registry.entries_of(id)[0];
        let (Code::Signature(code), Sizes::Signature(sizes)) = (entry.code(), entry.info().sizes)
        else {
            panic!("{id} is no signature");
        };
        check(id, &**code, &sizes);
    }
}

fn registry() -> Registry {
    let builder = Registry::builder().with(pqfw_pqclean::plugin());
    builder.build().unwrap()
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn expanded(key: &dyn Sign) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

fn import(code: &dyn Signature, bytes: &[u8]) -> Result<Box<dyn Sign>, SignatureError> {
    code.import_signing_key(SecretForm::Expanded(bytes))
}

#[test]
fn every_level_passes_the_admission_gate() {
    let registry = registry();
    for id in ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"] {
        let [entry] = registry.entries_of(id) else {
            panic!("one provider")
        };
        assert_eq!(registry.admit(entry, &mut rng()), Ok(()), "{id}");
        assert_eq!(entry.provider().randomness, Randomness::Provider);
        assert_eq!(entry.provider().constant_time, ConstantTime::Unclaimed);
        assert!(entry.provider().native_context);
    }
}

#[test]
fn a_key_read_back_has_its_public_key_and_signs() {
    every_level(|id, code, sizes| {
        let generated = code.generate(&mut rng()).unwrap();
        let bytes = expanded(&*generated);
        assert_eq!(bytes.len(), sizes.signing_key, "{id}");
        let imported = import(code, &bytes).unwrap();
        assert_eq!(expanded(&*imported), bytes, "{id}");
        assert_eq!(imported.verifying_key(), generated.verifying_key(), "{id}");
        let signature = imported.sign(&mut rng(), &[b"m"], b"").unwrap();
        let key = code
            .import_verifying_key(&generated.verifying_key())
            .unwrap();
        assert_eq!(key.to_bytes(), generated.verifying_key(), "{id}");
        assert_eq!(key.verify(&[b"m"], b"", &signature), Ok(()), "{id}");
    });
}

#[test]
fn there_is_no_seed_form() {
    every_level(|_, code, _| {
        let unsupported = Some(SignatureError::FormUnsupported(SecretKind::Seed));
        let refused = code.import_signing_key(SecretForm::Seed(&[0; 32])).err();
        assert_eq!(refused, unsupported);
        let key = code.generate(&mut rng()).unwrap();
        assert_eq!(key.export(SecretKind::Seed).err(), unsupported);
    });
}

#[test]
fn message_parts_and_context_are_bound() {
    every_level(|id, code, _| {
        let signer = code.generate(&mut rng()).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let rejected = Err(SignatureError::Rejected);
        for context in [&b""[..], b"c", &[7; 255]] {
            let signature = signer
                .sign(&mut rng(), &[b"a", b"", b"bc"], context)
                .unwrap();
            assert_eq!(key.verify(&[b"abc"], context, &signature), Ok(()), "{id}");
            assert_eq!(key.verify(&[b"abd"], context, &signature), rejected, "{id}");
            assert_eq!(
                key.verify(&[b"abc"], b"other", &signature),
                rejected,
                "{id}"
            );
        }
        let too_long = SignatureError::ContextTooLong(256);
        let refused = signer.sign(&mut rng(), &[b"m"], &[0; 256]);
        assert_eq!(refused, Err(too_long.clone()), "{id}");
        assert_eq!(key.verify(&[b"m"], &[0; 256], &[]), Err(too_long), "{id}");
    });
}

#[test]
fn a_signature_that_is_damaged_or_of_another_length_is_rejected() {
    every_level(|id, code, sizes| {
        let signer = code.generate(&mut rng()).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let signature = signer.sign(&mut rng(), &[b"m"], b"").unwrap();
        let rejected = Err(SignatureError::Rejected);
        for at in [0, sizes.signature / 2, sizes.signature - 1] {
            let mut damaged = signature.clone();
            damaged[at] ^= 1;
            assert_eq!(key.verify(&[b"m"], b"", &damaged), rejected, "{id}: {at}");
        }
        let longer = [&signature[..], &[0]].concat();
        for other in [&signature[1..], &longer, b""] {
            assert_eq!(key.verify(&[b"m"], b"", other), rejected, "{id}");
        }
    });
}

#[test]
fn damage_to_rho_tr_or_s1_is_found() {
    every_level(|id, code, _| {
        let bytes = expanded(&*code.generate(&mut rng()).unwrap());
        // The last byte of rho, the first and last of tr.
        for at in [31, 64, 127] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            let refused = import(code, &damaged).err();
            assert_eq!(
                refused,
                Some(SignatureError::SigningKeyInvalid),
                "{id}: {at}"
            );
        }
        // All coefficients of s1 that share a byte, to others in range.
        let mut damaged = bytes.clone();
        damaged[S1] = if bytes[S1] == 0 { 0x11 } else { 0 };
        let refused = import(code, &damaged).err();
        assert_eq!(refused, Some(SignatureError::SigningKeyInvalid), "{id}");
    });
}

#[test]
fn a_coefficient_out_of_range_is_refused_and_does_not_panic() {
    every_level(|id, code, sizes| {
        let bytes = expanded(&*code.generate(&mut rng()).unwrap());
        let k = (sizes.verifying_key - 32) / 320;
        let t0 = bytes.len() - 416 * k;
        for at in [S1, t0 - 1] {
            let mut damaged = bytes.clone();
            damaged[at] = 0xff;
            let refused = import(code, &damaged).err();
            assert_eq!(
                refused,
                Some(SignatureError::SigningKeyInvalid),
                "{id}: {at}"
            );
        }
    });
}

#[test]
fn a_key_of_the_wrong_length_is_refused() {
    every_level(|id, code, sizes| {
        let (sk, vk) = (sizes.signing_key, sizes.verifying_key);
        for length in [0, 31, 64, 127, sk - 1, sk + 1] {
            let refused = import(code, &vec![0; length]).err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid), "{id}");
        }
        for length in [0, vk - 1, vk + 1] {
            let refused = code.import_verifying_key(&vec![0; length]).err();
            assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid), "{id}");
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_damaged_key_is_refused_or_works_and_never_panics(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        every_level(|id, code, _| {
            let mut bytes = expanded(&*code.generate(&mut rng()).unwrap());
            for (at, byte) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            if let Ok(key) = import(code, &bytes) {
                assert_eq!(expanded(&*key), bytes, "{id}");
                assert!(key.sign(&mut rng(), &[b"m"], b"").is_ok(), "{id}");
            }
        });
    }
}
