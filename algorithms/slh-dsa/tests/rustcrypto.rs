//! The provider `rustcrypto` of SLH-DSA, seen as the registry sees it.

#![expect(clippy::unwrap_used, reason = "a helper of tests may fail the test")]

use std::convert::Infallible;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::{SeedableRng, TryCryptoRng, TryRng};
use pqfw_framework::catalogue::{Kat, SignatureSizes, Sizes};
use pqfw_framework::provider::{ConstantTime, Randomness};
use pqfw_framework::registry::{Code, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError};

/// Runs `check` on the code of every parameter set.
fn every_set(check: impl Fn(&dyn Signature, &SignatureSizes)) {
    let registry = Registry::builder()
        .with(pqfw_slh_dsa::plugin())
        .build()
        .unwrap();
    let mut sets = 0;
    for entry in registry.entries() {
        let (Code::Signature(code), Sizes::Signature(sizes)) = (entry.code(), entry.info().sizes)
        else {
            panic!("{} is no signature", entry.full_name());
        };
        check(&**code, &sizes);
        sets += 1;
    }
    assert_eq!(sets, 1);
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn expanded(key: &dyn Sign) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

#[test]
fn every_parameter_set_passes_the_admission_gate() {
    let registry = Registry::builder()
        .with(pqfw_slh_dsa::plugin())
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
        assert_eq!(entry.provider().constant_time, ConstantTime::Unclaimed);
        assert!(entry.provider().native_context);
    }
}

#[test]
fn there_is_no_seed_form() {
    every_set(|code, _| {
        let unsupported = Some(SignatureError::FormUnsupported(SecretKind::Seed));
        assert_eq!(
            code.import_signing_key(SecretForm::Seed(&[0; 48])).err(),
            unsupported
        );
        let key = code.generate(&mut rng(1)).unwrap();
        assert_eq!(key.export(SecretKind::Seed).err(), unsupported);
    });
}

#[test]
fn a_damaged_key_is_refused() {
    every_set(|code, sizes| {
        let good = expanded(&*code.generate(&mut rng(1)).unwrap());
        let n = sizes.signing_key / 4;
        assert!(code.import_signing_key(SecretForm::Expanded(&good)).is_ok());
        // SK.seed, PK.seed and PK.root; SK.prf may be any bytes.
        for position in [0, 2 * n, 4 * n - 1] {
            let mut damaged = good.clone();
            damaged[position] ^= 1;
            let refused = code
                .import_signing_key(SecretForm::Expanded(&damaged))
                .err();
            assert_eq!(
                refused,
                Some(SignatureError::SigningKeyInvalid),
                "at {position}"
            );
        }
    });
}

#[test]
fn a_key_of_the_wrong_length_is_an_error_and_no_panic() {
    every_set(|code, sizes| {
        for length in [0, sizes.signing_key - 1, sizes.signing_key + 1] {
            let refused = code
                .import_signing_key(SecretForm::Expanded(&vec![0; length]))
                .err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
        }
        let refused = code
            .import_verifying_key(&vec![0; sizes.verifying_key + 1])
            .err();
        assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
    });
}

#[test]
fn signing_is_hedged_with_the_callers_randomness() {
    every_set(|code, _| {
        let key = code.generate(&mut rng(1)).unwrap();
        let sign = |seed| key.sign(&mut rng(seed), &[b"m"], b"").unwrap();
        assert_eq!(sign(2), sign(2));
        assert_ne!(sign(2), sign(3));
    });
}

/// Gives the bytes it was made of, and no more.
struct Scripted(Vec<u8>);

impl TryRng for Scripted {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("bytes alone are scripted")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("bytes alone are scripted")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        let script: Vec<_> = self.0.drain(..bytes.len()).collect();
        bytes.copy_from_slice(&script);
        Ok(())
    }
}

impl TryCryptoRng for Scripted {}

#[test]
fn with_the_public_seed_for_randomness_it_gives_the_deterministic_signatures_of_openssl() {
    let registry = Registry::builder()
        .with(pqfw_slh_dsa::plugin())
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
        let sk = value("sk");
        let key = code.import_signing_key(SecretForm::Expanded(sk)).unwrap();
        // FIPS 205, Algorithm 19: the deterministic variant has opt_rand = PK.seed.
        let n = sk.len() / 4;
        let mut pk_seed = Scripted(sk[2 * n..3 * n].to_vec());
        let signature = key
            .sign(&mut pk_seed, &[value("message")], value("context"))
            .unwrap();
        assert_eq!(signature, value("signature"), "{}", entry.full_name());
    }
}

#[test]
fn message_parts_and_context_are_bound() {
    every_set(|code, _| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let signature = signer
            .sign(&mut rng(2), &[b"me", b"ssage"], b"context")
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
    });
}

#[test]
fn a_context_may_have_255_bytes_and_not_256() {
    every_set(|code, _| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let signature = signer.sign(&mut rng(2), &[b"m"], &[7; 255]).unwrap();
        assert_eq!(key.verify(&[b"m"], &[7; 255], &signature), Ok(()));
        let too_long = Err(SignatureError::ContextTooLong(256));
        assert_eq!(signer.sign(&mut rng(2), &[b"m"], &[7; 256]), too_long);
    });
}
