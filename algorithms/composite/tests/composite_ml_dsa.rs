//! Composite ML-DSA as the registry sees it, and beside its components.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should panic"
)]

mod support;

use ml_dsa::common::KeyInit as _;
use ml_dsa::{MlDsa44, MlDsa65, VerifyingKey};
use pqfw_framework::catalogue::{Kat, builtin};
use pqfw_framework::keys;
use pqfw_framework::provider::Randomness;
use pqfw_framework::registry::Registry;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::SignatureError;
use proptest::prelude::*;

use support::{Set, every_set, expanded, import, rng};

/// Signatures with contexts by other implementations of the components: ORIGIN.md beside the file.
const VECTORS: &str = include_str!("../../../tests/vectors/composite/composite.kat");

const REJECTED: Result<(), SignatureError> = Err(SignatureError::Rejected);

#[test]
fn every_set_passes_the_admission_gate() {
    let builder = Registry::builder().with(pqfw_composite::plugin());
    let registry = builder.build().unwrap();
    for entry in registry.entries() {
        let name = entry.full_name();
        assert_eq!(registry.admit(entry, &mut rng(1)), Ok(()), "{name}");
        assert_eq!(entry.provider().randomness, Randomness::Injected);
    }
    every_set(|set| assert!(set.entry.provider().native_context));
}

#[test]
fn the_drafts_keys_have_its_encoding_and_sign_here() {
    every_set(|set| {
        let answers = Kat::parse(&set.entry.info().known_answers).unwrap();
        for case in &answers.cases {
            let value = |name| case.value(name).unwrap();
            let context = case.value("context").unwrap_or_default();
            let key = set.code.import_verifying_key(value("vk")).unwrap();
            let outcome = key.verify(&[value("message")], context, value("signature"));
            assert_eq!(outcome, Ok(()));
            let Some(sk) = case.value("sk") else { continue };
            let signer = import(set, sk).unwrap();
            assert_eq!(signer.verifying_key(), value("vk"));
            assert_eq!(expanded(&*signer), sk);
            let signature = signer.sign(&mut rng(1), &[b"m"], context).unwrap();
            assert_eq!(key.verify(&[b"m"], context, &signature), Ok(()));
        }
    });
}

#[test]
fn signatures_with_contexts_by_other_implementations_are_good_here() {
    let vectors = Kat::parse(VECTORS).unwrap();
    every_set(|set| {
        let id = set.entry.info().id.as_bytes();
        let own = vectors.cases.iter().filter(|c| c.value("id") == Some(id));
        let mut cases = 0;
        for case in own {
            let value = |name| case.value(name).unwrap();
            let (message, context) = (value("message"), value("context"));
            let key = set.code.import_verifying_key(value("vk")).unwrap();
            assert_eq!(key.verify(&[message], context, value("signature")), Ok(()));
            assert_eq!(key.verify(&[message], b"", value("signature")), REJECTED);
            let signer = import(set, value("sk")).unwrap();
            assert_eq!(signer.verifying_key(), value("vk"));
            assert_eq!(expanded(&*signer), value("sk"));
            cases += 1;
        }
        assert_eq!(cases, 2);
    });
}

#[test]
fn a_generated_key_survives_export_and_has_no_seed() {
    every_set(|set| {
        let key = set.code.generate(&mut rng(1)).unwrap();
        let bytes = expanded(&*key);
        assert_eq!(bytes.len(), set.sizes.signing_key);
        let again = import(set, &bytes).unwrap();
        assert_eq!(again.verifying_key(), key.verifying_key());
        assert_eq!(expanded(&*again), bytes);
        let unsupported = SignatureError::FormUnsupported(SecretKind::Seed);
        assert_eq!(
            key.export(SecretKind::Seed).err(),
            Some(unsupported.clone())
        );
        let seed = set.code.import_signing_key(SecretForm::Seed(&[0; 32]));
        assert_eq!(seed.err(), Some(unsupported));
    });
}

#[test]
fn randomness_is_the_callers() {
    every_set(|set| {
        let key = set.code.generate(&mut rng(1)).unwrap();
        let sign = |seed| key.sign(&mut rng(seed), &[b"m"], b"").unwrap();
        assert_eq!(sign(2), sign(2));
        let [one, other] = [2, 3].map(sign);
        let halves = |s: &[u8]| (s[..set.ml_dsa].to_vec(), s[set.ml_dsa..].to_vec());
        let (one, other) = (halves(&one), halves(&other));
        assert_ne!(one.0, other.0);
        // ECDSA is hedged too; Ed25519 is deterministic.
        assert_eq!(one.1 != other.1, set.sizes.variable_length);
        let again = set.code.generate(&mut rng(1)).unwrap();
        assert_eq!(again.verifying_key(), key.verifying_key());
    });
}

