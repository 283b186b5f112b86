//! A node's identity: a signing key in a file, made on first start.

use thiserror::Error;

use super::{KeyCodecError, KeyImportError, PrivateKeyParts, private_from_file, private_to_pem};
use crate::kem::KemError;
use crate::rand_core::CryptoRng;
use crate::secret::{SecretBytes, SecretKind};
use crate::signature::{AdmittedSignature, SignatureError, SigningKey};
use crate::system::{KeyFileError, KeyFiles};

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
    match stored_identity(files, name, signature) {
        Ok(Some(key)) => Ok((key, false)),
        Ok(None) => Ok((new_identity(files, name, signature, rng)?, true)),
        Err(IdentityError::Codec {
            error: KeyCodecError::WrongAlgorithm { .. },
            ..
        }) => {
            let stem = name.strip_suffix(".pem").unwrap_or(name);
            let beside = format!("{stem}-{}.pem", signature.info().id);
            match stored_identity(files, &beside, signature)? {
                Some(key) => Ok((key, false)),
                None => Ok((new_identity(files, &beside, signature, rng)?, true)),
            }
        }
        Err(other) => Err(other),
    }
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
    let Some(file) = files.read(name)? else {
        return Ok(None);
    };
    let place = || format!("{}/{name}", files.describe());
    let parts = private_from_file(signature.info(), file.expose()).map_err(|error| {
        IdentityError::Codec {
            place: place(),
            error,
        }
    })?;
    let key = signature.import_private_key(&parts);
    let key = key.map_err(|error| IdentityError::Import {
        place: place(),
        error,
    })?;
    Ok(Some(key))
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
    let key = signature.generate_storable(rng)?;
    let parts = PrivateKeyParts {
        seed: export(&key, SecretKind::Seed)?,
        expanded: export(&key, SecretKind::Expanded)?,
        public_key: Some(key.verifying_key()),
    };
    let pem = private_to_pem(signature.info(), &parts);
    let pem = pem.map_err(|error| IdentityError::Codec {
        place: format!("{}/{name}", files.describe()),
        error,
    })?;
    files.write(name, pem.as_bytes(), true)?;
    Ok(key)
}

fn export(key: &SigningKey, kind: SecretKind) -> Result<Option<SecretBytes>, SignatureError> {
    match key.export(kind) {
        Err(SignatureError::FormUnsupported(_)) => Ok(None),
        other => other.map(Some),
    }
}
