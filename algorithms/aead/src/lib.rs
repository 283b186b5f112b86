//! Authenticated encryption in pure Rust, for pqfw: one provider, `rustcrypto`.
//!
//! | algorithms | source | nonce |
//! |---|---|---|
//! | AES-128-GCM, AES-256-GCM | SP 800-38D | 96 bits |
//! | ChaCha20-Poly1305 | RFC 8439 | 96 bits |
//! | AES-128-GCM-SIV, AES-256-GCM-SIV | RFC 8452 | 96 bits, and a repeated one is survived |
//! | Ascon-AEAD128 | SP 800-232 | 128 bits |
//!
//! Tags have 128 bits.

mod rustcrypto;

use aes_gcm::{Aes128Gcm, Aes256Gcm};
use aes_gcm_siv::{Aes128GcmSiv, Aes256GcmSiv};
use ascon_aead::AsconAead128;
use chacha20poly1305::ChaCha20Poly1305;
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::registry::Plugin;

use rustcrypto::{RustCrypto, provider};

/// Brings the AEADs of the provider `rustcrypto`.
#[must_use]
pub fn plugin() -> Plugin {
    let aes = || provider("aes-gcm 0.11.1");
    let siv = || provider("aes-gcm-siv 0.12.1");
    let ascon = ProviderInfo::new("rustcrypto", "ascon-aead 0.6.0").constant_time(
        ConstantTime::Unclaimed,
        "ascon-aead claims nothing; Ascon has neither tables nor branches on its state",
    );
    let chacha = || provider("chacha20poly1305 0.11.0");
    Plugin::new("aead")
        .aead("AES-128-GCM", aes(), RustCrypto::<Aes128Gcm>::new())
        .aead("AES-256-GCM", aes(), RustCrypto::<Aes256Gcm>::new())
        .aead(
            "ChaCha20-Poly1305",
            chacha(),
            RustCrypto::<ChaCha20Poly1305>::new(),
        )
        .aead("AES-128-GCM-SIV", siv(), RustCrypto::<Aes128GcmSiv>::new())
        .aead("AES-256-GCM-SIV", siv(), RustCrypto::<Aes256GcmSiv>::new())
        .aead("Ascon-AEAD128", ascon, RustCrypto::<AsconAead128>::new())
}

pqfw_framework::register_plugin!(plugin);
