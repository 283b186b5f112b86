//! `qflare-2`: the same operations on the channel, where each end has proved who it is.
//!
//! ```text
//! device                                           server
//!   POST /v2/prove        ── a KEM key, a token's MAC ▶  encapsulates to the key
//!   POST /v2/enroll       ── answer, MAC, signature ─▶   device and token in one transaction
//!   GET  /v2/model        ────────────────────────────▶  the model, signed
//!   PUT  /v2/rounds/R/updates/D ── transcript, weights ▶ a receipt
//!   POST /v2/session-key  ── an ephemeral KEM key ────▶  a key for one use
//!   POST /v2/rotate       ── old key signs new, new old ▶
//! ```
//!
//! The device's identity in the channel is its signature key. What is signed is evidence when the
//! session is gone: see [`Update`]. `docs/protocols/qflare.md` has the bytes.

mod client;
mod devices;
mod enrolment;
mod message;
mod model;
mod proofs;
mod rotation;
mod server;
mod session_keys;
mod token;
mod update;

pub use client::{Client, Fetched};
pub use devices::Devices;
pub use message::{Message, MessageError};
pub use server::Server;
pub use session_keys::SessionKeys;
pub use token::EnrolToken;
pub use update::{Update, UpdateError};

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::wire::Writer;

use crate::crypto::hmac;
use crate::state::{DeviceId, PublicKey};

/// What the channel carries.
pub const PROTOCOL: &str = "qflare-2";

pub(crate) mod route {
    pub(crate) const STATUS: &str = "/v2/status";
    pub(crate) const PROVE: &str = "/v2/prove";
    pub(crate) const ENROLL: &str = "/v2/enroll";
    pub(crate) const MODEL: &str = "/v2/model";
    pub(crate) const ROUNDS: &str = "/v2/rounds/";
    pub(crate) const ROTATE: &str = "/v2/rotate";
    pub(crate) const SESSION_KEY: &str = "/v2/session-key";
}

/// Labels of what is signed, and of what the channel exports.
pub(crate) mod label {
    pub(crate) const ENROL: &str = "qflare-2/enrol";
    pub(crate) const UPDATE: &str = "qflare-2/update";
    pub(crate) const MODEL: &str = "qflare-2/model";
    pub(crate) const OLD_KEY: &str = "qflare-2/rotate-old";
    pub(crate) const NEW_KEY: &str = "qflare-2/rotate-new";
    pub(crate) const PROVE: &str = "qflare-2/prove";
    pub(crate) const SESSION_KEY: &str = "qflare-2/session-key";
}

/// The claim of KEMs whose keys are not safe for many ciphertexts: no static key is of such a one.
pub(crate) const SINGLE_USE: &str = "single-use-key";

/// What is exported from a channel, in bytes.
pub(crate) const EXPORTED: usize = 32;

/// What is signed under a label: `"pqfw/1 " ‖ label ‖ 00 ‖ digest`, as the channel's identities do.
pub(crate) fn statement<'a>(label: &'a str, digest: &'a [u8]) -> [&'a [u8]; 4] {
    [b"pqfw/1 ", label.as_bytes(), &[0], digest]
}

/// A device and its keys, bound to one channel, each part behind its length.
pub(crate) fn keys_transcript(
    exporter: &[u8],
    device: &DeviceId,
    sign: &PublicKey,
    kem: &PublicKey,
) -> Vec<u8> {
    parts(&[
        exporter,
        device.as_str().as_bytes(),
        sign.algorithm.as_bytes(),
        &sign.key,
        kem.algorithm.as_bytes(),
        &kem.key,
    ])
}

/// Each part behind its length, u64 big-endian.
pub(crate) fn parts(parts: &[&[u8]]) -> Vec<u8> {
    let mut writer = Writer::new();
    for part in parts {
        writer.u64(part.len() as u64).bytes(part);
    }
    writer.finish()
}

/// What proves a token: `HMAC(SHA-256(secret), transcript)`. The secret never travels, and what the
/// server keeps of it verifies the MAC.
pub(crate) fn token_mac(sha256: &AdmittedHash, token: &[u8], transcript: &[u8]) -> SecretBytes {
    hmac(sha256, token, &[label::ENROL.as_bytes(), b"\0", transcript])
}

/// What proves a KEM key: `HMAC(secret, transcript ‖ ciphertext)`.
pub(crate) fn kem_mac(
    sha256: &AdmittedHash,
    secret: &SecretBytes,
    transcript: &[u8],
    ciphertext: &[u8],
) -> SecretBytes {
    let transcript = parts(&[label::PROVE.as_bytes(), transcript, ciphertext]);
    hmac(sha256, secret.expose(), &[&transcript])
}
