//! Fingerprints: how people and configuration name a public key.

use std::fmt;

use super::{KeyCodecError, public_to_der};
use crate::catalogue::AlgorithmInfo;
use crate::hash::AdmittedHash;

/// `sha256:` and 64 lower-case hexadecimal digits over the DER SubjectPublicKeyInfo.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// How many bytes the text has.
    pub const LENGTH: usize = 71;

    /// The fingerprint of a public key in its specification's encoding.
    ///
    /// # Errors
    /// [`KeyCodecError::NoIdentifier`].
    pub fn of(
        sha256: &AdmittedHash,
        info: &AlgorithmInfo,
        public_key: &[u8],
    ) -> Result<Self, KeyCodecError> {
        Ok(Self::of_spki(sha256, &public_to_der(info, public_key)?))
    }

    /// The fingerprint of a DER SubjectPublicKeyInfo.
    #[must_use]
    pub fn of_spki(sha256: &AdmittedHash, spki: &[u8]) -> Self {
        let digest = sha256.digest(&[spki]);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        Self(format!("sha256:{hex}"))
    }

    /// Reads a fingerprint; `None` for any other text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let well_formed = hex.len() == 64
            && hex
                .bytes()
                .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
