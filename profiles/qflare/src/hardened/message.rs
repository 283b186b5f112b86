//! Bodies with a head: what a request of HTTP has in headers, the channel carries before the body.
//!
//! ```text
//! message = fields, u8 ‖ { name, 1..64 bytes behind a u16 ‖ value, behind a u32 }… ‖ body
//! ```
//! Names are lower-case letters, digits and `-`, in ascending order, each once; values are visible
//! ASCII and spaces.

use std::collections::BTreeMap;

use pqfw_framework::wire::{Reader, WireError, Writer};
use thiserror::Error;

/// A body with fields before it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// The fields by their names.
    pub fields: BTreeMap<String, String>,
    /// The rest.
    pub body: Vec<u8>,
}

/// Bytes that are no message: their sender's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum MessageError {
    /// They end early.
    #[error("a message: {0}")]
    Form(#[from] WireError),
    /// A field that is none, or not in its place.
    #[error("a message has a field that is none, twice or out of order")]
    Field,
}

/// The most fields, and the most bytes of a name and of a value.
const MOST_FIELDS: usize = 16;
const MOST_NAME: usize = 64;
/// The longest signatures have 50 kB.
const MOST_VALUE: usize = 128 << 10;

impl Message {
    /// A message without fields.
    #[must_use]
    pub fn of(body: Vec<u8>) -> Self {
        let fields = BTreeMap::new();
        Self { fields, body }
    }

    /// The same with a field.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.insert(name.to_owned(), value.into());
        self
    }

    /// A field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Writes the message.
    ///
    /// # Errors
    /// [`MessageError::Field`] for fields that no reader takes.
    pub fn encode(&self) -> Result<Vec<u8>, MessageError> {
        let count = u8::try_from(self.fields.len()).ok();
        let count = count.filter(|count| usize::from(*count) <= MOST_FIELDS);
        let mut writer = Writer::new();
        writer.u8(count.ok_or(MessageError::Field)?);
        for (name, value) in &self.fields {
            check(name, value)?;
            writer
                .vector16("name", name.as_bytes())?
                .vector32("value", value.as_bytes())?;
        }
        writer.bytes(&self.body);
        Ok(writer.finish())
    }

    /// Reads a message. Every message has one encoding.
    ///
    /// # Errors
    /// [`MessageError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, MessageError> {
        let mut reader = Reader::new(bytes);
        let count = usize::from(reader.u8("fields")?);
        if count > MOST_FIELDS {
            return Err(MessageError::Field);
        }
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned);
        let mut fields = BTreeMap::<String, String>::new();
        for _ in 0..count {
            let name = text(reader.vector16("name", MOST_NAME)?);
            let value = text(reader.vector32("value", MOST_VALUE)?);
            let (Ok(name), Ok(value)) = (name, value) else {
                return Err(MessageError::Field);
            };
            check(&name, &value)?;
            if fields
                .last_key_value()
                .is_some_and(|(last, _)| *last >= name)
            {
                return Err(MessageError::Field);
            }
            fields.insert(name, value);
        }
        let body = reader.bytes("body", reader.remaining())?.to_vec();
        Ok(Self { fields, body })
    }
}

fn check(name: &str, value: &str) -> Result<(), MessageError> {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = (1..=MOST_NAME).contains(&name.len())
        && name.bytes().all(letter)
        && value.len() <= MOST_VALUE
        && value.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    good.then_some(()).ok_or(MessageError::Field)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_message_is_refused() {
        let message = Message::of(b"body".to_vec())
            .with("etag", "\"a\"")
            .with("range", "bytes=0-");
        let bytes = message.encode().unwrap();
        assert_eq!(Message::decode(&bytes), Ok(message));
        assert!(matches!(Message::decode(b""), Err(MessageError::Form(_))));
        assert!(matches!(
            Message::decode(&bytes[..10]),
            Err(MessageError::Form(_))
        ));
        assert_eq!(Message::decode(&[17]), Err(MessageError::Field));
        let twice = b"\x02\0\x01a\0\0\0\0\0\x01a\0\0\0\0";
        let reversed = b"\x02\0\x01b\0\0\0\0\0\x01a\0\0\0\0";
        let control = b"\x01\0\x01a\0\0\0\x01\n";
        let capital = b"\x01\0\x01A\0\0\0\0";
        let nameless = b"\x01\0\0\0\0\0\0";
        for wrong in [&twice[..], reversed, control, capital, nameless] {
            assert_eq!(
                Message::decode(wrong),
                Err(MessageError::Field),
                "{wrong:?}"
            );
        }
        assert_eq!(
            Message::default().with("a", "\n").encode(),
            Err(MessageError::Field)
        );
        let many = (0..17).fold(Message::default(), |m, n| m.with(&format!("f{n}"), ""));
        assert_eq!(many.encode(), Err(MessageError::Field));
    }

    proptest! {
        #[test]
        fn accepted_bytes_are_the_only_ones(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(message) = Message::decode(&bytes) {
                prop_assert_eq!(message.encode(), Ok(bytes));
            }
        }
    }
}
