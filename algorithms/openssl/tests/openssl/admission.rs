//! What OpenSSL offers, and that all of it passes the gate.

use pqfw_framework::provider::{ConstantTime, Randomness};
use pqfw_framework::registry::Resolver;
use pqfw_framework::secret::SecretKind;

use crate::support::{registry, rng};

const OFFERED: [&str; 28] = [
    "AES-128-GCM",
    "AES-256-GCM",
    "ChaCha20-Poly1305",
    "ECDSA-P256",
    "ECDSA-P384",
    "Ed25519",
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
    "ML-KEM-1024",
    "ML-KEM-512",
    "ML-KEM-768",
    "P-256",
    "P-384",
    "SLH-DSA-SHA2-128f",
    "SLH-DSA-SHA2-128s",
    "SLH-DSA-SHA2-192f",
    "SLH-DSA-SHA2-192s",
    "SLH-DSA-SHA2-256f",
    "SLH-DSA-SHA2-256s",
    "SLH-DSA-SHAKE-128f",
    "SLH-DSA-SHAKE-128s",
    "SLH-DSA-SHAKE-192f",
    "SLH-DSA-SHAKE-192s",
    "SLH-DSA-SHAKE-256f",
    "SLH-DSA-SHAKE-256s",
    "X25519",
    "brainpoolP512r1",
];

#[test]
fn everything_offered_passes_the_admission_gate() {
    let registry = registry(pqfw_openssl::plugin());
    let ids = registry.entries().map(|entry| entry.info().id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), OFFERED);
    for entry in registry.entries() {
        let outcome = registry.admit(entry, &mut rng(1));
        assert_eq!(outcome, Ok(()), "{}", entry.full_name());
    }
}

#[test]
fn every_random_byte_is_the_callers_and_no_time_is_claimed() {
    for entry in registry(pqfw_openssl::plugin()).entries() {
        let (provider, id) = (entry.provider(), &entry.info().id);
        assert_eq!(provider.randomness, Randomness::Injected);
        assert_eq!(provider.constant_time, ConstantTime::Unclaimed);
        let has_context = id.starts_with("ML-DSA") || id.starts_with("SLH-DSA");
        assert_eq!(provider.native_context, has_context, "{id}");
    }
}

#[test]
fn keys_of_the_standards_with_seeds_are_stored_as_seeds() {
    let registry = registry(pqfw_openssl::plugin());
    let (mut gate, mut random) = (rng(1), rng(2));
    let mut resolver = Resolver::new(&registry, &mut gate, &[], &[], "2026-11-21");
    let kem = resolver.kem("ML-KEM-768").unwrap();
    let key = kem.generate_storable(&mut random).unwrap();
    assert_eq!(key.export(SecretKind::Seed).unwrap().len(), 64);
    let signature = resolver.signature("ML-DSA-65").unwrap();
    let key = signature.generate_storable(&mut random).unwrap();
    assert_eq!(key.export(SecretKind::Seed).unwrap().len(), 32);
}
