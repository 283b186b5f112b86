//! Reading a private key in the expanded form, which the crate `ml-dsa` leaves to us.
//!
//! ```text
//!  rho 32 │ K 32 │ tr 64 │ s1: l polynomials │ s2: k polynomials │ t0: k polynomials
//!         │      │       │ of 256 coefficients in 3 or 4 bits    │ of 256 in 13 bits
//! ```
//!
//! FIPS 204, Algorithm 25, says that s1 and s2 of an untrusted key may decode out of range, and
//! the crate panics there. So each of their codes is checked first; every code of t0 is in range.
//!
//! Then the public key is computed again and must hash to tr, which finds damage to rho, tr and
//! s1. Damage to s2 is found only where it reaches the upper bits of t, and damage to t0 never:
//! the crate does not give back the t0 that it computes. A key damaged there makes signatures that
//! do not verify. K may be any 32 bytes. (AWS-LC compares t0, and so finds all but K.)

#![expect(
    deprecated,
    reason = "ml-dsa deprecates the expanded form, which liboqs and Dilithium exchange"
)]

use ml_dsa::common::typenum::Unsigned;
use ml_dsa::{ExpandedSigningKey, MlDsaParams, VerifyingKey};
use pqfw_framework::keys::short_vectors_are_in_range;
use sha3::Shake256;
use sha3::digest::{ExtendableOutput, Update, XofReader};

/// Bytes before s1 (FIPS 204, Algorithm 24).
const RHO_AND_K: usize = 64;
const TR: usize = 64;

/// Reads the key; `None` when it is damaged or of another parameter set.
pub(crate) fn read<P: MlDsaParams>(
    bytes: &[u8],
) -> Option<(ExpandedSigningKey<P>, VerifyingKey<P>)> {
    let encoding = bytes.try_into().ok()?;
    let (tr, polynomials) = bytes.get(RHO_AND_K..)?.split_first_chunk::<TR>()?;
    let eta = P::Eta::USIZE;
    // Codes run from 0 to 2η, in the least bits that hold 2η.
    let bits = (2 * eta).checked_ilog2()? + 1;
    let short = (P::L::USIZE + P::K::USIZE) * 32 * usize::try_from(bits).ok()?;
    if !short_vectors_are_in_range(polynomials.get(..short)?, eta) {
        return None;
    }
    let key = ExpandedSigningKey::from_expanded(encoding);
    let verifying_key = key.verifying_key();
    let mut hash = Shake256::default();
    hash.update(&verifying_key.encode());
    let mut expected = [0; TR];
    hash.finalize_xof().read(&mut expected);
    // Both are public: tr is a hash of the public key.
    (expected == *tr).then_some((key, verifying_key))
}
