//! The bodies of `qflare-1`: JSON objects of which the fields that are asked for are read, and
//! FastAPI's words for those that are missing or wrong.
//!
//! What is not asked for is passed over without being kept, so that a body costs no more memory
//! than its texts have.

use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use pqfw_framework::transport::Response;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Value, json};

use crate::error::Refusal;
use crate::state::DeviceId;

/// A body that is read, and what is wrong with it so far.
pub(crate) struct Body {
    fields: BTreeMap<String, Field>,
    faults: Vec<Value>,
}

/// A field, as far as this protocol looks at it.
#[derive(Clone, Debug, PartialEq)]
enum Field {
    Text(String),
    Number(u64),
    Object(BTreeMap<String, Field>),
    Other,
}

/// The shortest token, in characters.
pub(crate) const LEAST_TOKEN: usize = 32;
/// The longest text of a token or session token that is looked at.
const MOST_TOKEN: usize = 256;
/// The most fields of an object that are kept; deployed bodies have a handful.
const MOST_FIELDS: usize = 64;

impl Body {
    /// Reads a JSON object.
    ///
    /// # Errors
    /// [`Refusal::Unprocessable`].
    pub(crate) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let unprocessable = |fault: Value| Err(Refusal::Unprocessable(vec![fault]));
        if body.is_empty() {
            return unprocessable(fault("missing", None, "Field required", Value::Null));
        }
        match serde_json::from_slice(body) {
            Ok(Field::Object(fields)) => Ok(Self {
                fields,
                faults: Vec::new(),
            }),
            Ok(_) => {
                let text = "Input should be a valid dictionary or object to extract fields from";
                unprocessable(fault("model_attributes_type", None, text, Value::Null))
            }
            Err(error) => unprocessable(json!({
                "type": "json_invalid",
                "loc": ["body", error.column()],
                "msg": "JSON decode error",
                "input": {},
                "ctx": { "error": error.to_string() },
            })),
        }
    }

    /// The device's id.
    pub(crate) fn device(&mut self, name: &str) -> Option<DeviceId> {
        let text = self.text(name)?;
        match DeviceId::parse(&text) {
            Ok(id) => Some(id),
            Err(_) => {
                let (kind, message) = match text.chars().count() {
                    0 => (
                        "string_too_short",
                        "String should have at least 1 character",
                    ),
                    101.. => (
                        "string_too_long",
                        "String should have at most 100 characters",
                    ),
                    _ => (
                        "string_pattern_mismatch",
                        "String should match pattern '^[a-zA-Z0-9_-]+$'",
                    ),
                };
                self.wrong(kind, name, message, shown(&text))
            }
        }
    }

    /// A token that enrols: at least 32 of the characters of device ids. It is never shown again.
    pub(crate) fn token(&mut self, name: &str) -> Option<String> {
        let text = self.text(name)?;
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        let (kind, message) = match text.len() {
            0..LEAST_TOKEN => (
                "string_too_short",
                "String should have at least 32 characters",
            ),
            LEAST_TOKEN..=MOST_TOKEN if text.bytes().all(good) => return Some(text),
            LEAST_TOKEN..=MOST_TOKEN => (
                "string_pattern_mismatch",
                "String should match pattern '^[a-zA-Z0-9_-]+$'",
            ),
            _ => (
                "string_too_long",
                "String should have at most 256 characters",
            ),
        };
        self.wrong(kind, name, message, Value::Null)
    }

    /// Bytes in standard base64 with padding, canonical alone.
    pub(crate) fn base64(&mut self, name: &str) -> Option<Vec<u8>> {
        let text = self.text(name)?;
        match STANDARD.decode(text.as_bytes()) {
            Ok(bytes) => Some(bytes),
            Err(_) => {
                let message = "Value error, Invalid base64 encoding";
                self.wrong("value_error", name, message, Value::Null)
            }
        }
    }

    /// A text.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        match self.fields.remove(name) {
            Some(Field::Text(text)) => Some(text),
            Some(_) => {
                let message = "Input should be a valid string";
                self.wrong("string_type", name, message, Value::Null)
            }
            None => self.wrong("missing", name, "Field required", json!({})),
        }
    }

    /// A text that need not be there.
    pub(crate) fn text_if_any(&mut self, name: &str) -> Option<String> {
        match self.fields.get(name) {
            None => None,
            Some(_) => self.text(name),
        }
    }

    /// An object; without it an empty one.
    pub(crate) fn metadata(&mut self, name: &str) -> Option<Metadata> {
        match self.fields.remove(name) {
            None => Some(Metadata(BTreeMap::new())),
            Some(Field::Object(fields)) => Some(Metadata(fields)),
            Some(_) => {
                let message = "Input should be a valid dictionary";
                self.wrong("dict_type", name, message, Value::Null)
            }
        }
    }

    /// What was read, when nothing was wrong.
    ///
    /// # Errors
    /// [`Refusal::Unprocessable`] with every fault.
    pub(crate) fn finish<T>(self, read: Option<T>) -> Result<T, Refusal> {
        match read {
            Some(read) if self.faults.is_empty() => Ok(read),
            _ => Err(Refusal::Unprocessable(self.faults)),
        }
    }

    fn wrong<T>(&mut self, kind: &str, name: &str, message: &str, input: Value) -> Option<T> {
        self.faults.push(fault(kind, Some(name), message, input));
        None
    }
}

