//! Suites by name, from a registry of everything that these tests link.

use std::sync::LazyLock;

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::suite::{Suite, SuiteNames};

/// KEM, signature, AEAD and KDF, as deployed peers have them.
pub(crate) const DEPLOYED: [&str; 4] = [
    "Kyber-768",
    "SPHINCS+-SHA2-128f-simple",
    "AES-256-GCM",
    "HKDF-SHA256",
];

pub(crate) static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::builder()
        .with(pqfw_aead::plugin())
        .with(pqfw_aws_lc::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_kyber::plugin())
        .with(pqfw_ml_kem::plugin())
        .with(pqfw_pqclean::plugin())
        .build()
        .unwrap()
});

static SUITE: LazyLock<Suite> = LazyLock::new(|| suite_of(DEPLOYED));

/// Makes a suite of the algorithms named.
pub(crate) fn suite_of(names: [&str; 4]) -> Suite {
    let [kem, signature, aead, kdf] = names.map(|name| vec![name.to_owned()]);
    let names = SuiteNames {
        kem,
        signature,
        aead,
        kdf,
    };
    let mut rng = ChaCha20Rng::seed_from_u64(0);
    let mut resolver = Resolver::new(&REGISTRY, &mut rng, &[], &[], "2026-01-01");
    Suite::resolve(&names, &mut resolver).unwrap()
}

/// The deployed suite.
pub(crate) fn suite() -> Suite {
    SUITE.clone()
}
