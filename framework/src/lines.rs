//! Raw lines of a stream: bounded in length, known to be text, and otherwise untouched.
//!
//! What protocols of one message a line read through: a message is passed on as the bytes that it came
//! in. A line that is refused does not end the stream; the next one begins behind it.

use thiserror::Error;

use crate::transport::{StreamReader, TransportError};

/// What is wrong with one line: whoever wrote it is at fault.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LineError {
    /// Longer than lines may be.
    #[error("a line of more than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
    /// Not text.
    #[error("a line that is not UTF-8")]
    NotText,
}

/// Cuts what a stream reads into lines.
pub struct Lines {
    reader: Box<dyn StreamReader>,
    limit: usize,
    buffer: Vec<u8>,
    /// Where in the buffer the next line begins.
    start: usize,
    /// How far it was looked at: no end of a line before that.
    seen: usize,
    /// Where what was read ends.
    filled: usize,
    /// In a line that was refused for its length.
    skipping: bool,
    ended: bool,
}

/// Read at once; what the buffer comes back to after a long line.
const CHUNK: usize = 64 << 10;

impl Lines {
    /// Begins; lines have at most `limit` bytes before their end.
    #[must_use]
    pub fn new(reader: Box<dyn StreamReader>, limit: usize) -> Self {
        Self {
            reader,
            limit,
            buffer: Vec::new(),
            start: 0,
            seen: 0,
            filled: 0,
            skipping: false,
            ended: false,
        }
    }

    /// The same stream with another limit, from the next line on.
    #[must_use]
    pub fn with_limit(self, limit: usize) -> Self {
        Self { limit, ..self }
    }

    /// The stream, and what was read of it behind the last line.
    #[must_use]
    pub fn into_parts(mut self) -> (Box<dyn StreamReader>, Vec<u8>) {
        self.buffer.truncate(self.filled);
        self.buffer.drain(..self.start);
        (self.reader, self.buffer)
    }

    /// Gives the next line with its `\n`, or what is wrong with it; `None` at the end of the stream.
    /// What follows the last `\n` is a line, too, and gets one. Safe to drop: nothing is lost then.
    ///
    /// # Errors
    /// [`TransportError`] as the stream gives it.
    pub async fn next(&mut self) -> Result<Option<Result<&str, LineError>>, TransportError> {
        self.next_seeing(|_| {}).await
    }

    /// The same, and shows a line that is too long to `see` while it goes by, from its beginning,
    /// piece by piece. Dropped in the middle of one, the next call goes on there.
    ///
    /// # Errors
    /// [`TransportError`] as the stream gives it.
    pub async fn next_seeing(
        &mut self,
        mut see: impl FnMut(&[u8]),
    ) -> Result<Option<Result<&str, LineError>>, TransportError> {
        let end = loop {
            let end = self.find_end();
            if self.skipping {
                let upto = end.unwrap_or(self.filled);
                see(self.buffer.get(self.start..upto).unwrap_or_default());
                (self.start, self.seen) = (upto, upto);
                if end.is_some() || self.ended {
                    self.skipping = false;
                    return Ok(Some(Err(LineError::TooLong { limit: self.limit })));
                }
            } else {
                let length = end.map_or(self.filled, |end| end - 1) - self.start;
                if length > self.limit {
                    self.skipping = true;
                    self.seen = self.start;
                    continue;
                }
                if let Some(end) = end {
                    break end;
                }
                if self.ended {
                    if length == 0 {
                        return Ok(None);
                    }
                    self.buffer.truncate(self.filled);
                    self.buffer.push(b'\n');
                    self.filled += 1;
                    continue;
                }
            }
            self.more().await?;
        };
        let line = self.start..end;
        (self.start, self.seen) = (end, end);
        let line = self.buffer.get(line).unwrap_or_default();
        Ok(Some(
            std::str::from_utf8(line).map_err(|_| LineError::NotText),
        ))
    }

    /// The place behind the first `\n` that is there.
    fn find_end(&mut self) -> Option<usize> {
        let unseen = self.buffer.get(self.seen..self.filled)?;
        match unseen.iter().position(|byte| *byte == b'\n') {
            Some(at) => Some(self.seen + at + 1),
            None => {
                self.seen = self.filled;
                None
            }
        }
    }

