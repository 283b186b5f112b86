//! The algorithms of libcrux, verified Rust, for pqfw.
//!
//! The provider is named `libcrux`. It has code for AVX2, NEON and any other processor, and picks
//! when it runs. It takes every random byte from the caller.
//!
//! | file | algorithms | private keys are read as |
//! |---|---|---|
//! | `ml_kem` | ML-KEM-512, ML-KEM-768, ML-KEM-1024 | seeds and in expanded form |
//! | `ml_dsa` | ML-DSA-44, ML-DSA-65, ML-DSA-87 | seeds and in expanded form |
//!
//! Its READMEs say what is verified, with hax and F*: of both crates the portable and the AVX2
//! arithmetic, NTT and serialization; of ML-KEM the generic code above too, apart from what their
//! `proofs/verification_status.md` lists as admitted. None of it is a proof about time: see the
//! providers' constant-time sources.
//!
//! Kyber is offered by the crate `pqfw-kyber`, over the ML-KEM of this one, and not by libcrux's
//! feature `kyber`: that rejects a ciphertext with SHAKE256(SHAKE256(z ‖ ct) ‖ SHA3-256(ct)), where
//! round 3 says SHAKE256(z ‖ SHA3-256(ct)). A test here shows the difference.
//!
//! What libcrux leaves behind: it does not wipe the stack that it works on. Keys are wiped by us.
#![cfg(feature = "libcrux")]

mod ml_dsa;
mod ml_kem;

use pqfw_framework::registry::Plugin;

/// Brings ML-KEM and ML-DSA by the provider `libcrux`.
#[must_use]
pub fn plugin() -> Plugin {
    ml_dsa::offer(ml_kem::offer(Plugin::new("libcrux")))
}

pqfw_framework::register_plugin!(plugin);
