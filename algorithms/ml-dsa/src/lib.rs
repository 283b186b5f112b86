//! ML-DSA (FIPS 204) in pure Rust, for pqfw.
//!
//! One provider, `rustcrypto`, for ML-DSA-44, ML-DSA-65 and ML-DSA-87. It reads private keys as
//! seeds and in the expanded form, takes contexts, and signs hedged (FIPS 204 section 3.4) with
//! randomness from the caller. It signs messages, not hashes: HashML-DSA is not offered.
//!
//! Dilithium, the algorithm before the standard, is another algorithm: neither verifies the other.

mod expanded;
mod rustcrypto;

use ml_dsa::{MlDsa44, MlDsa65, MlDsa87};
use pqfw_framework::registry::Plugin;

use rustcrypto::{RustCrypto, provider};

/// Brings ML-DSA by the provider `rustcrypto`.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("ml-dsa")
        .signature("ML-DSA-44", provider(), RustCrypto::<MlDsa44>::new())
        .signature("ML-DSA-65", provider(), RustCrypto::<MlDsa65>::new())
        .signature("ML-DSA-87", provider(), RustCrypto::<MlDsa87>::new())
}

pqfw_framework::register_plugin!(plugin);
