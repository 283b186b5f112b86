//! The cryptography of a card: an encapsulation, two keys from its secret, one seal each way.

use pqfw_framework::aead::AeadKey;
use pqfw_framework::kem::DecapsulationKey;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Failure, RunError};

/// What the keys are for. Another version of the protocol has another.
const LABEL: &[u8] = b"pqfw postcard 1";

/// A card on its way, and the key that will open its answer.
pub(crate) struct Sent {
    pub(crate) body: Vec<u8>,
    answer: AeadKey,
}

/// A card that arrived, and the key that seals its answer.
pub(crate) struct Received {
    pub(crate) text: String,
    answer: AeadKey,
}

/// Seals `text` to the office whose key is `public`.
pub(crate) fn send(
    suite: &Suite,
    public: &[u8],
    text: &str,
    rng: &mut dyn CryptoRng,
) -> Result<Sent, RunError> {
    let key = suite
        .kem
        .import_encapsulation_key(public)
        .map_err(refused)?;
    let (mut body, secret) = key.encapsulate(rng).map_err(broken)?;
    let (there, answer) = keys(suite, &secret, public, &body)?;
    let sealed = there.seal(&nonce(&there), &[], text.as_bytes());
    body.extend(sealed.map_err(broken)?);
    Ok(Sent { body, answer })
}

impl Sent {
    /// Opens the office's answer.
    pub(crate) fn open(&self, answer: &[u8]) -> Result<String, RunError> {
        let opened = self.answer.open(&nonce(&self.answer), &[], answer);
        String::from_utf8(opened.map_err(refused)?).map_err(refused)
    }
}

/// Opens a card. Whatever is wrong with it, the sender learns no more than that.
pub(crate) fn receive(
    suite: &Suite,
    key: &DecapsulationKey,
    body: &[u8],
) -> Result<Received, RunError> {
    let encapsulation = suite.kem.sizes().ciphertext;
    let (ciphertext, sealed) = body
        .split_at_checked(encapsulation)
        .ok_or_else(|| refused("it is too short"))?;
    let secret = key.decapsulate(ciphertext).map_err(refused)?;
    let (there, answer) = keys(suite, &secret, &key.encapsulation_key(), ciphertext)?;
    let card = there.open(&nonce(&there), &[], sealed).map_err(refused)?;
    let text = String::from_utf8(card).map_err(refused)?;
    Ok(Received { text, answer })
}

impl Received {
    /// Seals the answer.
    pub(crate) fn answer(&self, text: &str) -> Result<Vec<u8>, RunError> {
        let sealed = self.answer.seal(&nonce(&self.answer), &[], text.as_bytes());
        sealed.map_err(broken)
    }
}

/// The key of the card and that of its answer. Both ends have seen the same, or have other keys.
fn keys(
    suite: &Suite,
    secret: &SecretBytes,
    public: &[u8],
    ciphertext: &[u8],
) -> Result<(AeadKey, AeadKey), RunError> {
    let length = suite.aead.sizes().key;
    let name = suite.channel_name();
    let seen = [LABEL, name.as_bytes(), public, ciphertext];
    let derived = suite.kdf.derive(&[], secret.expose(), &seen, 2 * length);
    let derived = derived.map_err(broken)?;
    let (there, back) = derived.expose().split_at(length);
    let key = |bytes: &[u8]| suite.aead.key(bytes).map_err(broken);
    Ok((key(there)?, key(back)?))
}

/// Zero: each key seals once.
fn nonce(key: &AeadKey) -> Vec<u8> {
    vec![0; key.sizes().nonce]
}

fn refused(why: impl std::fmt::Display) -> RunError {
    RunError::new(
        Failure::Authentication,
        format!("a card that nobody sealed: {why}"),
    )
}

fn broken(why: impl std::fmt::Display) -> RunError {
    RunError::new(Failure::Operation, format!("sealing a card: {why}"))
}
