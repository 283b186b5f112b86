//! What is said on a channel besides MCP: what it is for, and why it ends.
//!
//! | line | from | meaning |
//! | --- | --- | --- |
//! | `stdio`, `http` | the host's end | what follows is lines of JSON; is one HTTP/1.1 connection |
//! | `ok` | the server's end | it does that |
//! | `refused: …` | the server's end | it does not, and why |
//! | `!ended …` | the server's end, last | the MCP server has ended, and how |
//! | `!lost …` | the server's end, last | the bridge has ended the session, and why: another may follow |

use pqfw_framework::lines::Lines;
use pqfw_framework::waiting::within;
use pqfw_framework::world::World;
use std::time::Duration;

use super::error::BridgeError;

/// What a channel is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Lines of JSON.
    Stdio,
    /// The bytes of one HTTP connection.
    Http,
}

/// The answer to a [`Purpose`] that is served.
pub(super) const OK: &str = "ok";

const REFUSED: &str = "refused: ";

/// Bytes of one of these lines.
pub(super) const MOST_LINE: usize = 512;

impl Purpose {
    /// The line, without its end.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdio => "stdio",
            Self::Http => "http",
        }
    }

    /// Reads a line.
    ///
    /// # Errors
    /// [`BridgeError::FirstLine`].
    pub fn parse(line: &str) -> Result<Self, BridgeError> {
        [Self::Stdio, Self::Http]
            .into_iter()
            .find(|purpose| purpose.name() == line)
            .ok_or_else(|| BridgeError::FirstLine(escape(line)))
    }
}

/// Why a session ended, as the server's end says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parting {
    /// The MCP server has ended.
    Ended(String),
    /// The bridge has ended the session.
    Lost(String),
}

impl Parting {
    /// The line.
    #[must_use]
    pub fn line(&self) -> String {
        let (word, reason) = match self {
            Self::Ended(how) => ("!ended ", how),
            Self::Lost(why) => ("!lost ", why),
        };
        one_line(word, reason)
    }

    /// Reads a line; `None` for one that is something else.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let line = line.trim_end_matches('\n');
        let ended = line
            .strip_prefix("!ended ")
            .map(|how| Self::Ended(escape(how)));
        ended.or_else(|| {
            line.strip_prefix("!lost ")
                .map(|why| Self::Lost(escape(why)))
        })
    }
}

/// A refusal as it is sent.
pub(super) fn refusal(reason: &str) -> String {
    one_line(REFUSED, reason)
}

/// The first line of the peer: what it wants, or what it says to that.
pub(super) async fn first_line(
    lines: &mut Lines,
    world: &dyn World,
    limit: Duration,
) -> Result<String, BridgeError> {
    let line = within(world, limit, lines.next()).await;
    match line.ok_or(BridgeError::Early)?? {
        Some(Ok(line)) => Ok(line.trim_end_matches('\n').to_owned()),
        Some(Err(error)) => Err(BridgeError::FirstLine(error.to_string())),
        None => Err(BridgeError::Early),
    }
}

/// What the server's end says to a purpose.
pub(super) fn answered(line: &str) -> Result<(), BridgeError> {
    match (line, line.strip_prefix(REFUSED)) {
        (OK, _) => Ok(()),
        (_, Some(reason)) => Err(BridgeError::Refused(escape(reason))),
        _ => Err(BridgeError::FirstLine(escape(line))),
    }
}

/// On one line, and no longer than one may be.
fn one_line(word: &str, reason: &str) -> String {
    let mut line = word.to_owned();
    for c in escape(reason).chars() {
        if line.len() + c.len_utf8() > MOST_LINE {
            break;
        }
        line.push(c);
    }
    line + "\n"
}

/// Printable, whatever a peer wrote.
pub(super) fn escape(text: &str) -> String {
    let mut printable = String::new();
    for c in text.chars() {
        if c.is_control() {
            printable.extend(c.escape_default());
        } else {
            printable.push(c);
        }
    }
    printable
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_reads_as_it_is_written() {
        for purpose in [Purpose::Stdio, Purpose::Http] {
            assert_eq!(Purpose::parse(purpose.name()), Ok(purpose));
        }
        for bad in ["", "Stdio", "http ", "{}"] {
            assert!(
                matches!(Purpose::parse(bad), Err(BridgeError::FirstLine(_))),
                "{bad}"
            );
        }
    }

    #[test]
    fn an_answer_is_yes_or_a_reason() {
        assert_eq!(answered(OK), Ok(()));
        let refused = refusal("no\nroom");
        let reason = "no\\nroom".to_owned();
        assert_eq!(
            answered(refused.trim_end()),
            Err(BridgeError::Refused(reason))
        );
        assert!(matches!(answered("maybe"), Err(BridgeError::FirstLine(_))));
    }

    #[test]
    fn a_parting_reads_as_it_is_written_and_is_one_short_line() {
        for parting in [
            Parting::Ended("exit status: 0".into()),
            Parting::Lost("idle".into()),
        ] {
            assert_eq!(Parting::parse(&parting.line()), Some(parting));
        }
        assert_eq!(Parting::Lost("a\nb".into()).line(), "!lost a\\nb\n");
        assert!(Parting::Lost("ß".repeat(MOST_LINE)).line().len() <= MOST_LINE + 1);
        assert_eq!(Parting::parse("{}"), None);
    }
}
