//! ML-DSA, FIPS 204, and Dilithium round 3.1: the public key of a private key, which does not
//! contain it.
//!
//! ```text
//!  rho 32 │ K 32 │ tr │ s1: l polynomials │ s2: k polynomials │ t0: k polynomials
//!                  tr: 64 bytes in ML-DSA (FIPS 204), 32 in Dilithium round 3.1
//! ```
//!
//! In both the public key is rho and the upper bits of t = A(rho)·s1 + s2, with the same matrix and
//! the same encodings, and tr is its hash by SHAKE256. liboqs computes t when it generates a key
//! and at no other time, so the crate `ml-dsa` does it here, also for Dilithium: it takes tr as
//! part of the key, and does not look at it for this.
//!
//! `ml-dsa` panics when s1 or s2 decode out of range, as FIPS 204, Algorithm 25, lets them; each of
//! their codes is checked before. That the public key hashes to tr finds damage to rho, tr and s1,
//! and to s2 where it reaches the upper bits of t. Damage to t0 is not found, and K may be
//! anything: with the first, signatures do not verify.

#![expect(
    deprecated,
    reason = "ml-dsa deprecates the expanded form, and liboqs has no other"
)]

use ml_dsa::common::typenum::Unsigned;
use ml_dsa::{ExpandedSigningKey, MlDsa44, MlDsa65, MlDsa87, MlDsaParams};
use oqs::sig::Algorithm;
use pqfw_framework::keys::short_vectors_are_in_range;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::SecretBytes;
use sha3::Shake256;
use sha3::digest::{ExtendableOutput, Update, XofReader};

use super::{Checks, Liboqs, short};
use crate::claimed;

/// Bytes of rho and K (FIPS 204, Algorithm 24; Dilithium 3.1, figure 4).
const RHO_AND_K: usize = 64;
const ML_DSA_TR: usize = 64;
const DILITHIUM_TR: usize = 32;

pub(super) fn offer(plugin: Plugin) -> Plugin {
    let ml_dsa = || claimed().native_context();
    plugin
        .signature(
            "ML-DSA-44",
            ml_dsa(),
            code::<MlDsa44, ML_DSA_TR>(Algorithm::MlDsa44),
        )
        .signature(
            "ML-DSA-65",
            ml_dsa(),
            code::<MlDsa65, ML_DSA_TR>(Algorithm::MlDsa65),
        )
        .signature(
            "ML-DSA-87",
            ml_dsa(),
            code::<MlDsa87, ML_DSA_TR>(Algorithm::MlDsa87),
        )
        .signature(
            "Dilithium2",
            claimed(),
            code::<MlDsa44, DILITHIUM_TR>(Algorithm::Dilithium2),
        )
        .signature(
            "Dilithium3",
            claimed(),
            code::<MlDsa65, DILITHIUM_TR>(Algorithm::Dilithium3),
        )
        .signature(
            "Dilithium5",
            claimed(),
            code::<MlDsa87, DILITHIUM_TR>(Algorithm::Dilithium5),
        )
}

/// Of ML-DSA with the parameters `P`, or of Dilithium at its level.
fn code<P: MlDsaParams, const TR: usize>(algorithm: Algorithm) -> Liboqs {
    let checks = Checks {
        // Every string of the right length is a public key (FIPS 204, Algorithm 23).
        is_public_key: |_| true,
        public_key: public_key::<P, TR>,
        is_signature: short::has_short_z::<P>,
    };
    Liboqs::new(algorithm, checks)
}

/// Computes the public key; `None` when the private key is damaged or of another set.
fn public_key<P: MlDsaParams, const TR: usize>(secret: &[u8]) -> Option<Vec<u8>> {
    let (seeds, rest) = secret.split_at_checked(RHO_AND_K)?;
    let (tr, polynomials) = rest.split_first_chunk::<TR>()?;
    let eta = P::Eta::USIZE;
    // Codes run from 0 to 2η, in the least bits that hold 2η.
    let bits = (2 * eta).checked_ilog2()? + 1;
    let short = (P::L::USIZE + P::K::USIZE) * 32 * usize::try_from(bits).ok()?;
    if !short_vectors_are_in_range(polynomials.get(..short)?, eta) {
        return None;
    }
    let encoding = SecretBytes::own([seeds, &[0; ML_DSA_TR][..], polynomials].concat());
    let encoding = encoding.expose().try_into().ok()?;
    let key = ExpandedSigningKey::<P>::from_expanded(encoding);
    let public = key.verifying_key().encode().to_vec();
    let mut hash = [0; TR];
    let state = Shake256::default().chain(&public);
    state.finalize_xof().read(&mut hash);
    // Both are public.
    (hash == *tr).then_some(public)
}
