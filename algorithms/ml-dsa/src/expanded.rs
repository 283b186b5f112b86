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
    let bits = match eta {
        2 => 3,
        4 => 4,
        _ => return None,
    };
    let secrets = polynomials.get(..(P::L::USIZE + P::K::USIZE) * 256 * bits / 8)?;
    if !codes_are_at_most(secrets, bits, 2 * eta) {
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

/// Whether all codes of `bits` bits are at most `limit`: 2η, as BitUnpack(η, η) needs it.
///
/// Every code is looked at, and no branch depends on one, so a valid key takes the same time as
/// any other.
fn codes_are_at_most(packed: &[u8], bits: usize, limit: usize) -> bool {
    let mask = (1 << bits) - 1;
    let mut too_large = 0;
    // Three bytes are eight codes of 3 bits, or six of 4.
    for group in packed.chunks(3) {
        let word = group
            .iter()
            .rev()
            .fold(0usize, |word, byte| word << 8 | usize::from(*byte));
        for code in 0..8 * group.len() / bits {
            // The subtraction wraps, and sets the highest bit, when the code is too large.
            too_large |= limit.wrapping_sub(word >> (code * bits) & mask);
        }
    }
    too_large >> (usize::BITS - 1) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A polynomial of 256 codes, all zero but one.
    fn packed(bits: usize, position: usize, code: usize) -> Vec<u8> {
        let mut bytes = vec![0; 256 * bits / 8];
        for bit in 0..bits {
            let at = position * bits + bit;
            bytes[at / 8] |= u8::from(code >> bit & 1 == 1) << (at % 8);
        }
        bytes
    }

    #[test]
    fn a_code_above_the_limit_is_found_at_every_position() {
        for (bits, limit) in [(3, 4), (4, 8)] {
            for position in 0..256 {
                assert!(codes_are_at_most(
                    &packed(bits, position, limit),
                    bits,
                    limit
                ));
                for code in limit + 1..1 << bits {
                    let packed = packed(bits, position, code);
                    assert!(
                        !codes_are_at_most(&packed, bits, limit),
                        "{code} at {position}"
                    );
                }
            }
        }
    }
}
