//! `qflare-1`: the HTTP interface of deployed devices, both ends.
//!
//! ```text
//! device                                             server
//!   GET  /health              ──────────────────────▶
//!   POST /api/enroll          ── token, two keys ───▶  uses the token up
//!   POST /api/challenge       ── device ────────────▶  encapsulates to its KEM key, once
//!   POST /api/verify_challenge── a MAC of the secret ▶  a session token
//!   GET  /api/global_model    ──────────────────────▶  raw f32
//!   POST /api/submit_model    ── weights, signature ▶  verifies, keeps, counts
//! ```
//!
//! What it cannot protect is listed at every start; `docs/protocols/qflare.md` has the bytes.

mod challenge;
mod client;
mod server;

pub(crate) use client::accepted;
pub use client::{Client, Fetched};
pub use server::Server;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::kdf::{AdmittedKdf, KdfError};
use pqfw_framework::secret::SecretBytes;

use crate::crypto::hmac;
use crate::state::DeviceId;

/// How many challenges a KEM key gets: unsalted keys are safe for fewer than 2^8 ciphertexts.
pub const MOST_CHALLENGES: u64 = 256;

/// What both ends make of the encapsulated secret:
/// `HMAC(HKDF(secret, "qflare-1 confirm"), device ‖ 00 ‖ ciphertext)`.
pub(crate) fn confirmation(
    kdf: &AdmittedKdf,
    sha256: &AdmittedHash,
    secret: &SecretBytes,
    device: &DeviceId,
    ciphertext: &[u8],
) -> Result<SecretBytes, KdfError> {
    let key = kdf.derive(&[], secret.expose(), &[b"qflare-1 confirm"], 32)?;
    let parts = [device.as_str().as_bytes(), b"\0", ciphertext];
    Ok(hmac(sha256, key.expose(), &parts))
}

pub(crate) mod route {
    pub(crate) const HEALTH: &str = "/health";
    pub(crate) const API_HEALTH: &str = "/api/health";
    pub(crate) const ENROLL: &str = "/api/enroll";
    pub(crate) const CHALLENGE: &str = "/api/challenge";
    pub(crate) const VERIFY: &str = "/api/verify_challenge";
    pub(crate) const AUTHENTICATE: &str = "/api/authenticate";
    pub(crate) const SUBMIT: &str = "/api/submit_model";
    pub(crate) const MODEL: &str = "/api/global_model";
    pub(crate) const DEVICES: &str = "/api/devices";
    pub(crate) const ENCLAVE: &str = "/api/enclave/status";
    pub(crate) const QKEY: &str = "/api/request_qkey";
}
