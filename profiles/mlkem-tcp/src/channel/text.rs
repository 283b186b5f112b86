//! Lines of a peer: text, ended by `\n`.

use super::error::ChatError;
use crate::lines::{LineError, Lines};

/// Cuts a peer's bytes into lines.
pub(super) struct PeerLines(Lines);

impl PeerLines {
    pub(super) fn new(limit: usize) -> Self {
        Self(Lines::new(limit))
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.0.push(bytes);
    }

    pub(super) fn take(&mut self) -> Result<Option<String>, ChatError> {
        self.0.take().map_err(of_peer)
    }

    /// What follows the last line's end, when the peer is done.
    pub(super) fn rest(&mut self) -> Result<Option<String>, ChatError> {
        self.0.rest().map_err(of_peer)
    }
}

fn of_peer(error: LineError) -> ChatError {
    match error {
        LineError::TooLong(limit) => ChatError::LongLine(limit),
        LineError::Text => ChatError::NotText,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_the_peers() {
        let mut lines = PeerLines::new(3);
        lines.push(b"abc\n\xff\nlong");
        assert_eq!(lines.take(), Ok(Some("abc".into())));
        assert_eq!(lines.take(), Err(ChatError::NotText));
        assert_eq!(lines.take(), Err(ChatError::LongLine(3)));
    }
}
