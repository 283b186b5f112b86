//! The toy KEM behind the framework's traits. Insecure on purpose: anybody who has the public key
//! can read every ciphertext.

use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};

use crate::LENGTH;

/// The code of the toy KEM. It hides nothing from anybody.
pub struct Toy;

impl Kem for Toy {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let mut key = SecretBytes::zeroed(LENGTH);
        rng.fill_bytes(key.expose_mut());
        Ok(Box::new(SecretKey(key)))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        // Every string of the right length is a key. The framework has checked the length, and
        // code that is called directly is safe all the same.
        if bytes.len() != LENGTH {
            return Err(KemError::EncapsulationKeyInvalid);
        }
        Ok(Box::new(PublicKey(bytes.to_vec())))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        match form {
            SecretForm::Expanded(bytes) if bytes.len() == LENGTH => {
                Ok(Box::new(SecretKey(SecretBytes::copy_of(bytes))))
            }
            SecretForm::Expanded(_) => Err(KemError::DecapsulationKeyInvalid),
            _ => Err(KemError::FormUnsupported(form.kind())),
        }
    }
}

struct PublicKey(Vec<u8>);

impl Encapsulate for PublicKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.clone()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        rng.fill_bytes(shared_secret);
        xor(shared_secret, &self.0, ciphertext);
        Ok(())
    }
}

struct SecretKey(SecretBytes);

impl Decapsulate for SecretKey {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.0.expose().iter().rev().map(|byte| !byte).collect()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match kind {
            SecretKind::Expanded => Ok(SecretBytes::copy_of(self.0.expose())),
            _ => Err(KemError::FormUnsupported(kind)),
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        if ciphertext.len() != LENGTH {
            return Err(KemError::CiphertextInvalid);
        }
        // No ciphertext is forged: each is the encapsulation of some secret.
        xor(ciphertext, &self.encapsulation_key(), shared_secret);
        Ok(())
    }
}

fn xor(left: &[u8], right: &[u8], out: &mut [u8]) {
    for ((out, left), right) in out.iter_mut().zip(left).zip(right) {
        *out = left ^ right;
    }
}
