//! JSON-RPC messages with a signature beside them.
//!
//! ```text
//! { …JSON-RPC…, "_pqc": { signer_did, algorithm, timestamp, nonce, signature, public_key[, session_id] } }
//! signature = Sign(SHA3-256(CANON(the message without "_pqc")))
//! ```
//!
//! What is verified is what was parsed, written again (`pqfw_framework::python_json`): of a name that
//! comes twice the last value counts, for the signature and for whoever acts on the message.

use std::sync::Arc;

use pqfw_framework::python_json::{self, Json, Limits, Object};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::signature::VerifyingKey;
use pqfw_framework::world::Now;

use super::error::PqcTransportError;
use super::hex;
use super::identity::{Algorithms, Did, Identity};

/// The member beside the message.
pub const ENVELOPE: &str = "_pqc";

/// The depth of JSON that is read.
pub const MAX_DEPTH: usize = 64;

/// Commas and brackets of one body, each of which can cost a hundred bytes of memory once read.
pub const MAX_MARKS: usize = 1 << 17;

/// A nonce: 32 hexadecimal digits on the wire.
pub type Nonce = [u8; 16];

/// Reads a body.
///
/// # Errors
/// [`PqcTransportError::Malformed`].
pub fn parse(body: &[u8]) -> Result<Json, PqcTransportError> {
    let marks = body.iter().filter(|byte| b",[{".contains(byte)).count();
    if marks > MAX_MARKS {
        let text = format!("it holds more than {MAX_MARKS} values");
        return Err(PqcTransportError::Malformed(text));
    }
    let limits = Limits {
        bytes: body.len(),
        depth: MAX_DEPTH,
    };
    python_json::parse(body, limits)
        .map_err(|error| PqcTransportError::Malformed(error.to_string()))
}

/// What stands beside a message. Nothing in it but the signature is protected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Who says that they signed.
    pub signer: Did,
    /// When, in microseconds since 1970.
    pub unix_micros: u64,
    /// A number used once.
    pub nonce: Nonce,
    /// The signature.
    pub signature: Vec<u8>,
    /// The signer's raw key.
    pub public_key: Vec<u8>,
    /// The session; answers have none.
    pub session: Option<String>,
}

impl Envelope {
    /// Reads the envelope of a message.
    ///
    /// # Errors
    /// [`PqcTransportError::SignatureVerification`].
    pub fn read(algorithms: &Algorithms, message: &Object) -> Result<Self, PqcTransportError> {
        let wrong = |what: &str| PqcTransportError::SignatureVerification(what.to_owned());
        let envelope = message
            .get(ENVELOPE)
            .ok_or_else(|| wrong("the message is not signed"))?;
        let text = |name: &str| {
            let value = envelope.get(name).and_then(Json::as_str);
            value.ok_or_else(|| wrong(&format!("`{ENVELOPE}` has no text under `{name}`")))
        };
        let binary = |name: &str| {
            let bytes = hex::decode(text(name)?);
            bytes.ok_or_else(|| wrong(&format!("`{name}` is not in lower-case hexadecimal")))
        };
        let algorithm = text("algorithm")?;
        if algorithm != algorithms.label() {
            let expected = algorithms.label();
            let text = format!("made with `{}`, not `{expected}`", printable(algorithm));
            return Err(wrong(&text));
        }
        let nonce = text("nonce")?;
        let session = match envelope.get("session_id") {
            None => None,
            Some(Json::String(session)) => Some(session.clone()),
            Some(_) => return Err(wrong("`session_id` is no text")),
        };
        Ok(Self {
            signer: Did::parse(text("signer_did")?).ok_or_else(|| wrong("`signer_did` is none"))?,
            unix_micros: super::timestamp::parse(text("timestamp")?)
                .ok_or_else(|| wrong("`timestamp` is none"))?,
            nonce: parse_nonce(nonce).ok_or_else(|| wrong("`nonce` is none"))?,
            signature: binary("signature")?,
            public_key: binary("public_key")?,
            session,
        })
    }
}

/// Reads 32 lower-case hexadecimal digits.
#[must_use]
pub fn parse_nonce(text: &str) -> Option<Nonce> {
    hex::decode(text)?.try_into().ok()
}

