//! The built-in rows, one file a family. Numbers are the specifications'; the order of providers is
//! measured (`docs/benchmarks.md`), and never prefers speed to a stronger constant-time claim.
//!
//! The order of this list is the catalogue's, in which the parts of a hybrid are named: a new row
//! may stand anywhere, but two rows never change places.

mod aead;
mod classical;
mod composite;
mod dilithium;
mod falcon;
mod fn_dsa;
mod frodokem;
mod hash;
mod kdf;
mod kyber;
mod ml_dsa;
mod ml_kem;
mod slh_dsa;
mod sphincs_plus;

use super::AlgorithmInfo;

/// Every row that the framework brings, in the catalogue's order.
#[must_use]
pub fn builtin() -> Vec<AlgorithmInfo> {
    [
        classical::kems(),
        ml_kem::rows(),
        kyber::rows(),
        frodokem::rows(),
        composite::kems(),
        classical::signatures(),
        ml_dsa::rows(),
        dilithium::rows(),
        slh_dsa::rows(),
        sphincs_plus::rows(),
        fn_dsa::rows(),
        falcon::rows(),
        composite::signatures(),
        aead::rows(),
        kdf::rows(),
        hash::rows(),
    ]
    .concat()
}
