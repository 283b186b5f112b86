//! Reads and writes JSON exactly as Python's `json` module does.
//!
//! Deployed Python peers sign the text that `json.dumps` prints, so a signature verifies here only
//! if we print the same bytes. Three texts are used, all ASCII:
//!
//! | text | in Python | here |
//! | --- | --- | --- |
//! | `CANON(x)` | `json.dumps(x, sort_keys=True, separators=(",", ":"))` | [`Json::canonical`] |
//! | `DEFAULT(x)` | `json.dumps(x)` | [`Json::default_text`] |
//! | `DEFAULT(x)`, sorted | `json.dumps(x, sort_keys=True)` | [`Json::default_sorted_text`] |
//!
//! The behaviour is that of CPython 3.11: `Lib/json/encoder.py`, `Lib/json/decoder.py` and the
//! scanner in `Modules/_json.c`, down to the words of a refusal, because one protocol echoes them.
//! It is not RFC 8785 (JCS), which sorts by UTF-16 code unit and prints numbers as ECMAScript does,
//! and not what `serde_json` prints: `1e16` there is `1e+16` here.
//!
//! Where we are not Python, and why:
//!
//! - `NaN`, `Infinity`, numbers that overflow to infinity, and half a surrogate pair are refused.
//!   Python accepts and prints them, but RFC 8259 section 6 has no such numbers, and a Rust string
//!   cannot hold such text.
//! - Size and depth are limited by [`Limits`]; Python has no limit on the first, and raises
//!   `RecursionError` near a depth of 1000.
//! - An integer may have any number of digits; Python stops at 4300, with a `ValueError`.
//! - `-0.0` and `0.0`, and `1` and `1.0`, are different [`Number`]s, because they print differently.
//! - The input is UTF-8 without a byte order mark, as for a Python `str`. Given `bytes`, Python would
//!   also drop the mark, and guess at UTF-16 and UTF-32.
//!
//! ```
//! use pqfw_framework::python_json::{Limits, parse};
//!
//! let message = parse(br#"{"b": 1E5, "a": "\u00e9"}"#, Limits::default())?;
//! assert_eq!(message.canonical(), r#"{"a":"\u00e9","b":100000.0}"#);
//! assert_eq!(message.default_text(), r#"{"b": 100000.0, "a": "\u00e9"}"#);
//!
//! let refused = parse(b"[1, 2", Limits::default()).unwrap_err();
//! assert_eq!(refused.to_string(), "Expecting ',' delimiter: line 1 column 6 (char 5)");
//! # Ok::<(), pqfw_framework::python_json::ParseError>(())
//! ```

mod error;
mod float;
mod number;
mod object;
mod parse;
mod scan;
mod write;

pub use error::{ParseError, Position, Problem};
pub use number::{NotFinite, Number};
pub use object::Object;
pub use parse::{Limits, parse};

/// Holds any JSON value.
///
/// Two values are equal exactly when their [canonical](Json::canonical) texts are: the order of an
/// object's entries does not count, the kind of a number does.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Json {
    /// Holds nothing: `null`, Python's `None`.
    Null,
    /// Holds `true` or `false`.
    Bool(bool),
    /// Holds an integer or a float.
    Number(Number),
    /// Holds text.
    String(String),
    /// Holds values in order: Python's `list`.
    Array(Vec<Json>),
    /// Holds named values in order: Python's `dict`.
    Object(Object),
}

impl Json {
    /// Makes an object of these entries, in this order.
    pub fn object<const N: usize>(entries: [(&str, Json); N]) -> Self {
        Self::Object(entries.into_iter().collect())
    }

    /// Returns the value of this name, if this is an object that has one.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.as_object()?.get(name)
    }

    /// Returns the text, if this is a string.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self {
            Some(text)
        } else {
            None
        }
    }

    /// Returns the number, if this is one.
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self {
            Some(number)
        } else {
            None
        }
    }

    /// Returns the items, if this is an array.
    pub fn as_array(&self) -> Option<&[Json]> {
        if let Self::Array(items) = self {
            Some(items)
        } else {
            None
        }
    }

    /// Returns the object, if this is one.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(object) = self {
            Some(object)
        } else {
            None
        }
    }
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Json {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for Json {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}

impl From<i64> for Json {
    fn from(integer: i64) -> Self {
        Self::Number(integer.into())
    }
}

impl From<u64> for Json {
    fn from(integer: u64) -> Self {
        Self::Number(integer.into())
    }
}

impl From<Number> for Json {
    fn from(number: Number) -> Self {
        Self::Number(number)
    }
}

impl From<Vec<Json>> for Json {
    fn from(items: Vec<Json>) -> Self {
        Self::Array(items)
    }
}

impl From<Object> for Json {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_view_shows_its_own_kind_and_no_other() {
        let kinds = [
            Json::Null,
            Json::from(true),
            Json::from(7_u64),
            Json::from("seven"),
            Json::from(vec![Json::Null]),
            Json::object([("seven", Json::from(7_i64))]),
        ];
        let shown_by = |view: fn(&Json) -> bool| {
            kinds
                .iter()
                .map(|kind| if view(kind) { 'x' } else { '.' })
                .collect::<String>()
        };
        assert_eq!(shown_by(|kind| kind.as_number().is_some()), "..x...");
        assert_eq!(shown_by(|kind| kind.as_str() == Some("seven")), "...x..");
        assert_eq!(
            shown_by(|kind| kind.as_array() == Some(&[Json::Null])),
            "....x."
        );
        assert_eq!(shown_by(|kind| kind.as_object().is_some()), ".....x");
        assert_eq!(shown_by(|kind| kind.get("seven").is_some()), ".....x");
        assert_eq!(shown_by(|kind| kind.get("eight").is_some()), "......");
    }

    #[test]
    fn values_are_equal_when_their_canonical_texts_are() {
        let one = Json::object([("a", Json::from(1_u64)), ("b", Json::Null)]);
        let other = Json::object([("b", Json::Null), ("a", Json::from(1_i64))]);
        assert_ne!(one.default_text(), other.default_text());
        assert_eq!(one.canonical(), other.canonical());
        assert_eq!(one, other);

        let float = Number::try_from(1.0).map(Json::from).unwrap();
        assert_ne!(Json::from(1_u64).canonical(), float.canonical());
        assert_ne!(Json::from(1_u64), float);
    }
}
