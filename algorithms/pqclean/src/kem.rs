//! The framework's KEM over any of the crates that wrap PQClean: they differ in types alone.

use std::marker::PhantomData;

use pqcrypto_traits::kem::{Ciphertext as _, PublicKey as _, SecretKey as _, SharedSecret as _};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};

use crate::overwrite::overwrite;

/// One parameter set: a module of a wrapping crate, and the checks that the C code leaves out.
pub(crate) trait Set: 'static {
    /// The module's public key.
    type PublicKey: pqcrypto_traits::kem::PublicKey + Copy + Send + Sync;
    /// The module's private key.
    type SecretKey: pqcrypto_traits::kem::SecretKey + Copy;
    /// The module's ciphertext.
    type Ciphertext: pqcrypto_traits::kem::Ciphertext + Copy;
    /// The module's shared secret.
    type SharedSecret: pqcrypto_traits::kem::SharedSecret + Copy;

    /// Generates a key pair with the crate's own randomness.
    fn generate() -> (Self::PublicKey, Self::SecretKey);

    /// Encapsulates with the crate's own randomness.
    fn encapsulate(key: &Self::PublicKey) -> (Self::SharedSecret, Self::Ciphertext);

    /// Decapsulates.
    fn decapsulate(ciphertext: &Self::Ciphertext, key: &Self::SecretKey) -> Self::SharedSecret;

    /// Whether bytes of the right length are a public key.
    fn is_public_key(bytes: &[u8]) -> bool;

    /// The public key within an encoded private key; `None` when that is damaged, as far as it
    /// shows.
    fn public_key(secret: &[u8]) -> Option<&[u8]>;
}

/// The KEM of the parameter set `S`.
pub(crate) struct PqClean<S>(PhantomData<fn() -> S>);

impl<S> PqClean<S> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S: Set> Kem for PqClean<S> {
    fn generate(&self, _: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let (public, mut key) = S::generate();
        let pair = KeyPair::<S> {
            key: SecretBytes::copy_of(key.as_bytes()),
            public: public.as_bytes().to_vec(),
            set: PhantomData,
        };
        wipe_key::<S>(&mut key);
        Ok(Box::new(pair))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let invalid = KemError::EncapsulationKeyInvalid;
        let key = S::PublicKey::from_bytes(bytes).map_err(|_| invalid.clone())?;
        if !S::is_public_key(bytes) {
            return Err(invalid);
        }
        Ok(Box::new(PublicKey::<S>(key)))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(KemError::FormUnsupported(form.kind()));
        };
        let public = S::public_key(bytes).ok_or(KemError::DecapsulationKeyInvalid)?;
        Ok(Box::new(KeyPair::<S> {
            key: SecretBytes::copy_of(bytes),
            public: public.to_vec(),
            set: PhantomData,
        }))
    }
}

fn wipe_key<S: Set>(key: &mut S::SecretKey) {
    let zeros = vec![0; key.as_bytes().len()];
    overwrite(key, S::SecretKey::from_bytes(&zeros));
}

/// Hands a shared secret over and wipes the crate's copy of it.
fn take<S: Set>(mut secret: S::SharedSecret, target: &mut [u8]) -> Result<(), KemError> {
    let filled = fill(target, secret.as_bytes());
    let zeros = vec![0; secret.as_bytes().len()];
    overwrite(&mut secret, S::SharedSecret::from_bytes(&zeros));
    filled
}

fn fill(target: &mut [u8], source: &[u8]) -> Result<(), KemError> {
    if target.len() != source.len() {
        return Err(KemError::ProviderFailed);
    }
    target.copy_from_slice(source);
    Ok(())
}

struct PublicKey<S: Set>(S::PublicKey);

impl<S: Set> Encapsulate for PublicKey<S> {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.as_bytes().to_vec()
    }

    fn encapsulate(
        &self,
        _: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        let (secret, sent) = S::encapsulate(&self.0);
        take::<S>(secret, shared_secret)?;
        fill(ciphertext, sent.as_bytes())
    }
}

struct KeyPair<S> {
    key: SecretBytes,
    public: Vec<u8>,
    set: PhantomData<fn() -> S>,
}

impl<S: Set> Decapsulate for KeyPair<S> {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.public.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match kind {
            SecretKind::Expanded => Ok(SecretBytes::copy_of(self.key.expose())),
            _ => Err(KemError::FormUnsupported(kind)),
        }
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        let ciphertext = S::Ciphertext::from_bytes(ciphertext);
        let ciphertext = ciphertext.map_err(|_| KemError::CiphertextInvalid)?;
        let key = S::SecretKey::from_bytes(self.key.expose());
        let mut key = key.map_err(|_| KemError::ProviderFailed)?;
        let secret = S::decapsulate(&ciphertext, &key);
        wipe_key::<S>(&mut key);
        take::<S>(secret, shared_secret)
    }
}

/// Implements [`Set`] for `$set` over the module `$module`, with the two checks.
macro_rules! set {
    ($set:ident, $module:ident, $is_public_key:expr, $public_key:expr) => {
        struct $set;

        impl $crate::kem::Set for $set {
            type PublicKey = $module::PublicKey;
            type SecretKey = $module::SecretKey;
            type Ciphertext = $module::Ciphertext;
            type SharedSecret = $module::SharedSecret;

            fn generate() -> (Self::PublicKey, Self::SecretKey) {
                $module::keypair()
            }

            fn encapsulate(key: &Self::PublicKey) -> (Self::SharedSecret, Self::Ciphertext) {
                $module::encapsulate(key)
            }

            fn decapsulate(
                ciphertext: &Self::Ciphertext,
                key: &Self::SecretKey,
            ) -> Self::SharedSecret {
                $module::decapsulate(ciphertext, key)
            }

            fn is_public_key(bytes: &[u8]) -> bool {
                $is_public_key(bytes)
            }

            fn public_key(secret: &[u8]) -> Option<&[u8]> {
                $public_key(secret)
            }
        }
    };
}
pub(crate) use set;
