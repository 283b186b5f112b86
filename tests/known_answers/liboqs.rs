//! `tests/vectors/liboqs-0.13/primitives.json`: keys, ciphertexts and signatures of liboqs 0.13.

use pqfw_framework::registry::{Code, Registry};
use pqfw_framework::secret::SecretForm;
use pqfw_framework::signature::SignatureError;
use serde_json::Value;

use crate::support::{hex, registry, resolve, rng};

const PRIMITIVES: &str = include_str!("../vectors/liboqs-0.13/primitives.json");
const QU3: &str = include_str!("../vectors/liboqs-0.13/qu3-primitives.json");

/// liboqs's names and ours.
const KEMS: [(&str, &str); 10] = [
    ("ML-KEM-512", "ML-KEM-512"),
    ("ML-KEM-768", "ML-KEM-768"),
    ("ML-KEM-1024", "ML-KEM-1024"),
    ("Kyber512", "Kyber-512"),
    ("Kyber768", "Kyber-768"),
    ("Kyber1024", "Kyber-1024"),
    ("FrodoKEM-640-AES", "eFrodoKEM-640-AES"),
    ("FrodoKEM-640-SHAKE", "eFrodoKEM-640-SHAKE"),
    ("FrodoKEM-976-AES", "eFrodoKEM-976-AES"),
    ("FrodoKEM-1344-AES", "eFrodoKEM-1344-AES"),
];
const SIGNATURES: [(&str, &str); 10] = [
    ("Dilithium2", "Dilithium2"),
    ("Dilithium3", "Dilithium3"),
    ("Dilithium5", "Dilithium5"),
    ("ML-DSA-44", "ML-DSA-44"),
    ("ML-DSA-65", "ML-DSA-65"),
    ("ML-DSA-87", "ML-DSA-87"),
    ("SPHINCS+-SHA2-128f-simple", "SPHINCS+-SHA2-128f-simple"),
    ("SPHINCS+-SHA2-128s-simple", "SPHINCS+-SHA2-128s-simple"),
    ("SPHINCS+-SHAKE-128f-simple", "SPHINCS+-SHAKE-128f-simple"),
    ("SPHINCS+-SHA2-192f-simple", "SPHINCS+-SHA2-192f-simple"),
];
/// Code for these comes with the feature `liboqs` alone.
const BY_LIBOQS_ALONE: [&str; 2] = ["Dilithium3", "Dilithium5"];
/// These cannot read a private key of theirs in expanded form, and say so.
const SEEDS_ALONE: [&str; 3] = [
    "ML-DSA-44@libcrux",
    "ML-DSA-65@libcrux",
    "ML-DSA-87@libcrux",
];

fn providers(registry: &Registry, id: &str) -> Vec<String> {
    let names: Vec<_> = registry
        .entries_of(id)
        .iter()
        .map(|e| e.full_name())
        .collect();
    assert!(
        !names.is_empty() || BY_LIBOQS_ALONE.contains(&id),
        "{id} has no provider"
    );
    names
}

#[test]
fn every_entry_of_the_recording_is_in_the_tables() {
    let vectors: Value = serde_json::from_str(PRIMITIVES).unwrap();
    let all = |kind: &str| vectors[kind].as_object().unwrap().len();
    assert_eq!((all("kem"), all("sig")), (KEMS.len(), SIGNATURES.len()));
}

