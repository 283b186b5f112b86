//! Writes JSON text as Python's `json.dumps` does with its default `ensure_ascii=True`.

use std::fmt::{self, Formatter};

use super::{Json, Object};

impl Json {
    /// Returns the text to sign: `json.dumps(x, sort_keys=True, separators=(",", ":"))`.
    ///
    /// Names are sorted by code point at every depth.
    pub fn canonical(&self) -> String {
        let layout = Layout {
            comma: ",",
            colon: ":",
            sorted: true,
        };
        Text {
            value: self,
            layout,
        }
        .to_string()
    }

    /// Returns the text of `json.dumps(x)`: names in insertion order, spaces after `,` and `:`.
    pub fn default_text(&self) -> String {
        let layout = Layout {
            comma: ", ",
            colon: ": ",
            sorted: false,
        };
        Text {
            value: self,
            layout,
        }
        .to_string()
    }

    /// Returns the text of `json.dumps(x, sort_keys=True)`: sorted names, spaces after `,` and `:`.
    pub fn default_sorted_text(&self) -> String {
        let layout = Layout {
            comma: ", ",
            colon: ": ",
            sorted: true,
        };
        Text {
            value: self,
            layout,
        }
        .to_string()
    }
}

/// What the three texts differ in.
struct Layout {
    comma: &'static str,
    colon: &'static str,
    sorted: bool,
}

/// A value on its way to text.
struct Text<'v> {
    value: &'v Json,
    layout: Layout,
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.layout.write(f, self.value)
    }
}

impl Layout {
    fn write(&self, f: &mut Formatter<'_>, value: &Json) -> fmt::Result {
        match value {
            Json::Null => f.write_str("null"),
            Json::Bool(true) => f.write_str("true"),
            Json::Bool(false) => f.write_str("false"),
            Json::Number(number) => write!(f, "{number}"),
            Json::String(text) => write_string(f, text),
            Json::Array(items) => self.write_array(f, items),
            Json::Object(object) => self.write_object(f, object),
        }
    }

    fn write_array(&self, f: &mut Formatter<'_>, items: &[Json]) -> fmt::Result {
        f.write_str("[")?;
        for (place, item) in items.iter().enumerate() {
            f.write_str(if place == 0 { "" } else { self.comma })?;
            self.write(f, item)?;
        }
        f.write_str("]")
    }

    fn write_object(&self, f: &mut Formatter<'_>, object: &Object) -> fmt::Result {
        let mut entries: Vec<(&str, &Json)> = object.iter().collect();
        if self.sorted {
            // A Rust `str` compares by its UTF-8 bytes, which is the order of code points.
            entries.sort_unstable_by_key(|(name, _)| *name);
        }
        f.write_str("{")?;
        for (place, (name, value)) in entries.into_iter().enumerate() {
            f.write_str(if place == 0 { "" } else { self.comma })?;
            write_string(f, name)?;
            f.write_str(self.colon)?;
            self.write(f, value)?;
        }
        f.write_str("}")
    }
}

fn write_string(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    let mut rest = text;
    while let Some((plain, escaped, after)) = split_at_escaped(rest) {
        f.write_str(plain)?;
        write_escaped(f, escaped)?;
        rest = after;
    }
    f.write_str(rest)?;
    f.write_str("\"")
}

/// Finds the first character that needs an escape, and what stands before and after it.
fn split_at_escaped(text: &str) -> Option<(&str, char, &str)> {
    let (plain, tail) = text.split_at_checked(text.find(needs_escape)?)?;
    let mut characters = tail.chars();
    Some((plain, characters.next()?, characters.as_str()))
}

/// Agrees with `ESCAPE_ASCII` in `Lib/json/encoder.py`: DEL is escaped, `/` is not.
fn needs_escape(character: char) -> bool {
    !matches!(character, ' '..='~') || matches!(character, '"' | '\\')
}

fn write_escaped(f: &mut Formatter<'_>, character: char) -> fmt::Result {
    match character {
        '"' => f.write_str("\\\""),
        '\\' => f.write_str("\\\\"),
        '\u{8}' => f.write_str("\\b"),
        '\u{c}' => f.write_str("\\f"),
        '\n' => f.write_str("\\n"),
        '\r' => f.write_str("\\r"),
        '\t' => f.write_str("\\t"),
        other => other
            .encode_utf16(&mut [0; 2])
            .iter()
            .try_for_each(|unit| write!(f, "\\u{unit:04x}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python_json::Number;

    fn message() -> Json {
        let inner = Json::object([("d", Json::from(false)), ("c", Json::Null)]);
        Json::object([
            (
                "b",
                Json::from(vec![Json::from(true), inner, Json::from(-1_i64)]),
            ),
            ("a", Json::from("x")),
        ])
    }

    #[test]
    fn the_canonical_text_is_sorted_and_has_no_spaces() {
        assert_eq!(
            message().canonical(),
            r#"{"a":"x","b":[true,{"c":null,"d":false},-1]}"#
        );
    }

    #[test]
    fn the_default_text_is_in_insertion_order_and_has_spaces() {
        let expected = r#"{"b": [true, {"d": false, "c": null}, -1], "a": "x"}"#;
        assert_eq!(message().default_text(), expected);
    }

    #[test]
    fn the_sorted_default_text_is_sorted_and_has_spaces() {
        let expected = r#"{"a": "x", "b": [true, {"c": null, "d": false}, -1]}"#;
        assert_eq!(message().default_sorted_text(), expected);
    }

    #[test]
    fn nothing_is_written_between_empty_brackets() {
        let empty = Json::from(vec![Json::from(vec![]), Json::object([])]);
        assert_eq!(empty.canonical(), "[[],{}]");
        assert_eq!(empty.default_text(), "[[], {}]");
    }

    #[test]
    fn every_character_is_escaped_as_python_escapes_it() {
        let text = Json::from("\0\u{8}\t\n\u{b}\u{c}\r\u{1f} !\"/\\~\u{7f}\u{80}\u{e9}\u{ffff}");
        let python = r#""\u0000\b\t\n\u000b\f\r\u001f !\"/\\~\u007f\u0080\u00e9\uffff""#;
        assert_eq!(text.canonical(), python);
        let astral = Json::from("\u{10000}\u{1f600}\u{10ffff}");
        assert_eq!(
            astral.canonical(),
            r#""\ud800\udc00\ud83d\ude00\udbff\udfff""#
        );
    }

    #[test]
    fn names_are_sorted_by_code_point_and_not_by_utf_16_unit() {
        let object = Json::object([("\u{1f600}", Json::Null), ("\u{ffff}", Json::Null)]);
        assert_eq!(object.canonical(), r#"{"\uffff":null,"\ud83d\ude00":null}"#);
    }

    #[test]
    fn integers_and_floats_are_told_apart() {
        let one = Number::try_from(1.0).map(Json::from).unwrap();
        assert_eq!(
            Json::from(vec![one, Json::from(1_u64)]).canonical(),
            "[1.0,1]"
        );
    }
}
