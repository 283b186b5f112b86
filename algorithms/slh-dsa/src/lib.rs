//! SLH-DSA (FIPS 205) in pure Rust, for pqfw.
//!
//! One provider, `rustcrypto`, for SLH-DSA-SHA2-128f. It takes contexts and signs hedged (FIPS 205
//! section 9.2) with randomness from the caller. It signs messages, not hashes: HashSLH-DSA is not
//! offered. A further parameter set is a row of the catalogue and a line in [`plugin`].
//!
//! SPHINCS+, the algorithm before the standard, is another algorithm: neither verifies the other.

mod rustcrypto;

use pqfw_framework::registry::Plugin;
use slh_dsa::Sha2_128f;

use rustcrypto::{RustCrypto, provider};

/// Brings SLH-DSA by the provider `rustcrypto`.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("slh-dsa").signature(
        "SLH-DSA-SHA2-128f",
        provider(),
        RustCrypto::<Sha2_128f>::new(),
    )
}

pqfw_framework::register_plugin!(plugin);
