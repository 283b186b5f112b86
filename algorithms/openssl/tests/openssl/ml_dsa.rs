//! ML-DSA: agreement with liboqs, with NIST and with RustCrypto, and what is refused.

use pqfw_framework::catalogue::Kat;
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};

use crate::support::{Liboqs, Stuck, registry, rng, signature, signature_of};

const REJECTED: Result<(), SignatureError> = Err(SignatureError::Rejected);

/// Runs `check` on every parameter set, with its name.
fn every_level(check: impl Fn(&dyn Signature, &str)) {
    for level in [44, 65, 87] {
        let id = format!("ML-DSA-{level}");
        check(&*signature(&id), &id);
    }
}

fn expanded(key: &dyn Sign) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

fn import(code: &dyn Signature, bytes: &[u8]) -> Result<Box<dyn Sign>, SignatureError> {
    code.import_signing_key(SecretForm::Expanded(bytes))
}

#[test]
fn it_verifies_what_liboqs_signed_and_signs_with_its_key() {
    every_level(|code, id| {
        let liboqs = Liboqs::new("sig", id);
        let key = code.import_verifying_key(&liboqs.value("pk")).unwrap();
        let (message, signature) = (liboqs.value("msg"), liboqs.value("sig"));
        assert_eq!(key.verify(&[&message], b"", &signature), Ok(()));
        assert_eq!(key.verify(&[&message, b"!"], b"", &signature), REJECTED);
        let signer = import(code, &liboqs.value("sk")).unwrap();
        assert_eq!(signer.verifying_key(), liboqs.value("pk"));
        let signature = signer.sign(&mut rng(1), &[b"m"], b"").unwrap();
        assert_eq!(key.verify(&[b"m"], b"", &signature), Ok(()));
    });
}

#[test]
fn with_zeros_for_randomness_it_gives_the_deterministic_signatures_of_nist() {
    let registry = registry(pqfw_openssl::plugin());
    every_level(|code, id| {
        let kat = Kat::parse(&registry.find(id).unwrap().known_answers).unwrap();
        let mut cases = kat.cases.iter();
        let case = cases.find(|case| case.value("deterministic").is_some());
        let value = |name| case.unwrap().value(name).unwrap();
        // FIPS 204, Algorithm 2: the deterministic variant is the hedged one with rnd = 0.
        let key = import(code, value("sk")).unwrap();
        let signature = key.sign(&mut Stuck(0, 32), &[value("message")], value("context"));
        assert_eq!(signature.unwrap(), value("signature"), "{id}");
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn the_same_random_bytes_give_what_rustcrypto_gives(
        seed in any::<u64>(),
        message in vec(any::<u8>(), 0..300),
        context in vec(any::<u8>(), 0..=255),
    ) {
        let run = |code: &dyn Signature| {
            let mut random = rng(seed);
            let key = code.generate(&mut random).unwrap();
            let signature = key.sign(&mut random, &[&message], &context).unwrap();
            let verifier = code.import_verifying_key(&key.verifying_key()).unwrap();
            assert_eq!(verifier.to_bytes(), key.verifying_key());
            assert_eq!(verifier.verify(&[&message], &context, &signature), Ok(()));
            let stored = key.export(SecretKind::Seed).unwrap().expose().to_vec();
            (stored, expanded(&*key), key.verifying_key(), signature)
        };
        every_level(|ours, id| {
            let theirs = signature_of(pqfw_ml_dsa::plugin(), id);
            assert_eq!(run(ours), run(&*theirs));
        });
    }
}

#[test]
fn signing_is_hedged_with_the_callers_randomness() {
    every_level(|code, _| {
        let key = code.generate(&mut rng(1)).unwrap();
        let sign = |seed| key.sign(&mut rng(seed), &[b"m"], b"").unwrap();
        assert_eq!(sign(2), sign(2));
        assert_ne!(sign(2), sign(3));
    });
}

#[test]
fn message_parts_and_context_are_bound() {
    every_level(|code, _| {
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
            assert_eq!(outcome, REJECTED);
        }
        let malformed = vec![0xff; signature.len()];
        let long = [&signature[..], b"!"].concat();
        for forged in [b"", &signature[1..], &malformed, &long] {
            assert_eq!(key.verify(&[b"message"], b"context", forged), REJECTED);
        }
    });
}

#[test]
fn a_context_may_have_255_bytes_and_not_256() {
    every_level(|code, _| {
        let signer = code.generate(&mut rng(1)).unwrap();
        let key = code.import_verifying_key(&signer.verifying_key()).unwrap();
        let signature = signer.sign(&mut rng(2), &[b"m"], &[7; 255]).unwrap();
        assert_eq!(key.verify(&[b"m"], &[7; 255], &signature), Ok(()));
        let too_long = SignatureError::ContextTooLong(256);
        let refused = signer.sign(&mut rng(2), &[b"m"], &[7; 256]);
        assert_eq!(refused, Err(too_long.clone()));
        assert_eq!(key.verify(&[b"m"], &[7; 256], &signature), Err(too_long));
    });
}

#[test]
fn a_key_read_in_expanded_form_signs_and_has_no_seed() {
    every_level(|code, _| {
        let generated = code.generate(&mut rng(1)).unwrap();
        let bytes = expanded(&*generated);
        let imported = import(code, &bytes).unwrap();
        let unsupported = SignatureError::FormUnsupported(SecretKind::Seed);
        assert_eq!(imported.export(SecretKind::Seed).err(), Some(unsupported));
        assert_eq!(expanded(&*imported), bytes);
        assert_eq!(imported.verifying_key(), generated.verifying_key());
    });
}

#[test]
fn a_key_damaged_anywhere_but_in_k_is_refused() {
    let invalid = Some(SignatureError::SigningKeyInvalid);
    every_level(|code, _| {
        let good = expanded(&*code.generate(&mut rng(1)).unwrap());
        // rho │ K │ tr │ s1 …: FIPS 204, Algorithm 24.
        for position in (0..good.len())
            .step_by(61)
            .filter(|at| !(32..64).contains(at))
        {
            let mut damaged = good.clone();
            damaged[position] ^= 1;
            assert_eq!(import(code, &damaged).err(), invalid, "at {position}");
        }
        let mut other_k = good.clone();
        other_k[32] ^= 1;
        assert!(import(code, &other_k).is_ok());
        for byte in [0x00, 0xff] {
            assert_eq!(import(code, &vec![byte; good.len()]).err(), invalid);
        }
    });
}

#[test]
fn a_key_of_the_wrong_length_is_an_error_and_no_panic() {
    let invalid = Some(SignatureError::SigningKeyInvalid);
    every_level(|code, _| {
        for length in [0, 31, 33] {
            let seed = vec![0; length];
            let refused = code.import_signing_key(SecretForm::Seed(&seed)).err();
            assert_eq!(refused, invalid);
        }
        for length in [0, 64, 2559, 4033, 4897] {
            assert_eq!(import(code, &vec![0; length]).err(), invalid);
        }
        for length in [0, 1311, 1953, 2593] {
            let refused = code.import_verifying_key(&vec![0; length]).err();
            assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
        }
    });
}
