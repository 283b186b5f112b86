//! Every provider of every parameter set, and a seeded generator, for these tests.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]
#![allow(dead_code, reason = "each test binary uses some of it")]

use std::sync::Arc;

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::{SignatureSizes, Sizes};
use pqfw_framework::registry::{Code, Entry, Registry};
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature};

pub(crate) const PROVIDERS: [&str; 2] = ["fips205", "rustcrypto"];

pub(crate) const SETS: [&str; 12] = [
    "SLH-DSA-SHA2-128s",
    "SLH-DSA-SHA2-128f",
    "SLH-DSA-SHA2-192s",
    "SLH-DSA-SHA2-192f",
    "SLH-DSA-SHA2-256s",
    "SLH-DSA-SHA2-256f",
    "SLH-DSA-SHAKE-128s",
    "SLH-DSA-SHAKE-128f",
    "SLH-DSA-SHAKE-192s",
    "SLH-DSA-SHAKE-192f",
    "SLH-DSA-SHAKE-256s",
    "SLH-DSA-SHAKE-256f",
];

/// One set of each n and of each hash, whose signatures take milliseconds.
pub(crate) const FAST: [&str; 4] = [
    "SLH-DSA-SHA2-128f",
    "SLH-DSA-SHA2-192f",
    "SLH-DSA-SHA2-256f",
    "SLH-DSA-SHAKE-128f",
];

pub(crate) fn registry() -> Registry {
    let builder = Registry::builder().with(pqfw_slh_dsa::plugin());
    builder.build().unwrap()
}

pub(crate) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

pub(crate) fn entry<'a>(registry: &'a Registry, set: &str, provider: &str) -> &'a Entry {
    let mut entries = registry.entries_of(set).iter();
    entries.find(|e| e.provider().name == provider).unwrap()
}

pub(crate) fn code(entry: &Entry) -> Arc<dyn Signature> {
    let Code::Signature(code) = entry.code() else {
        panic!("{} is no signature", entry.full_name())
    };
    code.clone()
}

/// Runs `check` on the code of each provider of each of `sets`.
pub(crate) fn each(sets: &[&str], check: impl Fn(&dyn Signature, &SignatureSizes)) {
    let registry = registry();
    for set in sets {
        for provider in PROVIDERS {
            let entry = entry(&registry, set, provider);
            let Sizes::Signature(sizes) = entry.info().sizes else {
                panic!("{set} has no lengths of a signature")
            };
            check(&*code(entry), &sizes);
        }
    }
}

pub(crate) fn export(key: &dyn Sign, kind: SecretKind) -> Vec<u8> {
    key.export(kind).unwrap().expose().to_vec()
}

pub(crate) fn import(code: &dyn Signature, expanded: &[u8]) -> Box<dyn Sign> {
    code.import_signing_key(SecretForm::Expanded(expanded))
        .unwrap()
}
