//! What liboqs offers, that all of it passes the gate, and what is claimed.

use pqfw_framework::provider::{ConstantTime, Randomness};

use super::{registry, rng};

const OFFERED: [&str; 32] = [
    "Dilithium2",
    "Dilithium3",
    "Dilithium5",
    "Falcon-1024",
    "Falcon-512",
    "Kyber-1024",
    "Kyber-512",
    "Kyber-768",
    "ML-DSA-44",
    "ML-DSA-65",
    "ML-DSA-87",
    "ML-KEM-1024",
    "ML-KEM-512",
    "ML-KEM-768",
    "SPHINCS+-SHA2-128f-simple",
    "SPHINCS+-SHA2-128s-simple",
    "SPHINCS+-SHA2-192f-simple",
    "SPHINCS+-SHA2-192s-simple",
    "SPHINCS+-SHA2-256f-simple",
    "SPHINCS+-SHA2-256s-simple",
    "SPHINCS+-SHAKE-128f-simple",
    "SPHINCS+-SHAKE-128s-simple",
    "SPHINCS+-SHAKE-192f-simple",
    "SPHINCS+-SHAKE-192s-simple",
    "SPHINCS+-SHAKE-256f-simple",
    "SPHINCS+-SHAKE-256s-simple",
    "eFrodoKEM-1344-AES",
    "eFrodoKEM-1344-SHAKE",
    "eFrodoKEM-640-AES",
    "eFrodoKEM-640-SHAKE",
    "eFrodoKEM-976-AES",
    "eFrodoKEM-976-SHAKE",
];

#[test]
fn everything_offered_passes_the_admission_gate() {
    let registry = registry();
    let offered: Vec<_> = registry
        .entries()
        .map(|entry| entry.info().id.as_str())
        .collect();
    assert_eq!(offered, OFFERED);
    for entry in registry.entries() {
        let name = entry.full_name();
        assert_eq!(registry.admit(entry, &mut rng()), Ok(()), "{name}");
    }
}

#[test]
fn the_claims_are_those_of_liboqs() {
    for entry in registry().entries() {
        let (id, provider) = (entry.info().id.as_str(), entry.provider());
        let doubtful = id.starts_with("SPHINCS+") || id.starts_with("Falcon");
        let unclaimed = provider.constant_time == ConstantTime::Unclaimed;
        assert_eq!(unclaimed, doubtful, "{id}");
        assert_eq!(provider.native_context, id.starts_with("ML-DSA"), "{id}");
        assert_eq!(provider.randomness, Randomness::Provider, "{id}");
    }
}
