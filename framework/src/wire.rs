//! Reading and writing binary messages: big-endian integers, byte strings with a length before
//! them, and nothing that can panic or allocate more than it was given.
//!
//! A reader takes what the specification says and ends with [`Reader::finish`], so that trailing
//! bytes are a fault and every accepted message has exactly one encoding.

use thiserror::Error;

/// Bytes that are not the message they should be: the peer's fault.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum WireError {
    /// The message ends inside a field.
    #[error("{field}: {missing} bytes are missing")]
    Truncated {
        /// The field that was being read.
        field: &'static str,
        /// How many bytes more it needs.
        missing: usize,
    },
    /// A length above the field's limit.
    #[error("{field}: {got} bytes, at most {limit}")]
    TooLong {
        /// The field.
        field: &'static str,
        /// The length found.
        got: usize,
        /// The field's limit.
        limit: usize,
    },
    /// Bytes after the last field.
    #[error("{0} bytes after the end of the message")]
    Trailing(usize),
}

/// Reads a message from its first byte to its last.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Begins at the first byte.
    #[must_use]
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// How many bytes are left.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Takes `length` bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`]; then nothing is taken.
    pub fn bytes(&mut self, field: &'static str, length: usize) -> Result<&'a [u8], WireError> {
        let Some((taken, rest)) = self.rest.split_at_checked(length) else {
            let missing = length.saturating_sub(self.rest.len());
            return Err(WireError::Truncated { field, missing });
        };
        self.rest = rest;
        Ok(taken)
    }

    /// Takes an array.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], WireError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(field, N)?);
        Ok(array)
    }

    /// Takes one byte.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u8(&mut self, field: &'static str) -> Result<u8, WireError> {
        self.array(field).map(u8::from_be_bytes)
    }

    /// Takes a 16-bit integer.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u16(&mut self, field: &'static str) -> Result<u16, WireError> {
        self.array(field).map(u16::from_be_bytes)
    }

    /// Takes a 32-bit integer.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u32(&mut self, field: &'static str) -> Result<u32, WireError> {
        self.array(field).map(u32::from_be_bytes)
    }

    /// Takes a 64-bit integer.
    ///
    /// # Errors
    /// [`WireError::Truncated`].
    pub fn u64(&mut self, field: &'static str) -> Result<u64, WireError> {
        self.array(field).map(u64::from_be_bytes)
    }

    /// Takes a byte string with a 16-bit length before it.
    ///
    /// # Errors
    /// [`WireError::Truncated`]; [`WireError::TooLong`] above `limit`, before anything is taken.
    pub fn vector16(&mut self, field: &'static str, limit: usize) -> Result<&'a [u8], WireError> {
        let mut ahead = self.clone();
        let length = usize::from(ahead.u16(field)?);
        self.vector(ahead, field, length, limit)
    }

    /// Takes a byte string with a 32-bit length before it.
    ///
    /// # Errors
    /// [`WireError::Truncated`]; [`WireError::TooLong`] above `limit`, before anything is taken.
    pub fn vector32(&mut self, field: &'static str, limit: usize) -> Result<&'a [u8], WireError> {
        let mut ahead = self.clone();
        let length = usize::try_from(ahead.u32(field)?).unwrap_or(usize::MAX);
        self.vector(ahead, field, length, limit)
    }

    fn vector(
        &mut self,
        mut ahead: Self,
        field: &'static str,
        length: usize,
        limit: usize,
    ) -> Result<&'a [u8], WireError> {
        if length > limit {
            return Err(WireError::TooLong {
                field,
                got: length,
                limit,
            });
        }
        let bytes = ahead.bytes(field, length)?;
        *self = ahead;
        Ok(bytes)
    }

    /// Ends the message.
    ///
    /// # Errors
    /// [`WireError::Trailing`] when bytes are left.
    pub fn finish(self) -> Result<(), WireError> {
        match self.rest.len() {
            0 => Ok(()),
            left => Err(WireError::Trailing(left)),
        }
    }
}