/// What a device says about its update.
pub(crate) struct Metadata(BTreeMap<String, Field>);

impl Metadata {
    /// The first of these that is a number.
    pub(crate) fn number(&self, names: &[&str]) -> Option<u64> {
        names.iter().find_map(|name| match self.0.get(*name) {
            Some(Field::Number(number)) => Some(*number),
            _ => None,
        })
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.0.get(name) {
            Some(Field::Text(text)) => Some(text),
            _ => None,
        }
    }
}

fn fault(kind: &str, field: Option<&str>, message: &str, input: Value) -> Value {
    let location: Vec<&str> = std::iter::once("body").chain(field).collect();
    json!({ "type": kind, "loc": location, "msg": message, "input": input })
}

/// A short text as it came, so that a refusal never costs more than the request.
fn shown(text: &str) -> Value {
    text.chars().take(128).collect::<String>().into()
}

/// Standard base64 with padding.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// Reads standard base64 with padding.
pub(crate) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).ok()
}

/// Base64 for URLs, without padding.
pub(crate) fn base64_url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads base64 for URLs, without padding.
pub(crate) fn from_base64_url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A response whose body is JSON.
pub(crate) fn response(status: u16, json: &Value) -> Response {
    Response {
        status,
        body: json.to_string().into_bytes(),
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Fields { depth: 0 })
    }
}

/// Reads objects to a depth of two, and nothing below.
struct Fields {
    depth: u8,
}

