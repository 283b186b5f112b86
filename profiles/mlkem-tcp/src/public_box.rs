//! A public box: anybody seals to a KEM key, and only its owner opens.
//!
//! ```text
//! seal:  (ct, ss) = Encaps(key)    k = KDF(ss, no salt, "ml-kem-aesgcm-v1")    c = AEAD(k, nonce, aad, m)
//! open:  ss = Decaps(ct)           k = the same                                m = AEAD⁻¹(…)
//! ```
//!
//! A box says nothing about who sealed it, and whoever gets the owner's key later opens it.

use pqfw_framework::aead::{AeadError, AeadKey};
use pqfw_framework::kdf::KdfError;
use pqfw_framework::kem::{DecapsulationKey, EncapsulationKey, KemError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::suite::Suite;
use thiserror::Error;

use crate::wire::Bundle;

/// The info string of the key derivation, whatever the suite; the salt is empty.
const KEY_INFO: &[u8] = b"ml-kem-aesgcm-v1";

/// Why a box cannot be made or opened.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BoxError {
    /// The peer's fault, or somebody's in between: the box is not what was sealed to this key.
    #[error("the message does not decrypt: it was changed, or sealed to another key")]
    Rejected,
    /// The caller's fault for keys and lengths of another algorithm, else a provider's.
    #[error("cryptography: {0}")]
    Crypto(String),
}

/// Seals `plaintext` to the owner of `key`, with a fresh encapsulation.
///
/// # Errors
/// [`BoxError::Crypto`].
pub fn seal(
    suite: &Suite,
    key: &EncapsulationKey,
    rng: &mut dyn CryptoRng,
    plaintext: &[u8],
    aad: &[u8],
) -> Result<Bundle, BoxError> {
    let (kem_ciphertext, shared_secret) = suite.kem.encapsulate(key, rng)?;
    let key = derive(suite, &shared_secret)?;
    let mut nonce = vec![0; suite.aead.sizes().nonce];
    rng.fill_bytes(&mut nonce);
    let ciphertext = key.seal(&nonce, aad, plaintext)?;
    Ok(Bundle {
        kem_ciphertext,
        nonce,
        ciphertext,
        aad: aad.to_vec(),
    })
}

/// Opens a box with its owner's key.
///
/// # Errors
/// [`BoxError::Rejected`], also for an encapsulation that was changed; [`BoxError::Crypto`].
pub fn open(
    suite: &Suite,
    key: &DecapsulationKey,
    bundle: &Bundle,
) -> Result<SecretBytes, BoxError> {
    let shared_secret = suite.kem.decapsulate(key, &bundle.kem_ciphertext)?;
    let key = derive(suite, &shared_secret)?;
    let opened = key.open(&bundle.nonce, &bundle.aad, &bundle.ciphertext)?;
    Ok(SecretBytes::own(opened))
}

fn derive(suite: &Suite, shared_secret: &SecretBytes) -> Result<AeadKey, BoxError> {
    let length = suite.aead.sizes().key;
    let key = suite
        .kdf
        .derive(&[], shared_secret.expose(), &[KEY_INFO], length)?;
    Ok(suite.aead.key(key.expose())?)
}

impl From<AeadError> for BoxError {
    fn from(error: AeadError) -> Self {
        match error {
            AeadError::Rejected => Self::Rejected,
            other => Self::Crypto(other.to_string()),
        }
    }
}

impl From<KemError> for BoxError {
    fn from(error: KemError) -> Self {
        match error {
            KemError::CiphertextInvalid => Self::Rejected,
            other => Self::Crypto(other.to_string()),
        }
    }
}

impl From<KdfError> for BoxError {
    fn from(error: KdfError) -> Self {
        Self::Crypto(error.to_string())
    }
}
