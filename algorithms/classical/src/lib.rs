//! Classical algorithms in pure Rust, for pqfw: Diffie-Hellman as a KEM (RFC 9180), Ed25519
//! (RFC 8032) and ECDSA (FIPS 186-5).
//!
//! | algorithm | provider | code |
//! |---|---|---|
//! | X25519, Ed25519 | `rustcrypto`, also called `dalek` | x25519-dalek, ed25519-dalek |
//! | P-256, P-384, ECDSA-P256, ECDSA-P384 | `rustcrypto` | p256, p384 |
//! | brainpoolP512r1 | `pqfw` | ours, on primeorder and primefield: `brainpool_p512` |
//!
//! None resists a quantum computer; they are here as the classical halves of hybrids.

#![forbid(unsafe_code)]

mod brainpool_p512;
mod candidates;
mod context;
mod dhkem;
mod ecdsa;
mod ed25519;
mod provider;
mod sec1;
mod weierstrass;
mod x25519;

use p256::NistP256;
use p384::NistP384;
use pqfw_framework::registry::Plugin;

use brainpool_p512::BrainpoolP512t1;
use dhkem::Dhkem;
use ecdsa::Ecdsa;
use weierstrass::Weierstrass;
use x25519::X25519;

/// Brings four groups as KEMs and three signatures.
#[must_use]
pub fn plugin() -> Plugin {
    let brainpool = Dhkem::<Weierstrass<BrainpoolP512t1>>::new();
    Plugin::new("classical")
        .kem("X25519", provider::x25519(), Dhkem::<X25519>::new())
        .kem(
            "P-256",
            provider::p256(),
            Dhkem::<Weierstrass<NistP256>>::new(),
        )
        .kem(
            "P-384",
            provider::p384(),
            Dhkem::<Weierstrass<NistP384>>::new(),
        )
        .kem("brainpoolP512r1", provider::brainpool_p512(), brainpool)
        .signature("Ed25519", provider::ed25519(), ed25519::Dalek)
        .signature("ECDSA-P256", provider::p256(), Ecdsa::<NistP256>::new())
        .signature("ECDSA-P384", provider::p384(), Ecdsa::<NistP384>::new())
}

pqfw_framework::register_plugin!(plugin);
