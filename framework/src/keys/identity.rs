//! A node's identity: a signing key in a file, made on first start.

use thiserror::Error;

use super::stored::{self, Keyed};
use super::{KeyCodecError, KeyImportError, PrivateKeyParts};
use crate::catalogue::AlgorithmInfo;
use crate::kem::KemError;
use crate::rand_core::CryptoRng;
use crate::secret::{SecretBytes, SecretKind};
use crate::signature::{AdmittedSignature, SignatureError, SigningKey};
use crate::system::{Failure, KeyFileError, KeyFiles, RunError};

/// An identity that cannot be had.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum IdentityError {
    /// The machine's or operator's fault: the file cannot be read or written.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// The operator's fault: the file holds no private key of this algorithm.
    #[error("{place}: {error}")]
    Codec {
        /// The file.
        place: String,
        /// What is wrong with it.
        error: KeyCodecError,
    },
    /// The operator's fault: the key in the file is not one.
    #[error("{place}: {error}")]
    Import {
        /// The file.
        place: String,
        /// What is wrong with it.
        error: KeyImportError,
    },
    /// The provider's fault: no key could be made.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The provider's fault: no key could be made.
    #[error(transparent)]
    Kem(#[from] KemError),
}

impl From<IdentityError> for RunError {
    fn from(error: IdentityError) -> Self {
        let failure = match &error {
            IdentityError::File(_) | IdentityError::Signature(_) | IdentityError::Kem(_) => {
                Failure::Operation
            }
            IdentityError::Codec { .. } | IdentityError::Import { .. } => Failure::Usage,
        };
        Self::new(failure, error)
    }
}

/// The key in the file `name`, or, when that one is of another algorithm, in `NAME-ALGORITHM.pem`
/// beside it. When there is no such file the key is made and written; the second value says so.
///
/// # Errors
/// [`IdentityError`]. A file that is there and cannot be read is never replaced.
pub fn identity_key(
    files: &dyn KeyFiles,
    name: &str,
    signature: &AdmittedSignature,
    rng: &mut dyn CryptoRng,
) -> Result<(SigningKey, bool), IdentityError> {
    stored::stored_or_new(files, name, signature, rng)
}

/// The key in a file; `None` when there is no such file.
///
/// # Errors
/// [`IdentityError`].
pub fn stored_identity(
    files: &dyn KeyFiles,
    name: &str,
    signature: &AdmittedSignature,
) -> Result<Option<SigningKey>, IdentityError> {
    stored::stored(files, name, signature)
}

/// Makes a key and writes it, over what is there.
///
/// # Errors
/// [`IdentityError`].
pub fn new_identity(
    files: &dyn KeyFiles,
    name: &str,
    signature: &AdmittedSignature,
    rng: &mut dyn CryptoRng,
) -> Result<SigningKey, IdentityError> {
    stored::new(files, name, signature, rng)
}

impl Keyed for AdmittedSignature {
    type Key = SigningKey;

    fn info(&self) -> &AlgorithmInfo {
        self.info()
    }

    fn import(&self, parts: &PrivateKeyParts) -> Result<SigningKey, KeyImportError> {
        self.import_private_key(parts)
    }

    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<SigningKey, IdentityError> {
        Ok(self.generate_storable(rng)?)
    }

    fn parts(key: &SigningKey) -> Result<PrivateKeyParts, IdentityError> {
        Ok(PrivateKeyParts {
            seed: export(key, SecretKind::Seed)?,
            expanded: export(key, SecretKind::Expanded)?,
            public_key: Some(key.verifying_key()),
        })
    }
}

fn export(key: &SigningKey, kind: SecretKind) -> Result<Option<SecretBytes>, SignatureError> {
    match key.export(kind) {
        Err(SignatureError::FormUnsupported(_)) => Ok(None),
        other => other.map(Some),
    }
}
