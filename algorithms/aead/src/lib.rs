//! AES-GCM (SP 800-38D) and ChaCha20-Poly1305 (RFC 8439) in pure Rust, for pqfw.
//!
//! One provider, `rustcrypto`, for AES-128-GCM, AES-256-GCM and ChaCha20-Poly1305, all with 96-bit
//! nonces and 128-bit tags.

mod rustcrypto;

use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;
use pqfw_framework::registry::Plugin;

use rustcrypto::{RustCrypto, provider};

/// Brings the AEADs of the provider `rustcrypto`.
#[must_use]
pub fn plugin() -> Plugin {
    let aes = || provider("aes-gcm 0.11.1");
    let chacha = || provider("chacha20poly1305 0.11.0");
    Plugin::new("aead")
        .aead("AES-128-GCM", aes(), RustCrypto::<Aes128Gcm>::new())
        .aead("AES-256-GCM", aes(), RustCrypto::<Aes256Gcm>::new())
        .aead(
            "ChaCha20-Poly1305",
            chacha(),
            RustCrypto::<ChaCha20Poly1305>::new(),
        )
}

pqfw_framework::register_plugin!(plugin);
