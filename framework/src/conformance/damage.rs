//! Ways to spoil a byte string: which bytes to try, and which lengths.

use rand_core::CryptoRng;

/// Bytes at either end that are tried whatever the length.
const ENDS: usize = 8;

/// The indices of at most about `tries` bytes: the ends, an even spread, and some by chance, so
/// that every run looks at others too.
pub(super) fn positions(length: usize, tries: usize, rng: &mut dyn CryptoRng) -> Vec<usize> {
    if length <= tries {
        return (0..length).collect();
    }
    let spread = (0..tries / 2).map(|step| step * length / (tries / 2));
    let mut positions: Vec<_> = (0..ENDS.min(length))
        .chain(length.saturating_sub(ENDS)..length)
        .chain(spread)
        .collect();
    for _ in 0..tries / 2 {
        positions.push(below(length, rng));
    }
    positions.sort_unstable();
    positions.dedup();
    positions
}

/// A number below `limit`, near enough to uniform for choosing what to try.
pub(super) fn below(limit: usize, rng: &mut dyn CryptoRng) -> usize {
    let mut bytes = [0; 8];
    rng.fill_bytes(&mut bytes);
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).max(1);
    usize::try_from(u64::from_le_bytes(bytes) % limit).unwrap_or_default()
}

/// `bytes` with one bit of the byte at `index` flipped: another bit from byte to byte.
pub(super) fn flipped(bytes: &[u8], index: usize) -> Vec<u8> {
    with_bit_flipped(bytes, index, index % 8)
}

/// `bytes` with this bit of this byte flipped.
pub(super) fn with_bit_flipped(bytes: &[u8], index: usize, bit: usize) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    if let Some(byte) = bytes.get_mut(index) {
        *byte ^= 1 << (bit % 8);
    }
    bytes
}

/// `bytes` cut or lengthened by zeros to lengths that are wrong: none, one, half, one too few, one
/// too many, twice as many, and those of `more`.
pub(super) fn wrong_lengths(bytes: &[u8], more: &[usize]) -> Vec<Vec<u8>> {
    let right = bytes.len();
    let mut lengths = vec![
        0,
        1,
        right / 2,
        right.saturating_sub(1),
        right + 1,
        2 * right,
    ];
    lengths.extend(more);
    lengths.sort_unstable();
    lengths.dedup();
    lengths.retain(|length| *length != right);
    let resized = |length| {
        let mut bytes = bytes.to_vec();
        bytes.resize(length, 0);
        bytes
    };
    lengths.into_iter().map(resized).collect()
}

/// Strings of the right length that nobody made: zeros, ones, and chance.
pub(super) fn garbage(length: usize, rng: &mut dyn CryptoRng) -> Vec<Vec<u8>> {
    let mut strings = vec![vec![0; length], vec![0xff; length]];
    for _ in 0..3 {
        strings.push(random(length, rng));
    }
    strings
}

/// That many random bytes.
pub(super) fn random(length: usize, rng: &mut dyn CryptoRng) -> Vec<u8> {
    let mut bytes = vec![0; length];
    rng.fill_bytes(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use chacha20::ChaCha20Rng;
    use chacha20::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn short_strings_are_tried_byte_by_byte_and_long_ones_at_their_ends_at_least() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        assert_eq!(positions(5, 10, &mut rng), [0, 1, 2, 3, 4]);
        for tries in [0, 1, 24, 192] {
            let positions = positions(10_000, tries, &mut rng);
            assert!(positions.starts_with(&[0, 1]) && positions.ends_with(&[9998, 9999]));
            assert!(positions.len() <= tries + 2 * ENDS);
        }
    }

    #[test]
    fn wrong_lengths_are_wrong_and_none_stands_twice() {
        let lengths = |bytes: &[u8]| -> Vec<_> {
            let strings = wrong_lengths(bytes, &[3]);
            strings.iter().map(Vec::len).collect()
        };
        assert_eq!(lengths(&[7; 4]), [0, 1, 2, 3, 5, 8]);
        assert_eq!(lengths(&[7; 1]), [0, 2, 3]);
        assert_eq!(wrong_lengths(&[7; 2], &[])[2], [7, 7, 0]);
    }

    #[test]
    fn one_bit_differs_after_a_flip() {
        assert_eq!(flipped(&[0; 4], 2), [0, 0, 4, 0]);
        assert_eq!(with_bit_flipped(&[0; 2], 1, 7), [0, 0x80]);
        assert_eq!(with_bit_flipped(&[0; 2], 9, 0), [0, 0]);
    }
}
