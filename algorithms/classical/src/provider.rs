//! Whose code computes what, and what its authors claim for it.

use pqfw_framework::provider::{ConstantTime, ProviderInfo};

/// X25519.
pub(crate) fn x25519() -> ProviderInfo {
    rustcrypto("x25519-dalek 3.0.0")
        .alias("dalek")
        .constant_time(
            ConstantTime::Claimed,
            "README of curve25519-dalek 5.0: no secret-dependent branches or memory accesses",
        )
}

/// Ed25519.
pub(crate) fn ed25519() -> ProviderInfo {
    rustcrypto("ed25519-dalek 3.0.0")
        .alias("dalek")
        .constant_time(
            ConstantTime::Claimed,
            "README of ed25519-dalek 3.0: signing is constant-time",
        )
}

/// P-256, and ECDSA with it.
pub(crate) fn p256() -> ProviderInfo {
    rustcrypto("p256 0.14.0").constant_time(
        ConstantTime::Claimed,
        "README of p256 0.14: designed for secret-dependent operations in constant time, by \
         constant-time formulas; the machine code was not assessed",
    )
}

/// P-384, and ECDSA with it.
pub(crate) fn p384() -> ProviderInfo {
    rustcrypto("p384 0.14.0").constant_time(
        ConstantTime::Claimed,
        "README of p384 0.14: designed for secret-dependent operations in constant time, by \
         constant-time formulas; the machine code was not assessed",
    )
}

/// brainpoolP512r1: a curve of ours, so there is nobody else to claim anything.
pub(crate) fn brainpool_p512() -> ProviderInfo {
    ProviderInfo::new("pqfw", "primeorder 0.14.0").constant_time(
        ConstantTime::Unclaimed,
        "secrets go only through functions that primefield 0.14 and primeorder 0.14 mean to be \
         constant-time, and nobody has assessed the machine code. Times of scalar 1, 2^511 and \
         order - 1 against random ones, 2700 runs a class on one machine, did not differ \
         (|t| < 2): an indication, no proof",
    )
}

fn rustcrypto(version: &str) -> ProviderInfo {
    ProviderInfo::new("rustcrypto", version)
}
