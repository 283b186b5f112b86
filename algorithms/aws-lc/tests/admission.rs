//! What AWS-LC offers, and that all of it passes the gate.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::provider::Randomness;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::secret::{SecretForm, SecretKind};

const OFFERED: [&str; 26] = [
    "AES-128-GCM",
    "AES-128-GCM-SIV",
    "AES-256-GCM",
    "AES-256-GCM-SIV",
    "ChaCha20-Poly1305",
    "ECDSA-P256",
    "ECDSA-P384",
    "Ed25519",
    "HKDF-SHA256",
    "HKDF-SHA384",
    "HKDF-SHA512",
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
    "ML-KEM-1024",
    "ML-KEM-512",
    "ML-KEM-768",
    "P-256",
    "P-384",
    "SHA-256",
    "SHA-384",
    "SHA-512",
    "SHA3-256",
    "SHA3-384",
    "SHA3-512",
    "X25519",
];

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

#[test]
fn everything_offered_passes_the_admission_gate() {
    let registry = Registry::builder()
        .with(pqfw_aws_lc::plugin())
        .build()
        .unwrap();
    let offered: Vec<_> = registry
        .entries()
        .map(|entry| entry.info().id.as_str())
        .collect();
    assert_eq!(offered, OFFERED);
    for entry in registry.entries() {
        assert_eq!(
            registry.admit(entry, &mut rng(1)),
            Ok(()),
            "{}",
            entry.full_name()
        );
    }
}

#[test]
fn only_ml_kem_ml_dsa_and_ecdsa_draw_their_own_random_bytes() {
    let registry = Registry::builder()
        .with(pqfw_aws_lc::plugin())
        .build()
        .unwrap();
    for entry in registry.entries() {
        let id = entry.info().id.as_str();
        let own = ["ML-KEM", "ML-DSA", "ECDSA"]
            .iter()
            .any(|family| id.starts_with(family));
        assert_eq!(
            entry.provider().randomness == Randomness::Provider,
            own,
            "{id}"
        );
    }
}

#[test]
fn a_seed_of_ml_kem_is_expanded_by_the_other_provider() {
    let builder = Registry::builder().with(pqfw_aws_lc::plugin());
    let registry = builder.with(pqfw_ml_kem::plugin()).build().unwrap();
    for level in [512, 768, 1024] {
        let (mut gate, mut random) = (rng(1), rng(2));
        let mut resolver = Resolver::new(&registry, &mut gate, &[], &[], "2026-11-21");
        let kem = resolver.kem(&format!("ML-KEM-{level}")).unwrap();
        assert_eq!(kem.provider().name, "aws-lc");
        let key = kem
            .import_decapsulation_key(SecretForm::Seed(&[7; 64]))
            .unwrap();
        assert_eq!(key.export(SecretKind::Seed).unwrap().expose(), [7; 64]);
        let public = kem
            .import_encapsulation_key(&key.encapsulation_key())
            .unwrap();
        let (ciphertext, sent) = public.encapsulate(&mut random).unwrap();
        assert!(
            key.decapsulate(&ciphertext)
                .unwrap()
                .constant_time_eq(sent.expose())
        );
    }
}

#[test]
fn kyber_over_aws_lc_passes_the_admission_gate() {
    let builder = Registry::builder().with(pqfw_aws_lc::plugin());
    let registry = builder.with(pqfw_kyber::plugin()).build().unwrap();
    for level in [512, 768, 1024] {
        let [entry] = registry.entries_of(&format!("Kyber-{level}")) else {
            panic!("one provider")
        };
        assert_eq!(
            registry.admit(entry, &mut rng(1)),
            Ok(()),
            "{}",
            entry.full_name()
        );
        assert_eq!(entry.provider().randomness, Randomness::Provider);
    }
}
