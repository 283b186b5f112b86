//! The two providers of SLH-DSA against each other, and both against NIST.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

mod support;

use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::SignatureError;
use proptest::prelude::*;
use serde_json::Value;
use support::{PROVIDERS, SETS, code, entry, export, registry, rng};

#[test]
fn each_verifies_what_the_other_signs_and_they_sign_alike() {
    let registry = registry();
    for set in SETS {
        let codes = PROVIDERS.map(|provider| code(entry(&registry, set, provider)));
        let [ours, theirs] = &codes;
        let signers = [ours, theirs].map(|code| code.generate(&mut rng(7)).unwrap());
        let signatures = signers
            .each_ref()
            .map(|key| key.sign(&mut rng(8), &[b"message"], b"context").unwrap());
        for (verifier, signature) in [(theirs, &signatures[0]), (ours, &signatures[1])] {
            let key = verifier
                .import_verifying_key(&signers[0].verifying_key())
                .unwrap();
            let verdict = key.verify(&[b"message"], b"context", signature);
            assert_eq!(verdict, Ok(()), "{set}");
            let verdict = key.verify(&[b"message"], b"", signature);
            assert_eq!(verdict, Err(SignatureError::Rejected), "{set}");
        }
        // Both draw SK.seed, SK.prf, PK.seed and addrnd in the order of FIPS 205.
        assert_eq!(signers[0].verifying_key(), signers[1].verifying_key());
        assert!(signatures[0] == signatures[1], "{set}");
    }
}

#[test]
fn the_key_generations_of_nist_come_out() {
    let vectors: Value = serde_json::from_str(include_str!(
        "../../../tests/vectors/acvp-slh-dsa/keyGen.json"
    ))
    .unwrap();
    let registry = registry();
    let groups = vectors["testGroups"].as_array().unwrap();
    assert_eq!(groups.len(), SETS.len());
    for group in groups {
        let set = group["parameterSet"].as_str().unwrap();
        // A small set takes a quarter of a second for a key.
        let cases = if set.ends_with('s') { 3 } else { 10 };
        for case in group["tests"].as_array().unwrap().iter().take(cases) {
            let value = |name: &str| hex(case[name].as_str().unwrap());
            let seed = [value("skSeed"), value("skPrf"), value("pkSeed")].concat();
            for provider in PROVIDERS {
                let code = code(entry(&registry, set, provider));
                let key = code.import_signing_key(SecretForm::Seed(&seed)).unwrap();
                assert_eq!(key.verifying_key(), value("pk"), "{set}@{provider}");
                assert_eq!(export(&*key, SecretKind::Expanded), value("sk"));
            }
        }
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits = (0..text.len()).step_by(2);
    digits
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn any_message_in_any_parts_verifies_and_a_flipped_bit_anywhere_does_not(
        parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..40), 0..4),
        context in prop::collection::vec(any::<u8>(), 0..=255),
        flip in any::<prop::sample::Index>(),
    ) {
        let registry = registry();
        let parts: Vec<_> = parts.iter().map(Vec::as_slice).collect();
        for [signing, verifying] in [PROVIDERS, [PROVIDERS[1], PROVIDERS[0]]] {
            let code_of = |provider| code(entry(&registry, "SLH-DSA-SHA2-128f", provider));
            let signer = code_of(signing).generate(&mut rng(1)).unwrap();
            let mut signature = signer.sign(&mut rng(2), &parts, &context).unwrap();
            let key = code_of(verifying)
                .import_verifying_key(&signer.verifying_key())
                .unwrap();
            let whole = parts.concat();
            prop_assert_eq!(key.verify(&[&whole], &context, &signature), Ok(()));
            let bit = flip.index(8 * signature.len());
            signature[bit / 8] ^= 1 << (bit % 8);
            let verdict = key.verify(&[&whole], &context, &signature);
            prop_assert_eq!(verdict, Err(SignatureError::Rejected));
        }
    }
}
