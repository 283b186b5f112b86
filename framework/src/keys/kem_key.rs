//! A node's key of a KEM: a file, made on first start, as its identity is.

use super::{IdentityError, KeyCodecError, PrivateKeyParts, private_from_file, private_to_pem};
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
    match stored_kem_key(files, name, kem) {
        Ok(Some(key)) => Ok((key, false)),
        Ok(None) => Ok((new_kem_key(files, name, kem, rng)?, true)),
        Err(IdentityError::Codec {
            error: KeyCodecError::WrongAlgorithm { .. },
            ..
        }) => {
            let stem = name.strip_suffix(".pem").unwrap_or(name);
            let beside = format!("{stem}-{}.pem", kem.info().id);
            match stored_kem_key(files, &beside, kem)? {
                Some(key) => Ok((key, false)),
                None => Ok((new_kem_key(files, &beside, kem, rng)?, true)),
            }
        }
        Err(other) => Err(other),
    }
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
    let Some(file) = files.read(name)? else {
        return Ok(None);
    };
    let place = || format!("{}/{name}", files.describe());
    let parts = private_from_file(kem.info(), file.expose());
    let parts = parts.map_err(|error| IdentityError::Codec {
        place: place(),
        error,
    })?;
    let key = kem.import_private_key(&parts);
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
pub fn new_kem_key(
    files: &dyn KeyFiles,
    name: &str,
    kem: &AdmittedKem,
    rng: &mut dyn CryptoRng,
) -> Result<DecapsulationKey, IdentityError> {
    let key = kem.generate_storable(rng)?;
    let parts = PrivateKeyParts {
        seed: export(&key, SecretKind::Seed)?,
        expanded: export(&key, SecretKind::Expanded)?,
        public_key: Some(key.encapsulation_key()),
    };
    let pem = private_to_pem(kem.info(), &parts);
    let pem = pem.map_err(|error| IdentityError::Codec {
        place: format!("{}/{name}", files.describe()),
        error,
    })?;
    files.write(name, pem.as_bytes(), true)?;
    Ok(key)
}

fn export(key: &DecapsulationKey, kind: SecretKind) -> Result<Option<SecretBytes>, KemError> {
    match key.export(kind) {
        Err(KemError::FormUnsupported(_)) => Ok(None),
        other => other.map(Some),
    }
}
