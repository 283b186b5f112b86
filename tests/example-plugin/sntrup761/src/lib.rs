//! Streamlined NTRU Prime 761, a KEM for pqfw, around the crate `sntrup761`, which nobody has audited.
//!
//! It is the post-quantum half of `sntrup761x25519-sha512` (RFC 9941), which OpenSSH took by default from
//! 9.0 until 10.0. pqfw does not ship it: this is a plugin of a third party, and
//! `docs/guide/add-an-algorithm.md` goes through it.

mod kem;

use pqfw_framework::catalogue::{AlgorithmInfo, KemSizes, Sizes, Status};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::registry::Plugin;

pub use kem::Sntrup761;

/// The algorithm's canonical name: what profiles write.
pub const ID: &str = "sntrup761";

/// What the catalogue knows of it. The framework holds code and caller to these lengths.
#[must_use]
pub fn row() -> AlgorithmInfo {
    let sizes = KemSizes {
        seed: None,
        encapsulation_key: sntrup761::PUBLIC_KEY_SIZE,
        decapsulation_key: sntrup761::SECRET_KEY_SIZE,
        ciphertext: sntrup761::CIPHERTEXT_SIZE,
        shared_secret: sntrup761::SHARED_SECRET_SIZE,
    };
    AlgorithmInfo::new(
        ID,
        Sizes::Kem(sizes),
        "draft-josefsson-ntruprime-streamlined-00",
    )
    .category(2)
    .status(Status::Draft)
    .claims(&["IND-CCA2"])
    .known_answers(include_str!("known_answers.txt"))
}

/// Whose code computes it: the name after the `@`, and what is claimed for it.
#[must_use]
pub fn provider() -> ProviderInfo {
    ProviderInfo::new("lodder", "sntrup761 0.4.0").constant_time(
        ConstantTime::Claimed,
        "README of sntrup761: constant-time operations throughout",
    )
}

/// Everything that this crate brings.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new(env!("CARGO_PKG_NAME"))
        .row(row())
        .kem(ID, provider(), Sntrup761)
}

// A binary has the plugin as soon as it names this crate: `use this_crate as _;`.
pqfw_framework::register_plugin!(plugin);
