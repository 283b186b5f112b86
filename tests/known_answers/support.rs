//! A registry, a seeded generator and hexadecimal, for these tests.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::registry::{Registry, ResolveError, Resolver};
use pqfw_framework::suite::{Suite, SuiteNames};

pub(crate) fn registry() -> Registry {
    pqfw::registry()
        .build()
        .expect("the built-in plugins fit together")
}

pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(0x7071_6677)
}

pub(crate) fn resolve<T>(
    registry: &Registry,
    resolve: impl FnOnce(&mut Resolver<'_>) -> Result<T, ResolveError>,
) -> T {
    let mut rng = rng();
    let mut resolver = Resolver::new(registry, &mut rng, &[], &[], "2026-01-01");
    resolve(&mut resolver).expect("resolves")
}

/// The suite of deployed QU3 peers.
pub(crate) fn qu3_suite(registry: &Registry) -> Suite {
    let one = |name: &str| vec![name.to_owned()];
    let names = SuiteNames {
        kem: one("Kyber-768"),
        signature: one("SPHINCS+-SHA2-128f-simple"),
        aead: one("AES-256-GCM"),
        kdf: one("HKDF-SHA256"),
    };
    resolve(registry, |resolver| Suite::resolve(&names, resolver))
}

pub(crate) fn hex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digit).collect()
}
