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
