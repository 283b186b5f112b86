//! A KEM that works, and wrappers that spoil one thing each.

use pqfw_framework::catalogue::{AlgorithmInfo, KemSizes, Sizes, Status};
use pqfw_framework::kem::{Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::{Plugin, Registry, ResolveError, Resolver};
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;

/// What a [`Mirror`] does wrong.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    None,
    WrongSecret,
    LongPublicKey,
    ShortPrivateKey,
    ConstantKey,
    AnotherSecretEachTime,
    Fails,
}

/// A toy whose secret is its ciphertext and whose public key is its private key: only its shape is
/// that of a KEM.
pub(crate) struct Mirror(pub(crate) Fault);

pub(crate) const ANSWERS: &str = "dk = 0102\nek = 0102\nct = 0a0b\nss = 0a0b\n";

pub(crate) fn row(id: &str) -> AlgorithmInfo {
    let sizes = KemSizes {
        seed: None,
        encapsulation_key: 2,
        decapsulation_key: 2,
        ciphertext: 2,
        shared_secret: 2,
    };
    AlgorithmInfo::new(id, Sizes::Kem(sizes), "a test")
        .status(Status::Experimental)
        .known_answers(ANSWERS)
}

pub(crate) fn plugin(name: &str, row: AlgorithmInfo, fault: Fault) -> Plugin {
    let id = row.id.clone();
    Plugin::new(name)
        .row(row)
        .kem(&id, ProviderInfo::new("mirror", "mirror 1"), Mirror(fault))
}

pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

pub(crate) fn resolve<T>(
    registry: &Registry,
    resolve: impl FnOnce(&mut Resolver<'_>) -> Result<T, ResolveError>,
) -> Result<T, ResolveError> {
    let mut rng = rng();
    resolve(&mut Resolver::new(
        registry,
        &mut rng,
        &[],
        &[],
        "2026-01-01",
    ))
}

impl Kem for Mirror {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        if self.0 == Fault::Fails {
            return Err(KemError::ProviderFailed);
        }
        let mut key = [0; 2];
        if self.0 != Fault::ConstantKey {
            rng.fill_bytes(&mut key);
        }
        Ok(Box::new(Key(self.0, key.to_vec())))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        Ok(Box::new(Key(self.0, bytes.to_vec())))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        Ok(Box::new(Key(self.0, form.expose().to_vec())))
    }
}

struct Key(Fault, Vec<u8>);

impl Encapsulate for Key {
    fn to_bytes(&self) -> Vec<u8> {
        self.1.clone()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        rng.fill_bytes(ciphertext);
        shared_secret.copy_from_slice(ciphertext);
        if self.0 == Fault::AnotherSecretEachTime {
            shared_secret[0] ^= 1;
        }
        Ok(())
    }
}

impl Decapsulate for Key {
    fn encapsulation_key(&self) -> Vec<u8> {
        let mut key = self.1.clone();
        // Only in fresh keys: the known answer must not be what catches it.
        if self.0 == Fault::LongPublicKey && key != [1, 2] {
            key.push(0);
        }
        key
    }

    fn export(&self, _: SecretKind) -> Result<SecretBytes, KemError> {
        let short = self.0 == Fault::ShortPrivateKey;
        Ok(SecretBytes::copy_of(if short {
            &self.1[1..]
        } else {
            &self.1
        }))
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        shared_secret.copy_from_slice(ciphertext);
        if self.0 == Fault::WrongSecret {
            shared_secret[1] ^= 0x80;
        }
        Ok(())
    }
}
