//! SLH-DSA (FIPS 205) in pure Rust, for pqfw.
//!
//! Two providers, `fips205` and `rustcrypto`, for all twelve parameter sets: SHA2 or SHAKE, 128,
//! 192 or 256 bits, `s` for small signatures or `f` for fast ones. Both take contexts, sign hedged
//! (FIPS 205 section 9.2) with randomness from the caller, and read a private key expanded or as
//! the seed SK.seed ‖ SK.prf ‖ PK.seed (FIPS 205, Algorithm 18), which an expanded key contains. A
//! seed is no smaller secret than the key: it saves the root, which is public.
//!
//! Reading an expanded private key computes its root again, which costs as much as generating a
//! key: it is the only check there is (FIPS 205 section 9.1). Messages are signed, not hashes:
//! HashSLH-DSA is not offered.
//!
//! SPHINCS+, the algorithm before the standard, is another algorithm: neither verifies the other.

mod fips205;
mod message;
mod rustcrypto;

use pqfw_framework::registry::Plugin;

/// Brings SLH-DSA by the providers `fips205` and `rustcrypto`.
#[must_use]
pub fn plugin() -> Plugin {
    rustcrypto::offer(fips205::offer(Plugin::new("slh-dsa")))
}

pqfw_framework::register_plugin!(plugin);
