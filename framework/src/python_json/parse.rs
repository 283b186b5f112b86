//! Reads JSON text as CPython's scanner (`Modules/_json.c`) does, to the same errors and positions.
//!
//! What Python refuses is reported in preference to what only we refuse: `[NaN, }` is a missing
//! value, as it is in Python. The limits stop the reading at once.

use super::scan::Scanner;
use super::{Json, Object, ParseError, Position, Problem};

/// Bounds what a text may cost to read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Limits {
    /// How many bytes a text may have. A hostile text takes up to about a hundred times its own
    /// size in memory.
    pub bytes: usize,
    /// How many arrays and objects may be open at once: with 1, `[]` is read and `[[]]` refused.
    /// More than [`Limits::MAX_DEPTH`] counts as that.
    pub depth: usize,
}

impl Limits {
    /// Allows 1 MiB: deployed Python peers lose messages beyond 100 to 300 kB.
    pub const DEFAULT_BYTES: usize = 1 << 20;
    /// Allows 128 levels, many times what a message, or a JSON schema in one, needs.
    pub const DEFAULT_DEPTH: usize = 128;
    /// Bounds every `depth`: each level takes stack to read, print, compare, copy and drop.
    pub const MAX_DEPTH: usize = 512;
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: Self::DEFAULT_BYTES,
            depth: Self::DEFAULT_DEPTH,
        }
    }
}

/// Reads one JSON value, with nothing but whitespace around it.
///
/// # Errors
///
/// Says what is wrong, and where, in Python's words if Python refuses the text too: see [`Problem`].
pub fn parse(text: &[u8], limits: Limits) -> Result<Json, ParseError> {
    let (bytes, limit) = (text.len(), limits.bytes);
    if bytes > limit {
        let problem = Problem::TooLarge { bytes, limit };
        return Err(ParseError {
            problem,
            position: Position::START,
        });
    }
    let text = str::from_utf8(text).map_err(|_| {
        let valid = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
        ParseError::after(valid, Problem::NotUtf8)
    })?;
    let depth = limits.depth.min(Limits::MAX_DEPTH);
    Parser {
        scanner: Scanner::new(text),
        depth,
        open: 0,
    }
    .document()
}

/// A text half read.
struct Parser<'t> {
    scanner: Scanner<'t>,
    /// How many arrays and objects may be open.
    depth: usize,
    /// How many are.
    open: usize,
}

impl Parser<'_> {
    fn document(mut self) -> Result<Json, ParseError> {
        if self.scanner.stands_at("\u{feff}") {
            return Err(self.scanner.error(Problem::ByteOrderMark));
        }
        self.scanner.skip_whitespace();
        let value = self.value()?;
        self.scanner.skip_whitespace();
        self.scanner.finish()?;
        Ok(value)
    }

    fn value(&mut self) -> Result<Json, ParseError> {
        match self.scanner.next_byte() {
            Some(b'{') => self.nested(Self::object).map(Json::Object),
            Some(b'[') => self.nested(Self::array).map(Json::Array),
            Some(b'"') => self.scanner.string().map(Json::String),
            _ => self.word_or_number(),
        }
    }

    fn nested<T>(
        &mut self,
        inside: fn(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.open >= self.depth {
            return Err(self.scanner.error(Problem::TooDeep { limit: self.depth }));
        }
        self.open += 1;
        let value = inside(self)?;
        self.open -= 1;
        Ok(value)
    }

    fn array(&mut self) -> Result<Vec<Json>, ParseError> {
        let mut items = Vec::new();
        self.scanner.take("[");
        self.scanner.skip_whitespace();
        if self.scanner.take("]") {
            return Ok(items);
        }
        loop {
            items.push(self.value()?);
            if self.closes("]")? {
                return Ok(items);
            }
        }
    }

    fn object(&mut self) -> Result<Object, ParseError> {
        let mut object = Object::new();
        self.scanner.take("{");
        self.scanner.skip_whitespace();
        if self.scanner.take("}") {
            return Ok(object);
        }
        loop {
            if !self.scanner.stands_at("\"") {
                return Err(self.scanner.error(Problem::ExpectedName));
            }
            let name = self.scanner.string()?;
            self.scanner.skip_whitespace();
            if !self.scanner.take(":") {
                return Err(self.scanner.error(Problem::ExpectedColon));
            }
            self.scanner.skip_whitespace();
            let value = self.value()?;
            object.insert(name, value);
            if self.closes("}")? {
                return Ok(object);
            }
        }
    }

    /// Reads past the bracket that closes the list, or past the comma before its next element.
    fn closes(&mut self, bracket: &str) -> Result<bool, ParseError> {
        self.scanner.skip_whitespace();
        if self.scanner.take(bracket) {
            return Ok(true);
        }
        if !self.scanner.take(",") {
            return Err(self.scanner.error(Problem::ExpectedComma));
        }
        self.scanner.skip_whitespace();
        Ok(false)
    }

    fn word_or_number(&mut self) -> Result<Json, ParseError> {
        let start = self.scanner.place();
        if self.scanner.take("null") {
            Ok(Json::Null)
        } else if self.scanner.take("true") {
            Ok(Json::Bool(true))
        } else if self.scanner.take("false") {
            Ok(Json::Bool(false))
        } else if NOT_FINITE.iter().any(|word| self.scanner.take(word)) {
            self.scanner.refuse(start, Problem::NotFinite);
            Ok(Json::Null)
        } else {
            self.scanner.number()
        }
    }
}

