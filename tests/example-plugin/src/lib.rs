//! A plugin as a third party writes one: it imports `pqfw-framework` and nothing else.
//!
//! It brings one algorithm, [`ID`], which is **insecure on purpose**: its public key *is* its
//! private key, written differently. It shows the four things that any algorithm needs:
//!
//! 1. a row for the catalogue: name, lengths, status, and known answers to be measured against;
//! 2. the code, behind the framework's traits for its kind;
//! 3. a constructor, [`plugin`], for `Registry::builder().with(pqfw_example_plugin::plugin())`;
//! 4. `register_plugin!`, for binaries that gather what is linked into them.
//!
//! The algorithm, over 32-byte strings:
//!
//! ```text
//! sk = 32 random bytes            pk = sk backwards, with every bit flipped
//! ct = coins XOR pk               ss = coins = ct XOR pk
//! ```
//!
//! The shipped policies refuse it. To see it run anyway, write `kem = "Example-Insecure-XOR-KEM"`
//! into a profile of a binary that links this crate, with a policy of your own.

mod toy;

use pqfw_framework::catalogue::{AlgorithmInfo, KemSizes, Sizes, Status};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::registry::Plugin;

pub use toy::Toy;

/// The algorithm's canonical name.
pub const ID: &str = "Example-Insecure-XOR-KEM";

/// Bytes of the private key, the public key, the ciphertext and the shared secret alike.
pub const LENGTH: usize = 32;

/// Values that can be checked by eye: `ek` is `dk` backwards with every bit flipped, and `ct` is
/// `ss XOR ek`.
pub const KNOWN_ANSWERS: &str = "\
# Written by hand from the definition in the documentation of pqfw-example-plugin.
dk = 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
ek = e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff
ct = a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0
ss = 404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f
";

/// The algorithm's row: no security category, and a status that says for trying out only.
#[must_use]
pub fn row() -> AlgorithmInfo {
    let sizes = KemSizes {
        seed: None,
        encapsulation_key: LENGTH,
        decapsulation_key: LENGTH,
        ciphertext: LENGTH,
        shared_secret: LENGTH,
    };
    AlgorithmInfo::new(
        ID,
        Sizes::Kem(sizes),
        "the documentation of pqfw-example-plugin",
    )
    .category(0)
    .status(Status::Experimental)
    .known_answers(KNOWN_ANSWERS)
}

/// Whose code computes it. Nothing is claimed for it.
#[must_use]
pub fn provider() -> ProviderInfo {
    let package = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    ProviderInfo::new("example", package)
}

/// The plugin: one row, and the code for it.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("example").row(row()).kem(ID, provider(), Toy)
}

pqfw_framework::register_plugin!(plugin);
