//! What the scenarios share: suites by name, hexadecimal with runs, and people.

pub(crate) mod machine;
pub(crate) mod people;
pub(crate) mod words;

use std::sync::LazyLock;

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::suite::{Suite, SuiteNames};

/// KEM, signature, AEAD and KDF, as deployed peers have them.
pub(crate) const DEPLOYED: [&str; 4] = ["ML-KEM-768", "ML-DSA-65", "AES-256-GCM", "HKDF-SHA256"];

/// The limit of frames in these scenarios.
pub(crate) const MAX_FRAME_BYTES: usize = 20_000;

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::builder()
        .with(pqfw_aead::plugin())
        .with(pqfw_classical::plugin())
        .with(pqfw_fn_dsa::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_kyber::plugin())
        .with(pqfw_memory::plugin())
        .with(pqfw_ml_dsa::plugin())
        .with(pqfw_ml_kem::plugin())
        .with(pqfw_mlkem_tcp::plugin())
        .build()
        .unwrap()
});

static SUITE: LazyLock<Suite> = LazyLock::new(|| suite_of(DEPLOYED));

pub(crate) fn registry() -> &'static Registry {
    &REGISTRY
}

/// Makes a suite of the algorithms named.
pub(crate) fn suite_of(names: [&str; 4]) -> Suite {
    let [kem, signature, aead, kdf] = names.map(|name| vec![name.to_owned()]);
    let names = SuiteNames {
        kem,
        signature,
        aead,
        kdf,
    };
    let mut rng = rng(0);
    let mut resolver = Resolver::new(&REGISTRY, &mut rng, &[], &[], "2026-01-01");
    Suite::resolve(&names, &mut resolver).unwrap()
}

/// The deployed suite.
pub(crate) fn suite() -> Suite {
    SUITE.clone()
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}
