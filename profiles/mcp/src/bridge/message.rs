//! One line of MCP over stdio: exactly one JSON value, and of it what a bridge must know. The line
//! itself is passed on as it came.

use std::borrow::Cow;

use super::json::{Members, NotJson, Scan, unquote};

/// What a bridge knows of a message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message<'a> {
    /// What kind of value it is.
    pub shape: Shape,
    /// `id`, as it is written; not `null`.
    pub id: Option<&'a str>,
    /// `method`, if it is a string that says something.
    pub method: Option<Cow<'a, str>>,
    /// `params`, as it is written.
    pub params: Option<&'a str>,
    /// `result`, as it is written.
    pub result: Option<&'a str>,
    /// It has a `method`, of whatever type.
    pub calls: bool,
    /// Two parsers could read it differently: a key is there twice, or cannot be read, or is
    /// another's but for the case of its letters.
    pub ambiguous: bool,
}

/// What kind of value a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// An object, as messages are.
    #[default]
    Object,
    /// A batch.
    Array,
    /// Anything else.
    Scalar,
}

/// Keys at the top of a message that mean something.
const TOP: [&str; 6] = ["jsonrpc", "id", "method", "params", "result", "error"];

impl<'a> Message<'a> {
    /// Reads a line.
    ///
    /// # Errors
    /// [`NotJson`] for anything but exactly one value.
    pub fn read(line: &'a str) -> Result<Self, NotJson> {
        let Some(mut members) = Members::of(line) else {
            let mut scan = Scan::new(line);
            let shape = match scan.peek() {
                Some(b'[') => Shape::Array,
                _ => Shape::Scalar,
            };
            scan.value()?;
            scan.end()?;
            return Ok(Self {
                shape,
                ..Self::default()
            });
        };
        let mut message = Self::default();
        let mut keys = Keys::new(&TOP);
        while let Some((key, value)) = members.next()? {
            let key = unquote(key);
            keys.take(key.as_deref());
            match key.as_deref() {
                Some("id") => message.id = (value != "null").then_some(value),
                Some("method") => {
                    message.calls = true;
                    message.method = unquote(value);
                }
                Some("params") => message.params = Some(value),
                Some("result") => message.result = Some(value),
                _ => {}
            }
        }
        members.rest().end()?;
        message.ambiguous = keys.ambiguous;
        Ok(message)
    }

    /// It asks for an answer.
    #[must_use]
    pub fn is_request(&self) -> bool {
        self.calls && self.id.is_some()
    }

    /// It answers.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        !self.calls && self.id.is_some()
    }

    /// Reads `params`.
    #[must_use]
    pub fn params(&self) -> Option<Params<'a>> {
        Params::read(self.params?)
    }
}

/// What a bridge knows of `params`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params<'a> {
    /// `name`, if it is a string that says something: the tool of `tools/call`.
    pub name: Option<Cow<'a, str>>,
    /// `requestId`, as it is written: what `notifications/cancelled` cancels.
    pub request_id: Option<&'a str>,
    /// As in [`Message::ambiguous`].
    pub ambiguous: bool,
}

/// Keys in `params` that mean something to the filter.
const PARAMS: [&str; 3] = ["name", "arguments", "_meta"];

impl<'a> Params<'a> {
    /// Reads an object; `None` for anything else.
    fn read(text: &'a str) -> Option<Self> {
        let mut members = Members::of(text)?;
        let mut params = Self::default();
        let mut keys = Keys::new(&PARAMS);
        while let Some((key, value)) = members.next().ok()? {
            let key = unquote(key);
            keys.take(key.as_deref());
            match key.as_deref() {
                Some("name") => params.name = unquote(value),
                Some("requestId") => params.request_id = Some(value),
                _ => {}
            }
        }
        params.ambiguous = keys.ambiguous;
        Some(params)
    }
}

/// The keys of an object so far. There are few; an object with many is no message of MCP.
struct Keys<'k> {
    known: &'k [&'k str],
    seen: std::collections::BTreeSet<String>,
    ambiguous: bool,
}

