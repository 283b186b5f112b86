//! The framework's KEM over any KEM of liboqs.

mod frodo;
mod module_lattice;

use std::sync::Arc;

use oqs::kem::{Algorithm, Kem as Scheme};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use zeroize::Zeroizing;

/// What liboqs does not check of a key's content.
#[derive(Clone, Copy)]
struct Checks {
    /// Whether bytes of the right length are a public key.
    is_public_key: fn(&[u8]) -> bool,
    /// The public key within a private key; `None` when that is damaged, as far as it shows.
    public_key: fn(&[u8]) -> Option<&[u8]>,
}

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    frodo::offer(module_lattice::offer(plugin))
}

/// One KEM of liboqs.
struct Liboqs {
    /// Absent when the liboqs that is linked was built without the algorithm: then every operation
    /// fails, and the admission gate with them.
    scheme: Option<Arc<Scheme>>,
    checks: Checks,
}

impl Liboqs {
    fn new(algorithm: Algorithm, checks: Checks) -> Self {
        let scheme = Scheme::new(algorithm).ok().map(Arc::new);
        Self { scheme, checks }
    }

    fn scheme(&self) -> Result<&Arc<Scheme>, KemError> {
        self.scheme.as_ref().ok_or(KemError::ProviderFailed)
    }

    /// FIPS 203, Algorithm 16, with d ‖ z.
    fn expand(&self, seed: &[u8]) -> Result<Box<dyn Decapsulate>, KemError> {
        let scheme = self.scheme()?;
        let invalid = KemError::DecapsulationKeyInvalid;
        let form = scheme.keypair_seed_from_bytes(seed).ok_or(invalid)?;
        let (public, key) = scheme.keypair_derand(form).map_err(failed)?;
        Ok(Box::new(KeyPair {
            scheme: scheme.clone(),
            key: SecretBytes::own(key.into_vec()),
            public: public.into_vec(),
            seed: Some(SecretBytes::copy_of(seed)),
        }))
    }
}

fn failed(_: oqs::Error) -> KemError {
    KemError::ProviderFailed
}

impl Kem for Liboqs {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let scheme = self.scheme()?;
        let seed = scheme.length_keypair_seed();
        if seed > 0 {
            let mut bytes = SecretBytes::zeroed(seed);
            rng.fill_bytes(bytes.expose_mut());
            return self.expand(bytes.expose());
        }
        let (public, key) = scheme.keypair().map_err(failed)?;
        Ok(Box::new(KeyPair {
            scheme: scheme.clone(),
            key: SecretBytes::own(key.into_vec()),
            public: public.into_vec(),
            seed: None,
        }))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let scheme = self.scheme()?;
        let right_length = bytes.len() == scheme.length_public_key();
        if !right_length || !(self.checks.is_public_key)(bytes) {
            return Err(KemError::EncapsulationKeyInvalid);
        }
        Ok(Box::new(PublicKey {
            scheme: scheme.clone(),
            bytes: bytes.to_vec(),
        }))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let scheme = self.scheme()?;
        match form {
            SecretForm::Seed(seed) if scheme.length_keypair_seed() > 0 => self.expand(seed),
            SecretForm::Expanded(bytes) => {
                let right_length = bytes.len() == scheme.length_secret_key();
                let public = right_length.then(|| (self.checks.public_key)(bytes));
                let public = public.flatten().ok_or(KemError::DecapsulationKeyInvalid)?;
                Ok(Box::new(KeyPair {
                    scheme: scheme.clone(),
                    key: SecretBytes::copy_of(bytes),
                    public: public.to_vec(),
                    seed: None,
                }))
            }
            _ => Err(KemError::FormUnsupported(form.kind())),
        }
    }
}

fn fill(target: &mut [u8], source: &[u8]) -> Result<(), KemError> {
    if target.len() != source.len() {
        return Err(KemError::ProviderFailed);
    }
    target.copy_from_slice(source);
    Ok(())
}

struct PublicKey {
    scheme: Arc<Scheme>,
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
        let key = self.scheme.public_key_from_bytes(&self.bytes);
        let key = key.ok_or(KemError::ProviderFailed)?;
        let (sent, secret) = self.scheme.encapsulate(key).map_err(failed)?;
        fill(shared_secret, &Zeroizing::new(secret.into_vec()))?;
        fill(ciphertext, sent.as_ref())
    }
}

struct KeyPair {
    scheme: Arc<Scheme>,
    key: SecretBytes,
    public: Vec<u8>,
    /// What the key was expanded from, if it was.
    seed: Option<SecretBytes>,
}

impl Decapsulate for KeyPair {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.public.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match (kind, &self.seed) {
            (SecretKind::Expanded, _) => Ok(SecretBytes::copy_of(self.key.expose())),
            (SecretKind::Seed, Some(seed)) => Ok(SecretBytes::copy_of(seed.expose())),
            _ => Err(KemError::FormUnsupported(kind)),
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let key = self.scheme.secret_key_from_bytes(self.key.expose());
        let key = key.ok_or(KemError::ProviderFailed)?;
        let ciphertext = self.scheme.ciphertext_from_bytes(ciphertext);
        let ciphertext = ciphertext.ok_or(KemError::CiphertextInvalid)?;
        let secret = self.scheme.decapsulate(key, ciphertext).map_err(failed)?;
        fill(shared_secret, &Zeroizing::new(secret.into_vec()))
    }
}
