//! Suites by name and people with keys.

#![allow(
    dead_code,
    reason = "the tests inside and outside share this file, and each uses a part"
)]

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};

use chacha20::ChaCha20Rng;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_session::{Config, Identity, InsecureAnybody, PeerCheck, PinnedPeers};

/// The cheapest suite, for thousands of handshakes.
pub(crate) const CHEAP: &str = "X25519/Ed25519/ChaCha20-Poly1305/HKDF-SHA256";
/// Another KEM and another hash.
pub(crate) const OTHER: &str = "P-256/Ed25519/AES-256-GCM/HKDF-SHA384";
/// The first one's KEM again.
pub(crate) const SIBLING: &str = "X25519/Ed25519/AES-128-GCM/HKDF-SHA512";
/// Post-quantum all through, hybrid.
pub(crate) const HYBRID: &str = "X25519+ML-KEM-768/ML-DSA-65/AES-256-GCM/HKDF-SHA256";

pub(crate) static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::builder()
        .with(pqfw_aead::plugin())
        .with(pqfw_classical::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_ml_dsa::plugin())
        .with(pqfw_ml_kem::plugin())
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
        let mut rng = ChaCha20Rng::seed_from_u64(0);
        let mut resolver = Resolver::new(&REGISTRY, &mut rng, &[], &[], "2026-01-01");
        Suite::resolve(&names, &mut resolver).unwrap()
    });
    made.clone()
}

pub(crate) fn suites(names: &[&str]) -> Vec<Suite> {
    names.iter().map(|name| suite(name)).collect()
}

/// A key of each signature algorithm that the suites have, from a seed.
pub(crate) fn identities(seed: u64, suites: &[Suite]) -> Vec<Identity> {
    let mut identities: Vec<Identity> = Vec::new();
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    for suite in suites {
        let id = &suite.signature.info().id;
        if identities.iter().all(|identity| identity.algorithm() != id) {
            let key = suite.signature.generate_storable(&mut rng).unwrap();
            identities.push(Identity::new(key, &suite.digest).unwrap());
        }
    }
    identities
}

/// An end that accepts anybody.
pub(crate) fn config(seed: u64, names: &[&str]) -> Arc<Config> {
    config_with(seed, names, "test/1", Arc::new(InsecureAnybody))
}

/// An end that accepts one key.
pub(crate) fn pinned(seed: u64, names: &[&str], peer: &Fingerprint) -> Arc<Config> {
    let peers = PinnedPeers::new([peer.clone()]);
    config_with(seed, names, "test/1", Arc::new(peers))
}

pub(crate) fn config_with(
    seed: u64,
    names: &[&str],
    protocol: &str,
    peers: Arc<dyn PeerCheck>,
) -> Arc<Config> {
    let suites = suites(names);
    let identities = identities(seed, &suites);
    let policy = "modern".to_owned();
    Arc::new(Config::new(protocol.into(), policy, suites, identities, peers).unwrap())
}
