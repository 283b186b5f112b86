//! The algorithms of liboqs, a C library, for pqfw.
//!
//! One provider, `liboqs`, all of it behind the feature `liboqs`. To build, that needs a C
//! compiler, cmake and libclang (Debian: `cmake`, `libclang-dev`); it takes minutes. liboqs 0.13.0
//! is built from the source that comes with the crate `oqs-sys`, never taken from the system: its
//! later versions give other algorithms the same names.
//!
//! | file | algorithms | in liboqs |
//! |---|---|---|
//! | `kem` | ML-KEM-512, ML-KEM-768, ML-KEM-1024 | the same; mlkem-native |
//! | | Kyber-512, Kyber-768, Kyber-1024 | Kyber512 …; pq-crystals |
//! | | eFrodoKEM, six sets | FrodoKEM-640-AES …; Microsoft |
//! | `signature` | ML-DSA-44, ML-DSA-65, ML-DSA-87 | the same; pq-crystals |
//! | | Dilithium2, Dilithium3, Dilithium5 | the same; pq-crystals |
//! | | SPHINCS+ round 3.1, the twelve simple sets | the same; PQClean |
//! | | Falcon-512, Falcon-1024 | the same; PQClean |
//!
//! The checks of keys that liboqs leaves out, or makes only when a key is used, are made here when
//! a key is imported. A private key of ML-DSA, Dilithium or Falcon does not contain its public key
//! and liboqs cannot compute it; the arithmetic of the crates `ml-dsa` and
//! `fn-dsa-comm` does.
//!
//! liboqs takes random bytes from the operating system itself, and ends the process should there
//! be none. Alone the seed of a generated ML-KEM key comes from the caller. Falcon-padded is in
//! liboqs but not in the crate `oqs`. Its authors do not recommend liboqs for production or for
//! sensitive data (its README).
#![cfg(feature = "liboqs")]

mod kem;
mod signature;

use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::registry::Plugin;

/// Brings everything above by the provider `liboqs`.
#[must_use]
pub fn plugin() -> Plugin {
    oqs::init();
    signature::offer(kem::offer(Plugin::new("oqs")))
}

fn provider(claim: ConstantTime, source: &str) -> ProviderInfo {
    ProviderInfo::new("liboqs", "oqs-sys 0.11.0+liboqs-0.13.0")
        .own_randomness()
        .constant_time(claim, source)
}

/// Of the algorithms for which liboqs makes the claim and knows of nothing against it.
fn claimed() -> ProviderInfo {
    provider(
        ConstantTime::Claimed,
        "liboqs, docs/algorithms: no branching on secrets, claimed and checked by valgrind; its \
         tests/constant_time list no open issue, and rejection sampling as passed",
    )
}

/// Of the others.
fn doubtful() -> ProviderInfo {
    provider(
        ConstantTime::Unclaimed,
        "liboqs, docs/algorithms claims no branching on secrets, but tests/constant_time/sig/issues \
         lists places where valgrind found some, \"may not be constant time\" or not studied",
    )
}

pqfw_framework::register_plugin!(plugin);