impl<'k> Keys<'k> {
    fn new(known: &'k [&'k str]) -> Self {
        Self {
            known,
            seen: std::collections::BTreeSet::new(),
            ambiguous: false,
        }
    }

    fn take(&mut self, key: Option<&str>) {
        let Some(key) = key else {
            self.ambiguous = true;
            return;
        };
        let folded = fold(key);
        if self.known.contains(&folded.as_str()) && folded != key {
            self.ambiguous = true;
        }
        if self.seen.len() >= MOST_KEYS || !self.seen.insert(folded) {
            self.ambiguous = true;
        }
    }
}

/// Keys of one object that are remembered. Messages of MCP have fewer than ten at their top.
const MOST_KEYS: usize = 1024;

/// As parsers that do not mind the case of letters fold a key, Go's encoding/json among them: to them
/// the long s is an s, and the Kelvin sign, which is a lower-case k here too, a k.
fn fold(key: &str) -> String {
    let lower = key.chars().flat_map(char::to_lowercase);
    lower.map(|c| if c == 'ſ' { 's' } else { c }).collect()
}

/// What an identifier is compared by: peers may write it otherwise than they read it.
#[must_use]
pub fn same_id(id: &str) -> String {
    match serde_json::from_str::<serde_json::Value>(id) {
        Ok(value) => value.to_string(),
        Err(_) => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_for_what_a_bridge_must_know() {
        let line = "{\"jsonrpc\":\"2.0\",\"params\":{\"name\":\"a\\u0062\"},\"id\":1.50,\
                    \"method\":\"tools/call\"}\r\n";
        let message = Message::read(line).unwrap();
        assert!(message.is_request() && !message.is_answer() && !message.ambiguous);
        assert_eq!(message.id, Some("1.50"));
        assert_eq!(message.method.as_deref(), Some("tools/call"));
        let params = message.params().unwrap();
        assert_eq!(params.name.as_deref(), Some("ab"));
        let answer = Message::read("{\"id\":\"x\",\"result\":{}}").unwrap();
        assert!(answer.is_answer() && !answer.is_request());
        let notification = Message::read("{\"method\":\"a\",\"id\":null}").unwrap();
        assert!(!notification.is_answer() && !notification.is_request());
        assert_eq!(Message::read("[]").unwrap().shape, Shape::Array);
        assert_eq!(Message::read("7").unwrap().shape, Shape::Scalar);
        assert!(
            Message::read("{\"method\":7,\"id\":1}")
                .unwrap()
                .is_request()
        );
        for bad in ["{} {}", "{}{}", "", "{\"a\":1"] {
            assert_eq!(Message::read(bad), Err(NotJson), "{bad}");
        }
    }

    #[test]
    fn a_key_that_parsers_disagree_on_makes_a_message_ambiguous() {
        for text in [
            "{\"method\":\"a\",\"method\":\"b\"}",
            "{\"method\":\"a\",\"m\\u0065thod\":\"b\"}",
            "{\"method\":\"a\",\"Method\":\"b\"}",
            "{\"METHOD\":\"b\"}",
            "{\"param\u{17f}\":{}}",
            "{\"\\ud800\":1}",
            "{\"x\":1,\"X\":2}",
        ] {
            assert!(Message::read(text).unwrap().ambiguous, "{text}");
        }
        for text in [
            "{\"name\":1,\"Name\":2}",
            "{\"NAME\":1}",
            "{\"a\":1,\"a\":1}",
        ] {
            assert!(Params::read(text).unwrap().ambiguous, "{text}");
        }
        assert!(
            !Message::read("{\"params\":{\"a\":1,\"a\":2}}")
                .unwrap()
                .ambiguous
        );
        assert_eq!(Params::read("[]"), None);
    }

    #[test]
    fn an_identifier_is_the_same_however_it_is_written() {
        assert_eq!(same_id("\"a\\u0062\""), same_id("\"ab\""));
        assert_eq!(same_id(" 7 "), same_id("7"));
        assert_ne!(same_id("7"), same_id("\"7\""));
        assert_eq!(same_id("\"\\ud800\""), "\"\\ud800\"");
    }
}
