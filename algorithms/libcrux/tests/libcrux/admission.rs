//! What libcrux offers, and that all of it passes the gate.

use pqfw_framework::provider::{ConstantTime, Randomness};
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::secret::SecretKind;

use crate::support::{registry, rng};

const OFFERED: [&str; 6] = [
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
    "ML-KEM-1024",
    "ML-KEM-512",
    "ML-KEM-768",
];

#[test]
fn everything_offered_passes_the_admission_gate() {
    let registry = registry(pqfw_libcrux::plugin());
    let ids = registry.entries().map(|entry| entry.info().id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), OFFERED);
    for entry in registry.entries() {
        let outcome = registry.admit(entry, &mut rng(1));
        assert_eq!(outcome, Ok(()), "{}", entry.full_name());
    }
}

#[test]
fn every_random_byte_is_the_callers() {
    for entry in registry(pqfw_libcrux::plugin()).entries() {
        let provider = entry.provider();
        assert_eq!(provider.randomness, Randomness::Injected);
        assert_eq!(provider.constant_time, ConstantTime::Claimed);
        assert_eq!(
            provider.native_context,
            entry.info().id.starts_with("ML-DSA")
        );
    }
}

#[test]
fn keys_are_stored_as_seeds() {
    let registry = Registry::builder()
        .with(pqfw_libcrux::plugin())
        .build()
        .unwrap();
    let (mut gate, mut random) = (rng(1), rng(2));
    let mut resolver = Resolver::new(&registry, &mut gate, &[], &[], "2026-11-21");
    let kem = resolver.kem("ML-KEM-768").unwrap();
    let key = kem.generate_storable(&mut random).unwrap();
    assert_eq!(key.export(SecretKind::Seed).unwrap().len(), 64);
    let signature = resolver.signature("ML-DSA-65").unwrap();
    let key = signature.generate_storable(&mut random).unwrap();
    assert_eq!(key.export(SecretKind::Seed).unwrap().len(), 32);
}
