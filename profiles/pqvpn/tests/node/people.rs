//! Suites by name, and people with keys.

#![allow(
    dead_code,
    reason = "the tests inside and outside share this file, and each uses a part"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_pqvpn::{Identity, Suites};

/// The cheapest suite, for thousands of handshakes.
pub(crate) const CHEAP: &str = "X25519/Ed25519/ChaCha20-Poly1305/HKDF-SHA256";
/// The same keys with another AEAD and KDF.
pub(crate) const SIBLING: &str = "X25519/Ed25519/AES-256-GCM/HKDF-SHA512";
/// Other keys.
pub(crate) const OTHER: &str = "P-256/Ed25519/ChaCha20-Poly1305/HKDF-SHA256";
/// The suite that the specification names first.
pub(crate) const HYBRID: &str =
    "brainpoolP512r1+ML-KEM-1024/Ed25519+ML-DSA-87/ChaCha20-Poly1305/HKDF-SHA512";
/// The suite for speed.
pub(crate) const FAST: &str = "X25519+ML-KEM-768/Ed25519+ML-DSA-65/ChaCha20-Poly1305/HKDF-SHA512";

/// The longest keys that have room.
pub(crate) const LONG_KEYS: &str =
    "X25519+ML-KEM-1024+FrodoKEM-1344-SHAKE/Ed25519+ML-DSA-87/ChaCha20-Poly1305/HKDF-SHA512";
/// The longest signatures that have room.
pub(crate) const LONG_SIGNATURES: &str =
    "X25519+ML-KEM-768/Ed25519+ML-DSA-65+SLH-DSA-SHAKE-256f/ChaCha20-Poly1305/HKDF-SHA512";
/// Both, which have none.
pub(crate) const TOO_LONG: &str =
    "FrodoKEM-1344-SHAKE/SLH-DSA-SHAKE-256f/ChaCha20-Poly1305/HKDF-SHA512";

pub(crate) static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::builder()
        .with(pqfw_aead::plugin())
        .with(pqfw_classical::plugin())
        .with(pqfw_frodokem::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_ml_dsa::plugin())
        .with(pqfw_ml_kem::plugin())
        .with(pqfw_slh_dsa::plugin())
        .build()
        .unwrap()
});

static SUITES: Mutex<BTreeMap<String, Suite>> = Mutex::new(BTreeMap::new());

/// The suite of that name, measured once.
pub(crate) fn suite(name: &str) -> Suite {
    let mut suites = SUITES.lock().unwrap();
    let made = suites.entry(name.into()).or_insert_with(|| {
        let mut parts = name.split('/').map(|part| vec![part.to_owned()]);
        let names = SuiteNames {
            kem: parts.next().unwrap(),
            signature: parts.next().unwrap(),
            aead: parts.next().unwrap(),
            kdf: parts.next().unwrap(),
        };
        let mut rng = rng(0);
        let mut resolver = Resolver::new(&REGISTRY, &mut rng, &[], &[], "2026-01-01");
        Suite::resolve(&names, &mut resolver).unwrap()
    });
    made.clone()
}

pub(crate) fn suites(names: &[&str]) -> Suites {
    Suites::new(names.iter().map(|name| suite(name)).collect()).unwrap()
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// The identity that a seed makes.
pub(crate) fn identity(seed: u64, name: &str) -> Identity {
    let (suite, mut rng) = (suite(name), rng(seed));
    let signing = suite.signature.generate_storable(&mut rng).unwrap();
    let decapsulation = suite.kem.generate_storable(&mut rng).unwrap();
    Identity::new(&suites(&[name]), signing, decapsulation).unwrap()
}

pub(crate) fn shared(seed: u64, name: &str) -> Arc<Identity> {
    Arc::new(identity(seed, name))
}
