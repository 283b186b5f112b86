//! ML-DSA: agreement with liboqs, with NIST and with RustCrypto, and what is refused.

use pqfw_framework::catalogue::Kat;
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any, proptest};

use crate::support::{Liboqs, registry, rng, signature};

/// Bytes of rho, K and tr, which stand before s1 (FIPS 204, Algorithm 24).
const RHO_K_TR: usize = 128;

const REJECTED: Result<(), SignatureError> = Err(SignatureError::Rejected);

/// Runs `check` on every parameter set, with its name.
fn every_level(check: impl Fn(&dyn Signature, &str)) {
    for level in [44, 65, 87] {
        let id = format!("ML-DSA-{level}");
        check(&*signature(pqfw_libcrux::plugin(), &id), &id);
    }
}

fn expanded(key: &dyn Sign) -> Vec<u8> {
    key.export(SecretKind::Expanded).unwrap().expose().to_vec()
}

fn import(code: &dyn Signature, bytes: &[u8]) -> Result<Box<dyn Sign>, SignatureError> {
    code.import_signing_key(SecretForm::Expanded(bytes))
}

#[test]
fn it_verifies_what_liboqs_signed() {
    every_level(|code, id| {
        let liboqs = Liboqs::new("sig", id);
        let key = code.import_verifying_key(&liboqs.value("pk")).unwrap();
        let (message, signature) = (liboqs.value("msg"), liboqs.value("sig"));
        assert_eq!(key.verify(&[&message], b"", &signature), Ok(()));
        assert_eq!(key.verify(&[&message, b"!"], b"", &signature), REJECTED);
    });
}

#[test]
fn the_seeds_of_nist_give_its_keys() {
    let registry = registry(pqfw_libcrux::plugin());
    every_level(|code, id| {
        let kat = Kat::parse(&registry.find(id).unwrap().known_answers).unwrap();
        let mut seeds = 0;
        for case in kat.cases {
            let (Some(seed), Some(sk), Some(vk)) =
                (case.value("seed"), case.value("sk"), case.value("vk"))
            else {
                continue;
            };
            let key = code.import_signing_key(SecretForm::Seed(seed)).unwrap();
            assert_eq!(expanded(&*key), sk);
            assert_eq!(key.verifying_key(), vk);
            assert_eq!(key.export(SecretKind::Seed).unwrap().expose(), seed);
            seeds += 1;
        }
        assert!(seeds > 0, "{id}");
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
            assert_eq!(verifier.verify(&[&message], &context, &signature), Ok(()));
            (expanded(&*key), key.verifying_key(), signature)
        };
        every_level(|ours, id| {
            let theirs = signature(pqfw_ml_dsa::plugin(), id);
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
        for forged in [
            &b""[..],
            &signature[1..],
            vec![0xff; signature.len()].as_slice(),
        ] {
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
        assert_eq!(refused, Err(too_long));
        assert_eq!(key.verify(&[b"m"], &[7; 256], &signature), REJECTED);
    });
}

#[test]
fn a_key_in_expanded_form_has_its_public_key_and_signs_and_no_seed() {
    every_level(|code, id| {
        let generated = code.generate(&mut rng(1)).unwrap();
        let bytes = expanded(&*generated);
        let imported = import(code, &bytes).unwrap();
        assert_eq!(expanded(&*imported), bytes);
        assert_eq!(imported.verifying_key(), generated.verifying_key());
        let unsupported = SignatureError::FormUnsupported(SecretKind::Seed);
        assert_eq!(imported.export(SecretKind::Seed).err(), Some(unsupported));
        let sign = |key: &dyn Sign| key.sign(&mut rng(2), &[b"m"], b"c").unwrap();
        assert_eq!(sign(&*imported), sign(&*generated), "{id}");
    });
}

#[test]
fn an_expanded_key_of_liboqs_is_read() {
    every_level(|code, id| {
        let liboqs = Liboqs::new("sig", id);
        let signer = import(code, &liboqs.value("sk")).unwrap();
        assert_eq!(signer.verifying_key(), liboqs.value("pk"));
        let key = code.import_verifying_key(&liboqs.value("pk")).unwrap();
        let signature = signer.sign(&mut rng(2), &[b"m"], b"").unwrap();
        assert_eq!(key.verify(&[b"m"], b"", &signature), Ok(()));
    });
}

#[test]
fn damage_to_rho_tr_or_s1_of_an_expanded_key_is_found() {
    every_level(|code, id| {
        let bytes = expanded(&*code.generate(&mut rng(1)).unwrap());
        // The ends of rho and tr; all coefficients of s1 that share a byte, in range and out of it;
        // the last ones of s2, which stands before t0.
        let s1 = RHO_K_TR;
        let in_range = if bytes[s1] == 0 { 0x11 } else { 0 };
        let vk = code.generate(&mut rng(1)).unwrap().verifying_key().len();
        let t0 = bytes.len() - (vk - 32) / 10 * 13;
        for (at, byte) in [
            (0, bytes[0] ^ 1),
            (31, bytes[31] ^ 1),
            (64, bytes[64] ^ 1),
            (s1 - 1, bytes[s1 - 1] ^ 1),
            (s1, in_range),
            (s1, 0xff),
            (t0 - 1, 0xff),
        ] {
            let mut damaged = bytes.clone();
            damaged[at] = byte;
            let refused = import(code, &damaged).err();
            let invalid = SignatureError::SigningKeyInvalid;
            assert_eq!(refused, Some(invalid), "{id}: {at}");
        }
    });
}

#[test]
fn a_key_of_the_wrong_length_is_an_error_and_no_panic() {
    every_level(|code, _| {
        for length in [0, 31, 33] {
            let seed = vec![0; length];
            let refused = code.import_signing_key(SecretForm::Seed(&seed)).err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
        }
        for length in [0, 2559, 2561, 4031, 4897] {
            let refused = import(code, &vec![0; length]).err();
            assert_eq!(refused, Some(SignatureError::SigningKeyInvalid));
        }
        for length in [0, 1311, 1313, 1951, 2593] {
            let refused = code.import_verifying_key(&vec![0; length]).err();
            assert_eq!(refused, Some(SignatureError::VerifyingKeyInvalid));
        }
    });
}
