//! Bytes that came and are not used up: whole records are found in them and opened where they lie.

use std::ops::Range;

use pqfw_framework::transport::StreamReader;
use zeroize::Zeroizing;

use crate::error::ChannelError;
use crate::record::{HEAD, Head, MOST_CONTENT};

/// Bytes that came, from `start` to `end` of a buffer that is wiped in the end.
pub(super) struct Inbox {
    buffer: Zeroizing<Vec<u8>>,
    start: usize,
    end: usize,
}

/// Room at first: an idle channel keeps no more, and most flights fit.
const FIRST_ROOM: usize = 4 << 10;

/// Room for a full record. A read ends about where the record does, so that little is moved.
const ROOM: usize = HEAD + MOST_CONTENT + 64;

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            buffer: Zeroizing::new(vec![0; FIRST_ROOM]),
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
            // A large message of a handshake was there.
            if self.buffer.len() > ROOM {
                self.resize(ROOM);
            }
        }
        if self.start + length > self.buffer.len() || self.end == self.buffer.len() {
            self.buffer.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, self.end - self.start);
        }
        if length > self.buffer.len() {
            self.resize(length.max(ROOM));
        }
    }

    /// Moves what is there, which begins at 0, into a buffer of so many bytes.
    fn resize(&mut self, bytes: usize) {
        let mut other = Zeroizing::new(vec![0; bytes]);
        if let (Some(to), Some(from)) = (other.get_mut(..self.end), self.buffer.get(..self.end)) {
            to.copy_from_slice(from);
        }
        self.buffer = other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::PROTECTED;

    /// A record whose body is so many bytes of its own.
    fn record(length: usize, byte: u8) -> Vec<u8> {
        let kind = PROTECTED;
        let mut record = Head { kind, length }.bytes().to_vec();
        record.resize(HEAD + length, byte);
        record
    }

    fn take(inbox: &mut Inbox) -> Option<Vec<u8>> {
        let (_, place) = inbox.take(16).unwrap()?;
        Some(inbox.at(place).to_vec())
    }

    #[test]
    fn records_are_found_whole_however_they_come() {
        let full = MOST_CONTENT + 1 + 16;
        let lengths = [0, 1, FIRST_ROOM, full, full, 262_144, 7, full, FIRST_ROOM];
        let records = lengths.iter().zip(1..);
        let records: Vec<_> = records.map(|(&length, n)| record(length, n)).collect();
        for most in [1, 5, 1000, 20_000, usize::MAX] {
            let (sent, mut inbox, mut found) = (records.concat(), Inbox::new(), Vec::new());
            let mut rest = sent.as_slice();
            while found.len() < records.len() {
                match take(&mut inbox) {
                    Some(record) => found.push(record),
                    None => {
                        let space = inbox.space();
                        let (now, later) = rest.split_at(most.min(rest.len()).min(space.len()));
                        assert!(!now.is_empty(), "there is room for what is to come");
                        space[..now.len()].copy_from_slice(now);
                        inbox.came(now.len());
                        rest = later;
                    }
                }
            }
            assert!(found == records, "pieces of {most}");
            assert_eq!(take(&mut inbox), None);
        }
    }

    #[test]
    fn the_room_for_a_large_message_is_given_back() {
        let mut inbox = Inbox::new();
        assert_eq!(inbox.buffer.len(), FIRST_ROOM);
        let large = record(262_144, 1);
        let mut rest = large.as_slice();
        while take(&mut inbox).is_none() {
            let space = inbox.space();
            let (now, later) = rest.split_at(rest.len().min(space.len()));
            space[..now.len()].copy_from_slice(now);
            inbox.came(now.len());
            rest = later;
        }
        assert_eq!(inbox.buffer.len(), large.len());
        assert_eq!(take(&mut inbox), None);
        assert_eq!(inbox.buffer.len(), ROOM);
    }
}
