//! A suite of the built-in algorithms by its name in a channel.

use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::suite::{Suite, SuiteNames};
use pqfw_framework::world::World;

/// The suite `KEM/SIGNATURE/AEAD/KDF`, all of it by AWS-LC where that has it.
pub(crate) fn resolve(registry: &Registry, world: &dyn World, suite: &str) -> Suite {
    let mut parts = suite.split('/').map(|part| vec![part.to_owned()]);
    let mut part = || parts.next().expect("a suite has four parts");
    let names = SuiteNames {
        kem: part(),
        signature: part(),
        aead: part(),
        kdf: part(),
    };
    let (mut rng, prefer) = (world.rng(), ["aws-lc".to_owned()]);
    let mut resolver = Resolver::new(registry, &mut *rng, &[], &prefer, "2026-01-01");
    Suite::resolve(&names, &mut resolver).expect("the built-in suite resolves")
}
