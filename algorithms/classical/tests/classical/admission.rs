//! What is offered, by whom, and that all of it passes the gate.

use pqfw_framework::provider::{ConstantTime, Randomness};

use crate::support::{registry, rng};

const OFFERED: [(&str, &str); 7] = [
    ("ECDSA-P256@rustcrypto", "p256 0.14.0"),
    ("ECDSA-P384@rustcrypto", "p384 0.14.0"),
    ("Ed25519@rustcrypto", "ed25519-dalek 3.0.0"),
    ("P-256@rustcrypto", "p256 0.14.0"),
    ("P-384@rustcrypto", "p384 0.14.0"),
    ("X25519@rustcrypto", "x25519-dalek 3.0.0"),
    ("brainpoolP512r1@pqfw", "primeorder 0.14.0"),
];

#[test]
fn everything_offered_passes_the_admission_gate() {
    let registry = registry();
    let mut offered = Vec::new();
    for entry in registry.entries() {
        let (name, provider) = (entry.full_name(), entry.provider());
        assert_eq!(registry.admit(entry, &mut rng(1)), Ok(()), "{name}");
        assert_eq!(provider.randomness, Randomness::Injected, "{name}");
        assert!(!provider.native_context, "{name}");
        offered.push((name, provider.version.clone()));
    }
    let expected = OFFERED.map(|(name, version)| (name.to_owned(), version.to_owned()));
    assert_eq!(offered, expected);
}

#[test]
fn the_old_name_of_the_provider_still_means_it() {
    for entry in registry().entries() {
        let dalek = ["X25519", "Ed25519"].contains(&entry.info().id.as_str());
        assert_eq!(entry.provider().is_called("dalek"), dalek);
    }
}

#[test]
fn nothing_is_claimed_of_the_curve_that_is_ours() {
    for entry in registry().entries() {
        let ours = entry.provider().name == "pqfw";
        let unclaimed = entry.provider().constant_time == ConstantTime::Unclaimed;
        assert_eq!(ours, unclaimed, "{}", entry.full_name());
        assert!(!entry.provider().constant_time_source.is_empty());
    }
}
