//! The public key of an ML-DSA private key in expanded form, which does not contain it.
//!
//! ```text
//!  rho 32 │ K 32 │ tr 64 │ s1: l polynomials │ s2: k polynomials │ t0: k polynomials
//! ```
//!
//! FIPS 204, Algorithm 6: the public key is rho and the upper bits of t = A(rho)·s1 + s2, and tr
//! is its hash. libcrux computes t when it generates a key and at no other time, so the crate
//! `ml-dsa` does it here. It panics when s1 or s2 decode out of range, as Algorithm 25 lets them;
//! each of their codes is checked before, which libcrux wants of its caller too.
//!
//! That the public key hashes to tr finds damage to rho, tr and s1, and to s2 where it reaches the
//! upper bits of t. Damage to t0 is not found, and K may be anything: with such damage signatures
//! do not verify, or are hedged with another constant.

#![expect(
    deprecated,
    reason = "ml-dsa deprecates the expanded form, in which keys of other providers come"
)]

use ml_dsa::common::typenum::Unsigned;
use ml_dsa::{ExpandedSigningKey, MlDsaParams};
use pqfw_framework::keys::short_vectors_are_in_range;
use sha3::Shake256;
use sha3::digest::{ExtendableOutput, Update, XofReader};

/// Bytes of rho and K (FIPS 204, Algorithm 24).
const RHO_AND_K: usize = 64;
const TR: usize = 64;

/// Computes the public key; `None` when the private key is damaged or of another set.
pub(super) fn public_key<P: MlDsaParams>(secret: &[u8]) -> Option<Vec<u8>> {
    let encoding = secret.try_into().ok()?;
    let (tr, polynomials) = secret.get(RHO_AND_K..)?.split_first_chunk::<TR>()?;
    let eta = P::Eta::USIZE;
    // Codes run from 0 to 2η, in the least bits that hold 2η.
    let bits = (2 * eta).checked_ilog2()? + 1;
    let short = (P::L::USIZE + P::K::USIZE) * 32 * usize::try_from(bits).ok()?;
    if !short_vectors_are_in_range(polynomials.get(..short)?, eta) {
        return None;
    }
    let key = ExpandedSigningKey::<P>::from_expanded(encoding);
    let public = key.verifying_key().encode().to_vec();
    let mut hash = [0; TR];
    let state = Shake256::default().chain(&public);
    state.finalize_xof().read(&mut hash);
    // Both are public.
    (hash == *tr).then_some(public)
}
