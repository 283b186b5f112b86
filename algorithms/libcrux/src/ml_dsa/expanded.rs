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
use sha3::Shake256;
use sha3::digest::{ExtendableOutput, Update, XofReader};

/// Bytes of rho and K (FIPS 204, Algorithm 24).
const RHO_AND_K: usize = 64;
const TR: usize = 64;

/// Computes the public key; `None` when the private key is damaged or of another set.
pub(super) fn public_key<P: MlDsaParams>(secret: &[u8]) -> Option<Vec<u8>> {
    let encoding = secret.try_into().ok()?;
    let (tr, polynomials) = secret.get(RHO_AND_K..)?.split_first_chunk::<TR>()?;
    // BitUnpack(η, η) reads η − x, so 2η is the largest code.
    let (bits, largest) = match P::Eta::USIZE {
        2 => (3, 4),
        4 => (4, 8),
        _ => return None,
    };
    let short = (P::L::USIZE + P::K::USIZE) * 256 * bits / 8;
    if !in_range(polynomials.get(..short)?, bits, largest) {
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

/// Whether all codes of `bits` bits, 3 or 4, are at most `largest`.
///
/// The codes are secret: all are looked at, and none is branched on or used as an index.
fn in_range(packed: &[u8], bits: usize, largest: u32) -> bool {
    let mask = (1 << bits) - 1;
    // A multiple of both widths, so that no code crosses from one group to the next.
    let too_large = packed.chunks(3).fold(0, |found, group| {
        let word = group
            .iter()
            .enumerate()
            .fold(0, |word, (at, byte)| word | u32::from(*byte) << (8 * at));
        (0..8 * group.len() / bits).fold(found, |found, at| {
            // It wraps when the code is too large, and sets the highest bit.
            found | largest.wrapping_sub(word >> (at * bits) & mask)
        })
    });
    too_large >> 31 == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_out_of_range_is_found_wherever_it_stands() {
        for (bits, largest) in [(3, 4), (4, 8)] {
            for at in 0..256 {
                for code in 0..1u8 << bits {
                    let mut packed = vec![0; 32 * bits];
                    for bit in (0..bits).filter(|bit| code >> bit & 1 == 1) {
                        packed[(at * bits + bit) / 8] |= 1 << ((at * bits + bit) % 8);
                    }
                    let expected = u32::from(code) <= largest;
                    assert_eq!(in_range(&packed, bits, largest), expected, "{code} at {at}");
                }
            }
        }
    }
}