#[test]
fn signatures_are_no_longer_than_the_catalogue_says() {
    every_set(|set| {
        let key = set.code.generate(&mut rng(1)).unwrap();
        for seed in 0..20 {
            let length = key.sign(&mut rng(seed), &[b"m"], b"").unwrap().len();
            assert!(length <= set.sizes.signature);
            assert!(set.sizes.variable_length || length == set.sizes.signature);
        }
    });
}

#[test]
fn message_parts_and_context_are_bound() {
    every_set(|set| {
        let signer = set.code.generate(&mut rng(1)).unwrap();
        let key = set
            .code
            .import_verifying_key(&signer.verifying_key())
            .unwrap();
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
            assert_eq!(outcome, REJECTED);
        }
    });
}

#[test]
fn a_context_may_have_255_bytes_and_not_256() {
    every_set(|set| {
        let signer = set.code.generate(&mut rng(1)).unwrap();
        let key = set
            .code
            .import_verifying_key(&signer.verifying_key())
            .unwrap();
        let signature = signer.sign(&mut rng(2), &[b"m"], &[7; 255]).unwrap();
        assert_eq!(key.verify(&[b"m"], &[7; 255], &signature), Ok(()));
        let too_long = SignatureError::ContextTooLong(256);
        let signed = signer.sign(&mut rng(2), &[b"m"], &[7; 256]);
        assert_eq!(signed, Err(too_long.clone()));
        assert_eq!(key.verify(&[b"m"], &[7; 256], &signature), Err(too_long));
    });
}

#[test]
fn one_bad_component_is_enough_to_reject() {
    every_set(|set| {
        let signer = set.code.generate(&mut rng(1)).unwrap();
        let key = set
            .code
            .import_verifying_key(&signer.verifying_key())
            .unwrap();
        let sign = |message: &[u8]| signer.sign(&mut rng(2), &[message], b"").unwrap();
        let (good, other) = (sign(b"m"), sign(b"other"));
        assert_eq!(key.verify(&[b"m"], b"", &good), Ok(()));
        // Each component of another message beside the right one of the other algorithm.
        let (first, second) = good.split_at(set.ml_dsa);
        let (other_first, other_second) = other.split_at(set.ml_dsa);
        for mixed in [[first, other_second], [other_first, second]] {
            assert_eq!(key.verify(&[b"m"], b"", &mixed.concat()), REJECTED);
        }
        for position in [0, set.ml_dsa / 2, set.ml_dsa, good.len() - 1] {
            let mut forged = good.clone();
            forged[position] ^= 1;
            assert_eq!(key.verify(&[b"m"], b"", &forged), REJECTED, "at {position}");
        }
    });
}

#[test]
fn stripped_transposed_and_padded_signatures_are_rejected() {
    every_set(|set| {
        let signer = set.code.generate(&mut rng(1)).unwrap();
        let key = set
            .code
            .import_verifying_key(&signer.verifying_key())
            .unwrap();
        let good = signer.sign(&mut rng(2), &[b"m"], b"").unwrap();
        let (first, second) = good.split_at(set.ml_dsa);
        for bad in [
            first.to_vec(),
            second.to_vec(),
            [second, first].concat(),
            [first, &[0; 64]].concat(),
            [&vec![0; set.ml_dsa], second].concat(),
            [&good[..], &[0]].concat(),
            Vec::new(),
        ] {
            assert_eq!(key.verify(&[b"m"], b"", &bad), REJECTED);
        }
    });
}

#[test]
fn both_component_keys_must_be_those_that_signed() {
    every_set(|set| {
        let [one, other] = [1, 2].map(|seed| set.code.generate(&mut rng(seed)).unwrap());
        let (vk, foreign) = (one.verifying_key(), other.verifying_key());
        let split = set.ml_dsa_key;
        let signature = one.sign(&mut rng(3), &[b"m"], b"").unwrap();
        for mixed in [
            [&vk[..split], &foreign[split..]].concat(),
            [&foreign[..split], &vk[split..]].concat(),
        ] {
            let key = set.code.import_verifying_key(&mixed).unwrap();
            assert_eq!(key.verify(&[b"m"], b"", &signature), REJECTED);
        }
    });
}