/// A fresh nonce, session or request number.
#[must_use]
pub fn fresh(rng: &mut dyn CryptoRng) -> String {
    let mut bytes = Nonce::default();
    rng.fill_bytes(&mut bytes);
    hex::encode(&bytes)
}

/// A message whose signature is the signer's. Whether the signer may say anything is another
/// question.
#[derive(Clone, Debug, PartialEq)]
pub struct VerifiedMessage {
    /// The message without its envelope.
    pub message: Object,
    /// The envelope.
    pub envelope: Envelope,
}

/// Signs and verifies messages.
#[derive(Clone)]
pub struct MessageSigner {
    identity: Arc<Identity>,
}

impl MessageSigner {
    /// Signs as `identity`.
    #[must_use]
    pub fn new(identity: Arc<Identity>) -> Self {
        Self { identity }
    }

    /// Who signs.
    #[must_use]
    pub fn identity(&self) -> &Arc<Identity> {
        &self.identity
    }

    /// The text that is signed: the message without its envelope, as Python writes it.
    #[must_use]
    pub fn canonicalize(message: &Object) -> Vec<u8> {
        let bare = Json::Object(Self::strip_pqc(message));
        bare.canonical().into_bytes()
    }

    /// The message without its envelope.
    #[must_use]
    pub fn strip_pqc(message: &Object) -> Object {
        let mut bare = message.clone();
        bare.remove(ENVELOPE);
        bare
    }

    /// Puts an envelope beside a message, in the place of one that is there.
    ///
    /// # Errors
    /// [`PqcTransportError::Internal`].
    pub fn sign_message(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        message: &Object,
        session: Option<&str>,
    ) -> Result<Object, PqcTransportError> {
        let mut signed = Self::strip_pqc(message);
        let text = Json::Object(signed.clone()).canonical();
        let signature = self.identity.sign(rng, text.as_bytes())?;
        let mut envelope: Object = [
            ("signer_did", self.identity.did().as_str()),
            ("algorithm", self.identity.algorithms().label()),
            ("timestamp", &now.iso8601()),
            ("nonce", &fresh(rng)),
            ("signature", &hex::encode(&signature)),
            ("public_key", &hex::encode(self.identity.public_key())),
        ]
        .into_iter()
        .collect();
        if let Some(session) = session {
            envelope.insert("session_id", session);
        }
        signed.insert(ENVELOPE, envelope);
        Ok(signed)
    }

    /// Verifies a message by the key that it shows.
    ///
    /// # Errors
    /// [`PqcTransportError::SignatureVerification`], also when the signer's name is not that of
    /// the key.
    pub fn verify_message(&self, message: &Object) -> Result<VerifiedMessage, PqcTransportError> {
        let algorithms = self.identity.algorithms();
        let envelope = Envelope::read(algorithms, message)?;
        if algorithms.did(&envelope.public_key) != envelope.signer {
            return Err(foreign_key());
        }
        let key = algorithms.import(&envelope.public_key)?;
        verify(algorithms, &key, message, envelope)
    }
}

/// Verifies a message by a key that is known already.
pub(crate) fn verify(
    algorithms: &Algorithms,
    key: &VerifyingKey,
    message: &Object,
    envelope: Envelope,
) -> Result<VerifiedMessage, PqcTransportError> {
    let message = MessageSigner::strip_pqc(message);
    let text = Json::Object(message.clone()).canonical();
    algorithms.verify(key, text.as_bytes(), &envelope.signature)?;
    Ok(VerifiedMessage { message, envelope })
}

/// A name that is not that of the key.
pub(crate) fn foreign_key() -> PqcTransportError {
    PqcTransportError::SignatureVerification("the signer's name is not that of the key".into())
}

/// A peer's words, which nothing vouches for, on their way to a terminal or a log: without control
/// characters and directional marks, and not without end.
#[must_use]
pub fn printable(text: &str) -> String {
    let plain = |character: &char| {
        let directional = matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        );
        !character.is_control() && !directional
    };
    text.chars().filter(plain).take(MOST_PRINTED).collect()
}

const MOST_PRINTED: usize = 500;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_left_out() {
        assert_eq!(printable("a\u{1b}[0m\nb\u{202e}c\u{85}é"), "a[0mbcé");
        assert_eq!(printable(&"x".repeat(1000)).len(), MOST_PRINTED);
    }
}
