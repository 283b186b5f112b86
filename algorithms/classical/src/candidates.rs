//! Private keys by rejection: byte strings are made until one is a key.
//!
//! RFC 9180 section 7.1.3 derives keys like this from a seed, FIPS 186-5 Appendix A.2.2 generates
//! them like this at random. How many strings are rejected says nothing of the one that is taken.

use pqfw_framework::secret::SecretBytes;

/// Gives the first key among the strings numbered 0 to 255, where RFC 9180 section 7.1.3 ends too.
///
/// `None` when no string is a key. More than half of all strings are keys of every algorithm here,
/// so that means a generator that is broken.
pub(crate) fn first_key<Key, Error>(
    length: usize,
    mut fill: impl FnMut(u8, &mut [u8]) -> Result<(), Error>,
    read: impl Fn(&[u8]) -> Option<Key>,
) -> Result<Option<Key>, Error> {
    let mut candidate = SecretBytes::zeroed(length);
    for number in 0..=u8::MAX {
        fill(number, candidate.expose_mut())?;
        if let Some(key) = read(candidate.expose()) {
            return Ok(Some(key));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// Fills a candidate with its number.
    fn numbered(number: u8, candidate: &mut [u8]) -> Result<(), Infallible> {
        candidate.fill(number);
        Ok(())
    }

    #[test]
    fn the_last_candidate_is_number_255() {
        let read = |only: u8| move |bytes: &[u8]| (bytes == [only; 2]).then_some(only);
        for only in [0, 1, 255] {
            assert_eq!(first_key(2, numbered, read(only)), Ok(Some(only)));
        }
        let mut made = 0;
        let counted = |number, candidate: &mut [u8]| {
            made += 1;
            numbered(number, candidate)
        };
        assert_eq!(first_key(2, counted, |_| None::<u8>), Ok(None));
        assert_eq!(made, 256);
    }

    #[test]
    fn an_error_ends_it() {
        let refused = first_key(2, |_, _| Err("no bytes"), |_| Some(()));
        assert_eq!(refused, Err("no bytes"));
    }
}
