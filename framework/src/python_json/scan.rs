//! Reads the strings, numbers and signs that a text is made of.

use super::{Json, Number, ParseError, Problem};

/// Walks through a text once.
///
/// A place in the text is kept as what remains from there: always a suffix of the text.
pub(super) struct Scanner<'t> {
    text: &'t str,
    rest: &'t str,
    /// The first thing that we refuse and Python does not. The reading goes on, in case Python has a
    /// reason of its own to refuse, but what is read is no longer used.
    refusal: Option<ParseError>,
}

impl<'t> Scanner<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            rest: text,
            refusal: None,
        }
    }

    /// Ends the reading: nothing may be left, and nothing may have been refused.
    pub(super) fn finish(self) -> Result<(), ParseError> {
        if !self.rest.is_empty() {
            return Err(self.error(Problem::ExtraData));
        }
        self.refusal.map_or(Ok(()), Err)
    }

    pub(super) fn place(&self) -> &'t str {
        self.rest
    }

    pub(super) fn next_byte(&self) -> Option<u8> {
        self.rest.as_bytes().first().copied()
    }

    pub(super) fn stands_at(&self, expected: &str) -> bool {
        self.rest.starts_with(expected)
    }

    /// Reads past this text, if it stands here.
    pub(super) fn take(&mut self, expected: &str) -> bool {
        let after = self.rest.strip_prefix(expected);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    pub(super) fn skip_whitespace(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }

    /// Makes the error of a problem at the place reached.
    pub(super) fn error(&self, problem: Problem) -> ParseError {
        self.error_at(self.rest, problem)
    }

    fn error_at(&self, place: &'t str, problem: Problem) -> ParseError {
        ParseError::after(between(self.text, place), problem)
    }

    /// Remembers a problem that Python does not have with the text.
    pub(super) fn refuse(&mut self, place: &'t str, problem: Problem) {
        if self.refusal.is_none() {
            self.refusal = Some(self.error_at(place, problem));
        }
    }

    /// Reads the longest number that stands here, as `_match_number_unicode` does: of `01` it reads
    /// `0`, of `1.` and `1e+` it reads `1`, and what follows is for the caller to refuse.
    pub(super) fn number(&mut self) -> Result<Json, ParseError> {
        let start = self.rest;
        self.take("-");
        if !self.take("0") && !self.take_digits(Some(self.rest)) {
            return Err(self.error_at(start, Problem::ExpectedValue));
        }
        let fraction = self.take_digits(self.rest.strip_prefix('.'));
        let signed = self.rest.strip_prefix(['e', 'E']);
        let unsigned = signed.map(|signed| signed.strip_prefix(['+', '-']).unwrap_or(signed));
        let exponent = self.take_digits(unsigned);

        let token = between(start, self.rest);
        if !fraction && !exponent {
            return Ok(Json::Number(Number::from_integer_token(token)));
        }
        let finite = token
            .parse::<f64>()
            .ok()
            .and_then(|value| Number::try_from(value).ok());
        if finite.is_none() {
            self.refuse(start, Problem::FloatOverflow);
        }
        Ok(finite.map_or(Json::Null, Json::Number))
    }

    /// Reads on to the end of the digits at this place, if there are any.
    fn take_digits(&mut self, place: Option<&'t str>) -> bool {
        let is_digit = |character: char| character.is_ascii_digit();
        let digits = place.filter(|digits| digits.starts_with(is_digit));
        self.rest = digits.map_or(self.rest, |digits| digits.trim_start_matches(is_digit));
        digits.is_some()
    }

    /// Reads a string from its opening quote, as `scanstring_unicode` does.
    pub(super) fn string(&mut self) -> Result<String, ParseError> {
        let opening = self.rest;
        let mut text = String::new();
        self.take("\"");
        loop {
            let plain = self.rest;
            let ends_plain = |character| matches!(character, '"' | '\\' | '\0'..='\u{1f}');
            self.rest = plain.trim_start_matches(|character| !ends_plain(character));
            text.push_str(between(plain, self.rest));

            match self.next_byte() {
                None => return Err(self.error_at(opening, Problem::UnterminatedString)),
                Some(b'\\') => text.push(self.escape(opening)?),
                Some(_) if self.take("\"") => return Ok(text),
                Some(_) => return Err(self.error(Problem::ControlCharacter)),
            }
        }
    }

    fn escape(&mut self, opening: &'t str) -> Result<char, ParseError> {
        let mut characters = self.rest.chars();
        characters.next(); // the backslash
        let character = match characters.next() {
            Some('u') => return self.unicode_escape(),
            Some(itself @ ('"' | '\\' | '/')) => itself,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some(_) => return Err(self.error(Problem::BadEscape)),
            None => return Err(self.error_at(opening, Problem::UnterminatedString)),
        };
        self.rest = characters.as_str();
        Ok(character)
    }

    /// Reads `\uxxxx`, or two of them that are the halves of a surrogate pair.
    fn unicode_escape(&mut self) -> Result<char, ParseError> {
        let start = self.rest;
        let first = self.code_unit()?;
        if let Some(character) = char::from_u32(u32::from(first)) {
            return Ok(character);
        }
        let after_first = self.rest;
        if self.stands_at("\\u") {
            let second = self.code_unit()?;
            if let Some(Ok(character)) = char::decode_utf16([first, second]).next() {
                return Ok(character);
            }
            self.rest = after_first;
        }
        self.refuse(start, Problem::LoneSurrogate);
        Ok(char::REPLACEMENT_CHARACTER)
    }

    /// Reads one `\uxxxx`. An error is placed at the `u`, and it is one if the text ends with the
    /// fourth digit: CPython looks one character further before it looks at the digits.
    fn code_unit(&mut self) -> Result<u16, ParseError> {
        self.take("\\");
        let marked = self.rest;
        self.take("u");
        let unit = match self.rest.split_at_checked(4) {
            // `from_str_radix` would also read a sign.
            Some((digits, after)) if !after.is_empty() && !digits.starts_with('+') => {
                self.rest = after;
                u16::from_str_radix(digits, 16).ok()
            }
            _ => None,
        };
        unit.ok_or_else(|| self.error_at(marked, Problem::BadUnicodeEscape))
    }
}

