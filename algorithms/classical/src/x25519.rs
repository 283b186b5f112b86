//! The provider `dalek` of X25519: DHKEM(X25519, HKDF-SHA256), RFC 9180 section 4.1.
//!
//! A private key is any 32 bytes and is exported as it was imported. RFC 9180 section 7.1.2 clamps
//! it on the way out instead; both give the same function, since RFC 7748 clamps on use, and a key
//! file that comes back unchanged can be compared.

use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::{ConstantTime, ProviderInfo};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use x25519_dalek::{PublicKey, SharedSecret, StaticSecret};
use zeroize::Zeroizing;

use crate::dhkem::extract_and_expand;

pub(crate) fn provider() -> ProviderInfo {
    ProviderInfo::new("rustcrypto", "x25519-dalek 3.0.0")
        .alias("dalek")
        .constant_time(
            ConstantTime::Claimed,
            "README of curve25519-dalek 5.0: no secret-dependent branches or memory accesses",
        )
}

/// X25519 by x25519-dalek, HKDF by RustCrypto.
pub(crate) struct Dalek;

impl Kem for Dalek {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        Ok(Box::new(Recipient::new(random_key(rng))))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        // RFC 7748 section 5 takes any 32 bytes; a point of small order shows in `encapsulate`.
        let bytes: [u8; 32] = bytes
            .try_into()
            .map_err(|_| KemError::EncapsulationKeyInvalid)?;
        Ok(Box::new(RecipientPublic(PublicKey::from(bytes))))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(KemError::FormUnsupported(form.kind()));
        };
        let bytes = <[u8; 32]>::try_from(bytes).map(Zeroizing::new);
        let bytes = bytes.map_err(|_| KemError::DecapsulationKeyInvalid)?;
        Ok(Box::new(Recipient::new(StaticSecret::from(*bytes))))
    }
}

fn random_key(rng: &mut dyn CryptoRng) -> StaticSecret {
    let mut bytes = Zeroizing::new([0; 32]);
    rng.fill_bytes(&mut *bytes);
    StaticSecret::from(*bytes)
}

/// RFC 9180 section 7.1.4: `None` for the all-zero output of a point of small order. It has such
/// an output with every private key, so the answer tells nothing of ours.
fn diffie_hellman(secret: &StaticSecret, public: &PublicKey) -> Option<SharedSecret> {
    let dh = secret.diffie_hellman(public);
    dh.was_contributory().then_some(dh)
}

struct RecipientPublic(PublicKey);

impl Encapsulate for RecipientPublic {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let ephemeral = random_key(rng);
        let enc = PublicKey::from(&ephemeral);
        let dh = diffie_hellman(&ephemeral, &self.0).ok_or(KemError::EncapsulationKeyInvalid)?;
        ciphertext.copy_from_slice(enc.as_bytes());
        extract_and_expand(
            dh.as_bytes(),
            enc.as_bytes(),
            self.0.as_bytes(),
            shared_secret,
        )
    }
}

struct Recipient {
    secret: StaticSecret,
    public: PublicKey,
}

impl Recipient {
    fn new(secret: StaticSecret) -> Self {
        let public = PublicKey::from(&secret);
        Self { secret, public }
    }
}

impl Decapsulate for Recipient {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.public.as_bytes().to_vec()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match kind {
            SecretKind::Expanded => Ok(SecretBytes::copy_of(self.secret.as_bytes())),
            _ => Err(KemError::FormUnsupported(kind)),
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let enc: [u8; 32] = ciphertext
            .try_into()
            .map_err(|_| KemError::CiphertextInvalid)?;
        let dh = diffie_hellman(&self.secret, &PublicKey::from(enc));
        let dh = dh.ok_or(KemError::CiphertextInvalid)?;
        extract_and_expand(dh.as_bytes(), &enc, self.public.as_bytes(), shared_secret)
    }
}
