//! The two parameter sets: the degree n of the ring, and the types of the crate for it.

use fn_dsa::{FN_DSA_LOGN_512, FN_DSA_LOGN_1024};
use fn_dsa::{KeyPairGenerator, KeyPairGenerator512, KeyPairGenerator1024};
use fn_dsa::{SigningKey, SigningKey512, SigningKey1024};
use fn_dsa::{VerifyingKey, VerifyingKey512, VerifyingKey1024};

/// A parameter set.
pub(crate) trait Degree: Send + Sync + 'static {
    /// The binary logarithm of the degree.
    const LOG: u32;
    /// Bits of a coefficient of f and of g in a private key.
    const BITS: u32;
    type Generator: KeyPairGenerator;
    type SigningKey: SigningKey + Send;
    type VerifyingKey: VerifyingKey + Send + Sync;
}

/// FN-DSA-512.
pub(crate) struct Degree512;

/// FN-DSA-1024.
pub(crate) struct Degree1024;

impl Degree for Degree512 {
    const LOG: u32 = FN_DSA_LOGN_512;
    const BITS: u32 = 6;
    type Generator = KeyPairGenerator512;
    type SigningKey = SigningKey512;
    type VerifyingKey = VerifyingKey512;
}

impl Degree for Degree1024 {
    const LOG: u32 = FN_DSA_LOGN_1024;
    const BITS: u32 = 5;
    type Generator = KeyPairGenerator1024;
    type SigningKey = SigningKey1024;
    type VerifyingKey = VerifyingKey1024;
}