/// Returns what stands between two places, of which the second is a suffix of the first.
fn between<'t>(earlier: &'t str, later: &str) -> &'t str {
    earlier.split_at(earlier.len() - later.len()).0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads a string and nothing else.
    fn string(text: &str) -> Result<String, Problem> {
        let mut scanner = Scanner::new(text);
        let string = scanner.string();
        string
            .and_then(|string| scanner.finish().map(|()| string))
            .map_err(|error| error.problem)
    }

    /// Reads a number and nothing else, and prints it.
    fn number(text: &str) -> Result<String, Problem> {
        let mut scanner = Scanner::new(text);
        let number = scanner.number();
        number
            .and_then(|number| scanner.finish().map(|()| number.canonical()))
            .map_err(|error| error.problem)
    }

    #[test]
    fn the_token_decides_between_integer_and_float() {
        for (token, printed) in [
            ("1", "1"),
            ("-0", "0"),
            ("-0.0", "-0.0"),
            ("1.00", "1.0"),
            ("1e0", "1.0"),
            ("1E5", "100000.0"),
            ("1e-7", "1e-07"),
            ("18446744073709551616", "18446744073709551616"),
        ] {
            assert_eq!(number(token).as_deref(), Ok(printed));
        }
    }

    #[test]
    fn a_number_that_does_not_begin_is_a_missing_value() {
        for token in ["", "-", "+1", ".5", "-.5", "- 1", "\u{661}", "x"] {
            assert_eq!(number(token), Err(Problem::ExpectedValue));
        }
    }

    #[test]
    fn a_number_ends_where_its_grammar_does() {
        for token in [
            "01",
            "-00",
            "1.",
            "1.e5",
            "1e",
            "1e+",
            "1.5E-",
            "1.\u{661}",
            "0x1",
            "1_0",
        ] {
            assert_eq!(number(token), Err(Problem::ExtraData));
        }
    }

    #[test]
    fn a_float_may_vanish_but_not_overflow() {
        assert_eq!(number("1e-400").as_deref(), Ok("0.0"));
        assert_eq!(
            number("1.7976931348623157e308").as_deref(),
            Ok("1.7976931348623157e+308")
        );
        for token in ["1.7976931348623159e308", "-1e400", "1e99999999999999999999"] {
            assert_eq!(number(token), Err(Problem::FloatOverflow));
        }
    }

    #[test]
    fn escapes_become_their_characters() {
        let escaped = r#""\"\\\/\b\f\n\r\t\u00e9\u00E9\ud83d\ude00\uffff""#;
        let plain = "\"\\/\u{8}\u{c}\n\r\t\u{e9}\u{e9}\u{1f600}\u{ffff}";
        assert_eq!(string(escaped).as_deref(), Ok(plain));
    }

    #[test]
    fn a_string_ends_with_its_quote() {
        for text in ["\"", "\"a", "\"\\", "\"\\\""] {
            assert_eq!(string(text), Err(Problem::UnterminatedString));
        }
        assert_eq!(string("\"\"\""), Err(Problem::ExtraData));
    }

    #[test]
    fn control_characters_are_escaped_or_refused() {
        for character in '\0'..='\u{1f}' {
            assert_eq!(
                string(&format!("\"{character}\"")),
                Err(Problem::ControlCharacter)
            );
        }
        assert_eq!(string("\"\u{7f} \"").as_deref(), Ok("\u{7f} "));
    }

    #[test]
    fn escapes_of_nothing_are_refused() {
        for text in [
            r#""\x41""#,
            r#""\'""#,
            r#""\0""#,
            r#""\U0041""#,
            "\"\\\u{e9}\"",
            "\"\\\n\"",
        ] {
            assert_eq!(string(text), Err(Problem::BadEscape));
        }
    }

    #[test]
    fn a_unicode_escape_has_four_hexadecimal_digits_and_something_after() {
        for digits in [
            "",
            "12",
            "123",
            "12g4",
            "+123",
            "-123",
            " 123",
            "\u{e9}\u{e9}",
            "1\u{1f600}",
        ] {
            assert_eq!(
                string(&format!("\"\\u{digits}\"")),
                Err(Problem::BadUnicodeEscape)
            );
        }
        assert_eq!(string("\"\\u1234"), Err(Problem::BadUnicodeEscape));
        assert_eq!(string("\"\\u1234 "), Err(Problem::UnterminatedString));
    }

    #[test]
    fn half_a_surrogate_pair_is_refused_where_it_stands() {
        for half in [
            r"\ud83d",
            r"\ude00",
            r"\ude00\ud83d",
            r"\ud83d\n",
            r"\ud83d\u0041",
            r"\ud83dx",
        ] {
            assert_eq!(string(&format!("\"{half}\"")), Err(Problem::LoneSurrogate));
        }
        let mut scanner = Scanner::new(r#""ab\ud83d\ud83d\ude00""#);
        assert!(scanner.string().is_ok());
        let error = scanner.finish().unwrap_err();
        assert_eq!(
            error.to_string(),
            "half of a surrogate pair: line 1 column 4 (char 3)"
        );
    }
}
