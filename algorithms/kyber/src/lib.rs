//! Kyber (round 3 of the NIST process) for pqfw, derived from whichever ML-KEM is present.
//!
//! Kyber and ML-KEM have the same keys and the same ciphertexts; FIPS 203 changed only what is
//! hashed into the shared secret. So this crate holds no lattice code: it registers a derivation,
//! and the registry makes one Kyber of each provider of ML-KEM, under that provider's name.
//!
//! Kyber is for living with peers that have nothing else. Its row in the catalogue says `legacy`.

mod derived;

use pqfw_framework::registry::Plugin;

use derived::derive;

/// Brings Kyber-512, Kyber-768 and Kyber-1024 over ML-KEM of the same level.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("kyber")
        .derived("Kyber-512", "ML-KEM-512", derive)
        .derived("Kyber-768", "ML-KEM-768", derive)
        .derived("Kyber-1024", "ML-KEM-1024", derive)
}

pqfw_framework::register_plugin!(plugin);