    /// Reads more behind what is there.
    async fn more(&mut self) -> Result<(), TransportError> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.filled, 0);
            self.filled -= self.start;
            self.seen -= self.start;
            self.start = 0;
        }
        if self.filled < CHUNK && self.buffer.len() > 2 * CHUNK {
            self.buffer.truncate(2 * CHUNK);
            self.buffer.shrink_to_fit();
        }
        if self.buffer.len() - self.filled < CHUNK {
            let doubled = self.buffer.len().saturating_mul(2);
            let enough = self.limit.saturating_add(2 * CHUNK);
            let room = doubled.min(enough).max(self.filled + CHUNK);
            self.buffer.reserve_exact(room - self.buffer.len());
            self.buffer.resize(room, 0);
        }
        let room = self.buffer.get_mut(self.filled..).unwrap_or_default();
        match self.reader.read(room).await? {
            0 => self.ended = true,
            read => self.filled += read,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::BoxFuture;

    /// Gives its pieces one by one.
    struct Pieces(Vec<Vec<u8>>);

    impl StreamReader for Pieces {
        fn read<'a>(
            &'a mut self,
            buffer: &'a mut [u8],
        ) -> BoxFuture<'a, Result<usize, TransportError>> {
            let piece = if self.0.is_empty() {
                Vec::new()
            } else {
                self.0.remove(0)
            };
            buffer[..piece.len()].copy_from_slice(&piece);
            Box::pin(async move { Ok(piece.len()) })
        }
    }

    fn lines(limit: usize, pieces: &[&[u8]]) -> Lines {
        let pieces = pieces.iter().map(|piece| piece.to_vec()).collect();
        Lines::new(Box::new(Pieces(pieces)), limit)
    }

    fn next(lines: &mut Lines) -> Option<Result<String, LineError>> {
        let next = futures_executor::block_on(lines.next()).unwrap();
        next.map(|line| line.map(str::to_owned))
    }

    #[test]
    fn lines_come_as_they_were_written_however_they_were_cut() {
        let text = "one\r\n\n{\"ß\":1}\nrest";
        for size in 1..text.len() {
            let pieces: Vec<_> = text.as_bytes().chunks(size).collect();
            let mut lines = lines(16, &pieces);
            for expected in ["one\r\n", "\n", "{\"ß\":1}\n", "rest\n"] {
                assert_eq!(next(&mut lines), Some(Ok(expected.into())));
            }
            assert_eq!(next(&mut lines), None);
            assert_eq!(next(&mut lines), None);
        }
    }

    #[test]
    fn a_line_at_the_limit_is_given_and_one_above_is_refused_and_the_next_given() {
        let text = b"abcd\nabcde\nabc\nabcdefghij\nlast\nabcde";
        for size in 1..text.len() {
            let pieces: Vec<_> = text.chunks(size).collect();
            let mut lines = lines(4, &pieces);
            assert_eq!(next(&mut lines), Some(Ok("abcd\n".into())));
            let too_long = Some(Err(LineError::TooLong { limit: 4 }));
            assert_eq!(next(&mut lines), too_long);
            assert_eq!(next(&mut lines), Some(Ok("abc\n".into())));
            let mut shown = Vec::new();
            let seen = lines.next_seeing(|piece| shown.extend_from_slice(piece));
            let seen = futures_executor::block_on(seen).unwrap();
            assert_eq!(seen, Some(Err(LineError::TooLong { limit: 4 })));
            assert_eq!(shown, b"abcdefghij\n");
            assert_eq!(next(&mut lines), Some(Ok("last\n".into())));
            assert_eq!(next(&mut lines), too_long);
            assert_eq!(next(&mut lines), None);
        }
    }

    #[test]
    fn what_is_not_text_is_refused_and_the_next_given() {
        let mut lines = lines(8, &[b"\xff\xfe\nfine\n\xc3"]);
        assert_eq!(next(&mut lines), Some(Err(LineError::NotText)));
        assert_eq!(next(&mut lines), Some(Ok("fine\n".into())));
        assert_eq!(next(&mut lines), Some(Err(LineError::NotText)));
        assert_eq!(next(&mut lines), None);
    }

    #[test]
    fn a_long_line_leaves_no_large_buffer_behind() {
        let long = vec![b'x'; 10 * CHUNK];
        let mut pieces: Vec<&[u8]> = long.chunks(CHUNK).collect();
        pieces.extend([&b"\n"[..], b"a\n", b"b\n"]);
        let mut lines = lines(10 * CHUNK, &pieces);
        assert_eq!(next(&mut lines).unwrap().unwrap().len(), 10 * CHUNK + 1);
        assert!(lines.buffer.capacity() <= 13 * CHUNK);
        assert_eq!(next(&mut lines), Some(Ok("a\n".into())));
        assert!(lines.buffer.capacity() <= 2 * CHUNK);
    }

    #[test]
    fn a_stream_goes_on_with_another_limit_and_without_lines() {
        let mut lines = lines(2, &[b"ok\nabcdef\nrest\n"]);
        assert_eq!(next(&mut lines), Some(Ok("ok\n".into())));
        let mut lines = lines.with_limit(6);
        assert_eq!(next(&mut lines), Some(Ok("abcdef\n".into())));
        assert_eq!(lines.into_parts().1, b"rest\n");
    }

    #[test]
    fn a_break_of_the_stream_is_told() {
        struct Breaks;
        impl StreamReader for Breaks {
            fn read<'a>(
                &'a mut self,
                _: &'a mut [u8],
            ) -> BoxFuture<'a, Result<usize, TransportError>> {
                Box::pin(async {
                    Err(TransportError::Broken {
                        address: "a".into(),
                        reason: "b".into(),
                    })
                })
            }
        }
        let mut lines = Lines::new(Box::new(Breaks), 4);
        assert!(futures_executor::block_on(lines.next()).is_err());
    }
}