/// Writes a message that [`Reader`] reads.
#[derive(Clone, Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Begins an empty message.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends bytes as they are.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.bytes.extend_from_slice(bytes);
        self
    }

    /// Appends one byte.
    pub fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a 16-bit integer.
    pub fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a 32-bit integer.
    pub fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a 64-bit integer.
    pub fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// Appends a byte string with a 16-bit length before it.
    ///
    /// # Errors
    /// [`WireError::TooLong`] from 65 536 bytes on; then nothing is written.
    pub fn vector16(&mut self, field: &'static str, bytes: &[u8]) -> Result<&mut Self, WireError> {
        let (got, limit) = (bytes.len(), usize::from(u16::MAX));
        let length = u16::try_from(got).map_err(|_| WireError::TooLong { field, got, limit })?;
        Ok(self.u16(length).bytes(bytes))
    }

    /// Appends a byte string with a 32-bit length before it.
    ///
    /// # Errors
    /// [`WireError::TooLong`] from 2^32 bytes on; then nothing is written.
    pub fn vector32(&mut self, field: &'static str, bytes: &[u8]) -> Result<&mut Self, WireError> {
        let (got, limit) = (bytes.len(), usize::try_from(u32::MAX).unwrap_or(usize::MAX));
        let length = u32::try_from(got).map_err(|_| WireError::TooLong { field, got, limit })?;
        Ok(self.u32(length).bytes(bytes))
    }

    /// Gives the message.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_message_ends_where_it_ends() {
        let mut reader = Reader::new(&[1, 0, 2, 9, 9, 7]);
        assert_eq!(reader.u8("version"), Ok(1));
        assert_eq!(reader.vector16("body", 2), Ok(&[9, 9][..]));
        assert_eq!(reader.clone().finish(), Err(WireError::Trailing(1)));
        let truncated = WireError::Truncated {
            field: "counter",
            missing: 3,
        };
        assert_eq!(reader.u32("counter"), Err(truncated));
        assert_eq!(reader.remaining(), 1, "a refused field takes nothing");
    }

    #[test]
    fn a_limit_holds_below_at_and_above() {
        for (length, fits) in [(3_u16, true), (4, true), (5, false)] {
            let mut writer = Writer::new();
            writer.vector16("name", &vec![7; length.into()]).unwrap();
            let message = writer.finish();
            let mut reader = Reader::new(&message);
            let read = reader.vector16("name", 4);
            assert_eq!(read.is_ok(), fits, "{length}");
            if !fits {
                let too_long = WireError::TooLong {
                    field: "name",
                    got: 5,
                    limit: 4,
                };
                assert_eq!(read, Err(too_long));
                assert_eq!(reader.remaining(), message.len());
            }
        }
        let mut writer = Writer::new();
        assert!(writer.vector16("name", &vec![0; 65_536]).is_err());
        assert!(writer.finish().is_empty());
    }

    #[test]
    fn a_length_longer_than_the_message_allocates_nothing() {
        let mut reader = Reader::new(&[0xff, 0xff, 0xff, 0xff]);
        let truncated = reader.vector32("body", usize::MAX).unwrap_err();
        assert!(matches!(truncated, WireError::Truncated { .. }));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(a: u8, b: u16, c: u32, d: u64, e: Vec<u8>, f: Vec<u8>) {
            let mut writer = Writer::new();
            writer.u8(a).u16(b).u32(c).u64(d);
            writer.vector16("e", &e).unwrap().vector32("f", &f).unwrap();
            let message = writer.finish();
            let mut reader = Reader::new(&message);
            prop_assert_eq!(reader.u8("a"), Ok(a));
            prop_assert_eq!(reader.u16("b"), Ok(b));
            prop_assert_eq!(reader.u32("c"), Ok(c));
            prop_assert_eq!(reader.u64("d"), Ok(d));
            prop_assert_eq!(reader.vector16("e", usize::MAX), Ok(&e[..]));
            prop_assert_eq!(reader.vector32("f", usize::MAX), Ok(&f[..]));
            prop_assert_eq!(reader.finish(), Ok(()));
        }
    }
}
