//! The provider `rustcrypto`: the crate `frodo-kem` behind the framework's KEM.
//!
//! What the crate leaves behind: it does not wipe the k or s that goes into the last hash of a
//! decapsulation. The states of its SHAKE are wiped because this crate asks `sha3` for it.

use frodo_kem::{Algorithm, EncryptionKey, SharedSecret};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use zeroize::Zeroize;

use crate::private_key::PrivateKey;

pub(crate) fn provider() -> ProviderInfo {
    ProviderInfo::new("rustcrypto", "frodo-kem 0.1.0").constant_time(
        ConstantTime::Unclaimed,
        "frodo-kem claims nothing; its code compares and selects without branches on secrets",
    )
}

/// One of the twelve.
pub(crate) struct RustCrypto(pub(crate) Algorithm);

impl Kem for RustCrypto {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let (_, key) = self.0.generate_keypair(rng);
        Ok(Box::new(SecretKey(self.0, PrivateKey::new(key))))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        // Every string of the right length is a public key: seedA is any, and so is each entry of
        // B, of D bits.
        let key = self.0.encryption_key_from_bytes(bytes);
        let key = key.map_err(|_| KemError::EncapsulationKeyInvalid)?;
        Ok(Box::new(PublicKey(self.0, key)))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(KemError::FormUnsupported(form.kind()));
        };
        let key = PrivateKey::read(self.0, bytes).ok_or(KemError::DecapsulationKeyInvalid)?;
        Ok(Box::new(SecretKey(self.0, key)))
    }
}

struct PublicKey(Algorithm, EncryptionKey);

impl Encapsulate for PublicKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.1.value().to_vec()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        // It draws µ ‖ salt.
        let made = self.0.encapsulate_with_rng(&self.1, rng);
        let (sent, secret) = made.map_err(|_| KemError::ProviderFailed)?;
        hand_over(secret, shared_secret)?;
        copy(sent.value(), ciphertext)
    }
}

struct SecretKey(Algorithm, PrivateKey);

impl Decapsulate for SecretKey {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.1.public().value().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match kind {
            SecretKind::Expanded => Ok(SecretBytes::copy_of(self.1.key().value())),
            _ => Err(KemError::FormUnsupported(kind)),
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let ciphertext = self.0.ciphertext_from_bytes(ciphertext);
        let ciphertext = ciphertext.map_err(|_| KemError::CiphertextInvalid)?;
        let opened = self.0.decapsulate(self.1.key(), &ciphertext);
        let (secret, mut message) = opened.map_err(|_| KemError::ProviderFailed)?;
        message.zeroize();
        hand_over(secret, shared_secret)
    }
}

/// Copies a secret out of the crate's own, which is marked as wiped on drop and is not.
fn hand_over(mut secret: SharedSecret, to: &mut [u8]) -> Result<(), KemError> {
    let outcome = copy(secret.value(), to);
    secret.zeroize();
    outcome
}

fn copy(from: &[u8], to: &mut [u8]) -> Result<(), KemError> {
    if from.len() != to.len() {
        return Err(KemError::ProviderFailed);
    }
    to.copy_from_slice(from);
    Ok(())
}
