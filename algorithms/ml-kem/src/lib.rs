//! ML-KEM (FIPS 203) in pure Rust, for pqfw.
//!
//! One provider, `rustcrypto`, for ML-KEM-512, ML-KEM-768 and ML-KEM-1024. It reads private keys
//! as seeds (d ‖ z) and in the expanded form of FIPS 203, and takes every random byte from the
//! caller: other providers of ML-KEM use it to expand the seeds that they cannot read.
//!
//! Kyber, the algorithm before the standard, is another algorithm with the same lengths: see the
//! crate `pqfw-kyber`.

mod rustcrypto;

use ml_kem::{MlKem512, MlKem768, MlKem1024};
use pqfw_framework::registry::Plugin;

use rustcrypto::{RustCrypto, provider};

/// Brings ML-KEM by the provider `rustcrypto`.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("ml-kem")
        .kem("ML-KEM-512", provider(), RustCrypto::<MlKem512>::new())
        .kem("ML-KEM-768", provider(), RustCrypto::<MlKem768>::new())
        .kem("ML-KEM-1024", provider(), RustCrypto::<MlKem1024>::new())
}

pqfw_framework::register_plugin!(plugin);
