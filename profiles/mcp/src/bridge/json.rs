//! JSON texts (RFC 8259), looked at and never copied: whether there is exactly one value, and where
//! the members of an object lie in it.

use std::borrow::Cow;

/// Not exactly one JSON value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJson;

/// A position in a text.
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
}

/// The members of one object, in order: keys with their quotes, values as they are.
pub(super) struct Members<'a> {
    scan: Scan<'a>,
    state: State,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    First,
    Further,
    Over,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// The next byte that is no white space, which stays.
    pub(super) fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.byte() {
            self.at += 1;
        }
        self.byte()
    }

    /// Whether nothing but white space follows.
    pub(super) fn end(&mut self) -> Result<(), NotJson> {
        self.peek().map_or(Ok(()), |_| Err(NotJson))
    }

    /// Goes past one value and gives its text. Without recursion: depth costs a byte a level.
    pub(super) fn value(&mut self) -> Result<&'a str, NotJson> {
        self.peek();
        let start = self.at;
        let mut closers = Vec::new();
        loop {
            match self.peek().ok_or(NotJson)? {
                b'{' => {
                    self.at += 1;
                    if self.peek() != Some(b'}') {
                        self.key()?;
                        closers.push(b'}');
                        continue;
                    }
                    self.at += 1;
                }
                b'[' => {
                    self.at += 1;
                    if self.peek() != Some(b']') {
                        closers.push(b']');
                        continue;
                    }
                    self.at += 1;
                }
                b'"' => self.string().map(drop)?,
                b't' => self.word("true")?,
                b'f' => self.word("false")?,
                b'n' => self.word("null")?,
                _ => self.number()?,
            }
            // One value is over, and with it perhaps some that it was the last of.
            loop {
                let Some(closer) = closers.last().copied() else {
                    return self.text.get(start..self.at).ok_or(NotJson);
                };
                match self.peek() {
                    Some(b',') => {
                        self.at += 1;
                        if closer == b'}' {
                            self.key()?;
                        }
                        break;
                    }
                    Some(byte) if byte == closer => {
                        self.at += 1;
                        closers.pop();
                    }
                    _ => return Err(NotJson),
                }
            }
        }
    }

    /// Goes past a key and its colon; gives the key with its quotes.
    fn key(&mut self) -> Result<&'a str, NotJson> {
        self.peek();
        let key = self.string()?;
        match self.peek() {
            Some(b':') => {
                self.at += 1;
                Ok(key)
            }
            _ => Err(NotJson),
        }
    }

    fn string(&mut self) -> Result<&'a str, NotJson> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            let byte = self.byte().ok_or(NotJson)?;
            self.at += 1;
            match byte {
                b'"' => return self.text.get(start..self.at).ok_or(NotJson),
                b'\\' => self.escape()?,
                0..0x20 => return Err(NotJson),
                _ => {}
            }
        }
    }

    fn escape(&mut self) -> Result<(), NotJson> {
        let byte = self.byte().ok_or(NotJson)?;
        self.at += 1;
        match byte {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Ok(()),
            b'u' => {
                let digits = self.text.as_bytes().get(self.at..self.at + 4);
                let hex = digits.is_some_and(|four| four.iter().all(u8::is_ascii_hexdigit));
                self.at += 4;
                if hex { Ok(()) } else { Err(NotJson) }
            }
            _ => Err(NotJson),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), NotJson> {
        let found = self.text.as_bytes().get(self.at..self.at + word.len());
        self.at += word.len();
        if found == Some(word.as_bytes()) {
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    fn number(&mut self) -> Result<(), NotJson> {
        if self.byte() == Some(b'-') {
            self.at += 1;
        }
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), NotJson> {
        let start = self.at;
        while self.byte().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start {
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), NotJson> {
        if self.byte() == Some(byte) {
            self.at += 1;
            Ok(())
        } else {
            Err(NotJson)
        }
    }

    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

impl<'a> Members<'a> {
    /// Begins at an object's brace; `None` where there is another value.
    pub(super) fn of(text: &'a str) -> Option<Self> {
        let mut scan = Scan::new(text);
        if scan.peek() != Some(b'{') {
            return None;
        }
        scan.at += 1;
        Some(Self {
            scan,
            state: State::First,
        })
    }

    /// The next member; `None` behind the object's end.
    pub(super) fn next(&mut self) -> Result<Option<(&'a str, &'a str)>, NotJson> {
        if self.state == State::Over {
            return Ok(None);
        }
        let first = self.state == State::First;
        match self.scan.peek() {
            Some(b'}') => {
                self.scan.at += 1;
                self.state = State::Over;
                return Ok(None);
            }
            Some(b',') if !first => self.scan.at += 1,
            Some(b'"') if first => {}
            _ => return Err(NotJson),
        }
        self.state = State::Further;
        Ok(Some((self.scan.key()?, self.scan.value()?)))
    }

    /// What comes behind the object.
    pub(super) fn rest(self) -> Scan<'a> {
        self.scan
    }
}

/// What a string in quotes says; `None` for one that says nothing, such as half a surrogate pair.
pub(super) fn unquote(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str(quoted).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::de::IgnoredAny;

    use super::*;

    fn one(text: &str) -> bool {
        let mut scan = Scan::new(text);
        scan.value().and_then(|_| scan.end()).is_ok()
    }

    #[test]
    fn one_value_is_one_value() {
        for good in [
            "0",
            "-0.0e+1",
            " [ ] ",
            "{}",
            "\"\\u00e9\\\"\"",
            "[[{\"a\":[1,{}]}],null]",
            "true\r\n",
            "{\"a\":1,\"a\":2}",
            "\"\u{2028}\"",
            "\"\\ud800\"",
        ] {
            assert!(one(good), "{good}");
        }
        for bad in [
            "",
            " ",
            "{} {}",
            "1 2",
            "[1,]",
            "{\"a\":1,}",
            "{\"a\"}",
            "{a:1}",
            "01",
            "1.",
            ".5",
            "-",
            "+1",
            "1e",
            "NaN",
            "Infinity",
            "nul",
            "\"\t\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"",
            "[1",
            "{\"a\":}",
            "]",
            "[}",
            "{]",
            "\u{feff}{}",
            "{\"a\":1}\u{2028}",
            "'a'",
            "{,}",
            "[,1]",
        ] {
            assert!(!one(bad), "{bad}");
        }
    }

    #[test]
    fn depth_is_no_danger() {
        let depth = 200_000;
        let text = "[".repeat(depth) + &"]".repeat(depth);
        assert!(one(&text));
        assert!(!one(&text[1..]));
    }

    #[test]
    fn members_lie_where_they_lie() {
        let mut members = Members::of(" {\"a\" : [1, 2] ,\"\\u0062\":{\"a\":3}} x").unwrap();
        assert_eq!(members.next(), Ok(Some(("\"a\"", "[1, 2]"))));
        assert_eq!(members.next(), Ok(Some(("\"\\u0062\"", "{\"a\":3}"))));
        assert_eq!(members.next(), Ok(None));
        assert_eq!(members.rest().end(), Err(NotJson));
        assert_eq!(unquote("\"\\u0062\"").as_deref(), Some("b"));
        assert_eq!(unquote("\"\\ud800\""), None);
        assert_eq!(unquote("7"), None);
        assert!(Members::of("[]").is_none());
    }

    proptest! {
        #[test]
        fn an_independent_reader_agrees(text in "[-\\[\\]{}:,\"\\\\a0-9.eE+ntrue fals\\t]{0,24}") {
            let theirs = serde_json::from_str::<IgnoredAny>(&text).is_ok();
            prop_assert_eq!(one(&text), theirs, "{}", text);
        }

        #[test]
        fn members_of_what_is_one_object_are_read_to_its_end(text in "\\{[\\[\\]{}:,\"a0 ]{0,16}\\}") {
            let mut members = Members::of(&text).unwrap();
            let read = loop {
                match members.next() {
                    Ok(Some(_)) => {}
                    Ok(None) => break members.rest().end(),
                    Err(error) => break Err(error),
                }
            };
            prop_assert_eq!(read.is_ok(), one(&text), "{}", text);
        }
    }
}
