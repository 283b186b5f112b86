//! The encoding of a private key, as far as the check of its validity needs it.
//!
//! ```text
//!  0x50 + log n │ f: n codes of BITS │ g: n codes of BITS │ F: n bytes │ hash of the public key 64
//! ```
//!
//! Codes are in two's complement, the first one in the lowest bits.

use zeroize::Zeroizing;

/// Small integers that are wiped: the coefficients of a polynomial, the constant one first.
pub(crate) type Polynomial = Zeroizing<Vec<i64>>;

/// The polynomials f, g and F of a private key whose length and header are right.
pub(crate) fn polynomials(key: &[u8], n: usize, bits: u32) -> Option<[Polynomial; 3]> {
    let short = n * usize::try_from(bits).ok()? / 8;
    let (f, rest) = key.get(1..)?.split_at_checked(short)?;
    let (g, rest) = rest.split_at_checked(short)?;
    let big_f = rest.get(..n)?;
    Some([
        coefficients(f, bits),
        coefficients(g, bits),
        coefficients(big_f, 8),
    ])
}

fn coefficients(packed: &[u8], bits: u32) -> Polynomial {
    let (mask, sign) = ((1 << bits) - 1, 1 << (bits - 1));
    // Room for all, so that no copy is left behind by growth.
    let mut found = Zeroizing::new(Vec::with_capacity(8 * packed.len()));
    let (mut buffer, mut held) = (0_i64, 0);
    for byte in packed {
        buffer |= i64::from(*byte) << held;
        held += 8;
        while held >= bits {
            found.push(((buffer & mask) ^ sign) - sign);
            buffer >>= bits;
            held -= bits;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_from_the_lowest_bit() {
        // 1, -1, 31, -31 in six bits: 000001 111111 011111 100001, from the right.
        let packed = [0b1100_0001, 0b1111_1111, 0b1000_0101];
        assert_eq!(*coefficients(&packed, 6), [1, -1, 31, -31]);
        assert_eq!(*coefficients(&[0, 127, 129, 255], 8), [0, 127, -127, -1]);
    }

    #[test]
    fn a_key_that_is_too_short_has_no_polynomials() {
        assert!(polynomials(&[0x59; 1 + 768 + 511], 512, 6).is_none());
        assert!(polynomials(&[0x59; 1 + 768 + 512], 512, 6).is_some());
        assert!(polynomials(&[], 512, 6).is_none());
    }
}
