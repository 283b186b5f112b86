//! X25519 as a KEM (RFC 9180) and Ed25519 (RFC 8032) in pure Rust, for pqfw.
//!
//! One provider, `rustcrypto`, which answers to `dalek` too. Neither algorithm resists a quantum computer; they are here as the
//! classical halves of hybrids.

mod dhkem;
mod ed25519;
mod x25519;

use pqfw_framework::registry::Plugin;

/// Brings X25519 and Ed25519 by the provider `rustcrypto`.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("classical")
        .kem("X25519", x25519::provider(), x25519::Dalek)
        .signature("Ed25519", ed25519::provider(), ed25519::Dalek)
}

pqfw_framework::register_plugin!(plugin);
