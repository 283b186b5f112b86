//! From a key file to a key: every statement that the file makes twice is compared.
//!
//! A file with both forms is imported by its seed, whose expansion must give the other form byte
//! for byte (RFC 9881 section 8.2, and RFC 9935 under the same heading); a public key beside the
//! private one must be the one that follows from it.

use thiserror::Error;

use super::PrivateKeyParts;
use crate::kem::{AdmittedKem, DecapsulationKey, KemError};
use crate::secret::{SecretBytes, SecretForm, SecretKind};
use crate::signature::{AdmittedSignature, SignatureError, SigningKey};

/// A private key file whose key cannot be had.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeyImportError {
    /// The file's fault: it says that it holds a private key, and there is none.
    #[error("there is no private key in the file")]
    Empty,
    /// The file's fault: seed and expanded key belong to two different keys.
    #[error(
        "the file's seed and its expanded key are two different keys; restore it from a backup"
    )]
    FormsDiffer,
    /// The file's fault: the public key beside it is another key's.
    #[error("the file's public key is not that of its private key; restore it from a backup")]
    PublicKeyDiffers,
    /// The algorithm refuses the key.
    #[error(transparent)]
    Kem(#[from] KemError),
    /// The algorithm refuses the key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

impl AdmittedKem {
    /// Imports what a key file holds, after comparing whatever it holds twice.
    ///
    /// # Errors
    /// [`KeyImportError`].
    pub fn import_private_key(
        &self,
        parts: &PrivateKeyParts,
    ) -> Result<DecapsulationKey, KeyImportError> {
        import(
            parts,
            |form| self.import_decapsulation_key(form),
            |key| key.export(SecretKind::Expanded),
            DecapsulationKey::encapsulation_key,
        )
    }
}

impl AdmittedSignature {
    /// Imports what a key file holds, after comparing whatever it holds twice.
    ///
    /// # Errors
    /// [`KeyImportError`].
    pub fn import_private_key(
        &self,
        parts: &PrivateKeyParts,
    ) -> Result<SigningKey, KeyImportError> {
        import(
            parts,
            |form| self.import_signing_key(form),
            |key| key.export(SecretKind::Expanded),
            SigningKey::verifying_key,
        )
    }
}

fn import<K, E>(
    parts: &PrivateKeyParts,
    import: impl Fn(SecretForm<'_>) -> Result<K, E>,
    expand: impl Fn(&K) -> Result<SecretBytes, E>,
    public_key: impl Fn(&K) -> Vec<u8>,
) -> Result<K, KeyImportError>
where
    KeyImportError: From<E>,
{
    let key = match (&parts.seed, &parts.expanded) {
        (Some(seed), None) => import(SecretForm::Seed(seed.expose()))?,
        (None, Some(expanded)) => import(SecretForm::Expanded(expanded.expose()))?,
        (Some(seed), Some(expanded)) => {
            let key = import(SecretForm::Seed(seed.expose()))?;
            if !expand(&key)?.constant_time_eq(expanded.expose()) {
                return Err(KeyImportError::FormsDiffer);
            }
            key
        }
        (None, None) => return Err(KeyImportError::Empty),
    };
    match &parts.public_key {
        Some(public) if *public != public_key(&key) => Err(KeyImportError::PublicKeyDiffers),
        _ => Ok(key),
    }
}
