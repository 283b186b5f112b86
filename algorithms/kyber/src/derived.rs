//! Kyber over an ML-KEM: the same keys and ciphertexts, another shared secret.
//!
//! CRYSTALS-Kyber, submission to round 3, 4 August 2021, algorithms 8 and 9. With `H` = SHA3-256:
//!
//! ```text
//!              ML-KEM (FIPS 203)            Kyber round 3
//!  accepted    K  (half of G(m ‖ H(ek)))    SHAKE256(K ‖ H(ct), 32)
//!  rejected    SHAKE256(z ‖ ct, 32)         SHAKE256(z ‖ H(ct), 32)
//! ```
//!
//! Three differences of FIPS 203 do not show between peers, and are left as ML-KEM has them:
//! - round 3 encrypts m = H(coins), ML-KEM a random m: the peer sees a uniform m either way;
//! - round 3 expands a seed with G(d), ML-KEM with G(d ‖ k): so there is no seed form here, and a
//!   seed of ML-KEM is refused rather than read as another key;
//! - round 3 does not ask that public keys be reduced; ML-KEM's check of it stays, and refuses
//!   only keys that no Kyber key generation gives.

use std::sync::Arc;

use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Code;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use sha3::digest::{ExtendableOutput, Update, XofReader};
use sha3::{Digest, Sha3_256, Shake256};
use subtle::{ConditionallySelectable, ConstantTimeEq};
use zeroize::Zeroizing;

/// Bytes of K, of z and of both hashes.
const LENGTH: usize = 32;

/// Makes Kyber of one provider's ML-KEM, and says so in the provider's row.
pub(crate) fn derive(base: &Code, provider: &ProviderInfo) -> Option<(ProviderInfo, Code)> {
    let Code::Kem(ml_kem) = base else { return None };
    let version = env!("CARGO_PKG_VERSION");
    let derived = ProviderInfo {
        version: format!("{} + pqfw-kyber {version}", provider.version),
        constant_time_source: format!(
            "of the ML-KEM beneath: {}; of the hash on top: pqfw-kyber selects with the crate \
             subtle and indexes nothing by a secret",
            provider.constant_time_source
        ),
        // A validation is of ML-KEM, and ends where the hash on top begins.
        validated: false,
        ..provider.clone()
    };
    let code = Kyber {
        ml_kem: ml_kem.clone(),
    };
    Some((derived, Code::Kem(Arc::new(code))))
}

struct Kyber {
    ml_kem: Arc<dyn Kem>,
}

impl Kem for Kyber {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        Ok(Box::new(SecretKey::new(self.ml_kem.generate(rng)?)?))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let ml_kem = self.ml_kem.import_encapsulation_key(bytes)?;
        Ok(Box::new(PublicKey { ml_kem }))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        match form {
            SecretForm::Expanded(_) => {
                let ml_kem = self.ml_kem.import_decapsulation_key(form)?;
                Ok(Box::new(SecretKey::new(ml_kem)?))
            }
            _ => Err(KemError::FormUnsupported(form.kind())),
        }
    }
}

struct PublicKey {
    ml_kem: Box<dyn Encapsulate>,
}

impl Encapsulate for PublicKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.ml_kem.to_bytes()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let mut key = Zeroizing::new([0; LENGTH]);
        self.ml_kem.encapsulate(rng, ciphertext, &mut *key)?;
        kdf(&*key, &Sha3_256::digest(ciphertext), shared_secret);
        Ok(())
    }
}

struct SecretKey {
    ml_kem: Box<dyn Decapsulate>,
    /// The last 32 bytes of the expanded key (FIPS 203, Algorithm 16).
    z: SecretBytes,
}

impl SecretKey {
    fn new(ml_kem: Box<dyn Decapsulate>) -> Result<Self, KemError> {
        let expanded = ml_kem.export(SecretKind::Expanded)?;
        let z = expanded.expose().last_chunk::<LENGTH>();
        let z = SecretBytes::copy_of(z.ok_or(KemError::DecapsulationKeyInvalid)?);
        Ok(Self { ml_kem, z })
    }
}

impl Decapsulate for SecretKey {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.ml_kem.encapsulation_key()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match kind {
            SecretKind::Expanded => self.ml_kem.export(kind),
            // ML-KEM beneath may have kept its seed; to a Kyber peer it is the seed of another key.
            _ => Err(KemError::FormUnsupported(kind)),
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let mut key = Zeroizing::new([0; LENGTH]);
        self.ml_kem.decapsulate(ciphertext, &mut *key)?;
        // ML-KEM answers exactly this when it rejects (FIPS 203, Algorithm 18, line 7), and with
        // probability 2^-256 when it accepts.
        let mut rejection = Zeroizing::new([0; LENGTH]);
        kdf(self.z.expose(), ciphertext, &mut *rejection);
        let rejected = key.ct_eq(&*rejection);
        for (byte, z) in key.iter_mut().zip(self.z.expose()) {
            byte.conditional_assign(z, rejected);
        }
        kdf(&*key, &Sha3_256::digest(ciphertext), shared_secret);
        Ok(())
    }
}

/// SHAKE256(`secret` ‖ `public`) over the length of `output`.
fn kdf(secret: &[u8], public: &[u8], output: &mut [u8]) {
    let mut hash = Shake256::default();
    hash.update(secret);
    hash.update(public);
    hash.finalize_xof().read(output);
}