#[test]
fn no_component_is_a_signature_of_its_own() {
    every_set(|set| {
        if set.entry.info().id != "MLDSA65-Ed25519-SHA512" {
            return;
        }
        let signer = set.code.generate(&mut rng(1)).unwrap();
        let signature = signer.sign(&mut rng(2), &[b"m"], b"").unwrap();
        let vk = signer.verifying_key();
        let (first, second) = signature.split_at(set.ml_dsa);
        let (first_key, second_key) = vk.split_at(set.ml_dsa_key);

        let first = ml_dsa::Signature::<MlDsa65>::try_from(first).unwrap();
        let first_key = VerifyingKey::<MlDsa65>::new_from_slice(first_key).unwrap();
        let label = b"COMPSIG-MLDSA65-Ed25519-SHA512";
        assert!(!first_key.verify_with_context(b"m", b"", &first));
        assert!(!first_key.verify_with_context(b"m", label, &first));

        let second = ed25519_dalek::Signature::from_slice(second).unwrap();
        let second_key = ed25519_dalek::VerifyingKey::try_from(second_key).unwrap();
        assert!(second_key.verify_strict(b"m", &second).is_err());
    });
}

#[test]
fn ml_dsa_over_the_right_representative_without_the_label_is_rejected() {
    every_set(|set| {
        if set.entry.info().id != "MLDSA44-Ed25519-SHA512" {
            return;
        }
        let signer = set.code.generate(&mut rng(1)).unwrap();
        let key = set
            .code
            .import_verifying_key(&signer.verifying_key())
            .unwrap();
        let seed = expanded(&*signer)[..32].to_vec();
        let ml_dsa = ml_dsa::SigningKey::<MlDsa44>::new_from_slice(&seed).unwrap();
        let signature = signer.sign(&mut rng(2), &[b"m"], b"").unwrap();
        let hash = <sha2::Sha512 as sha2::Digest>::digest(b"m");
        let label = b"COMPSIG-MLDSA44-Ed25519-SHA512";
        let message = [b"CompositeAlgorithmSignatures2025", &label[..], &[0], &hash].concat();
        for (context, outcome) in [(&label[..], Ok(())), (b"", REJECTED)] {
            let first = ml_dsa.expanded_key().sign_deterministic(&message, context);
            let first = first.unwrap().encode();
            let made = [&first[..], &signature[set.ml_dsa..]].concat();
            assert_eq!(key.verify(&[b"m"], b"", &made), outcome);
        }
    });
}

/// `sk_pkcs8` of the draft's appendix E, for the keys of the known answers.
const KEY_FILES: [(&str, &str); 2] = [
    (
        "MLDSA44-Ed25519-SHA512",
        "MFECAQAwCgYIKwYBBQUHBicEQAHY31kVLYpE45ol5nde8YoARLIOWMLENGrDfCfRUhdsW+psJFRhe/tIR564\
         sTtxGpgRa3P37Kww+vHdm0+hfWg=",
    ),
    (
        "MLDSA65-ECDSA-P384-SHA512",
        "MHECAQAwCgYIKwYBBQUHBi4EYBgc2VRq4ArYzXexbTc6MZs11RHB5IvTUnJu30rCaJKgMD4CAQEEMB4IoETf\
         LrIIo2cGUavV6NMLuWnmrmIH5E0yhpjxX6KJs+BSQacJpOaEVRwfHsq7R6AHBgUrgQQAIg==",
    ),
];

#[test]
fn key_files_are_those_of_the_draft() {
    let rows = builtin();
    for (id, expected) in KEY_FILES {
        let info = rows.iter().find(|row| row.id == id).unwrap();
        let answers = Kat::parse(&info.known_answers).unwrap();
        let parts = keys::PrivateKeyParts {
            seed: None,
            expanded: Some(SecretBytes::copy_of(answers.cases[0].value("sk").unwrap())),
            public_key: None,
        };
        let pem = keys::private_to_pem(info, &parts).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        assert_eq!(body, expected, "{id}");
    }
}

#[test]
fn a_key_file_of_a_composite_is_of_no_other_algorithm() {
    let rows = builtin();
    let row = |id: &str| rows.iter().find(|row| row.id == id).unwrap();
    every_set(|set| {
        let info = set.entry.info();
        let key = set.code.generate(&mut rng(1)).unwrap();
        let parts = keys::PrivateKeyParts {
            seed: None,
            expanded: Some(SecretBytes::copy_of(&expanded(&*key))),
            public_key: None,
        };
        let private = keys::private_to_pem(info, &parts).unwrap();
        let public = keys::public_to_pem(info, &key.verifying_key()).unwrap();
        for other in ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87", "Ed25519", "X-Wing"] {
            assert!(keys::private_from_file(row(other), private.as_bytes()).is_err());
            assert!(keys::public_from_file(row(other), public.as_bytes()).is_err());
        }
        let read = keys::private_from_file(info, private.as_bytes()).unwrap();
        let read = read.expanded.unwrap();
        assert!(read.constant_time_eq(&expanded(&*key)));
    });
}

