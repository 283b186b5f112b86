//! ML-DSA as a component, with the lengths of the draft's table 1.

use ml_dsa::{MlDsa44, MlDsa65, MlDsa87, MlDsaParams};

/// A parameter set of ML-DSA (FIPS 204 table 2).
pub(crate) trait Lattice: MlDsaParams + Send + Sync + 'static {
    /// Bytes of a public key.
    const PUBLIC_KEY: usize;
    /// Bytes of a signature.
    const SIGNATURE: usize;
}

/// Bytes of the seed ξ, the private key.
pub(crate) const SEED: usize = 32;

impl Lattice for MlDsa44 {
    const PUBLIC_KEY: usize = 1312;
    const SIGNATURE: usize = 2420;
}

impl Lattice for MlDsa65 {
    const PUBLIC_KEY: usize = 1952;
    const SIGNATURE: usize = 3309;
}

impl Lattice for MlDsa87 {
    const PUBLIC_KEY: usize = 2592;
    const SIGNATURE: usize = 4627;
}
