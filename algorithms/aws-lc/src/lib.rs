//! The algorithms of AWS-LC, a C library, for pqfw: the default provider of most of them.
//!
//! The provider is named `aws-lc`. All of it goes through the safe interface of `aws-lc-rs`, one
//! file here for each family:
//!
//! | file | algorithms | random bytes from |
//! |---|---|---|
//! | `ml_kem` | ML-KEM-512, ML-KEM-768, ML-KEM-1024 | AWS-LC |
//! | `ml_dsa` | ML-DSA-44, ML-DSA-65, ML-DSA-87 | keys: the caller; signatures: AWS-LC |
//! | `x25519`, `dhkem` | X25519 | the caller |
//! | `nist_curves`, `dhkem` | P-256, P-384 | the caller |
//! | `ed25519` | Ed25519 | the caller |
//! | `ecdsa` | ECDSA-P256, ECDSA-P384 | keys: the caller; signatures: AWS-LC |
//! | `aead` | AES-GCM, AES-GCM-SIV (128 and 256 bits), ChaCha20-Poly1305 | |
//! | `digest` | SHA-256, SHA-384, SHA-512, SHA3-256, SHA3-384, SHA3-512 | |
//! | `hkdf` | HKDF-SHA256, HKDF-SHA384, HKDF-SHA512 | |
//!
//! It is not the validated module: that is AWS-LC-FIPS, another library.

mod aead;
mod dhkem;
mod digest;
mod ecdsa;
mod ed25519;
mod hkdf;
mod message;
mod ml_dsa;
mod ml_kem;
mod nist_curves;
mod x25519;

use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::registry::Plugin;

/// Brings everything that AWS-LC offers.
#[must_use]
pub fn plugin() -> Plugin {
    let plugin = Plugin::new("aws-lc");
    let plugin = ml_kem::offer(plugin);
    let plugin = ml_dsa::offer(plugin);
    let plugin = x25519::offer(plugin);
    let plugin = nist_curves::offer(plugin);
    let plugin = ed25519::offer(plugin);
    let plugin = ecdsa::offer(plugin);
    let plugin = aead::offer(plugin);
    let plugin = digest::offer(plugin);
    hkdf::offer(plugin)
}

fn provider() -> ProviderInfo {
    ProviderInfo::new("aws-lc", "aws-lc-rs 1.19.0")
}

pqfw_framework::register_plugin!(plugin);
