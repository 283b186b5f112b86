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
use pqfw_framework::secret::SecretBytes;
use zeroize::Zeroizing;

use crate::adapter::TR;

const RHO_AND_K: usize = 64;
/// Bytes of tr in ML-DSA-44.
const ML_DSA_TR: usize = 64;
/// Bytes of s1 and s2: eight polynomials of 256 codes of 3 bits.
const S1_AND_S2: usize = 768;
const LENGTH: usize = 2528;

/// Reads a private key and the tr in it; `None` when its length or a coefficient is wrong.
///
/// The key's own tr stays zero. The crate uses it to make μ from a message, and gets μ from us.
pub(crate) fn read(bytes: &[u8]) -> Option<(ExpandedSigningKey<MlDsa44>, [u8; TR])> {
    let bytes: &[u8; LENGTH] = bytes.try_into().ok()?;
    let (rho_and_k, rest) = bytes.split_first_chunk::<RHO_AND_K>()?;
    let (tr, polynomials) = rest.split_first_chunk::<TR>()?;
    if !coefficients_are_in_range(polynomials.get(..S1_AND_S2)?) {
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

/// Whether all codes of 3 bits are at most 2η = 4. A code c stands for the coefficient η − c.
///
/// Every code is looked at, and no branch depends on one, so a valid key takes the same time as
/// any other.
fn coefficients_are_in_range(packed: &[u8]) -> bool {
    let mut too_large = 0;
    // A code is 5, 6 or 7 exactly when its highest bit is set and one of the others is. Three
    // bytes hold eight codes; the length is a multiple of three.
    for group in packed.chunks(3) {
        let bits = group
            .iter()
            .rev()
            .fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte));
        too_large |= bits >> 2 & (bits >> 1 | bits) & 0o11_111_111;
    }
    too_large == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_above_four_is_found_at_every_position() {
        for position in 0..256 {
            for code in 0..8_u8 {
                let mut packed = vec![0; 96];
                for bit in 0..3 {
                    let at = 3 * position + bit;
                    packed[at / 8] |= (code >> bit & 1) << (at % 8);
                }
                let accepted = coefficients_are_in_range(&packed);
                assert_eq!(accepted, code <= 4, "{code} at {position}");
            }
        }
    }
}
