//! SPHINCS+ (round 3.1 of the NIST process) by the C code of PQClean, for pqfw.
//!
//! One provider, `pqclean`, for SPHINCS+-SHA2-128f-simple, which is for living with peers that
//! have nothing else: its row in the catalogue says `legacy`, and PQClean itself is archived.
//!
//! Of the crates that wrap PQClean only those may be added whose names mean what they say:
//! `pqcrypto-kyber` 0.8.1 is ML-KEM, and `pqcrypto-dilithium` 0.5.0 is neither Dilithium nor
//! ML-DSA.

mod sphincs_plus;

use pqfw_framework::registry::Plugin;

/// Brings SPHINCS+ by the provider `pqclean`.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("pqclean").signature(
        "SPHINCS+-SHA2-128f-simple",
        sphincs_plus::provider(),
        sphincs_plus::PqClean,
    )
}

pqfw_framework::register_plugin!(plugin);
