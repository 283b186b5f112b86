//! Dilithium, round 3.1, in pure Rust, for pqfw: what FIPS 204 made ML-DSA from.
//!
//! One provider, `rustcrypto`, for `Dilithium2`: an adapter over the crate `ml-dsa`. At this level
//! the two algorithms differ in three places (CRYSTALS-Dilithium, algorithm specification version
//! 3.1; FIPS 204 appendix D):
//!
//! | | Dilithium2 | ML-DSA-44 |
//! |---|---|---|
//! | hash of the public key | tr, 32 bytes | tr, 64 bytes |
//! | what is signed | μ = H(tr ‖ M) | μ = H(tr ‖ 0 ‖ len(ctx) ‖ ctx ‖ M) |
//! | seeds of a key | from H(ζ) | from H(ξ ‖ k ‖ l) |
//!
//! The first two are computed here, and the crate signs and verifies μ as it is given. Signatures
//! carry c̃ of 32 bytes in both, and everything else is equal: so are the public keys, and the
//! private keys but for tr. The third does not show in a key: see the module `adapter`.
//!
//! `Dilithium3` and `Dilithium5` cannot be had in this way. There c̃ has 32 bytes and ML-DSA's has
//! 48 and 64, within the signature and within the challenge that is drawn from it.

mod adapter;
mod private_key;

use pqfw_framework::registry::Plugin;

/// Brings Dilithium2 by the provider `rustcrypto`.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("dilithium").signature("Dilithium2", adapter::provider(), adapter::Dilithium2)
}

pqfw_framework::register_plugin!(plugin);
