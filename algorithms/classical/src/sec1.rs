//! The encodings of keys on a curve of prime order, read exactly.
//!
//! A public key is an uncompressed point: 04, x, y (SEC 1 section 2.3.3). A private key is a
//! big-endian number of as many bytes as a coordinate, from 1 to the order less 1.

use elliptic_curve::array::typenum::Unsigned;
use elliptic_curve::{Curve, FieldBytes, SecretKey};

/// The first byte of an uncompressed point.
const UNCOMPRESSED: u8 = 4;

/// Bytes of a coordinate, and of a private key.
pub(crate) const fn length<C: Curve>() -> usize {
    <C::FieldBytesSize as Unsigned>::USIZE
}

/// Reads a private key. `SecretKey::from_slice` of the crate would fill up one that is too short.
pub(crate) fn read_private<C: Curve>(bytes: &[u8]) -> Option<SecretKey<C>> {
    let bytes = <&FieldBytes<C>>::try_from(bytes).ok()?;
    SecretKey::from_bytes(bytes).ok()
}

/// Splits an uncompressed point into x and y; `None` for every other form and length. Whether they
/// are reduced and on the curve is for the curve to say.
pub(crate) fn split_point<C: Curve>(bytes: &[u8]) -> Option<(&FieldBytes<C>, &FieldBytes<C>)> {
    let (&UNCOMPRESSED, coordinates) = bytes.split_first()? else {
        return None;
    };
    let (x, y) = coordinates.split_at_checked(length::<C>())?;
    Some((x.try_into().ok()?, y.try_into().ok()?))
}

/// Writes an uncompressed point.
pub(crate) fn write_point<C: Curve>(x: &FieldBytes<C>, y: &FieldBytes<C>) -> Vec<u8> {
    [&[UNCOMPRESSED], x.as_slice(), y.as_slice()].concat()
}