/// The words that Python reads as numbers although JSON has no such numbers.
const NOT_FINITE: [&str; 3] = ["NaN", "Infinity", "-Infinity"];

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(text: &str) -> Option<Problem> {
        parse(text.as_bytes(), Limits::default())
            .err()
            .map(|error| error.problem)
    }

    fn message(text: &[u8], limits: Limits) -> String {
        parse(text, limits).unwrap_err().to_string()
    }

    fn deep(depth: usize) -> String {
        r#"{"":"#.repeat(depth) + "0" + &"}".repeat(depth)
    }

    #[test]
    fn each_thing_that_python_refuses_is_named() {
        assert_eq!(problem("\u{feff}1"), Some(Problem::ByteOrderMark));
        assert_eq!(problem("[1,]"), Some(Problem::ExpectedValue));
        assert_eq!(problem("{1:2}"), Some(Problem::ExpectedName));
        assert_eq!(problem("{\"a\" 1}"), Some(Problem::ExpectedColon));
        assert_eq!(problem("[1 2]"), Some(Problem::ExpectedComma));
        assert_eq!(problem("1 2"), Some(Problem::ExtraData));
    }

    #[test]
    fn words_are_read_whole() {
        let words = parse(b"[null,true,false]", Limits::default());
        assert_eq!(
            words,
            Ok(vec![Json::Null, true.into(), false.into()].into())
        );
        assert_eq!(problem("nul"), Some(Problem::ExpectedValue));
        assert_eq!(problem("nulls"), Some(Problem::ExtraData));
    }

    #[test]
    fn numbers_that_are_not_finite_are_refused() {
        for word in ["NaN", "Infinity", "-Infinity"] {
            assert_eq!(problem(word), Some(Problem::NotFinite));
        }
        let nested = message(b"[1,\nNaN]", Limits::default());
        assert_eq!(nested, "number is not finite: line 2 column 1 (char 4)");
    }

    #[test]
    fn what_python_refuses_comes_before_what_only_we_refuse() {
        assert_eq!(problem("[NaN, }"), Some(Problem::ExpectedValue));
        assert_eq!(problem("[1e400] x"), Some(Problem::ExtraData));
        assert_eq!(problem("{\"\\ud800\" 1}"), Some(Problem::ExpectedColon));
    }

    #[test]
    fn of_several_things_that_only_we_refuse_the_first_is_reported() {
        assert_eq!(problem("[1e400, NaN]"), Some(Problem::FloatOverflow));
        assert_eq!(problem("[NaN, 1e400]"), Some(Problem::NotFinite));
    }

    #[test]
    fn bytes_that_are_not_utf_8_are_refused_at_the_first_of_them() {
        let error = parse(b"[\"\xc3\xa9\",\n\"\xff\xfe\"]", Limits::default()).unwrap_err();
        assert_eq!(error.problem, Problem::NotUtf8);
        assert_eq!(
            error.to_string(),
            "text is not UTF-8: line 2 column 2 (char 7)"
        );
        // Half a surrogate pair in UTF-8 clothes, and a character cut in two.
        assert_eq!(
            message(b"\"\xed\xa0\x80\"", Limits::default()),
            message(b"\"\xc3", Limits::default())
        );
    }

    #[test]
    fn a_text_may_be_as_large_as_the_limit_and_no_larger() {
        let limits = Limits {
            bytes: 4,
            ..Limits::default()
        };
        assert!(parse(b"[1]", limits).is_ok());
        assert!(parse(b"[12]", limits).is_ok());
        let error = parse(b"[123]", limits).unwrap_err();
        assert_eq!(error.problem, Problem::TooLarge { bytes: 5, limit: 4 });
        assert_eq!(
            error.to_string(),
            "text of 5 bytes is larger than the limit of 4: line 1 column 1 (char 0)"
        );
    }

    #[test]
    fn a_text_may_be_nested_as_deep_as_the_limit_and_no_deeper() {
        let limits = Limits {
            depth: 2,
            ..Limits::default()
        };
        assert!(parse(b"[1]", limits).is_ok());
        assert!(parse(b"[{}, [], {\"a\": []}]", limits).is_err());
        assert!(parse(b"[{}, [], {\"a\": 1}]", limits).is_ok());
        let error = parse(b"[[[]]]", limits).unwrap_err();
        assert_eq!(error.problem, Problem::TooDeep { limit: 2 });
        assert_eq!(
            error.to_string(),
            "nested deeper than the limit of 2: line 1 column 3 (char 2)"
        );
    }

    #[test]
    fn without_depth_only_plain_values_are_read() {
        let limits = Limits {
            depth: 0,
            ..Limits::default()
        };
        assert!(parse(b"1", limits).is_ok());
        assert!(parse(b"{}", limits).is_err());
    }

    #[test]
    fn nobody_gets_more_depth_than_a_small_stack_can_take() {
        let whole_life = || {
            let limits = Limits {
                bytes: usize::MAX,
                depth: usize::MAX,
            };
            let deepest = parse(deep(Limits::MAX_DEPTH).as_bytes(), limits).unwrap();
            assert_eq!(deepest.clone(), deepest);
            assert_eq!(deepest.canonical(), deep(Limits::MAX_DEPTH));
            drop(deepest);

            let error = parse(deep(Limits::MAX_DEPTH + 1).as_bytes(), limits).unwrap_err();
            assert_eq!(
                error.problem,
                Problem::TooDeep {
                    limit: Limits::MAX_DEPTH
                }
            );
        };
        let thread = std::thread::Builder::new()
            .stack_size(1 << 20)
            .spawn(whole_life);
        thread.unwrap().join().unwrap();
    }

    #[test]
    fn a_name_that_comes_again_keeps_its_place_and_takes_the_last_value() {
        let object = parse(b"{\"a\": 1, \"b\": 2, \"\\u0061\": 3}", Limits::default()).unwrap();
        assert_eq!(object.default_text(), "{\"a\": 3, \"b\": 2}");
    }
}
