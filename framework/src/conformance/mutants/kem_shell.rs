//! A KEM around a KEM: everything passes through a fault, which changes one thing.

use std::sync::Arc;

use rand_core::CryptoRng;

use super::Given;
use crate::kem::{Decapsulate, Encapsulate, Kem, KemError};
use crate::registry::Code;
use crate::secret::{SecretBytes, SecretForm, SecretKind};

/// What a fault may get its hands on. Each method does by itself what is right.
pub(super) trait KemFault: Send + Sync + 'static {
    fn generate(
        &self,
        base: &dyn Kem,
        rng: &mut dyn CryptoRng,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        base.generate(rng)
    }

    fn import_public(
        &self,
        base: &dyn Kem,
        bytes: &[u8],
    ) -> Result<Box<dyn Encapsulate>, KemError> {
        base.import_encapsulation_key(bytes)
    }

    fn import_private(
        &self,
        base: &dyn Kem,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        base.import_decapsulation_key(form)
    }

    fn public_of(&self, key: &dyn Decapsulate) -> Vec<u8> {
        key.encapsulation_key()
    }

    fn encapsulate(
        &self,
        key: &dyn Encapsulate,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        key.encapsulate(rng, ciphertext, shared_secret)
    }

    fn decapsulate(
        &self,
        key: &dyn Decapsulate,
        ciphertext: &[u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        key.decapsulate(ciphertext, shared_secret)
    }
}

/// Plants a fault in a KEM.
pub(super) fn kem(given: &Given<'_>, fault: impl KemFault) -> Option<Code> {
    let Code::Kem(base) = given.code else {
        return None;
    };
    let (base, fault) = (base.clone(), Arc::new(fault));
    Some(Code::Kem(Arc::new(Shell { base, fault })))
}

struct Shell<F> {
    base: Arc<dyn Kem>,
    fault: Arc<F>,
}

struct Private<F> {
    key: Box<dyn Decapsulate>,
    fault: Arc<F>,
}

struct Public<F> {
    key: Box<dyn Encapsulate>,
    fault: Arc<F>,
}

impl<F: KemFault> Kem for Shell<F> {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError> {
        let (key, fault) = (self.fault.generate(&*self.base, rng)?, self.fault.clone());
        Ok(Box::new(Private { key, fault }))
    }

    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError> {
        let key = self.fault.import_public(&*self.base, bytes)?;
        let fault = self.fault.clone();
        Ok(Box::new(Public { key, fault }))
    }

    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError> {
        let key = self.fault.import_private(&*self.base, form)?;
        let fault = self.fault.clone();
        Ok(Box::new(Private { key, fault }))
    }
}

impl<F: KemFault> Decapsulate for Private<F> {
    fn encapsulation_key(&self) -> Vec<u8> {
        self.fault.public_of(&*self.key)
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        self.key.export(kind)
    }

    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError> {
        self.fault
            .decapsulate(&*self.key, ciphertext, shared_secret)
    }
}

impl<F: KemFault> Encapsulate for Public<F> {
    fn to_bytes(&self) -> Vec<u8> {
        self.key.to_bytes()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        self.fault
            .encapsulate(&*self.key, rng, ciphertext, shared_secret)
    }
}

/// A public key that says it is another.
pub(super) struct Posing {
    pub(super) key: Box<dyn Encapsulate>,
    pub(super) bytes: Vec<u8>,
}

impl Encapsulate for Posing {
    fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        self.key.encapsulate(rng, ciphertext, shared_secret)
    }
}
