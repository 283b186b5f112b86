//! Lines of the standard input, as Python's `input` gives them: without their end, `\n` or `\r\n`.

use thiserror::Error;

/// What is wrong with the input: whoever types or pipes it is at fault.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum LineError {
    /// Longer than any frame may be.
    #[error(
        "standard input: a line of more than {0} bytes; raise mlkem-tcp.max_frame_bytes at both ends, or send less"
    )]
    TooLong(usize),
    /// Not text.
    #[error("standard input: a line that is not UTF-8; this protocol sends text")]
    Text,
}

/// Cuts bytes into lines.
#[derive(Debug)]
pub struct Lines {
    limit: usize,
    buffer: Vec<u8>,
}

impl Lines {
    /// Begins an input whose lines have at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            buffer: Vec::new(),
        }
    }

    /// Takes more of the input. Take all lines that are there before the next.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
    }

    /// Gives the next line that is whole.
    ///
    /// # Errors
    /// [`LineError`].
    pub fn take(&mut self) -> Result<Option<String>, LineError> {
        let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') else {
            return match self.buffer.len() {
                length if length > self.limit => Err(LineError::TooLong(self.limit)),
                _ => Ok(None),
            };
        };
        let line: Vec<u8> = self.buffer.drain(..=end).collect();
        self.text(line).map(Some)
    }

    /// Gives what follows the last line's end, when the input is over.
    ///
    /// # Errors
    /// [`LineError`].
    pub fn rest(&mut self) -> Result<Option<String>, LineError> {
        match std::mem::take(&mut self.buffer) {
            rest if rest.is_empty() => Ok(None),
            rest => self.text(rest).map(Some),
        }
    }

    fn text(&self, mut line: Vec<u8>) -> Result<String, LineError> {
        if line.ends_with(b"\n") {
            line.pop();
            if line.ends_with(b"\r") {
                line.pop();
            }
        }
        if line.len() > self.limit {
            return Err(LineError::TooLong(self.limit));
        }
        String::from_utf8(line).map_err(|_| LineError::Text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_they_end() {
        let mut lines = Lines::new(8);
        lines.push(b"one\ntwo\r\n\nth");
        assert_eq!(lines.take(), Ok(Some("one".into())));
        assert_eq!(lines.take(), Ok(Some("two".into())));
        assert_eq!(lines.take(), Ok(Some(String::new())));
        assert_eq!(lines.take(), Ok(None));
        lines.push("ß".as_bytes());
        assert_eq!(lines.rest(), Ok(Some("thß".into())));
        assert_eq!(lines.rest(), Ok(None));
    }

    #[test]
    fn a_limit_holds_below_at_and_above() {
        for (length, fits) in [(3, true), (4, true), (5, false)] {
            let text = "a".repeat(length);
            let expected = if fits {
                Ok(Some(text.clone()))
            } else {
                Err(LineError::TooLong(4))
            };
            let mut lines = Lines::new(4);
            lines.push(text.as_bytes());
            assert_eq!(lines.take().is_err(), !fits, "without an end");
            assert_eq!(lines.rest(), expected);
            lines.push((text + "\n").as_bytes());
            assert_eq!(lines.take(), expected);
        }
    }

    #[test]
    fn what_is_not_text_is_refused() {
        let mut lines = Lines::new(4);
        lines.push(b"\xff\n");
        assert_eq!(lines.take(), Err(LineError::Text));
    }
}
