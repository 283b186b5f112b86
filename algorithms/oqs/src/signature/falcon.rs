//! Keys of Falcon round 3.
//!
//! ```text
//!  private key:  0x50 + log n │ f │ g: n coefficients of 6 or 5 bits │ F: n of 8 bits
//!  public key:   log n │ h: n coefficients of 14 bits
//! ```
//!
//! Falcon specification 1.2, section 3.11; codes fill the bytes from the highest bit down. The
//! public key is h = g/f modulo 12289, which liboqs computes when it generates a key and at no
//! other time. So the polynomial arithmetic of the crate `fn-dsa-comm` does it here. The crate
//! `fn-dsa` above it would be of no use: its keys are packed in another order, and its public keys
//! are transformed.
//!
//! Refused are coefficients that are not canonical, an f without an inverse, an F to which no short
//! G = g·F/f modulo q belongs, and one for which f·G − g·F is not q but another multiple of it, such
//! as 0 where both are zero. Damage to f, g or F shows as the third: a G at random is not short.
//!
//! Of one signature liboqs accepts two encodings: the shortest, and that filled with zeros to the
//! length of Falcon-padded.

use fn_dsa_comm::mq::{
    mqpoly_NTT_to_int, mqpoly_div_ntt, mqpoly_int_to_NTT, mqpoly_int_to_ext, mqpoly_int_to_small,
    mqpoly_mul_ntt, mqpoly_small_to_int,
};
use oqs::sig::Algorithm;
use pqfw_framework::registry::Plugin;
use zeroize::Zeroizing;

use super::{Checks, Liboqs};
use crate::doubtful;

/// The modulus q.
const Q: u32 = 12_289;
/// Bits of a coefficient of h, and of one of F.
const H_BITS: usize = 14;
const CAPITAL_F_BITS: usize = 8;

pub(super) fn offer(plugin: Plugin) -> Plugin {
    // With log n and the bits of a coefficient of f and g.
    let (small, large) = (checks::<9, 6>(), checks::<10, 5>());
    plugin
        .signature(
            "Falcon-512",
            doubtful(),
            Liboqs::new(Algorithm::Falcon512, small),
        )
        .signature(
            "Falcon-1024",
            doubtful(),
            Liboqs::new(Algorithm::Falcon1024, large),
        )
}

fn checks<const LOG_N: u32, const BITS: usize>() -> Checks {
    Checks {
        is_public_key: is_public_key::<LOG_N>,
        public_key: public_key::<LOG_N, BITS>,
        is_signature: |_| true,
    }
}

/// Whether the degree is right and h reduced.
fn is_public_key<const LOG_N: u32>(bytes: &[u8]) -> bool {
    let Some((head, h)) = bytes.split_first() else {
        return false;
    };
    u32::from(*head) == LOG_N && codes(h, H_BITS).all(|coefficient| coefficient < Q)
}

fn public_key<const LOG_N: u32, const BITS: usize>(secret: &[u8]) -> Option<Vec<u8>> {
    let (head, rest) = secret.split_first()?;
    let short = (BITS << LOG_N) / 8;
    let (f, rest) = rest.split_at_checked(short)?;
    let (g, capital_f) = rest.split_at_checked(short)?;
    if u32::from(*head) != 0x50 + LOG_N || capital_f.len() != 1 << LOG_N {
        return None;
    }
    let f = coefficients::<LOG_N>(f, BITS)?;
    let g = coefficients::<LOG_N>(g, BITS)?;
    let capital_f = coefficients::<LOG_N>(capital_f, CAPITAL_F_BITS)?;
    let mut h = transformed::<LOG_N>(&g);
    if !mqpoly_div_ntt(LOG_N, &mut h, &transformed::<LOG_N>(&f)) {
        return None;
    }
    let mut product = transformed::<LOG_N>(&capital_f);
    mqpoly_mul_ntt(LOG_N, &mut product, &h);
    mqpoly_NTT_to_int(LOG_N, &mut product);
    let mut capital_g = Zeroizing::new(vec![0; 1 << LOG_N]);
    let short = mqpoly_int_to_small(LOG_N, &product, &mut capital_g);
    if !short || !is_a_basis([&f, &g], [&capital_f, &capital_g]) {
        return None;
    }
    mqpoly_NTT_to_int(LOG_N, &mut h);
    mqpoly_int_to_ext(LOG_N, &mut h);
    let mut public = vec![u8::try_from(LOG_N).ok()?];
    // Four coefficients are seven bytes.
    for four in h.chunks(4) {
        let pack = |word: u64, coefficient: &u16| word << H_BITS | u64::from(*coefficient);
        let [_, bytes @ ..] = four.iter().fold(0, pack).to_be_bytes();
        public.extend_from_slice(&bytes);
    }
    Some(public)
}

