//! Messages come in parts; both crates sign one slice.

use std::borrow::Cow;

/// One slice of many, without a copy where there is but one.
pub(crate) fn joined<'a>(message: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match message {
        [whole] => Cow::Borrowed(whole),
        parts => Cow::Owned(parts.concat()),
    }
}
