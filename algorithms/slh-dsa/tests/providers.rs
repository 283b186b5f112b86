//! Both providers of SLH-DSA, seen as the registry sees them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod support;

use std::convert::Infallible;

use chacha20::rand_core::{TryCryptoRng, TryRng};
use pqfw_framework::catalogue::{Kat, Sizes};
use pqfw_framework::keys::{self, PrivateKeyParts};
use pqfw_framework::provider::{ConstantTime, Randomness};
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::SignatureError;
use support::{FAST, PROVIDERS, SETS, code, each, entry, export, import, registry, rng};

/// Signatures of the small sets take seconds: one test a provider, so that they run side by side.
fn passes_the_gate(provider: &str) {
    let registry = registry();
    for set in SETS {
        let entry = entry(&registry, set, provider);
        let admitted = registry.admit(entry, &mut rng(1));
        assert_eq!(admitted, Ok(()), "{}", entry.full_name());
    }
}

#[test]
fn every_set_of_rustcrypto_passes_the_admission_gate() {
    passes_the_gate("rustcrypto");
}

#[test]
fn every_set_of_fips205_passes_the_admission_gate() {
    passes_the_gate("fips205");
}

#[test]
fn there_are_two_providers_of_twelve_sets_and_the_stronger_claim_comes_first() {
    let registry = registry();
    assert_eq!(registry.entries().count(), SETS.len() * PROVIDERS.len());
    for set in SETS {
        let [first, second] = registry.entries_of(set) else {
            panic!("two providers of {set}")
        };
        let (first, second) = (first.provider(), second.provider());
        assert_eq!([first.name.as_str(), second.name.as_str()], PROVIDERS);
        assert!(first.claims_no_less_than(second));
        assert_eq!(first.constant_time, ConstantTime::Claimed);
        assert_eq!(second.constant_time, ConstantTime::Unclaimed);
        for provider in [first, second] {
            assert_eq!(provider.randomness, Randomness::Injected);
            assert!(provider.native_context);
        }
    }
}

#[test]
fn the_expanded_key_contains_its_seed_and_either_gives_the_key() {
    each(&FAST, |code, sizes| {
        let key = code.generate(&mut rng(1)).unwrap();
        let expanded = export(&*key, SecretKind::Expanded);
        let seed = export(&*key, SecretKind::Seed);
        assert_eq!(Some(seed.len()), sizes.seed);
        assert_eq!(seed, expanded[..seed.len()]);
        let from_seed = code.import_signing_key(SecretForm::Seed(&seed)).unwrap();
        for again in [from_seed, import(code, &expanded)] {
            assert_eq!(again.verifying_key(), key.verifying_key());
            assert_eq!(export(&*again, SecretKind::Expanded), expanded);
            assert_eq!(export(&*again, SecretKind::Seed), seed);
        }
    });
}

#[test]
fn a_key_file_holds_the_expanded_key_although_there_is_a_seed() {
    let registry = registry();
    for set in SETS {
        let info = entry(&registry, set, "fips205").info();
        let Sizes::Signature(sizes) = info.sizes else {
            panic!("{set} is no signature")
        };
        let parts = PrivateKeyParts {
            seed: sizes.seed.map(SecretBytes::zeroed),
            expanded: Some(SecretBytes::own(vec![7; sizes.signing_key])),
            public_key: None,
        };
        let file = keys::private_to_pem(info, &parts).unwrap();
        let read = keys::private_from_file(info, file.as_bytes()).unwrap();
        // RFC 9909 section 5: the 4n bytes as they are.
        assert!(read.seed.is_none());
        let expanded = read.expanded.unwrap();
        assert_eq!(expanded.expose(), vec![7; sizes.signing_key]);
    }
}

#[test]
fn a_damaged_key_is_refused() {
    each(&FAST, |code, sizes| {
        let n = sizes.signing_key / 4;
        let good = export(&*code.generate(&mut rng(1)).unwrap(), SecretKind::Expanded);
        // SK.seed, PK.seed and PK.root; SK.prf may be any bytes.
        for position in [0, 2 * n, 4 * n - 1] {
            let mut damaged = good.clone();
            damaged[position] ^= 1;
            let form = SecretForm::Expanded(&damaged);
            let refused = code.import_signing_key(form).err();
            let invalid = Some(SignatureError::SigningKeyInvalid);
            assert_eq!(refused, invalid, "at {position}");
        }
    });
}

