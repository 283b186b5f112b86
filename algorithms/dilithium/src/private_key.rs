//! The encoding of a Dilithium2 private key (specification, section 5.4), and that of ML-DSA-44.
//!
//! ```text
//!  Dilithium2   rho 32 │ K 32 │ tr 32 │ s1 384 │ s2 384 │ t0 1664     2528 bytes
//!  ML-DSA-44    rho 32 │ K 32 │ tr 64 │ s1 384 │ s2 384 │ t0 1664     2560 bytes
//! ```
//!
//! The crate panics on coefficients of s1 and s2 that are out of range, so their codes are looked
//! at first; every code of t0 is in range. The caller then compares tr with the public key that
//! follows from the rest, which finds damage to rho, tr and s1. Damage to s2 is found only where
//! it reaches the upper bits of t, and damage to t0 never: the crate does not give back the t0
//! that it computes. A key damaged there makes signatures that do not verify.

#![expect(
    deprecated,
    reason = "ml-dsa deprecates the expanded form; Dilithium has no other"
)]

use ml_dsa::{ExpandedSigningKey, ExpandedSigningKeyBytes, MlDsa44};
use pqfw_framework::keys::short_vectors_are_in_range;
use pqfw_framework::secret::SecretBytes;
use zeroize::Zeroizing;

use crate::adapter::TR;

const RHO_AND_K: usize = 64;
/// Bytes of tr in ML-DSA-44.
const ML_DSA_TR: usize = 64;
/// Bytes of s1 and s2: eight polynomials of 256 codes of 3 bits.
const S1_AND_S2: usize = 768;
const ETA: usize = 2;
const LENGTH: usize = 2528;

/// Reads a private key and the tr in it; `None` when its length or a coefficient is wrong.
///
/// The key's own tr stays zero. The crate uses it to make μ from a message, and gets μ from us.
pub(crate) fn read(bytes: &[u8]) -> Option<(ExpandedSigningKey<MlDsa44>, [u8; TR])> {
    let bytes: &[u8; LENGTH] = bytes.try_into().ok()?;
    let (rho_and_k, rest) = bytes.split_first_chunk::<RHO_AND_K>()?;
    let (tr, polynomials) = rest.split_first_chunk::<TR>()?;
    if !short_vectors_are_in_range(polynomials.get(..S1_AND_S2)?, ETA) {
        return None;
    }
    let mut theirs = Zeroizing::new(ExpandedSigningKeyBytes::<MlDsa44>::default());
    let (head, tail) = theirs.split_at_mut_checked(RHO_AND_K + ML_DSA_TR)?;
    head.get_mut(..RHO_AND_K)?.copy_from_slice(rho_and_k);
    if tail.len() != polynomials.len() {
        return None;
    }
    tail.copy_from_slice(polynomials);
    Some((ExpandedSigningKey::from_expanded(&theirs), *tr))
}

/// Writes a private key with this tr.
pub(crate) fn write(key: &ExpandedSigningKey<MlDsa44>, tr: &[u8; TR]) -> Option<SecretBytes> {
    let theirs = Zeroizing::new(key.to_expanded());
    let (rho_and_k, rest) = theirs.split_at_checked(RHO_AND_K)?;
    let polynomials = rest.get(ML_DSA_TR..)?;
    let mut bytes = Vec::with_capacity(LENGTH);
    for part in [rho_and_k, tr, polynomials] {
        bytes.extend_from_slice(part);
    }
    Some(SecretBytes::own(bytes))
}
