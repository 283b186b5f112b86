//! The combinations that are offered (the draft's section 6).

use ml_dsa::{MlDsa44, MlDsa65, MlDsa87};
use sha2::digest::Digest;
use sha2::{Sha256, Sha512};

use crate::ecdsa::{P256, P384};
use crate::ed25519::Ed25519;
use crate::lattice::Lattice;
use crate::traditional::Traditional;

/// A composite algorithm.
pub(crate) trait Set: Send + Sync + 'static {
    /// The row of the catalogue: the draft's identifier without `id-`.
    const ID: &'static str;
    /// What binds a signature to this algorithm, and the context of its ML-DSA component.
    const LABEL: &'static str;
    /// The hash PH of the message.
    type PreHash: Digest;
    /// The post-quantum component.
    type MlDsa: Lattice;
    /// The other component.
    type Traditional: Traditional;
}

macro_rules! set {
    ($name:ident, $id:literal, $hash:ty, $ml_dsa:ty, $traditional:ty) => {
        #[doc = $id]
        pub(crate) struct $name;

        impl Set for $name {
            const ID: &'static str = $id;
            const LABEL: &'static str = concat!("COMPSIG-", $id);
            type PreHash = $hash;
            type MlDsa = $ml_dsa;
            type Traditional = $traditional;
        }
    };
}

set!(
    MlDsa44Ed25519,
    "MLDSA44-Ed25519-SHA512",
    Sha512,
    MlDsa44,
    Ed25519
);
set!(
    MlDsa44EcdsaP256,
    "MLDSA44-ECDSA-P256-SHA256",
    Sha256,
    MlDsa44,
    P256
);
set!(
    MlDsa65EcdsaP256,
    "MLDSA65-ECDSA-P256-SHA512",
    Sha512,
    MlDsa65,
    P256
);
set!(
    MlDsa65EcdsaP384,
    "MLDSA65-ECDSA-P384-SHA512",
    Sha512,
    MlDsa65,
    P384
);
set!(
    MlDsa65Ed25519,
    "MLDSA65-Ed25519-SHA512",
    Sha512,
    MlDsa65,
    Ed25519
);
set!(
    MlDsa87EcdsaP384,
    "MLDSA87-ECDSA-P384-SHA512",
    Sha512,
    MlDsa87,
    P384
);
