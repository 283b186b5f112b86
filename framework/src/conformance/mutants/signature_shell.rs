//! A signature algorithm around another: everything passes through a fault, which changes one
//! thing.

use std::sync::Arc;

use rand_core::CryptoRng;

use super::Given;
use crate::registry::Code;
use crate::secret::{SecretBytes, SecretForm, SecretKind};
use crate::signature::{Sign, Signature, SignatureError, Verify};

/// What a fault may get its hands on. Each method does by itself what is right.
pub(super) trait SignatureFault: Send + Sync + 'static {
    fn generate(
        &self,
        base: &dyn Signature,
        rng: &mut dyn CryptoRng,
    ) -> Result<Box<dyn Sign>, SignatureError> {
        base.generate(rng)
    }

    fn import_public(
        &self,
        base: &dyn Signature,
        bytes: &[u8],
    ) -> Result<Box<dyn Verify>, SignatureError> {
        base.import_verifying_key(bytes)
    }

    fn import_private(
        &self,
        base: &dyn Signature,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Sign>, SignatureError> {
        base.import_signing_key(form)
    }

    fn public_of(&self, key: &dyn Sign) -> Vec<u8> {
        key.verifying_key()
    }

    fn sign(
        &self,
        key: &dyn Sign,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        key.sign(rng, message, context)
    }

    fn verify(
        &self,
        key: &dyn Verify,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        key.verify(message, context, signature)
    }
}

/// Plants a fault in a signature algorithm.
pub(super) fn signature(given: &Given<'_>, fault: impl SignatureFault) -> Option<Code> {
    let Code::Signature(base) = given.code else {
        return None;
    };
    let (base, fault) = (base.clone(), Arc::new(fault));
    Some(Code::Signature(Arc::new(Shell { base, fault })))
}

struct Shell<F> {
    base: Arc<dyn Signature>,
    fault: Arc<F>,
}

struct Private<F> {
    key: Box<dyn Sign>,
    fault: Arc<F>,
}

struct Public<F> {
    key: Box<dyn Verify>,
    fault: Arc<F>,
}

impl<F: SignatureFault> Signature for Shell<F> {
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let (key, fault) = (self.fault.generate(&*self.base, rng)?, self.fault.clone());
        Ok(Box::new(Private { key, fault }))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let key = self.fault.import_private(&*self.base, form)?;
        let fault = self.fault.clone();
        Ok(Box::new(Private { key, fault }))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        let key = self.fault.import_public(&*self.base, bytes)?;
        let fault = self.fault.clone();
        Ok(Box::new(Public { key, fault }))
    }
}

impl<F: SignatureFault> Sign for Private<F> {
    fn verifying_key(&self) -> Vec<u8> {
        self.fault.public_of(&*self.key)
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        self.key.export(kind)
    }

    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        self.fault.sign(&*self.key, rng, message, context)
    }
}

impl<F: SignatureFault> Verify for Public<F> {
    fn to_bytes(&self) -> Vec<u8> {
        self.key.to_bytes()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        self.fault.verify(&*self.key, message, context, signature)
    }
}
