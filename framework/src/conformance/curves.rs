//! Points and scalars that no honest peer sends: data for checks, and no arithmetic.

use super::damage::with_bit_flipped;
use super::law::{Stop, fail};

/// The u-coordinates on Curve25519 whose order divides 8, little-endian, in every encoding below
/// 2^255: 0, 1, the two of order 8, p - 1, and p and p + 1, which stand for 0 and 1 again.
/// With each of them X25519 gives zero, whatever the private key (RFC 7748 section 6.1).
pub(super) const SMALL_ORDER_U: [[u8; 32]; 7] = [
    [0; 32],
    near(0x01, 0x00, 0x00),
    *b"\xe0\xeb\x7a\x7c\x3b\x41\xb8\xae\x16\x56\xe3\xfa\xf1\x9f\xc4\x6a\
       \xda\x09\x8d\xeb\x9c\x32\xb1\xfd\x86\x62\x05\x16\x5f\x49\xb8\x00",
    *b"\x5f\x9c\x95\xbc\xa3\x50\x8c\x24\xb1\xd0\xb1\x55\x9c\x83\xef\x5b\
       \x04\x44\x5c\xc4\x58\x1c\x8e\x86\xd8\x22\x4e\xdd\xd0\x9f\x11\x57",
    near(0xec, 0xff, 0x7f),
    near(0xed, 0xff, 0x7f),
    near(0xee, 0xff, 0x7f),
];

/// The y-coordinates on edwards25519 whose order divides 8, in the same manner: 1 (the neutral
/// element), p - 1, 0, the two of order 8, and p and p + 1.
pub(super) const SMALL_ORDER_Y: [[u8; 32]; 7] = [
    near(0x01, 0x00, 0x00),
    near(0xec, 0xff, 0x7f),
    [0; 32],
    *b"\x26\xe8\x95\x8f\xc2\xb2\x27\xb0\x45\xc3\xf4\x89\xf2\xef\x98\xf0\
       \xd5\xdf\xac\x05\xd3\xc6\x33\x39\xb1\x38\x02\x88\x6d\x53\xfc\x05",
    *b"\xc7\x17\x6a\x70\x3d\x4d\xd8\x4f\xba\x3c\x0b\x76\x0d\x10\x67\x0f\
       \x2a\x20\x53\xfa\x2c\x39\xcc\xc6\x4e\xc7\xfd\x77\x92\xac\x03\x7a",
    near(0xed, 0xff, 0x7f),
    near(0xee, 0xff, 0x7f),
];

/// The order L of the base point of edwards25519, little-endian (RFC 8032 section 5.1).
pub(super) const ED25519_ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

/// One first byte, thirty equal ones, and one last.
const fn near(first: u8, middle: u8, last: u8) -> [u8; 32] {
    let mut bytes = [middle; 32];
    bytes[0] = first;
    bytes[31] = last;
    bytes
}

/// Adds two numbers, little-endian; `None` when the sum does not fit.
pub(super) fn add(left: &[u8; 32], right: &[u8; 32]) -> Option<[u8; 32]> {
    let (mut sum, mut carry) = ([0; 32], 0);
    for ((sum, left), right) in sum.iter_mut().zip(left).zip(right) {
        let total = u16::from(*left) + u16::from(*right) + carry;
        [*sum, _] = total.to_le_bytes();
        carry = total >> 8;
    }
    (carry == 0).then_some(sum)
}

/// Takes one number from another, little-endian; `None` when it is the smaller.
pub(super) fn subtract(left: &[u8; 32], right: &[u8; 32]) -> Option<[u8; 32]> {
    let (mut difference, mut borrow) = ([0; 32], false);
    for ((byte, left), right) in difference.iter_mut().zip(left).zip(right) {
        let (less, first) = left.overflowing_sub(*right);
        let (less, second) = less.overflowing_sub(u8::from(borrow));
        (*byte, borrow) = (less, first || second);
    }
    (!borrow).then_some(difference)
}

/// Spoiled forms of a good uncompressed point, 04 ‖ X ‖ Y (SEC 1 section 2.3.3).
pub(super) fn bad_points(good: &[u8]) -> Result<Vec<(&'static str, Vec<u8>)>, Stop> {
    let (Some((4, coordinates)), false) = (good.split_first(), good.len().is_multiple_of(2)) else {
        return fail("a public key that is not 04 ‖ X ‖ Y, as SEC 1 writes a point");
    };
    let (x, y) = coordinates.split_at(coordinates.len() / 2);
    let sign = y.last().map_or(0, |last| last & 1);
    let with_prefix = |prefix: u8, rest: &[u8]| [&[prefix], rest].concat();
    let length = coordinates.len();
    Ok(vec![
        (
            "a point off the curve (y)",
            with_bit_flipped(good, length, 0),
        ),
        (
            "a point off the curve (x)",
            with_bit_flipped(good, length / 2, 0),
        ),
        (
            "a point off the curve (x, high)",
            with_bit_flipped(good, 1, 5),
        ),
        (
            "a point with its coordinates exchanged",
            [&[4], y, x].concat(),
        ),
        ("the point (0, 0)", with_prefix(4, &vec![0; length])),
        (
            "coordinates beyond the field",
            with_prefix(4, &vec![0xff; length]),
        ),
        ("the point at infinity", vec![0]),
        ("the point at infinity, padded", vec![0; length + 1]),
        ("a compressed point", with_prefix(2 | sign, x)),
        (
            "a compressed point, padded",
            [&[2 | sign], x, &vec![0; y.len()]].concat(),
        ),
        ("a hybrid point", with_prefix(6 | sign, coordinates)),
        (
            "a point with an unknown prefix",
            with_prefix(5, coordinates),
        ),
    ])
}

/// Private scalars that are none: zero, and all ones, beyond the order of any curve that fills its
/// bytes.
pub(super) fn bad_scalars(length: usize) -> [(&'static str, Vec<u8>); 2] {
    [
        ("the scalar zero", vec![0; length]),
        ("a scalar beyond the order", vec![0xff; length]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_carry_and_overflow_is_seen() {
        let mut one = [0; 32];
        one[0] = 1;
        let mut expected = [0; 32];
        expected[2] = 1;
        let mut low = [0; 32];
        low[..2].fill(0xff);
        assert_eq!(add(&low, &one), Some(expected));
        assert_eq!(add(&[0xff; 32], &one), None);
        assert_eq!(subtract(&expected, &one), Some(low));
        assert_eq!(subtract(&one, &low), None);
    }

    #[test]
    fn spoiled_points_are_spoiled() {
        let good: Vec<u8> = std::iter::once(4).chain(1..=64).collect();
        let bad = bad_points(&good).ok().unwrap();
        assert!(bad.iter().all(|(_, point)| *point != good));
        assert!(bad_points(&[4; 64]).is_err() && bad_points(&[2; 65]).is_err());
    }
}
