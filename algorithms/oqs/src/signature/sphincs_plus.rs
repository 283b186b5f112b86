//! SPHINCS+, the simple sets: SPHINCS+ submission to round 3.1, 10 June 2022.
//!
//! A private key SK.seed ‖ SK.prf ‖ PK.seed ‖ PK.root ends with its public key. That the root
//! follows from the rest is not checked: liboqs computes it from fresh random bytes alone. A
//! damaged key makes signatures that do not verify.

use oqs::sig::Algorithm;
use pqfw_framework::registry::Plugin;

use super::{Checks, Liboqs};
use crate::doubtful;

pub(super) fn offer(plugin: Plugin) -> Plugin {
    let sets = [
        ("SHA2-128s", Algorithm::SphincsSha2128sSimple),
        ("SHA2-128f", Algorithm::SphincsSha2128fSimple),
        ("SHA2-192s", Algorithm::SphincsSha2192sSimple),
        ("SHA2-192f", Algorithm::SphincsSha2192fSimple),
        ("SHA2-256s", Algorithm::SphincsSha2256sSimple),
        ("SHA2-256f", Algorithm::SphincsSha2256fSimple),
        ("SHAKE-128s", Algorithm::SphincsShake128sSimple),
        ("SHAKE-128f", Algorithm::SphincsShake128fSimple),
        ("SHAKE-192s", Algorithm::SphincsShake192sSimple),
        ("SHAKE-192f", Algorithm::SphincsShake192fSimple),
        ("SHAKE-256s", Algorithm::SphincsShake256sSimple),
        ("SHAKE-256f", Algorithm::SphincsShake256fSimple),
    ];
    sets.into_iter().fold(plugin, |plugin, (set, algorithm)| {
        let id = format!("SPHINCS+-{set}-simple");
        plugin.signature(&id, doubtful(), Liboqs::new(algorithm, CHECKS))
    })
}

const CHECKS: Checks = Checks {
    is_public_key: |_| true,
    public_key: |secret| secret.get(secret.len() / 2..).map(<[u8]>::to_vec),
    is_signature: |_| true,
};