#[test]
fn every_kem_provider_opens_what_liboqs_sealed_and_rejects_as_it_does() {
    let (registry, vectors) = (
        registry(),
        serde_json::from_str::<Value>(PRIMITIVES).unwrap(),
    );
    for (theirs, ours) in KEMS {
        let value = |field: &str| hex(vectors["kem"][theirs][field].as_str().unwrap());
        let mut tampered = value("ct");
        tampered[0] ^= 1;
        for name in providers(&registry, ours) {
            let kem = resolve(&registry, |resolver| resolver.kem(&name));
            let sk = value("sk");
            let key = kem
                .import_decapsulation_key(SecretForm::Expanded(&sk))
                .unwrap();
            assert_eq!(key.encapsulation_key(), value("pk"), "{name}");
            let secret = kem.decapsulate(&key, &value("ct")).unwrap();
            assert!(secret.constant_time_eq(&value("ss")), "{name}: secret");
            let rejected = kem.decapsulate(&key, &tampered).unwrap();
            let expected = value("ct_tampered_first_byte_xor_1_ss");
            assert!(
                rejected.constant_time_eq(&expected),
                "{name}: implicit rejection"
            );
        }
    }
}

#[test]
fn what_one_kem_provider_seals_to_liboqs_keys_every_other_opens() {
    let (registry, vectors) = (
        registry(),
        serde_json::from_str::<Value>(PRIMITIVES).unwrap(),
    );
    let mut rng = rng();
    for (theirs, ours) in KEMS {
        let value = |field: &str| hex(vectors["kem"][theirs][field].as_str().unwrap());
        let (sk, pk) = (value("sk"), value("pk"));
        for sealing in providers(&registry, ours) {
            let kem = resolve(&registry, |resolver| resolver.kem(&sealing));
            let public = kem.import_encapsulation_key(&pk).unwrap();
            let (ciphertext, secret) = kem.encapsulate(&public, &mut rng).unwrap();
            for opening in providers(&registry, ours) {
                let kem = resolve(&registry, |resolver| resolver.kem(&opening));
                let key = kem
                    .import_decapsulation_key(SecretForm::Expanded(&sk))
                    .unwrap();
                let opened = kem.decapsulate(&key, &ciphertext).unwrap();
                assert!(
                    opened.constant_time_eq(secret.expose()),
                    "{sealing} to {opening}"
                );
            }
        }
    }
}

#[test]
fn the_qu3_key_pair_of_liboqs_opens_with_every_kyber() {
    let (registry, vectors) = (registry(), serde_json::from_str::<Value>(QU3).unwrap());
    let value = |field: &str| hex(vectors["kyber768"][field].as_str().unwrap());
    for name in providers(&registry, "Kyber-768") {
        let kem = resolve(&registry, |resolver| resolver.kem(&name));
        let sk = value("sk");
        let key = kem
            .import_decapsulation_key(SecretForm::Expanded(&sk))
            .unwrap();
        assert!(
            kem.decapsulate(&key, &value("ct"))
                .unwrap()
                .constant_time_eq(&value("ss"))
        );
    }
}

#[test]
fn every_signature_provider_verifies_liboqs_and_refuses_one_changed_bit() {
    let (registry, vectors) = (
        registry(),
        serde_json::from_str::<Value>(PRIMITIVES).unwrap(),
    );
    for (theirs, ours) in SIGNATURES {
        let value = |field: &str| hex(vectors["sig"][theirs][field].as_str().unwrap());
        for name in providers(&registry, ours) {
            let algorithm = resolve(&registry, |resolver| resolver.signature(&name));
            let key = algorithm.import_verifying_key(&value("pk")).unwrap();
            let (message, mut signature) = (value("msg"), value("sig"));
            algorithm
                .verify(&key, &[&message], &[], &signature)
                .unwrap();
            for at in [0, signature.len() / 2, signature.len() - 1] {
                signature[at] ^= 1;
                let verdict = algorithm.verify(&key, &[&message], &[], &signature);
                assert_eq!(verdict, Err(SignatureError::Rejected), "{name}: byte {at}");
                signature[at] ^= 1;
            }
        }
    }
}

