//! The first line inside the channel, which says what follows, and the answer to it.

use pqfw_framework::transport::StreamReader;

use super::error::ChatError;
use crate::console;

/// What a client opens a channel for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Lines of text, both ways. It has no answer.
    Chat,
    /// Bytes for the server's standard output.
    Pipe,
    /// A connection to a target of the server's, such as `tcp://127.0.0.1:5432`.
    Forward(String),
}

/// Bytes of a first line and of an answer, at most, without the end.
pub const MOST_LINE: usize = 512;

/// The answer to a purpose that is served.
pub const OK: &str = "ok";

/// What an answer begins with that says no.
pub const REFUSED: &str = "refused: ";

impl Purpose {
    /// The line, with its end.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Self::Chat => "chat\n".into(),
            Self::Pipe => "pipe\n".into(),
            Self::Forward(target) => format!("forward {target}\n"),
        }
    }

    /// Reads a line without its end.
    ///
    /// # Errors
    /// [`ChatError::FirstLine`].
    pub fn parse(line: &str) -> Result<Self, ChatError> {
        match line.split_once(' ') {
            None if line == "chat" => Ok(Self::Chat),
            None if line == "pipe" => Ok(Self::Pipe),
            Some(("forward", target)) if is_target(target) => Ok(Self::Forward(target.into())),
            _ => Err(ChatError::FirstLine(console::escape_short(line))),
        }
    }
}

/// Whether a text can be a target: printable ASCII without spaces, with a scheme.
#[must_use]
pub fn is_target(target: &str) -> bool {
    target.bytes().all(|byte| byte.is_ascii_graphic())
        && target.len() <= MOST_LINE - "forward ".len()
        && scheme(target).is_some()
}

/// The name of the transport that reaches a target.
#[must_use]
pub fn scheme(target: &str) -> Option<&str> {
    let (scheme, _) = target.split_once(':')?;
    Some(scheme).filter(|scheme| !scheme.is_empty())
}

/// Reads a line, and what came behind it; `None` when the channel was closed instead.
pub(super) async fn first_line(
    reader: &mut dyn StreamReader,
    what: &'static str,
) -> Result<Option<(String, Vec<u8>)>, ChatError> {
    let mut bytes = Vec::new();
    let mut buffer = [0; MOST_LINE];
    loop {
        let read = reader.read(&mut buffer).await?;
        if read == 0 {
            return match bytes.is_empty() {
                true => Ok(None),
                false => Err(ChatError::Early(what)),
            };
        }
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
        let end = bytes.iter().position(|byte| *byte == b'\n');
        if end.unwrap_or(bytes.len()) > MOST_LINE {
            return Err(ChatError::LongLine(MOST_LINE));
        }
        if let Some(end) = end {
            let rest = bytes.split_off(end + 1);
            bytes.truncate(end);
            let line = String::from_utf8(bytes).map_err(|_| ChatError::NotText)?;
            return Ok(Some((line, rest)));
        }
    }
}

/// Waits for the server's answer; gives what came behind it.
pub(super) async fn answer(reader: &mut dyn StreamReader) -> Result<Vec<u8>, ChatError> {
    let what = "whether it does what was asked";
    let answer = first_line(reader, what).await?;
    let (line, rest) = answer.ok_or(ChatError::Early(what))?;
    if line == OK {
        return Ok(rest);
    }
    Err(match line.strip_prefix(REFUSED) {
        Some(reason) => ChatError::Refused(console::escape(reason)),
        None => ChatError::FirstLine(console::escape_short(&line)),
    })
}

/// A refusal as it is sent: on one line, and no longer than one may be.
pub(super) fn refusal(reason: &str) -> String {
    let mut line = String::from(REFUSED);
    for c in console::escape(reason).chars() {
        if line.len() + c.len_utf8() > MOST_LINE {
            break;
        }
        line.push(c);
    }
    line + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_reads_as_it_is_written() {
        let forward = Purpose::Forward("tcp://127.0.0.1:5432".into());
        for purpose in [Purpose::Chat, Purpose::Pipe, forward] {
            let line = purpose.line();
            assert_eq!(Purpose::parse(line.trim_end()), Ok(purpose));
        }
        let long = format!("forward tcp:{}", "a".repeat(MOST_LINE));
        for bad in [
            "",
            "Chat",
            "chat ",
            "pipe x",
            "forward",
            "forward ",
            "forward host",
            &long,
        ] {
            let refused = Purpose::parse(bad);
            assert!(matches!(refused, Err(ChatError::FirstLine(_))), "{bad}");
        }
    }

    #[test]
    fn a_refusal_is_one_line_of_bounded_length() {
        assert_eq!(refusal("a\nb"), "refused: a\\nb\n");
        assert_eq!(refusal(&"ß".repeat(MOST_LINE)).len() / 2, MOST_LINE / 2);
    }
}
