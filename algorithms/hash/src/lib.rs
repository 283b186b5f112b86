//! SHA-2 (FIPS 180-4), SHA-3 and SHAKE (FIPS 202) and HKDF (RFC 5869) in pure Rust, for pqfw.
//!
//! One provider, `rustcrypto`. Its authors claim nothing about time; neither SHA-2 nor Keccak has a
//! branch or a table that its input could steer.

mod digest;
mod hkdf;
mod xof;

use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::registry::Plugin;
use sha2::{Sha256, Sha384, Sha512};
use sha3::{Sha3_256, Sha3_384, Sha3_512, Shake128, Shake256};

use crate::digest::FixedLength;
use crate::hkdf::RustCryptoHkdf;
use crate::xof::Extendable;

/// Brings hash functions and HKDF by the provider `rustcrypto`.
#[must_use]
pub fn plugin() -> Plugin {
    let sha2 = || provider("sha2 0.11.1");
    let sha3 = || provider("sha3 0.11.0");
    let hkdf = || provider("hkdf 0.13.0");
    Plugin::new("hash")
        .hash("SHA-256", sha2(), FixedLength::<Sha256>::new())
        .hash("SHA-384", sha2(), FixedLength::<Sha384>::new())
        .hash("SHA-512", sha2(), FixedLength::<Sha512>::new())
        .hash("SHA3-256", sha3(), FixedLength::<Sha3_256>::new())
        .hash("SHA3-384", sha3(), FixedLength::<Sha3_384>::new())
        .hash("SHA3-512", sha3(), FixedLength::<Sha3_512>::new())
        .hash("SHAKE128", sha3(), Extendable::<Shake128>::new())
        .hash("SHAKE256", sha3(), Extendable::<Shake256>::new())
        .kdf("HKDF-SHA256", hkdf(), RustCryptoHkdf::<Sha256>::new())
        .kdf("HKDF-SHA384", hkdf(), RustCryptoHkdf::<Sha384>::new())
        .kdf("HKDF-SHA512", hkdf(), RustCryptoHkdf::<Sha512>::new())
}

fn provider(version: &str) -> ProviderInfo {
    ProviderInfo::new("rustcrypto", version)
        .constant_time(ConstantTime::Unclaimed, "sha2, sha3 and hkdf claim nothing")
}

pqfw_framework::register_plugin!(plugin);