#[test]
fn what_one_provider_signs_with_liboqs_keys_every_other_verifies() {
    let (registry, vectors) = (
        registry(),
        serde_json::from_str::<Value>(PRIMITIVES).unwrap(),
    );
    let mut rng = rng();
    for (theirs, ours) in SIGNATURES {
        let value = |field: &str| hex(vectors["sig"][theirs][field].as_str().unwrap());
        let (sk, pk) = (value("sk"), value("pk"));
        for signing in providers(&registry, ours) {
            let algorithm = resolve(&registry, |resolver| resolver.signature(&signing));
            let imported = algorithm.import_signing_key(SecretForm::Expanded(&sk));
            let key = match imported {
                Err(SignatureError::FormUnsupported(_)) if SEEDS_ALONE.contains(&&*signing) => {
                    continue;
                }
                other => other.unwrap_or_else(|error| panic!("{signing}: {error}")),
            };
            assert_eq!(key.verifying_key(), pk, "{signing}");
            let signature = key.sign(&mut rng, &[b"ours"]).unwrap();
            for verifying in providers(&registry, ours) {
                let algorithm = resolve(&registry, |resolver| resolver.signature(&verifying));
                let key = algorithm.import_verifying_key(&pk).unwrap();
                let verdict = algorithm.verify(&key, &[b"ours"], &[], &signature);
                assert_eq!(verdict, Ok(()), "{signing} to {verifying}");
            }
        }
    }
}

/// No provider of `id` takes the look-alike's signature, under the look-alike's own key.
fn refuses(registry: &Registry, id: &str, pk: &[u8], message: &[u8], signature: &[u8]) {
    for name in providers(registry, id) {
        let algorithm = resolve(registry, |resolver| resolver.signature(&name));
        let key = algorithm.import_verifying_key(pk).unwrap();
        let verdict = algorithm.verify(&key, &[message], &[], signature);
        assert_eq!(verdict, Err(SignatureError::Rejected), "{name}");
    }
}

#[test]
fn look_alikes_refuse_each_others_signatures_and_share_no_secret() {
    let (registry, vectors) = (
        registry(),
        serde_json::from_str::<Value>(PRIMITIVES).unwrap(),
    );
    let value = |field: &str| {
        hex(vectors["sig"]["SPHINCS+-SHA2-128f-simple"][field]
            .as_str()
            .unwrap())
    };
    let (pk, message, signature) = (value("pk"), value("msg"), value("sig"));
    refuses(&registry, "SLH-DSA-SHA2-128f", &pk, &message, &signature);
    for (theirs, id) in [("Dilithium2", "ML-DSA-44"), ("ML-DSA-44", "Dilithium2")] {
        let value = |field: &str| hex(vectors["sig"][theirs][field].as_str().unwrap());
        let (pk, message, signature) = (value("pk"), value("msg"), value("sig"));
        refuses(&registry, id, &pk, &message, &signature);
    }

    let value = |field: &str| hex(vectors["kem"]["ML-KEM-768"][field].as_str().unwrap());
    let kyber = resolve(&registry, |resolver| resolver.kem("Kyber-768"));
    let sk = value("sk");
    let key = kyber
        .import_decapsulation_key(SecretForm::Expanded(&sk))
        .unwrap();
    let secret = kyber.decapsulate(&key, &value("ct")).unwrap();
    assert!(!secret.constant_time_eq(&value("ss")));

    let ml_kem = resolve(&registry, |resolver| resolver.kem("ML-KEM-768"));
    let error = ml_kem
        .decapsulate(&key, &value("ct"))
        .map(drop)
        .unwrap_err();
    assert!(matches!(
        error,
        pqfw_framework::kem::KemError::WrongAlgorithm { .. }
    ));
}

#[test]
fn every_provider_passes_its_admission() {
    let (registry, mut rng) = (registry(), rng());
    for entry in registry.entries() {
        assert_eq!(
            registry.admit(entry, &mut rng),
            Ok(()),
            "{}",
            entry.full_name()
        );
        assert_eq!(
            matches!(entry.code(), Code::Kem(_)),
            entry.info().kind().name() == "kem"
        );
    }
}
