//! The C code of PQClean for pqfw, by the crates that wrap it.
//!
//! One provider, `pqclean`. It needs a C compiler and nothing else.
//!
//! | file | algorithms | when |
//! |---|---|---|
//! | `sphincs_plus` | SPHINCS+ round 3.1, the twelve simple sets | always |
//! | `ml_kem` | ML-KEM-512, ML-KEM-768, ML-KEM-1024 | feature `pqclean` |
//! | `ml_dsa` | ML-DSA-44, ML-DSA-65, ML-DSA-87 | feature `pqclean` |
//! | `frodo` | eFrodoKEM, the six sets | feature `pqclean` |
//!
//! SPHINCS+ is for living with peers that have nothing else: its rows in the catalogue say
//! `legacy`, and PQClean itself is archived. What the feature adds, other providers have too; it
//! is for comparing them.
//!
//! Of the crates that wrap PQClean only those may be added whose names mean what they say:
//! `pqcrypto-kyber` 0.8.1 is ML-KEM, and `pqcrypto-dilithium` 0.5.0 is neither Dilithium nor
//! ML-DSA.
//!
//! Those crates take their random bytes from the operating system themselves. Their keys and
//! secrets are `Copy` and do not wipe themselves, so private keys live here in
//! [`SecretBytes`](pqfw_framework::secret::SecretBytes), and a crate's own copy is made for one
//! operation and overwritten after it. What remains: copies that the compiler may leave where such
//! a value was moved, and whatever the C code leaves on its stack.

#[cfg(feature = "pqclean")]
mod frodo;
#[cfg(feature = "pqclean")]
mod kem;
#[cfg(feature = "pqclean")]
mod ml_dsa;
#[cfg(feature = "pqclean")]
mod ml_kem;
mod overwrite;
mod signature;
mod sphincs_plus;

use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::registry::Plugin;

/// Brings the algorithms of PQClean by the provider `pqclean`.
#[must_use]
pub fn plugin() -> Plugin {
    let plugin = sphincs_plus::offer(Plugin::new("pqclean"));
    #[cfg(feature = "pqclean")]
    let plugin = frodo::offer(ml_dsa::offer(ml_kem::offer(plugin)));
    plugin
}

/// The provider, with the crate that wraps the code and what is known of the code's timing.
fn provider(version: &str, timing: &str) -> ProviderInfo {
    let source = format!(
        "PQClean makes no explicit security claims (its SECURITY.md) and never got to checking \
         for branches on secrets (its README); {timing}"
    );
    ProviderInfo::new("pqclean", version)
        .own_randomness()
        .constant_time(ConstantTime::Unclaimed, &source)
}

pqfw_framework::register_plugin!(plugin);
