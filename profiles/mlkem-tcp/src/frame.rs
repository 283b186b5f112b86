//! Frames: a length of four bytes, big-endian, and that many bytes of payload.

use thiserror::Error;

/// Bytes of the length before a payload.
const HEAD: usize = 4;

/// What is wrong with a frame.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// The peer's fault, or ours when sending: longer than the limit of both.
    #[error("a frame of {got} bytes: at most {limit}, which is max_frame_bytes")]
    TooLong {
        /// Bytes of its payload.
        got: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The peer's fault, or somebody's in between: the stream ended inside a frame.
    #[error("the stream ended inside a frame, at least {missing} bytes too early")]
    Truncated {
        /// How many are missing at least.
        missing: usize,
    },
}

/// Puts a length before a payload.
///
/// # Errors
/// [`FrameError::TooLong`].
pub fn encode(payload: &[u8], limit: usize) -> Result<Vec<u8>, FrameError> {
    let got = payload.len();
    let too_long = FrameError::TooLong { got, limit };
    let length = u32::try_from(got).ok().filter(|_| got <= limit);
    let length = length.ok_or(too_long)?.to_be_bytes();
    Ok([&length[..], payload].concat())
}

/// Gives the payloads of a stream of bytes as they become whole.
///
/// It holds what has arrived of one frame, at most the limit; a length alone reserves nothing.
#[derive(Debug)]
pub struct FrameReader {
    limit: usize,
    head: Vec<u8>,
    payload: Vec<u8>,
}

impl FrameReader {
    /// Begins a stream whose payloads have at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            head: Vec::new(),
            payload: Vec::new(),
        }
    }

    /// Takes bytes from the beginning of `input` until a payload is whole or `input` is empty.
    ///
    /// # Errors
    /// [`FrameError::TooLong`], at the length; from there on nothing makes sense any more.
    pub fn read(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, FrameError> {
        take(input, &mut self.head, HEAD);
        let Some(length) = self.length() else {
            return Ok(None);
        };
        if length > self.limit {
            return Err(FrameError::TooLong {
                got: length,
                limit: self.limit,
            });
        }
        take(input, &mut self.payload, length);
        if self.payload.len() < length {
            return Ok(None);
        }
        self.head.clear();
        Ok(Some(std::mem::take(&mut self.payload)))
    }

    /// Says that the stream is at its end.
    ///
    /// # Errors
    /// [`FrameError::Truncated`] when that is inside a frame.
    pub fn end(&self) -> Result<(), FrameError> {
        let missing = match self.length() {
            Some(length) => length - self.payload.len(),
            None if self.head.is_empty() => return Ok(()),
            None => HEAD - self.head.len(),
        };
        Err(FrameError::Truncated { missing })
    }

    fn length(&self) -> Option<usize> {
        let head: [u8; HEAD] = self.head.as_slice().try_into().ok()?;
        // On a machine where this does not fit, no limit is as large either.
        Some(usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX))
    }
}

/// Moves bytes from the beginning of `input` to the end of `to`, until that has `length`.
fn take(input: &mut &[u8], to: &mut Vec<u8>, length: usize) {
    let wanted = length.saturating_sub(to.len()).min(input.len());
    let (taken, rest) = input.split_at(wanted);
    to.extend_from_slice(taken);
    *input = rest;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_limit_holds_below_at_and_above() {
        for (length, fits) in [(3, true), (4, true), (5, false)] {
            let payload = vec![7; length];
            let too_long = FrameError::TooLong {
                got: length,
                limit: 4,
            };
            assert_eq!(encode(&payload, 4).is_ok(), fits);
            let frame = encode(&payload, usize::MAX).unwrap();
            let read = FrameReader::new(4).read(&mut &frame[..]);
            assert_eq!(
                read,
                if fits {
                    Ok(Some(payload))
                } else {
                    Err(too_long)
                }
            );
        }
    }

    #[test]
    fn a_length_alone_reserves_nothing() {
        let mut reader = FrameReader::new(usize::MAX);
        assert_eq!(reader.read(&mut &[0xff; 4][..]), Ok(None));
        assert_eq!(reader.payload.capacity(), 0);
    }

    #[test]
    fn a_stream_ends_between_frames_or_not_at_all() {
        let frame = encode(b"abc", 3).unwrap();
        for cut in 1..frame.len() {
            let mut reader = FrameReader::new(3);
            assert_eq!(reader.read(&mut &frame[..cut]), Ok(None));
            let missing = if cut < HEAD {
                HEAD - cut
            } else {
                frame.len() - cut
            };
            assert_eq!(reader.end(), Err(FrameError::Truncated { missing }));
        }
        let mut reader = FrameReader::new(3);
        reader.read(&mut &frame[..]).unwrap();
        assert_eq!(reader.end(), Ok(()));
    }

    proptest! {
        #[test]
        fn frames_come_out_whole_however_they_are_cut(
            payloads: Vec<Vec<u8>>,
            cut in 1_usize..9,
        ) {
            let frames: Vec<_> = payloads.iter().map(|p| encode(p, 1000).unwrap()).collect();
            let (stream, mut reader) = (frames.concat(), FrameReader::new(1000));
            let mut read = Vec::new();
            for mut piece in stream.chunks(cut) {
                while let Some(payload) = reader.read(&mut piece).unwrap() {
                    read.push(payload);
                }
                prop_assert!(piece.is_empty());
            }
            prop_assert_eq!(read, payloads);
            prop_assert_eq!(reader.end(), Ok(()));
        }
    }
}
