//! The short vectors s1 and s2 of ML-DSA's and Dilithium's private keys, looked at before they are
//! unpacked.

/// Whether polynomials in the form of BitPack(p, η, η) unpack to coefficients from −η to η.
///
/// FIPS 204, Algorithm 25, leaves it to the reader of a private key that is not trusted: the packing
/// (Algorithm 17) stores η − x in 3 bits for η = 2 and in 4 for η = 4, so codes above 2η are none.
/// Dilithium round 3.1 packs alike. There is no packing for another η, and then nothing is in range.
///
/// The codes are secret: all are looked at, and none is branched on or used as an index.
#[must_use]
pub fn short_vectors_are_in_range(packed: &[u8], eta: usize) -> bool {
    let (bits, largest) = match eta {
        2 => (3, 4_u32),
        4 => (4, 8),
        _ => return false,
    };
    let mask = (1 << bits) - 1;
    // A multiple of both widths, so that no code crosses from one group to the next.
    let too_large = packed.chunks(3).fold(0, |found, group| {
        let word = group
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u32::from(*byte));
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
        for (eta, bits) in [(2, 3), (4, 4)] {
            for at in 0..256 {
                for code in 0..1 << bits {
                    let mut packed = vec![0; 32 * bits];
                    for bit in (0..bits).filter(|bit| code >> bit & 1 == 1) {
                        packed[(at * bits + bit) / 8] |= 1 << ((at * bits + bit) % 8);
                    }
                    let found = !short_vectors_are_in_range(&packed, eta);
                    assert_eq!(found, code > 2 * eta, "{code} at {at}");
                }
            }
        }
        assert!(!short_vectors_are_in_range(&[0; 96], 3));
    }
}
