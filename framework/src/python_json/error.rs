//! Says why and where a text was refused, in Python's words wherever Python refuses it too.

use std::fmt;

use thiserror::Error;

/// Refuses a text, with the reason and the place.
///
/// It prints as Python's `str(json.JSONDecodeError)`, which a protocol may echo to its peer. It
/// quotes nothing of the text, which may be secret.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
#[error("{problem}: {position}")]
pub struct ParseError {
    /// What is wrong with the text.
    pub problem: Problem,
    /// Where the trouble starts.
    pub position: Position,
}

impl ParseError {
    /// Places a problem right after this beginning of the text.
    pub(super) fn after(beginning: &str, problem: Problem) -> Self {
        Self {
            problem,
            position: Position::after(beginning),
        }
    }
}

/// Names what is wrong with a text.
///
/// All are the fault of the peer that wrote the text, except the two limits: there either the peer
/// sent too much, or the caller allows too little for its protocol. Nothing is gained by parsing the
/// same text again.
///
/// A capital letter begins a message of CPython 3.11, word for word; the other messages are ours,
/// for texts that Python would accept or not even look at.
#[derive(Clone, Copy, Debug, Eq, Error, PartialEq)]
pub enum Problem {
    /// The peer put a byte order mark, which RFC 8259 section 8.1 forbids, before the text.
    #[error("Unexpected UTF-8 BOM (decode using utf-8-sig)")]
    ByteOrderMark,
    /// The peer's text has no value where one must stand: it is cut short, has a comma too many, or
    /// a word or number that JSON does not know.
    #[error("Expecting value")]
    ExpectedValue,
    /// The peer's text has no quoted name after `{`, or after a comma in an object.
    #[error("Expecting property name enclosed in double quotes")]
    ExpectedName,
    /// The peer's text has no colon after a name.
    #[error("Expecting ':' delimiter")]
    ExpectedColon,
    /// The peer's text has neither a comma nor the closing bracket after a value.
    #[error("Expecting ',' delimiter")]
    ExpectedComma,
    /// The peer's text ends inside a string. The position is that of the opening quote.
    #[error("Unterminated string starting at")]
    UnterminatedString,
    /// The peer put a character below U+0020 into a string unescaped.
    #[error("Invalid control character at")]
    ControlCharacter,
    /// The peer put a character after a backslash that escapes nothing.
    #[error("Invalid \\escape")]
    BadEscape,
    /// The peer put something other than four hexadecimal digits after `\u`.
    #[error("Invalid \\uXXXX escape")]
    BadUnicodeEscape,
    /// The peer put more after the end of the value.
    #[error("Extra data")]
    ExtraData,

    /// The peer sent a text larger than the caller allows; it was not looked at.
    #[error("text of {bytes} bytes is larger than the limit of {limit}")]
    TooLarge {
        /// How large the text is.
        bytes: usize,
        /// How large it may be.
        limit: usize,
    },
    /// The peer nested arrays and objects deeper than the caller allows.
    #[error("nested deeper than the limit of {limit}")]
    TooDeep {
        /// How many arrays and objects may be open at once.
        limit: usize,
    },
    /// The peer sent bytes that are not UTF-8. The position is that of the first such byte.
    #[error("text is not UTF-8")]
    NotUtf8,
    /// The peer escaped one half of a surrogate pair, which is no character.
    #[error("half of a surrogate pair")]
    LoneSurrogate,
    /// The peer sent `NaN`, `Infinity` or `-Infinity`.
    #[error("number is not finite")]
    NotFinite,
    /// The peer sent a float beyond the range of a double.
    #[error("float is too large for a double")]
    FloatOverflow,
}

/// Counts to a place in a text, in characters (code points) as Python does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Position {
    /// The line, from 1. Only a line feed ends a line.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// The character in the whole text, from 0.
    pub offset: usize,
}

impl Position {
    /// Names the beginning of any text.
    pub(super) const START: Self = Self {
        line: 1,
        column: 1,
        offset: 0,
    };

    fn after(beginning: &str) -> Self {
        beginning.chars().fold(Self::START, |place, character| {
            let (line, column) = if character == '\n' {
                (place.line + 1, 1)
            } else {
                (place.line, place.column + 1)
            };
            Self {
                line,
                column,
                offset: place.offset + 1,
            }
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {} column {} (char {})",
            self.line, self.column, self.offset
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_line_feeds() {
        let at = |line, column, offset| Position {
            line,
            column,
            offset,
        };
        assert_eq!(Position::after(""), at(1, 1, 0));
        assert_eq!(Position::after("\u{e9}\u{1f600}"), at(1, 3, 2));
        assert_eq!(Position::after("a\r\u{2028}b"), at(1, 5, 4));
        assert_eq!(Position::after("a\n"), at(2, 1, 2));
        assert_eq!(Position::after("a\n\nbc"), at(3, 3, 5));
    }

    #[test]
    fn an_error_prints_its_problem_and_then_its_place() {
        let error = ParseError::after("{\n", Problem::ExpectedName);
        assert_eq!(
            error.to_string(),
            "Expecting property name enclosed in double quotes: line 2 column 1 (char 2)"
        );
        let error = ParseError::after("\"", Problem::BadEscape);
        assert_eq!(
            error.to_string(),
            "Invalid \\escape: line 1 column 2 (char 1)"
        );
    }
}
