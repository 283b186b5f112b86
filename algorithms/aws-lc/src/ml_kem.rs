//! ML-KEM, FIPS 203.
//!
//! AWS-LC draws its own random bytes and knows the expanded form alone; seeds are expanded by
//! another provider, as `AdmittedKem` arranges. It makes the checks of FIPS 203 sections 7.2 and
//! 7.3 only when a key is used, so they are made here when it is imported.

use aws_lc_rs::digest::{SHA3_256, digest};
use aws_lc_rs::kem::{
    Algorithm, Ciphertext, DecapsulationKey, EncapsulationKey, ML_KEM_512, ML_KEM_768, ML_KEM_1024,
};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};

/// The modulus q (FIPS 203 section 2.3).
const Q: u16 = 3329;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    plugin
        .kem("ML-KEM-512", provider(), AwsLc(&ML_KEM_512, 2))
        .kem("ML-KEM-768", provider(), AwsLc(&ML_KEM_768, 3))
        .kem("ML-KEM-1024", provider(), AwsLc(&ML_KEM_1024, 4))
}

fn provider() -> ProviderInfo {
    super::provider().own_randomness().constant_time(
        ConstantTime::Claimed,
        "AWS-LC, crypto/fipsmodule/ml_kem (mlkem-native): valgrind tracks secrets in its \
         constant-time tests",
    )
}

/// ML-KEM with an algorithm of AWS-LC and its parameter k (FIPS 203, table 2).
struct AwsLc(&'static Algorithm, usize);

impl AwsLc {
    /// Splits an expanded key dk_PKE ‖ ek ‖ H(ek) ‖ z into ek and H(ek) (FIPS 203, Algorithm 16).
    fn public_parts<'a>(&self, expanded: &'a [u8]) -> Option<(&'a [u8], &'a [u8; 32])> {
        let (_, rest) = expanded.split_at_checked(384 * self.1)?;
        let (ek, rest) = rest.split_at_checked(384 * self.1 + 32)?;
        Some((ek, rest.first_chunk()?))
    }

    /// FIPS 203 section 7.2, the modulus check: ByteEncode₁₂ ∘ ByteDecode₁₂ changes nothing.
    fn is_reduced(&self, ek: &[u8]) -> bool {
        let Some(coefficients) = ek.get(..384 * self.1) else {
            return false;
        };
        let (triples, _) = coefficients.as_chunks::<3>();
        triples.iter().all(|&[low, middle, high]| {
            let [low, middle, high] = [low, middle, high].map(u16::from);
            (low | (middle & 0xf) << 8) < Q && (middle >> 4 | high << 4) < Q
        })
    }
}

impl Kem for AwsLc {
    fn generate(&self, _: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let failed = |_| KemError::ProviderFailed;
        let key = DecapsulationKey::generate(self.0).map_err(failed)?;
        let ek = key.encapsulation_key().and_then(|ek| ek.key_bytes());
        let ek = ek.map_err(failed)?.as_ref().to_vec();
        Ok(Box::new(SecretKey { key, ek }))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let invalid = KemError::EncapsulationKeyInvalid;
        if !self.is_reduced(bytes) {
            return Err(invalid);
        }
        let key = EncapsulationKey::new(self.0, bytes).map_err(|_| invalid)?;
        let bytes = bytes.to_vec();
        Ok(Box::new(PublicKey { key, bytes }))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(KemError::FormUnsupported(form.kind()));
        };
        let invalid = KemError::DecapsulationKeyInvalid;
        // FIPS 203 section 7.3, the hash check; all of it is public.
        let (ek, hash) = self.public_parts(bytes).ok_or(invalid.clone())?;
        if digest(&SHA3_256, ek).as_ref() != hash || !self.is_reduced(ek) {
            return Err(invalid);
        }
        let key = DecapsulationKey::new(self.0, bytes).map_err(|_| invalid)?;
        let ek = ek.to_vec();
        Ok(Box::new(SecretKey { key, ek }))
    }
}

struct PublicKey {
    key: EncapsulationKey,
    bytes: Vec<u8>,
}

impl Encapsulate for PublicKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn encapsulate(
        &self,
        _: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let sent = self.key.encapsulate();
        let (sent, secret) = sent.map_err(|_| KemError::ProviderFailed)?;
        ciphertext.copy_from_slice(sent.as_ref());
        shared_secret.copy_from_slice(secret.as_ref());
        Ok(())
    }
}

struct SecretKey {
    /// Held by AWS-LC, which wipes it.
    key: DecapsulationKey,
    /// AWS-LC gives the public key back only of a key that it generated itself.
    ek: Vec<u8>,
}

impl Decapsulate for SecretKey {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.ek.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        let SecretKind::Expanded = kind else {
            return Err(KemError::FormUnsupported(kind));
        };
        let bytes = self.key.key_bytes().map_err(|_| KemError::ProviderFailed)?;
        Ok(SecretBytes::copy_of(bytes.as_ref()))
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let secret = self.key.decapsulate(Ciphertext::from(ciphertext));
        // A forged ciphertext is no error (FIPS 203, Algorithm 18), and the key was checked.
        let secret = secret.map_err(|_| KemError::ProviderFailed)?;
        shared_secret.copy_from_slice(secret.as_ref());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_lc_itself_imports_a_damaged_key_and_an_unreduced_one() {
        // Should this ever fail, the checks above can go.
        let damaged = vec![0; 2400];
        assert!(DecapsulationKey::new(&ML_KEM_768, &damaged).is_ok());
        let unreduced = vec![0xff; 1184];
        assert!(EncapsulationKey::new(&ML_KEM_768, &unreduced).is_ok());
    }
}
