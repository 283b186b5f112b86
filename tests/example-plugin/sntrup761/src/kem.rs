//! The crate `sntrup761` behind the framework's KEM traits.
//!
//! ```text
//! f ‖ 1/g ‖ public key ‖ rho ‖ Hash4(public key)      private key, as the draft encodes it
//! ```

use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use sntrup761::sha2::{Digest, Sha512};
use sntrup761::{Ciphertext, DecapsulationKey, EncapsulationKey, SECRET_KEY_SIZE};

/// Bytes of Hash4, the last part of a private key.
const HASH_BYTES: usize = 32;

/// The algorithm.
pub struct Sntrup761;

impl Kem for Sntrup761 {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let (_, key) = sntrup761::generate_key(rng);
        Ok(Box::new(PrivateKey(key)))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        // Every string of the right length is read as some polynomial; there is nothing to check.
        let key = EncapsulationKey::try_from(bytes);
        let key = key.map_err(|_| KemError::EncapsulationKeyInvalid)?;
        Ok(Box::new(PublicKey(key)))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(KemError::FormUnsupported(form.kind()));
        };
        let key = DecapsulationKey::try_from(bytes);
        let key = key.map_err(|_| KemError::DecapsulationKeyInvalid)?;
        // A private key says twice what its public key is, and the crate does not compare.
        let public = EncapsulationKey::from(&key);
        let hash = Sha512::new().chain_update([4]).chain_update(&public);
        match bytes.get(SECRET_KEY_SIZE - HASH_BYTES..) {
            Some(stored) if hash.finalize().starts_with(stored) => Ok(Box::new(PrivateKey(key))),
            _ => Err(KemError::DecapsulationKeyInvalid),
        }
    }
}

struct PublicKey(EncapsulationKey);

impl Encapsulate for PublicKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.as_ref().to_vec()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let (made, secret) = self.0.encapsulate(rng);
        ciphertext.copy_from_slice(made.as_ref());
        shared_secret.copy_from_slice(secret.as_ref());
        Ok(())
    }
}

/// The crate wipes it when it is dropped.
struct PrivateKey(DecapsulationKey);

impl Decapsulate for PrivateKey {
    fn encapsulation_key(&self) -> Vec<u8> {
        EncapsulationKey::from(&self.0).as_ref().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match kind {
            SecretKind::Expanded => Ok(SecretBytes::copy_of(self.0.as_ref())),
            _ => Err(KemError::FormUnsupported(kind)),
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let ciphertext =
            Ciphertext::try_from(ciphertext).map_err(|_| KemError::CiphertextInvalid)?;
        // A forged one gives another secret and no error: implicit rejection.
        shared_secret.copy_from_slice(self.0.decapsulate(&ciphertext).as_ref());
        Ok(())
    }
}
