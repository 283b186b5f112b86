//! That z of a signature is short, for ML-DSA and Dilithium.
//!
//! ```text
//!  c̃ │ z: l polynomials, each coefficient as γ1 − z in 18 or 20 bits │ hint: ω + k
//! ```
//!
//! FIPS 204, Algorithm 8, line 13, and Dilithium 3.1, figure 4, refuse ‖z‖∞ ≥ γ1 − β. liboqs does so
//! in portable C; its code for AVX2, which takes over where the processor has that, does not, and
//! would take signatures that every other verifier refuses (pq-crystals/dilithium, issue 113, of
//! June 2026; Wycheproof's `InfinityNormViolation`). So it is checked here before liboqs verifies.
//!
//! That code has a second mistake, which cannot be mended here: where the value to be rounded is a
//! multiple of 2γ2 and has a hint, it goes to the wrong neighbour (pq-crystals/dilithium, commit
//! bba9534), and a valid signature that is built for it is refused. An honest signer makes none: it
//! has ‖c·t0‖∞ < γ2 (FIPS 204, Algorithm 7, line 28), which does not reach from a multiple of 2γ2 to
//! other high bits, so there is no hint.

use ml_dsa::MlDsaParams;
use ml_dsa::common::typenum::Unsigned;

/// Whether ‖z‖∞ < γ1 − β. Of the wrong length only what is too short is refused.
pub(super) fn has_short_z<P: MlDsaParams>(signature: &[u8]) -> bool {
    let gamma1 = P::Gamma1::U32;
    let bits = 1 + gamma1.ilog2();
    // Four codes fill 9 or 10 bytes.
    let group = bits as usize / 2;
    let length = P::L::USIZE * 64 * group;
    let hint = P::Omega::USIZE + P::K::USIZE;
    let start = signature.len().checked_sub(hint + length);
    let Some(z) = start.and_then(|start| signature.get(start..start + length)) else {
        return false;
    };
    let codes = z.chunks(group).flat_map(|group| {
        let join = |word, byte: &u8| word << 8 | u128::from(*byte);
        let word = group.iter().rev().fold(0, join);
        (0..4).map(move |at| word >> (at * bits) & ((1 << bits) - 1))
    });
    let (beta, range) = (u128::from(P::BETA), u128::from(2 * gamma1));
    // The signature is public: it may take a different time.
    codes
        .into_iter()
        .all(|code| beta < code && code < range - beta)
}

#[cfg(test)]
mod tests {
    use ml_dsa::{MlDsa44, MlDsa65, MlDsa87};

    use super::*;

    /// A signature whose coefficients of z are 0, apart from the one at an index.
    fn signature<P: MlDsaParams>(length: usize, at: usize, z: i32) -> Vec<u8> {
        let gamma1 = i32::try_from(P::Gamma1::U32).unwrap();
        let bits = 1 + P::Gamma1::USIZE.ilog2() as usize;
        let hint = P::Omega::USIZE + P::K::USIZE;
        let mut signature = vec![0; length];
        let start = length - hint - P::L::USIZE * 32 * bits;
        for index in 0..P::L::USIZE * 256 {
            let code = gamma1 - if index == at { z } else { 0 };
            for bit in (0..bits).filter(|bit| code >> bit & 1 == 1) {
                signature[start + (index * bits + bit) / 8] |= 1 << ((index * bits + bit) % 8);
            }
        }
        signature
    }

    fn is_measured_to_the_unit<P: MlDsaParams>(lengths: [usize; 2]) {
        let bound = i32::try_from(P::Gamma1::U32 - P::BETA).unwrap();
        let last = P::L::USIZE * 256 - 1;
        for length in lengths {
            for at in [0, 1, 2, 3, 255, last] {
                let verdict = |z| has_short_z::<P>(&signature::<P>(length, at, z));
                for sign in [1, -1] {
                    assert!(verdict(sign * (bound - 1)), "{at}");
                    assert!(!verdict(sign * bound), "{at}");
                    assert!(!verdict(sign * (bound + 1)), "{at}");
                }
            }
        }
    }

    #[test]
    fn the_bound_is_kept_to_the_unit_wherever_the_coefficient_stands() {
        // Of ML-DSA and of Dilithium round 3.1, whose c̃ are of different lengths.
        is_measured_to_the_unit::<MlDsa44>([2420, 2420]);
        is_measured_to_the_unit::<MlDsa65>([3309, 3293]);
        is_measured_to_the_unit::<MlDsa87>([4627, 4595]);
    }

    #[test]
    fn what_is_too_short_for_a_z_is_refused() {
        let shortest = 4 * 576 + 80 + 4;
        for length in [0, 1, shortest - 1] {
            assert!(!has_short_z::<MlDsa44>(&vec![0x55; length]), "{length}");
        }
    }
}
