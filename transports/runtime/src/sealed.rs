//! Private keys under a passphrase, whatever a system reads and writes: `keys.passphrase_file`.
//!
//! A private key in PEM is encrypted before it is written (scrypt and AES-256-CBC, as `pqfw keys`
//! does) and decrypted when it is read. Other files pass as they are.

use std::sync::Arc;

use pqfw_framework::keys::{
    KeyCodecError, PassphraseKdf, decrypt_private, encrypt_private, encrypted_der_to_pem,
    private_pem_to_der,
};
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::system::{KeyFileError, KeyFiles};
use pqfw_framework::world::World;

use crate::secrecy::holds_private_key;

/// Key files whose private keys are encrypted.
pub struct SealedKeys {
    inner: Arc<dyn KeyFiles>,
    passphrase: SecretBytes,
    world: Arc<dyn World>,
}

impl SealedKeys {
    /// Encrypts what is written to other key files, and decrypts what is read there.
    #[must_use]
    pub fn new(inner: Arc<dyn KeyFiles>, passphrase: SecretBytes, world: Arc<dyn World>) -> Self {
        Self {
            inner,
            passphrase,
            world,
        }
    }

    fn refused(&self, name: &str, error: &KeyCodecError) -> KeyFileError {
        let reason = match error {
            // To go on with it would let the operator believe that it is protected.
            KeyCodecError::NotEncrypted => {
                "it is not encrypted, and keys.passphrase_file is set: encrypt it by `pqfw keys \
                 convert`"
                    .to_owned()
            }
            other => other.to_string(),
        };
        KeyFileError {
            path: format!("{}/{name}", self.inner.describe()),
            reason,
        }
    }

    fn seal(&self, pem: &[u8]) -> Result<SecretBytes, KeyCodecError> {
        let der = private_pem_to_der(pem)?;
        let kdf = PassphraseKdf::default();
        let sealed = encrypt_private(&der, &self.passphrase, kdf, &mut *self.world.rng())?;
        let pem = encrypted_der_to_pem(&sealed)?;
        Ok(SecretBytes::copy_of(pem.as_bytes()))
    }
}

impl KeyFiles for SealedKeys {
    fn read(&self, name: &str) -> Result<Option<SecretBytes>, KeyFileError> {
        let Some(file) = self.inner.read(name)? else {
            return Ok(None);
        };
        if !holds_private_key(file.expose()) {
            return Ok(Some(file));
        }
        let opened = decrypt_private(file.expose(), &self.passphrase);
        opened.map(Some).map_err(|error| self.refused(name, &error))
    }

    fn write(&self, name: &str, bytes: &[u8], secret: bool) -> Result<(), KeyFileError> {
        if !holds_private_key(bytes) {
            return self.inner.write(name, bytes, secret);
        }
        let sealed = self
            .seal(bytes)
            .map_err(|error| self.refused(name, &error))?;
        self.inner.write(name, sealed.expose(), true)
    }

    fn remove(&self, name: &str) -> Result<(), KeyFileError> {
        self.inner.remove(name)
    }

    fn describe(&self) -> String {
        self.inner.describe()
    }
}