impl<'de> serde::de::DeserializeSeed<'de> for Fields {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Fields {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Field, E> {
        Ok(Field::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Field, E> {
        Ok(Field::Text(text))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Field, E> {
        Ok(Field::Number(number))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_unit<E>(self) -> Result<Field, E> {
        Ok(Field::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Field, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Field::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Field, A::Error> {
        let mut kept = BTreeMap::new();
        while let Some(name) = entries.next_key::<String>()? {
            let known = kept.contains_key(&name);
            if self.depth < 2 && (known || kept.len() < MOST_FIELDS) {
                let depth = self.depth + 1;
                kept.insert(name, entries.next_value_seed(Fields { depth })?);
            } else {
                entries.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Field::Object(kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(body: &str, read: impl FnOnce(&mut Body)) -> Vec<Value> {
        let mut body = match Body::read(body.as_bytes()) {
            Ok(body) => body,
            Err(Refusal::Unprocessable(faults)) => return faults,
            Err(other) => panic!("{other}"),
        };
        read(&mut body);
        match body.finish(Some(())) {
            Ok(()) => Vec::new(),
            Err(Refusal::Unprocessable(faults)) => faults,
            Err(other) => panic!("{other}"),
        }
    }

    fn kinds(body: &str, read: impl FnOnce(&mut Body)) -> Vec<String> {
        let faults = faults(body, read);
        let kind = |fault: &Value| {
            for part in ["type", "loc", "msg", "input"] {
                assert!(fault.get(part).is_some(), "{part}: {fault}");
            }
            assert_eq!(fault["loc"][0], "body");
            fault["type"].as_str().unwrap().to_owned()
        };
        faults.iter().map(kind).collect()
    }

    #[test]
    fn what_is_no_object_is_refused_as_fastapi_does() {
        for (body, kind) in [
            ("", "missing"),
            ("{", "json_invalid"),
            ("{\"a\":1} x", "json_invalid"),
            ("[]", "model_attributes_type"),
            ("\"text\"", "model_attributes_type"),
            ("null", "model_attributes_type"),
        ] {
            assert_eq!(kinds(body, |_| {}), [kind], "{body}");
        }
        let deep = "[".repeat(100_000);
        assert_eq!(kinds(&deep, |_| {}), ["json_invalid"]);
    }

    #[test]
    fn every_fault_is_told_at_once() {
        let body = r#"{"device_id":"a b","enrollment_token":"short","key":"=","metadata":[]}"#;
        let kinds = kinds(body, |body| {
            body.device("device_id");
            body.token("enrollment_token");
            body.base64("key");
            body.metadata("metadata");
            body.text("missing");
        });
        let expected = [
            "string_pattern_mismatch",
            "string_too_short",
            "value_error",
            "dict_type",
            "missing",
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn ids_tokens_and_texts_have_their_lengths() {
        let id = |text: &str| {
            let body = json!({ "device_id": text }).to_string();
            kinds(&body, |body| drop(body.device("device_id")))
        };
        assert!(id("a").is_empty() && id(&"a".repeat(100)).is_empty());
        assert_eq!(id(""), ["string_too_short"]);
        assert_eq!(id(&"a".repeat(101)), ["string_too_long"]);
        let token = |text: &str| {
            let body = json!({ "t": text }).to_string();
            kinds(&body, |body| drop(body.token("t")))
        };
        assert!(token(&"a".repeat(32)).is_empty() && token(&"a".repeat(256)).is_empty());
        assert_eq!(token(&"a".repeat(31)), ["string_too_short"]);
        assert_eq!(token(&"a".repeat(257)), ["string_too_long"]);
        assert_eq!(token(&"é".repeat(32)), ["string_pattern_mismatch"]);
        let number = kinds("{\"t\":1}", |body| drop(body.text("t")));
        assert_eq!(number, ["string_type"]);
    }

    #[test]
    fn a_token_is_never_shown() {
        let secret = "s".repeat(31);
        let body = json!({ "t": secret }).to_string();
        let faults = faults(&body, |body| drop(body.token("t")));
        assert!(!format!("{faults:?}").contains(&secret));
    }

    #[test]
    fn base64_is_canonical_or_refused() {
        let read = |text: &str| {
            let mut body = Body::read(json!({ "b": text }).to_string().as_bytes()).unwrap();
            body.base64("b")
        };
        assert_eq!(read("AQI="), Some(vec![1, 2]));
        for wrong in ["AQI", "AQJ=", "AQI=\n", " AQI=", "AQI-", "AQI=="] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn metadata_is_read_as_far_as_it_is_used() {
        let text = r#"{"metadata":{"round":3,"x":{"y":{"z":[1,2]}},"model_version":"r1"}}"#;
        let mut body = Body::read(text.as_bytes()).unwrap();
        let metadata = body.metadata("metadata").unwrap();
        assert_eq!(metadata.number(&["none", "round"]), Some(3));
        assert_eq!(metadata.number(&["model_version"]), None);
        assert_eq!(metadata.text("model_version"), Some("r1"));
        let many: Vec<_> = (0..1000).map(|n| format!("\"{n}\":{n}")).collect();
        let body = Body::read(format!("{{{}}}", many.join(",")).as_bytes()).unwrap();
        assert_eq!(body.fields.len(), MOST_FIELDS);
    }
}