/// Whether f·G − g·F = q, modulo Xⁿ + 1 (Falcon specification 1.2, equation 2.1).
fn is_a_basis([f, g]: [&[i8]; 2], [capital_f, capital_g]: [&[i8]; 2]) -> bool {
    let mut sum = Zeroizing::new(vec![0i32; f.len()]);
    for (at, (f, g)) in f.iter().zip(g).enumerate() {
        let term = |(capital_f, capital_g): (&i8, &i8)| {
            i32::from(*f) * i32::from(*capital_g) - i32::from(*g) * i32::from(*capital_f)
        };
        let mut terms = capital_f.iter().zip(capital_g).map(term);
        // Xⁿ is −1.
        let (wrapped, straight) = sum.split_at_mut(at);
        for (coefficient, term) in straight.iter_mut().zip(terms.by_ref()) {
            *coefficient += term;
        }
        for (coefficient, term) in wrapped.iter_mut().zip(terms) {
            *coefficient -= term;
        }
    }
    let expected = std::iter::once(Q.cast_signed()).chain(std::iter::repeat(0));
    let differs = |found, (left, right): (&i32, i32)| found | (left ^ right);
    sum.iter().zip(expected).fold(0, differs) == 0
}

/// Reads a polynomial with coefficients of `bits` bits in two's complement; `None` when one is the
/// least of all, which the specification leaves out.
fn coefficients<const LOG_N: u32>(packed: &[u8], bits: usize) -> Option<Zeroizing<Vec<i8>>> {
    let sign = 1 << (bits - 1);
    let mut small = Zeroizing::new(vec![0i8; 1 << LOG_N]);
    let mut least = false;
    for (coefficient, code) in small.iter_mut().zip(codes(packed, bits)) {
        least |= code == sign;
        let [low, ..] = (code ^ sign).wrapping_sub(sign).to_le_bytes();
        *coefficient = low.cast_signed();
    }
    (!least).then_some(small)
}

fn transformed<const LOG_N: u32>(small: &[i8]) -> Zeroizing<Vec<u16>> {
    let mut polynomial = Zeroizing::new(vec![0; 1 << LOG_N]);
    mqpoly_small_to_int(LOG_N, small, &mut polynomial);
    mqpoly_int_to_NTT(LOG_N, &mut polynomial);
    polynomial
}

/// The codes of `bits` bits, at most 14, that fill `packed` from the highest bit down.
fn codes(packed: &[u8], bits: usize) -> impl Iterator<Item = u32> {
    let (mut bytes, mut word, mut have) = (packed.iter(), 0, 0);
    (0..8 * packed.len() / bits).map(move |_| {
        while have < bits {
            // What was read leaves the word at its upper end.
            word = word << 8 | bytes.next().map_or(0, |byte| u32::from(*byte));
            have += 8;
        }
        have -= bits;
        word >> have & ((1 << bits) - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_the_highest_bit_down() {
        let six: Vec<_> = codes(&[0b0000_0100, 0b0010_0000, 0b1100_0100], 6).collect();
        assert_eq!(six, [1, 2, 3, 4]);
        let five: Vec<_> = codes(&[0b1111_1000, 0b0000_0010, 0, 0, 0b0000_0010], 5).collect();
        assert_eq!(five, [31, 0, 1, 0, 0, 0, 0, 2]);
        let fourteen: Vec<_> = codes(&[0xff, 0xfc, 0, 0x10, 0, 0, 1], 14).collect();
        assert_eq!(fourteen, [0x3fff, 1, 0, 1]);
    }

    #[test]
    fn the_least_number_is_refused_and_its_neighbours_are_not() {
        for (bits, least) in [(6, 0b1000_0000), (5, 0b1000_0000), (8, 0b1000_0000)] {
            let mut packed = vec![0; (bits << 9) / 8];
            packed[0] = least;
            assert!(coefficients::<9>(&packed, bits).is_none());
            // One more, and the greatest.
            packed[0] = least | 1 << (8 - bits);
            assert!(coefficients::<9>(&packed, bits).is_some());
            packed[0] = !least;
            assert!(coefficients::<9>(&packed, bits).is_some());
        }
    }
}