#[test]
fn a_key_of_the_wrong_length_is_an_error_and_no_panic() {
    each(&SETS, |code, sizes| {
        let invalid = Some(SignatureError::SigningKeyInvalid);
        let seed = sizes.seed.unwrap();
        for length in [0, seed - 1, seed + 1, sizes.signing_key] {
            let form = vec![0; length];
            let refused = code.import_signing_key(SecretForm::Seed(&form)).err();
            assert_eq!(refused, invalid, "a seed of {length}");
        }
        for length in [0, seed, sizes.signing_key - 1, sizes.signing_key + 1] {
            let form = vec![0; length];
            let refused = code.import_signing_key(SecretForm::Expanded(&form)).err();
            assert_eq!(refused, invalid, "a key of {length}");
        }
        for length in [0, sizes.verifying_key - 1, sizes.verifying_key + 1] {
            let refused = code.import_verifying_key(&vec![0; length]).err();
            assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
        }
    });
}

#[test]
fn signing_is_hedged_with_the_callers_randomness() {
    each(&FAST, |code, _| {
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
fn with_the_public_seed_for_randomness_they_give_the_deterministic_signature_of_openssl() {
    let registry = registry();
    for provider in PROVIDERS {
        let entry = entry(&registry, "SLH-DSA-SHA2-128f", provider);
        let kat = Kat::parse(&entry.info().known_answers).unwrap();
        let mut cases = kat.cases.iter();
        let case = cases.find(|c| c.value("deterministic").is_some()).unwrap();
        let value = |name| case.value(name).unwrap();
        let sk = value("sk");
        let key = import(&*code(entry), sk);
        // FIPS 205, Algorithm 19: the deterministic variant has opt_rand = PK.seed.
        let n = sk.len() / 4;
        let mut pk_seed = Scripted(sk[2 * n..3 * n].to_vec());
        let signature = key
            .sign(&mut pk_seed, &[value("message")], value("context"))
            .unwrap();
        assert_eq!(signature, value("signature"), "{provider}");
        assert!(pk_seed.0.is_empty(), "{provider} draws n bytes");
    }
}

#[test]
fn message_parts_and_context_are_bound() {
    each(&FAST, |code, sizes| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let mut signature = signer
            .sign(&mut rng(2), &[b"me", b"ssage"], b"context")
            .unwrap();
        assert_eq!(key.verify(&[b"message"], b"context", &signature), Ok(()));
        let rejected = Err(SignatureError::Rejected);
        for (message, context) in [
            ("messagE", "context"),
            ("message", "contexT"),
            ("message", ""),
        ] {
            let outcome = key.verify(&[message.as_bytes()], context.as_bytes(), &signature);
            assert_eq!(outcome, rejected);
        }
        let short = &signature[..sizes.signature - 1];
        assert_eq!(key.verify(&[b"message"], b"context", short), rejected);
        assert_eq!(key.verify(&[b"message"], b"context", b""), rejected);
        signature.push(0);
        assert_eq!(key.verify(&[b"message"], b"context", &signature), rejected);
    });
}

#[test]
fn a_context_may_have_255_bytes_and_not_256() {
    each(&["SLH-DSA-SHA2-128f"], |code, _| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let signature = signer.sign(&mut rng(2), &[b"m"], &[7; 255]).unwrap();
        assert_eq!(key.verify(&[b"m"], &[7; 255], &signature), Ok(()));
        let too_long = Err(SignatureError::ContextTooLong(256));
        assert_eq!(signer.sign(&mut rng(2), &[b"m"], &[7; 256]), too_long);
        let rejected = Err(SignatureError::Rejected);
        assert_eq!(key.verify(&[b"m"], &[7; 256], &signature), rejected);
    });
}