#[test]
fn a_public_key_of_another_length_is_refused() {
    every_set(|set| {
        let good = set.code.generate(&mut rng(1)).unwrap().verifying_key();
        for length in [0, 32, set.ml_dsa_key, good.len() - 1] {
            assert!(refused_public(set, &good[..length]), "{length}");
        }
        assert!(refused_public(set, &[&good[..], &[0]].concat()));
    });
}

#[test]
fn a_public_point_must_be_uncompressed_on_the_curve_and_of_large_order() {
    every_set(|set| {
        let good = set.code.generate(&mut rng(1)).unwrap().verifying_key();
        let (ml_dsa, point) = good.split_at(set.ml_dsa_key);
        if set.sizes.variable_length {
            let field = point.len() / 2;
            for tag in [2, 3] {
                let compressed = [ml_dsa, &[tag], &point[1..=field]].concat();
                assert!(refused_public(set, &compressed));
                let mut hybrid = good.clone();
                hybrid[set.ml_dsa_key] = tag + 4;
                assert!(refused_public(set, &hybrid));
            }
            assert!(refused_public(set, &[ml_dsa, &[0]].concat()));
            let mut off = good.clone();
            *off.last_mut().unwrap() ^= 1;
            assert!(refused_public(set, &off));
        } else {
            // The neutral element, and a y that no point has.
            let mut neutral = [0; 32];
            neutral[0] = 1;
            assert!(refused_public(set, &[ml_dsa, &neutral].concat()));
            neutral[0] = 2;
            assert!(refused_public(set, &[ml_dsa, &neutral].concat()));
        }
    });
}

#[test]
fn a_private_key_has_one_encoding() {
    every_set(|set| {
        let signer = set.code.generate(&mut rng(1)).unwrap();
        let good = expanded(&*signer);
        assert!(!refused_private(set, &good));
        for length in [0, 31, 32, good.len() - 1] {
            assert!(refused_private(set, &good[..length]), "{length}");
        }
        assert!(refused_private(set, &[&good[..], &[0]].concat()));
        if !set.sizes.variable_length {
            return;
        }
        let scalar = (set.sizes.verifying_key - set.ml_dsa_key) / 2;
        // Everything around the scalar is fixed: the tags, the version and the curve.
        for position in (32..39).chain(39 + scalar..good.len()) {
            let mut other = good.clone();
            other[position] ^= 1;
            assert!(refused_private(set, &other), "at {position}");
        }
        // Neither zero nor the order of the curve or more is a scalar.
        for byte in [0x00, 0xff] {
            let mut other = good.clone();
            other[39..39 + scalar].fill(byte);
            assert!(refused_private(set, &other));
        }
    });
}

#[test]
fn an_ecdsa_signature_has_one_encoding_of_its_numbers() {
    every_set(|set| {
        if !set.sizes.variable_length {
            return;
        }
        let signer = set.code.generate(&mut rng(1)).unwrap();
        let key = set
            .code
            .import_verifying_key(&signer.verifying_key())
            .unwrap();
        let signature = signer.sign(&mut rng(2), &[b"m"], b"").unwrap();
        let (first, der) = signature.split_at(set.ml_dsa);
        let [0x30, length, body @ ..] = der else {
            panic!("a short sequence")
        };
        let [0x02, r_length, ..] = body else {
            panic!("an integer")
        };
        let (r, s) = body[2..].split_at(usize::from(*r_length));
        let long_form = [&[0x30, 0x81, *length], body].concat();
        let padded = [&[0x30, length + 1, 0x02, r_length + 1, 0x00], r, s].concat();
        let trailing = [&[0x30, length + 1], body, &[0x00]].concat();
        let indefinite = [&[0x30, 0x80], body, &[0x00, 0x00]].concat();
        let zero = [0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x00].to_vec();
        for bad in [long_form, padded, trailing, indefinite, zero] {
            assert_eq!(key.verify(&[b"m"], b"", &[first, &bad].concat()), REJECTED);
        }
    });
}

fn refused_public(set: &Set<'_>, bytes: &[u8]) -> bool {
    set.code.import_verifying_key(bytes).err() == Some(SignatureError::VerifyingKeyInvalid)
}

fn refused_private(set: &Set<'_>, bytes: &[u8]) -> bool {
    import(set, bytes).err() == Some(SignatureError::SigningKeyInvalid)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn no_bytes_make_an_import_or_a_verification_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..5000)
    ) {
        every_set(|set| {
            assert!(refused_private(set, &bytes) || bytes.len() == set.sizes.signing_key);
            let _ = set.code.import_verifying_key(&bytes);
            let vk = set.code.generate(&mut rng(1)).unwrap().verifying_key();
            let key = set.code.import_verifying_key(&vk).unwrap();
            assert_eq!(key.verify(&[b"m"], b"", &bytes), REJECTED);
        });
    }
}
