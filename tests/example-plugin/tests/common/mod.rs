//! What the tests of a plugin need, from the framework alone: chance, registries, faulty variants.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::convert::Infallible;

use pqfw_example_plugin::{ID, LENGTH, Toy, provider, row};
use pqfw_framework::kem::{AdmittedKem, Decapsulate, Encapsulate, Kem, KemError};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::rand_core::{CryptoRng, TryCryptoRng, TryRng};
use pqfw_framework::registry::{Decision, GateError, Plugin, Registry, ResolveError, Resolver};
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};

/// Bytes that count upwards: no randomness at all, which is enough for a toy.
#[derive(Default)]
pub(crate) struct Counter(u8);

impl TryRng for Counter {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            *byte = self.0;
            self.0 = self.0.wrapping_add(1);
        }
        Ok(())
    }
}

impl TryCryptoRng for Counter {}

pub(crate) fn registry(plugin: Plugin) -> Registry {
    Registry::builder().with(plugin).build().unwrap()
}

/// Resolves a KEM without policies, and gives what was decided on the way.
pub(crate) fn resolve(
    registry: &Registry,
    name: &str,
) -> (Result<AdmittedKem, ResolveError>, Vec<Decision>) {
    let mut rng = Counter::default();
    let mut resolver = Resolver::new(registry, &mut rng, &[], &[], "2026-01-01");
    let kem = resolver.kem(name);
    (kem, resolver.take_decisions())
}

/// What the admission gate says of the only provider of the toy KEM.
pub(crate) fn gate(plugin: Plugin) -> Result<(), GateError> {
    let registry = registry(plugin);
    let [entry] = registry.entries_of(ID) else {
        panic!("not one provider")
    };
    registry.admit(entry, &mut Counter::default())
}

/// The example plugin with another fault in its code.
pub(crate) fn faulty(fault: Fault) -> Plugin {
    Plugin::new("faulty")
        .row(row())
        .kem(ID, provider(), Faulty(fault))
}

/// As [`provider`], under another name.
pub(crate) fn provider_named(name: &str) -> ProviderInfo {
    ProviderInfo {
        name: name.into(),
        ..provider()
    }
}

/// What is wrong with a [`Faulty`] toy.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Every generated key is the same, whatever the randomness.
    GeneratesOneKey,
    /// Keys that it generates decapsulate to another secret; imported ones work.
    GeneratedKeysDecapsulateWrongly,
    /// The public key comes out a byte short, from generated keys alone.
    ShortPublicKey,
    /// Every private key is refused.
    RefusesPrivateKeys,
    /// Every public key is refused.
    RefusesPublicKeys,
    /// Encapsulation fails.
    CannotEncapsulate,
}

/// The toy KEM with a fault.
pub(crate) struct Faulty(pub(crate) Fault);

struct FaultyKey {
    fault: Fault,
    generated: bool,
    key: Box<dyn Decapsulate>,
}

struct CannotEncapsulate(Box<dyn Encapsulate>);

impl Kem for Faulty {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let key = match self.0 {
            Fault::GeneratesOneKey => {
                Toy.import_decapsulation_key(SecretForm::Expanded(&[7; LENGTH]))?
            }
            _ => Toy.generate(rng)?,
        };
        Ok(Box::new(FaultyKey {
            fault: self.0,
            generated: true,
            key,
        }))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let key = Toy.import_encapsulation_key(bytes)?;
        match self.0 {
            Fault::RefusesPublicKeys => Err(KemError::EncapsulationKeyInvalid),
            Fault::CannotEncapsulate => Ok(Box::new(CannotEncapsulate(key))),
            _ => Ok(key),
        }
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        if self.0 == Fault::RefusesPrivateKeys {
            return Err(KemError::DecapsulationKeyInvalid);
        }
        let key = Toy.import_decapsulation_key(form)?;
        Ok(Box::new(FaultyKey {
            fault: self.0,
            generated: false,
            key,
        }))
    }
}

impl Decapsulate for FaultyKey {
    fn encapsulation_key(&self) -> Vec<u8> {
        let mut key = self.key.encapsulation_key();
        if self.generated && self.fault == Fault::ShortPublicKey {
            key.pop();
        }
        key
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        self.key.export(kind)
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        self.key.decapsulate(ciphertext, shared_secret)?;
        if self.generated && self.fault == Fault::GeneratedKeysDecapsulateWrongly {
            shared_secret.reverse();
        }
        Ok(())
    }
}

impl Encapsulate for CannotEncapsulate {
    fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    fn encapsulate(
        &self,
        _rng: &mut dyn CryptoRng,
        _ciphertext: &mut [u8],
        _shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        Err(KemError::ProviderFailed)
    }
}
