//! X-Wing, draft-connolly-cfrg-xwing-kem-10, by the crate `x-wing`.
//!
//! ```text
//!  private key   32  │ SHAKE256 of it: d ‖ z of ML-KEM-768, X25519's scalar
//!  public key  1216  │ ML-KEM-768's 1184 ‖ X25519's 32
//!  ciphertext  1120  │ ML-KEM-768's 1088 ‖ X25519's 32
//!  secret        32  │ SHA3-256(ML-KEM's ‖ X25519's ‖ X25519's ciphertext ‖ its public key ‖ "\.//^\")
//! ```
//!
//! The private key is a seed (section 5.2), so both forms of the framework are the same 32 bytes;
//! the expanded form must not be exchanged (section 5.5.1), and is not.
//!
//! The modulus check of FIPS 203 section 7.2 is made when a public key is imported (section 4).
//! **X25519's result may be zero**: the draft asks for no check, its security does not rest on one,
//! and so none is made. A peer that sends a point of small order has left X25519 out on its own
//! account; ML-KEM's secret is still in the hash. The all-zero check of RFC 9180 is made by this
//! framework's own hybrids.

use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use x_wing::{
    Ciphertext, DECAPSULATION_KEY_SIZE, Decapsulate as _, DecapsulationKey, Decapsulator as _,
    Encapsulate as _, EncapsulationKey, KeyExport as _,
};
use zeroize::{Zeroize as _, Zeroizing};

pub(crate) fn provider() -> ProviderInfo {
    ProviderInfo::new("rustcrypto", "x-wing 0.1.1").constant_time(
        ConstantTime::Claimed,
        "x-wing claims nothing of its own; the parts do: CHANGELOGs of ml-kem (0.3.3: no \
         secret-dependent table lookups; 0.3.4: hardened reduction), README of curve25519-dalek \
         5.0: no secret-dependent branches or memory accesses",
    )
}

/// X-Wing by the crate `x-wing`.
pub(crate) struct XWing;

impl Kem for XWing {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let mut seed = Zeroizing::new([0; DECAPSULATION_KEY_SIZE]);
        rng.fill_bytes(&mut *seed);
        Ok(Box::new(SecretKey(DecapsulationKey::from(*seed))))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let key = EncapsulationKey::try_from(bytes);
        let key = key.map_err(|_| KemError::EncapsulationKeyInvalid)?;
        Ok(Box::new(PublicKey(key)))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let bytes: Result<[u8; DECAPSULATION_KEY_SIZE], _> = form.expose().try_into();
        let bytes = Zeroizing::new(bytes.map_err(|_| KemError::DecapsulationKeyInvalid)?);
        Ok(Box::new(SecretKey(DecapsulationKey::from(*bytes))))
    }
}

struct PublicKey(EncapsulationKey);

impl Encapsulate for PublicKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes().to_vec()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let (sent, mut secret) = self.0.encapsulate_with_rng(rng);
        let outcome = fill(ciphertext, &sent).and_then(|()| fill(shared_secret, &secret));
        secret.as_mut_slice().zeroize();
        outcome
    }
}

struct SecretKey(DecapsulationKey);

impl Decapsulate for SecretKey {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.0.encapsulation_key().to_bytes().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match kind {
            SecretKind::Seed | SecretKind::Expanded => Ok(SecretBytes::copy_of(self.0.as_bytes())),
            _ => Err(KemError::FormUnsupported(kind)),
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let ciphertext: &Ciphertext = ciphertext
            .try_into()
            .map_err(|_| KemError::CiphertextInvalid)?;
        let mut secret = self.0.decapsulate(ciphertext);
        let outcome = fill(shared_secret, &secret);
        secret.as_mut_slice().zeroize();
        outcome
    }
}

/// Copies into a buffer of the caller, whose length the framework has checked.
fn fill(buffer: &mut [u8], bytes: &[u8]) -> Result<(), KemError> {
    if buffer.len() != bytes.len() {
        return Err(KemError::ProviderFailed);
    }
    buffer.copy_from_slice(bytes);
    Ok(())
}
