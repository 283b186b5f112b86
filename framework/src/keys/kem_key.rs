//! A node's key of a KEM: a file, made on first start, as its identity is.

use super::stored::{self, Keyed};
use super::{IdentityError, KeyImportError, PrivateKeyParts};
use crate::catalogue::AlgorithmInfo;
use crate::kem::{AdmittedKem, DecapsulationKey, KemError};
use crate::rand_core::CryptoRng;
use crate::secret::{SecretBytes, SecretKind};
use crate::system::KeyFiles;

/// The key in the file `name`, or, when that one is of another algorithm, in `NAME-ALGORITHM.pem`
/// beside it. When there is no such file the key is made and written; the second value says so.
///
/// # Errors
/// [`IdentityError`]. A file that is there and cannot be read is never replaced.
pub fn kem_key(
    files: &dyn KeyFiles,
    name: &str,
    kem: &AdmittedKem,
    rng: &mut dyn CryptoRng,
) -> Result<(DecapsulationKey, bool), IdentityError> {
    stored::stored_or_new(files, name, kem, rng)
}

/// The key in a file; `None` when there is no such file.
///
/// # Errors
/// [`IdentityError`].
pub fn stored_kem_key(
    files: &dyn KeyFiles,
    name: &str,
    kem: &AdmittedKem,
) -> Result<Option<DecapsulationKey>, IdentityError> {
    stored::stored(files, name, kem)
}

/// Makes a key and writes it, over what is there.
///
/// # Errors
/// [`IdentityError`].
pub fn new_kem_key(
    files: &dyn KeyFiles,
    name: &str,
    kem: &AdmittedKem,
    rng: &mut dyn CryptoRng,
) -> Result<DecapsulationKey, IdentityError> {
    stored::new(files, name, kem, rng)
}

impl Keyed for AdmittedKem {
    type Key = DecapsulationKey;

    fn info(&self) -> &AlgorithmInfo {
        self.info()
    }

    fn import(&self, parts: &PrivateKeyParts) -> Result<DecapsulationKey, KeyImportError> {
        self.import_private_key(parts)
    }

    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<DecapsulationKey, IdentityError> {
        Ok(self.generate_storable(rng)?)
    }

    fn parts(key: &DecapsulationKey) -> Result<PrivateKeyParts, IdentityError> {
        Ok(PrivateKeyParts {
            seed: export(key, SecretKind::Seed)?,
            expanded: export(key, SecretKind::Expanded)?,
            public_key: Some(key.encapsulation_key()),
        })
    }
}

fn export(key: &DecapsulationKey, kind: SecretKind) -> Result<Option<SecretBytes>, KemError> {
    match key.export(kind) {
        Err(KemError::FormUnsupported(_)) => Ok(None),
        other => other.map(Some),
    }
}
