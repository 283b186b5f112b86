//! Bytes that came and are not used up: whole records are found in them and opened where they lie.

use std::ops::Range;

use pqfw_framework::transport::StreamReader;
use zeroize::Zeroizing;

use crate::error::ChannelError;
use crate::record::{HEAD, Head};

/// Bytes that came, from `start` to `end` of a buffer that is wiped in the end.
pub(super) struct Inbox {
    buffer: Zeroizing<Vec<u8>>,
    start: usize,
    end: usize,
}

/// Room for four full records.
const ROOM: usize = 4 * (16_384 + 64);

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            buffer: Zeroizing::new(vec![0; ROOM]),
            start: 0,
            end: 0,
        }
    }

    /// The first record, taken out, once it is whole: its head and its place.
    pub(super) fn take(
        &mut self,
        tag: usize,
    ) -> Result<Option<(Head, Range<usize>)>, ChannelError> {
        let there = self.buffer.get(self.start..self.end).unwrap_or_default();
        let Some(head) = Head::first(there, tag)? else {
            self.make_room(HEAD);
            return Ok(None);
        };
        let length = HEAD + head.length;
        if there.len() < length {
            self.make_room(length);
            return Ok(None);
        }
        let place = self.start..self.start + length;
        self.start = place.end;
        Ok(Some((head, place)))
    }

    pub(super) fn at(&self, place: Range<usize>) -> &[u8] {
        self.buffer.get(place).unwrap_or_default()
    }

    pub(super) fn at_mut(&mut self, place: Range<usize>) -> &mut [u8] {
        self.buffer.get_mut(place).unwrap_or_default()
    }

    /// Where the next bytes go. Never empty after [`Self::take`] gave nothing.
    pub(super) fn space(&mut self) -> &mut [u8] {
        let end = self.end;
        self.buffer.get_mut(end..).unwrap_or_default()
    }

    /// Notes that so many bytes were put there.
    pub(super) fn came(&mut self, bytes: usize) {
        self.end = (self.end + bytes).min(self.buffer.len());
    }

    /// Waits for a whole record.
    pub(super) async fn record(
        &mut self,
        reader: &mut dyn StreamReader,
        tag: usize,
    ) -> Result<&[u8], ChannelError> {
        loop {
            if let Some((_, place)) = self.take(tag)? {
                return Ok(self.at(place));
            }
            match reader.read(self.space()).await? {
                0 => return Err(ChannelError::Truncated(None)),
                bytes => self.came(bytes),
            }
        }
    }

    /// Makes room for a record of `length` bytes that begins at `start`.
    fn make_room(&mut self, length: usize) {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        if self.start + length > self.buffer.len() || self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if length > self.buffer.len() {
            let mut larger = Zeroizing::new(vec![0; length]);
            if let (Some(to), Some(from)) =
                (larger.get_mut(..self.end), self.buffer.get(..self.end))
            {
                to.copy_from_slice(from);
            }
            self.buffer = larger;
        }
    }
}
