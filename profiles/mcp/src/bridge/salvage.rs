//! The identifier of a message that is too long to be kept, found while it goes by: whoever waits for
//! an answer to it is told, and waits no more.

/// Looks for `id` at the top of an object, in pieces, in little memory.
#[derive(Default)]
pub(super) struct Salvage {
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The string that is read at the top, while it may be a key.
    string: Vec<u8>,
    /// What comes next at the top is a value.
    value: Option<bool>,
    id: Vec<u8>,
    done: bool,
    /// A `method` was there: it is a request.
    calls: bool,
}

/// Longer ones are not worth the memory.
const LONGEST: usize = 256;

impl Salvage {
    pub(super) fn see(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.byte(*byte);
        }
    }

    /// The identifier, and whether the message called for something.
    pub(super) fn found(&self) -> Option<(&str, bool)> {
        let text = std::str::from_utf8(&self.id).ok()?.trim();
        let readable = self.done && self.id.len() < LONGEST && text != "null";
        let value = serde_json::from_str::<serde_json::Value>(text).ok()?;
        let id = value.is_string() || value.is_number();
        (readable && id).then_some((text, self.calls))
    }

    fn byte(&mut self, byte: u8) {
        let taking = self.value == Some(true) && !self.done;
        let over = self.depth == 1 && !self.in_string && matches!(byte, b',' | b'}');
        if taking {
            if over {
                self.done = true;
            } else if self.id.len() < LONGEST {
                self.id.push(byte);
            }
        }
        if self.in_string {
            return self.in_string(byte);
        }
        match byte {
            b'"' => {
                self.in_string = true;
                self.string.clear();
            }
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b':' if self.depth == 1 && self.value.is_none() => {
                self.calls |= self.string == b"method";
                self.value = Some(self.string == b"id" && !self.done);
            }
            b',' if self.depth == 1 => self.value = None,
            _ => {}
        }
    }

    fn in_string(&mut self, byte: u8) {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => self.in_string = false,
            _ => {}
        }
        if self.in_string && self.depth == 1 && self.string.len() < LONGEST {
            self.string.push(byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<(String, bool)> {
        let mut whole = Salvage::default();
        whole.see(text.as_bytes());
        let mut pieces = Salvage::default();
        for byte in text.as_bytes() {
            pieces.see(&[*byte]);
        }
        assert_eq!(whole.found(), pieces.found());
        whole.found().map(|(id, calls)| (id.to_owned(), calls))
    }

    #[test]
    fn the_identifier_is_found_wherever_it_stands() {
        let seven = |calls| Some(("7".to_owned(), calls));
        assert_eq!(found("{\"method\":\"a\",\"id\":7}\n"), seven(true));
        assert_eq!(found("{\"id\" : 7 ,\"result\":{\"id\":8}}\n"), seven(false));
        let hidden =
            "{\"params\":{\"id\":1,\"a\":[\"}\\\"{\"]},\"x\":\"id\",\"id\":7,\"method\":1}";
        assert_eq!(found(hidden), seven(true));
        let text = "{\"method\":\"id\",\"id\":\"a,\\\"}b\"}";
        assert_eq!(found(text), Some(("\"a,\\\"}b\"".to_owned(), true)));
    }

    #[test]
    fn where_there_is_none_none_is_found() {
        let long = format!("{{\"id\":\"{}\"}}", "x".repeat(LONGEST));
        for text in [
            "",
            "[1,2",
            "{\"id\":",
            "{\"id\":7",
            "{\"id\":null}",
            "{\"id\":{}}",
            "{\"a\":{\"id\":7}}",
            "\"id\":7,",
            &long,
        ] {
            assert_eq!(found(text), None, "{text}");
        }
    }
}
