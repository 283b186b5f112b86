//! A private key in a file, made on first start: the same for every kind of algorithm.

use super::{
    IdentityError, KeyCodecError, KeyImportError, PrivateKeyParts, private_from_file,
    private_to_pem,
};
use crate::catalogue::AlgorithmInfo;
use crate::rand_core::CryptoRng;
use crate::system::KeyFiles;

/// An algorithm with private keys.
pub(super) trait Keyed {
    type Key;

    fn info(&self) -> &AlgorithmInfo;

    fn import(&self, parts: &PrivateKeyParts) -> Result<Self::Key, KeyImportError>;

    /// Makes a key that can be exported.
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Self::Key, IdentityError>;

    /// What a file holds of a key.
    fn parts(key: &Self::Key) -> Result<PrivateKeyParts, IdentityError>;
}

/// The key in the file `name`, or, when that one is of another algorithm, in `NAME-ALGORITHM.pem`
/// beside it. When there is no such file the key is made and written; the second value says so.
pub(super) fn stored_or_new<A: Keyed>(
    files: &dyn KeyFiles,
    name: &str,
    algorithm: &A,
    rng: &mut dyn CryptoRng,
) -> Result<(A::Key, bool), IdentityError> {
    match stored(files, name, algorithm) {
        Ok(Some(key)) => Ok((key, false)),
        Ok(None) => Ok((new(files, name, algorithm, rng)?, true)),
        Err(IdentityError::Codec {
            error: KeyCodecError::WrongAlgorithm { .. },
            ..
        }) => {
            let stem = name.strip_suffix(".pem").unwrap_or(name);
            let beside = format!("{stem}-{}.pem", algorithm.info().id);
            match stored(files, &beside, algorithm)? {
                Some(key) => Ok((key, false)),
                None => Ok((new(files, &beside, algorithm, rng)?, true)),
            }
        }
        Err(other) => Err(other),
    }
}

/// The key in a file; `None` when there is no such file.
pub(super) fn stored<A: Keyed>(
    files: &dyn KeyFiles,
    name: &str,
    algorithm: &A,
) -> Result<Option<A::Key>, IdentityError> {
    let Some(file) = files.read(name)? else {
        return Ok(None);
    };
    let place = || format!("{}/{name}", files.describe());
    let parts = private_from_file(algorithm.info(), file.expose());
    let parts = parts.map_err(|error| IdentityError::Codec {
        place: place(),
        error,
    })?;
    let key = algorithm.import(&parts);
    let key = key.map_err(|error| IdentityError::Import {
        place: place(),
        error,
    })?;
    Ok(Some(key))
}

/// Makes a key and writes it, over what is there.
pub(super) fn new<A: Keyed>(
    files: &dyn KeyFiles,
    name: &str,
    algorithm: &A,
    rng: &mut dyn CryptoRng,
) -> Result<A::Key, IdentityError> {
    let key = algorithm.generate(rng)?;
    let pem = private_to_pem(algorithm.info(), &A::parts(&key)?);
    let pem = pem.map_err(|error| IdentityError::Codec {
        place: format!("{}/{name}", files.describe()),
        error,
    })?;
    files.write(name, pem.as_bytes(), true)?;
    Ok(key)
}
