//! The framework's signature over any signature algorithm of liboqs.

mod falcon;
mod module_lattice;
mod short;
mod sphincs_plus;

use std::borrow::Cow;
use std::sync::Arc;

use oqs::sig::{Algorithm, Sig as Scheme};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::Plugin;
use pqfw_framework::secret::{SecretBytes, SecretForm, SecretKind};
use pqfw_framework::signature::{Sign, Signature, SignatureError, Verify};

/// What liboqs does not check of the content of keys and signatures.
#[derive(Clone, Copy)]
struct Checks {
    /// Whether bytes of the right length are a public key.
    is_public_key: fn(&[u8]) -> bool,
    /// The public key of a private key; `None` when that is damaged, as far as it shows.
    public_key: fn(&[u8]) -> Option<Vec<u8>>,
    /// Whether a signature that liboqs takes may be one.
    is_signature: fn(&[u8]) -> bool,
}

pub(crate) fn offer(plugin: Plugin) -> Plugin {
    falcon::offer(sphincs_plus::offer(module_lattice::offer(plugin)))
}

/// One signature algorithm of liboqs.
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

    fn scheme(&self) -> Result<&Arc<Scheme>, SignatureError> {
        self.scheme.as_ref().ok_or(SignatureError::ProviderFailed)
    }
}

fn failed(_: oqs::Error) -> SignatureError {
    SignatureError::ProviderFailed
}

impl Signature for Liboqs {
    fn generate(&self, _: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError> {
        let scheme = self.scheme()?;
        let (public, key) = scheme.keypair().map_err(failed)?;
        Ok(Box::new(Signer {
            scheme: scheme.clone(),
            key: SecretBytes::own(key.into_vec()),
            public: public.into_vec(),
        }))
    }

    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError> {
        let SecretForm::Expanded(bytes) = form else {
            return Err(SignatureError::FormUnsupported(form.kind()));
        };
        let scheme = self.scheme()?;
        let right_length = bytes.len() == scheme.length_secret_key();
        let public = right_length.then(|| (self.checks.public_key)(bytes));
        let public = public.flatten().ok_or(SignatureError::SigningKeyInvalid)?;
        Ok(Box::new(Signer {
            scheme: scheme.clone(),
            key: SecretBytes::copy_of(bytes),
            public,
        }))
    }

    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError> {
        let scheme = self.scheme()?;
        let right_length = bytes.len() == scheme.length_public_key();
        if !right_length || !(self.checks.is_public_key)(bytes) {
            return Err(SignatureError::VerifyingKeyInvalid);
        }
        Ok(Box::new(Verifier {
            scheme: scheme.clone(),
            is_signature: self.checks.is_signature,
            bytes: bytes.to_vec(),
        }))
    }
}

struct Signer {
    scheme: Arc<Scheme>,
    key: SecretBytes,
    public: Vec<u8>,
}

impl Sign for Signer {
    fn verifying_key(&self) -> Vec<u8> {
        self.public.clone()
    }

    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match kind {
            SecretKind::Expanded => Ok(SecretBytes::copy_of(self.key.expose())),
            _ => Err(SignatureError::FormUnsupported(kind)),
        }
    }

    fn sign(
        &self,
        _: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        check_context(&self.scheme, context)?;
        let key = self.scheme.secret_key_from_bytes(self.key.expose());
        let key = key.ok_or(SignatureError::ProviderFailed)?;
        let message = joined(message);
        let signature = if context.is_empty() {
            self.scheme.sign(&message, key)
        } else {
            self.scheme.sign_with_ctx_str(&message, context, key)
        };
        Ok(signature.map_err(failed)?.into_vec())
    }
}

struct Verifier {
    scheme: Arc<Scheme>,
    is_signature: fn(&[u8]) -> bool,
    bytes: Vec<u8>,
}

impl Verify for Verifier {
    fn to_bytes(&self) -> Vec<u8> {
        self.bytes.clone()
    }

    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        check_context(&self.scheme, context)?;
        let key = self.scheme.public_key_from_bytes(&self.bytes);
        let key = key.ok_or(SignatureError::ProviderFailed)?;
        if !(self.is_signature)(signature) {
            return Err(SignatureError::Rejected);
        }
        let signature = self.scheme.signature_from_bytes(signature);
        let signature = signature.ok_or(SignatureError::Rejected)?;
        let message = joined(message);
        let verdict = if context.is_empty() {
            self.scheme.verify(&message, signature, key)
        } else {
            self.scheme
                .verify_with_ctx_str(&message, signature, context, key)
        };
        verdict.map_err(|_| SignatureError::Rejected)
    }
}

/// One slice of many, without a copy where there is but one.
fn joined<'a>(message: &[&'a [u8]]) -> Cow<'a, [u8]> {
    match message {
        [whole] => Cow::Borrowed(whole),
        parts => Cow::Owned(parts.concat()),
    }
}

fn check_context(scheme: &Scheme, context: &[u8]) -> Result<(), SignatureError> {
    match context.len() {
        0 => Ok(()),
        _ if !scheme.has_ctx_str_support() => Err(SignatureError::ContextUnsupported),
        // FIPS 204 section 5.2.
        1..=255 => Ok(()),
        longer => Err(SignatureError::ContextTooLong(longer)),
    }
}
