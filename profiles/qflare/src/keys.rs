//! The key files of a device: its signing key, which is its identity, and its KEM key.
//!
//! Both are PKCS#8 in PEM, so that each says which algorithm it is of: `identity.pem`, or what the
//! profile calls it, and `device_kem.pem`.

use pqfw_framework::kem::{AdmittedKem, DecapsulationKey, KemError};
use pqfw_framework::keys::{
    PrivateKeyParts, identity_key, new_identity, private_from_file, private_to_pem, stored_identity,
};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretKind};
use pqfw_framework::signature::SigningKey;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::KeyFiles;

use crate::error::ClientError;

/// The file of the KEM key.
pub const KEM_FILE: &str = "device_kem.pem";
/// What new keys are written to before they replace the old ones.
const NEXT: &str = "next_";

/// The keys of a device.
pub struct DeviceKeys {
    /// What its updates are signed with.
    pub sign: SigningKey,
    /// What one-time secrets are encapsulated to.
    pub kem: DecapsulationKey,
}

impl DeviceKeys {
    /// Reads the keys; `None` when there are none.
    ///
    /// # Errors
    /// [`ClientError::Keys`] when one is missing or of another algorithm than the suite's.
    pub fn load(
        files: &dyn KeyFiles,
        identity: &str,
        suite: &Suite,
    ) -> Result<Option<Self>, ClientError> {
        let wrong = |reason: &dyn std::fmt::Display| unusable(files, reason);
        let sign = stored_identity(files, identity, &suite.signature).map_err(|e| wrong(&e))?;
        let kem = stored_kem(files, KEM_FILE, &suite.kem)?;
        match (sign, kem) {
            (Some(sign), Some(kem)) => Ok(Some(Self { sign, kem })),
            (None, None) => Ok(None),
            (Some(_), None) => Err(wrong(&format!("{KEM_FILE} is missing; restore it"))),
            (None, Some(_)) => Err(wrong(&format!("{identity} is missing; restore it"))),
        }
    }

    /// Reads the keys, or makes those that are not there. The flag says whether any was made.
    ///
    /// # Errors
    /// [`ClientError::Keys`], [`ClientError::KeyFile`], [`ClientError::Crypto`].
    pub fn load_or_generate(
        files: &dyn KeyFiles,
        identity: &str,
        suite: &Suite,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, bool), ClientError> {
        let made = identity_key(files, identity, &suite.signature, rng);
        let (sign, made_sign) = made.map_err(|error| unusable(files, &error))?;
        let (kem, made_kem) = match stored_kem(files, KEM_FILE, &suite.kem)? {
            Some(kem) => (kem, false),
            None => (new_kem(files, KEM_FILE, &suite.kem, rng)?, true),
        };
        Ok((Self { sign, kem }, made_sign || made_kem))
    }

    /// Makes the keys that shall replace these and keeps them beside, or reads those that an
    /// attempt has left there: the server may have taken them already.
    ///
    /// # Errors
    /// [`ClientError::Keys`], [`ClientError::KeyFile`], [`ClientError::Crypto`].
    pub fn next(
        &self,
        files: &dyn KeyFiles,
        identity: &str,
        suite: &Suite,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, ClientError> {
        let left = Self::left(files, identity, suite)?;
        if let Some(left) = left
            && left.sign.verifying_key() != self.sign.verifying_key()
        {
            return Ok(left);
        }
        let (sign_file, kem_file) = next_files(identity);
        let sign = new_identity(files, &sign_file, &suite.signature, rng);
        let sign = sign.map_err(|error| unusable(files, &error))?;
        let kem = new_kem(files, &kem_file, &suite.kem, rng)?;
        Ok(Self { sign, kem })
    }

    /// The keys that an attempt to replace the ones there has left; `None` when there are none.
    ///
    /// # Errors
    /// [`ClientError::Keys`], [`ClientError::KeyFile`].
    pub fn left(
        files: &dyn KeyFiles,
        identity: &str,
        suite: &Suite,
    ) -> Result<Option<Self>, ClientError> {
        let (sign_file, kem_file) = next_files(identity);
        let sign = stored_identity(files, &sign_file, &suite.signature);
        let sign = sign.map_err(|error| unusable(files, &error))?;
        let kem = stored_kem(files, &kem_file, &suite.kem)?;
        Ok(sign.zip(kem).map(|(sign, kem)| Self { sign, kem }))
    }

    /// Puts these keys in the place of the ones there, and removes their copies once they are.
    ///
    /// # Errors
    /// [`ClientError::KeyFile`], [`ClientError::Crypto`].
    pub fn replace(&self, files: &dyn KeyFiles, identity: &str) -> Result<(), ClientError> {
        let parts = sign_parts(&self.sign)?;
        let pem = private_to_pem(self.sign.info(), &parts);
        let pem = pem.map_err(|error| unusable(files, &error))?;
        files.write(identity, pem.as_bytes(), true)?;
        write_kem(files, KEM_FILE, &self.kem)?;
        let (sign_file, kem_file) = next_files(identity);
        files.remove(&sign_file)?;
        Ok(files.remove(&kem_file)?)
    }
}

fn next_files(identity: &str) -> (String, String) {
    (format!("{NEXT}{identity}"), format!("{NEXT}{KEM_FILE}"))
}

fn sign_parts(key: &SigningKey) -> Result<PrivateKeyParts, ClientError> {
    Ok(PrivateKeyParts {
        seed: key.export(SecretKind::Seed).ok(),
        expanded: Some(key.export(SecretKind::Expanded)?),
        public_key: Some(key.verifying_key()),
    })
}

fn unusable(files: &dyn KeyFiles, reason: &dyn std::fmt::Display) -> ClientError {
    ClientError::Keys {
        place: files.describe(),
        reason: reason.to_string(),
    }
}

fn stored_kem(
    files: &dyn KeyFiles,
    name: &str,
    kem: &AdmittedKem,
) -> Result<Option<DecapsulationKey>, ClientError> {
    let Some(file) = files.read(name)? else {
        return Ok(None);
    };
    let wrong = |reason: &dyn std::fmt::Display| unusable(files, &format!("{name}: {reason}"));
    let parts = private_from_file(kem.info(), file.expose()).map_err(|error| wrong(&error))?;
    let key = kem
        .import_private_key(&parts)
        .map_err(|error| wrong(&error))?;
    Ok(Some(key))
}

fn new_kem(
    files: &dyn KeyFiles,
    name: &str,
    kem: &AdmittedKem,
    rng: &mut dyn CryptoRng,
) -> Result<DecapsulationKey, ClientError> {
    let key = kem.generate_storable(rng)?;
    write_kem(files, name, &key)?;
    Ok(key)
}

fn write_kem(files: &dyn KeyFiles, name: &str, key: &DecapsulationKey) -> Result<(), ClientError> {
    let parts = PrivateKeyParts {
        seed: export(key, SecretKind::Seed)?,
        expanded: export(key, SecretKind::Expanded)?,
        public_key: Some(key.encapsulation_key()),
    };
    let pem = private_to_pem(key.info(), &parts).map_err(|error| unusable(files, &error))?;
    Ok(files.write(name, pem.as_bytes(), true)?)
}

fn export(key: &DecapsulationKey, kind: SecretKind) -> Result<Option<SecretBytes>, KemError> {
    match key.export(kind) {
        Err(KemError::FormUnsupported(_)) => Ok(None),
        other => other.map(Some),
    }
}
