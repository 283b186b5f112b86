//! ML-KEM, FIPS 203.
//!
//! OpenSSL makes the checks of FIPS 203 sections 7.2 and 7.3 when it reads a key, refuses a secret
//! vector that is not reduced, and tries an expanded key by one encapsulation: with a message of
//! its own generator, which leaves no trace in what we give.

use std::ffi::CStr;

use openssl::pkey::{PKey, Private, Public};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};

use crate::evp::{self, Params};
use crate::provider;

/// Bytes of the seed d ‖ z (FIPS 203, Algorithm 19).
const SEED: usize = 64;

/// Bytes of the message m (FIPS 203, Algorithm 20).
const MESSAGE: usize = 32;

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    let set = |name, k| OpenSsl { name, k };
    plugin
        .kem("ML-KEM-512", provider(), set(c"ML-KEM-512", 2))
        .kem("ML-KEM-768", provider(), set(c"ML-KEM-768", 3))
        .kem("ML-KEM-1024", provider(), set(c"ML-KEM-1024", 4))
}

/// A parameter set: OpenSSL's name, and k (FIPS 203, table 2).
#[derive(Clone, Copy)]
struct OpenSsl {
    name: &'static CStr,
    k: usize,
}

impl OpenSsl {
    fn private(self, key: PKey<Private>) -> Result<Box<dyn Decapsulate>, KemError> {
        let mut ek = vec![0; 384 * self.k + 32];
        evp::octets(&key, c"pub", &mut ek).map_err(|_| KemError::ProviderFailed)?;
        Ok(Box::new(SecretKey { set: self, key, ek }))
    }
}

impl Kem for OpenSsl {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let mut seed = SecretBytes::zeroed(SEED);
        rng.fill_bytes(seed.expose_mut());
        let key = evp::from_seed(self.name, seed.expose());
        self.private(key.map_err(|_| KemError::ProviderFailed)?)
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let key = evp::public_key(self.name, Params::new().octets(c"pub", bytes));
        let key = key.map_err(|_| KemError::EncapsulationKeyInvalid)?;
        let bytes = bytes.to_vec();
        Ok(Box::new(PublicKey { key, bytes }))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let key = match form {
            SecretForm::Seed(seed) => evp::from_seed(self.name, seed),
            SecretForm::Expanded(bytes) => {
                evp::private_key(self.name, Params::new().octets(c"priv", bytes))
            }
            _ => return Err(KemError::FormUnsupported(form.kind())),
        };
        self.private(key.map_err(|_| KemError::DecapsulationKeyInvalid)?)
    }
}

struct PublicKey {
    key: PKey<Public>,
    bytes: Vec<u8>,
}

impl Encapsulate for PublicKey {
    fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let mut message = SecretBytes::zeroed(MESSAGE);
        rng.fill_bytes(message.expose_mut());
        evp::encapsulate(&self.key, message.expose(), ciphertext, shared_secret)
            .map_err(|_| KemError::ProviderFailed)
    }
}

struct SecretKey {
    set: OpenSsl,
    /// Held by OpenSSL, which wipes it; with its seed, if it was made of one.
    key: PKey<Private>,
    ek: Vec<u8>,
}

impl Decapsulate for SecretKey {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.ek.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        let (part, length) = match kind {
            SecretKind::Seed => (c"seed", SEED),
            SecretKind::Expanded => (c"priv", 768 * self.set.k + 96),
            _ => return Err(KemError::FormUnsupported(kind)),
        };
        let mut bytes = SecretBytes::zeroed(length);
        evp::octets(&self.key, part, bytes.expose_mut())
            .map_err(|_| KemError::FormUnsupported(kind))?;
        Ok(bytes)
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        // A forged ciphertext is no error (FIPS 203, Algorithm 18), and the key was checked.
        evp::decapsulate(&self.key, ciphertext, shared_secret).map_err(|_| KemError::ProviderFailed)
    }
}
