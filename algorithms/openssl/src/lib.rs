//! The algorithms of OpenSSL, a C library, for pqfw.
//!
//! The provider is named `openssl`: OpenSSL 3.6.3 as the package `openssl-src` brings it, built and
//! linked with this crate. (`OPENSSL_NO_VENDOR=1` at build time takes the system's instead; then
//! nobody can say from our version which OpenSSL it is.) Every random byte that reaches a key, a
//! ciphertext or a signature comes from the caller.
//!
//! | file | algorithms |
//! |---|---|
//! | `ml_kem` | ML-KEM-512, ML-KEM-768, ML-KEM-1024 |
//! | `signatures` | ML-DSA-44, ML-DSA-65, ML-DSA-87, the twelve sets of SLH-DSA |
//! | `dhkem`, `hkdf` | X25519, P-256, P-384, brainpoolP512r1 |
//! | `ed25519` | Ed25519 |
//! | `ecdsa` | ECDSA-P256, ECDSA-P384 |
//! | `aead` | AES-128-GCM, AES-256-GCM, ChaCha20-Poly1305 |
//!
//! `curve` has what is common to the curves, `evp` the calls that the crate `openssl` has not: the
//! one file with unsafe code.
//!
//! OpenSSL keeps state of its own in the process, and reads the configuration file that
//! `OPENSSL_CONF` names, or else `/usr/local/ssl/openssl.cnf`. An algorithm that such a file takes
//! away fails its admission. This is not the validated module: that is OpenSSL's FIPS provider.
#![cfg(feature = "openssl")]

mod aead;
mod curve;
mod dhkem;
mod ecdsa;
mod ed25519;
mod evp;
mod hkdf;
mod message;
mod ml_kem;
mod signatures;

use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::registry::Plugin;

/// Brings everything that is offered of OpenSSL.
#[must_use]
pub fn plugin() -> Plugin {
    let plugin = Plugin::new("openssl");
    let plugin = ml_kem::offer(plugin);
    let plugin = signatures::offer(plugin);
    let plugin = dhkem::offer(plugin);
    let plugin = ed25519::offer(plugin);
    let plugin = ecdsa::offer(plugin);
    aead::offer(plugin)
}

fn provider() -> ProviderInfo {
    ProviderInfo::new("openssl", "openssl 0.10.82").constant_time(
        ConstantTime::Unclaimed,
        "security policy of OpenSSL, threat model: side channels of the same physical system are \
         out of scope",
    )
}

pqfw_framework::register_plugin!(plugin);
