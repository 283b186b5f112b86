//! Digital signatures: what a provider implements, and the typed handles that everybody else uses.
//!
//! Protocols sign with an empty native context and bind their name and step into the message, so
//! that any signature can take any other's place; the context argument exists for vectors and for
//! `pqfw sig --context`.

use std::sync::Arc;

use rand_core::CryptoRng;
use thiserror::Error;

use crate::catalogue::{AlgorithmInfo, SignatureSizes};
use crate::provider::ProviderInfo;
use crate::secret::{SecretBytes, SecretForm, SecretKind};

/// The code of one signature algorithm by one provider. Lengths are checked before it is called.
pub trait Signature: Send + Sync {
    /// Generates a key pair in whatever way is fastest.
    ///
    /// # Errors
    /// [`SignatureError::ProviderFailed`].
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Sign>, SignatureError>;

    /// Imports a private key.
    ///
    /// # Errors
    /// [`SignatureError::SigningKeyInvalid`], [`SignatureError::FormUnsupported`].
    fn import_signing_key(&self, form: SecretForm<'_>) -> Result<Box<dyn Sign>, SignatureError>;

    /// Imports a public key.
    ///
    /// # Errors
    /// [`SignatureError::VerifyingKeyInvalid`].
    fn import_verifying_key(&self, bytes: &[u8]) -> Result<Box<dyn Verify>, SignatureError>;
}

/// A provider's private key.
pub trait Sign: Send + Sync {
    /// The encoding of the matching public key.
    fn verifying_key(&self) -> Vec<u8>;

    /// Exports the private key.
    ///
    /// # Errors
    /// [`SignatureError::FormUnsupported`] when the key does not exist in that form.
    fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError>;

    /// Signs the concatenation of `message`.
    ///
    /// # Errors
    /// [`SignatureError::ContextUnsupported`], [`SignatureError::ProviderFailed`].
    fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError>;
}

/// A provider's public key.
pub trait Verify: Send + Sync {
    /// The specification's encoding.
    fn to_bytes(&self) -> Vec<u8>;

    /// Verifies a signature over the concatenation of `message`.
    ///
    /// # Errors
    /// [`SignatureError::Rejected`] for whatever reason; [`SignatureError::ContextUnsupported`].
    fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError>;
}

/// What can go wrong with a signature.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SignatureError {
    /// The peer's fault: the signature does not verify. Why not is nobody's business.
    #[error("the signature does not verify")]
    Rejected,
    /// The peer's or caller's fault: a public key of the wrong length.
    #[error("{algorithm} verifying key: {got} bytes, expected {expected}")]
    VerifyingKeyLength {
        /// The algorithm asked for.
        algorithm: String,
        /// Bytes given.
        got: usize,
        /// Bytes of the specification.
        expected: usize,
    },
    /// The peer's fault: a public key that its specification rejects.
    #[error("verifying key is not valid for its algorithm; ask its owner for another")]
    VerifyingKeyInvalid,
    /// The caller's fault: a private key of the wrong length.
    #[error("{algorithm} signing key: {got} bytes, expected {expected}")]
    SigningKeyLength {
        /// The algorithm asked for.
        algorithm: String,
        /// Bytes given.
        got: usize,
        /// Bytes of the specification.
        expected: usize,
    },
    /// The caller's fault: a damaged private key. Restore it from a backup.
    #[error("signing key is damaged or not of its algorithm")]
    SigningKeyInvalid,
    /// The caller's fault: the key does not exist in this form, or the provider cannot read it.
    #[error("the provider does not handle a private key in {0:?} form")]
    FormUnsupported(SecretKind),
    /// The caller's fault: this provider or algorithm takes no native context.
    #[error("no native context here: leave it empty or choose a provider that takes one")]
    ContextUnsupported,
    /// The caller's fault: a context of more than 255 bytes (FIPS 204 section 5.2).
    #[error("context of {0} bytes: at most 255")]
    ContextTooLong(usize),
    /// The caller's fault: a key of one algorithm was given to another.
    #[error("a key of {got} was given where {expected} is in use")]
    WrongAlgorithm {
        /// The algorithm of the operation.
        expected: String,
        /// The algorithm of the key.
        got: String,
    },
    /// The provider's fault: its own code refused to work.
    #[error("the provider's code failed")]
    ProviderFailed,
}

/// A signature algorithm whose provider passed the admission gate.
///
/// `preferred` does the work; `expander`, when there is one, is another admitted provider of the
/// same algorithm that can turn a seed into the expanded form which `preferred` reads.
#[derive(Clone)]
pub struct AdmittedSignature {
    info: Arc<AlgorithmInfo>,
    sizes: SignatureSizes,
    provider: Arc<ProviderInfo>,
    preferred: Arc<dyn Signature>,
    expander: Option<Arc<dyn Signature>>,
}

impl AdmittedSignature {
    pub(crate) fn new(
        info: Arc<AlgorithmInfo>,
        sizes: SignatureSizes,
        provider: Arc<ProviderInfo>,
        preferred: Arc<dyn Signature>,
        expander: Option<Arc<dyn Signature>>,
    ) -> Self {
        Self {
            info,
            sizes,
            provider,
            preferred,
            expander,
        }
    }

    /// The algorithm's row in the catalogue.
    #[must_use]
    pub fn info(&self) -> &AlgorithmInfo {
        &self.info
    }

    /// The lengths of this algorithm, in bytes.
    #[must_use]
    pub fn sizes(&self) -> &SignatureSizes {
        &self.sizes
    }

    /// Whose code does the work.
    #[must_use]
    pub fn provider(&self) -> &ProviderInfo {
        &self.provider
    }

    /// Generates a key pair for use within this process.
    ///
    /// # Errors
    /// [`SignatureError::ProviderFailed`].
    pub fn generate(&self, rng: &mut dyn CryptoRng) -> Result<SigningKey, SignatureError> {
        Ok(self.wrap(self.preferred.generate(rng)?, None))
    }

    /// Generates a key pair that can be stored: from a seed, where the algorithm defines one.
    ///
    /// # Errors
    /// [`SignatureError::ProviderFailed`], [`SignatureError::FormUnsupported`].
    pub fn generate_storable(&self, rng: &mut dyn CryptoRng) -> Result<SigningKey, SignatureError> {
        let Some(length) = self.sizes.seed else {
            return self.generate(rng);
        };
        let mut seed = SecretBytes::zeroed(length);
        rng.fill_bytes(seed.expose_mut());
        self.import_signing_key(SecretForm::Seed(seed.expose()))
    }

    /// Imports a private key.
    ///
    /// # Errors
    /// [`SignatureError::SigningKeyLength`], [`SignatureError::SigningKeyInvalid`],
    /// [`SignatureError::FormUnsupported`].
    pub fn import_signing_key(&self, form: SecretForm<'_>) -> Result<SigningKey, SignatureError> {
        let unsupported = SignatureError::FormUnsupported(form.kind());
        let expected = match form.kind() {
            SecretKind::Seed => self.sizes.seed.ok_or(unsupported)?,
            SecretKind::Expanded => self.sizes.signing_key,
        };
        let got = form.expose().len();
        if got != expected {
            let algorithm = self.info.id.clone();
            return Err(SignatureError::SigningKeyLength {
                algorithm,
                got,
                expected,
            });
        }
        match (
            self.preferred.import_signing_key(form),
            &self.expander,
            form,
        ) {
            (Ok(code), _, _) => Ok(self.wrap(code, None)),
            (Err(SignatureError::FormUnsupported(_)), Some(expander), SecretForm::Seed(seed)) => {
                let expanded = expander
                    .import_signing_key(form)?
                    .export(SecretKind::Expanded)?;
                let expanded = SecretForm::Expanded(expanded.expose());
                let code = self.preferred.import_signing_key(expanded)?;
                Ok(self.wrap(code, Some(SecretBytes::copy_of(seed))))
            }
            (Err(error), _, _) => Err(error),
        }
    }

    /// Imports a public key.
    ///
    /// # Errors
    /// [`SignatureError::VerifyingKeyLength`], [`SignatureError::VerifyingKeyInvalid`].
    pub fn import_verifying_key(&self, bytes: &[u8]) -> Result<VerifyingKey, SignatureError> {
        let expected = self.sizes.verifying_key;
        if bytes.len() != expected {
            let (algorithm, got) = (self.info.id.clone(), bytes.len());
            return Err(SignatureError::VerifyingKeyLength {
                algorithm,
                got,
                expected,
            });
        }
        Ok(VerifyingKey {
            info: self.info.clone(),
            sizes: self.sizes,
            provider: self.provider.clone(),
            code: self.preferred.import_verifying_key(bytes)?,
        })
    }

    /// Verifies with `key`, after checking that it belongs to this algorithm.
    ///
    /// # Errors
    /// [`SignatureError::WrongAlgorithm`] and those of [`VerifyingKey::verify`].
    pub fn verify(
        &self,
        key: &VerifyingKey,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        if self.info.id != key.info.id {
            let (expected, got) = (self.info.id.clone(), key.info.id.clone());
            return Err(SignatureError::WrongAlgorithm { expected, got });
        }
        key.verify(message, context, signature)
    }

    fn wrap(&self, code: Box<dyn Sign>, seed: Option<SecretBytes>) -> SigningKey {
        SigningKey {
            info: self.info.clone(),
            sizes: self.sizes,
            provider: self.provider.clone(),
            code,
            seed,
        }
    }
}

/// A private key that knows its algorithm and provider. Wiped on drop by its provider.
pub struct SigningKey {
    info: Arc<AlgorithmInfo>,
    sizes: SignatureSizes,
    provider: Arc<ProviderInfo>,
    code: Box<dyn Sign>,
    seed: Option<SecretBytes>,
}

impl SigningKey {
    /// The algorithm's row.
    #[must_use]
    pub fn info(&self) -> &AlgorithmInfo {
        &self.info
    }

    /// Whose code holds the key.
    #[must_use]
    pub fn provider(&self) -> &ProviderInfo {
        &self.provider
    }

    /// The lengths of this algorithm, in bytes.
    #[must_use]
    pub fn sizes(&self) -> &SignatureSizes {
        &self.sizes
    }

    /// The encoding of the public key.
    #[must_use]
    pub fn verifying_key(&self) -> Vec<u8> {
        self.code.verifying_key()
    }

    /// Exports the private key.
    ///
    /// # Errors
    /// [`SignatureError::FormUnsupported`] when the key does not exist in that form.
    pub fn export(&self, kind: SecretKind) -> Result<SecretBytes, SignatureError> {
        match (&self.seed, kind) {
            (Some(seed), SecretKind::Seed) => Ok(SecretBytes::copy_of(seed.expose())),
            _ => self.code.export(kind),
        }
    }

    /// Signs the concatenation of `message` with an empty native context.
    ///
    /// # Errors
    /// [`SignatureError::ProviderFailed`].
    pub fn sign(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
    ) -> Result<Vec<u8>, SignatureError> {
        self.sign_with_context(rng, message, &[])
    }

    /// Signs with a native context of at most 255 bytes (FIPS 204 section 5.2).
    ///
    /// # Errors
    /// [`SignatureError::ContextTooLong`], [`SignatureError::ContextUnsupported`],
    /// [`SignatureError::ProviderFailed`], the last also when the provider returns a signature of
    /// a length that is not the specification's.
    pub fn sign_with_context(
        &self,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        check_context(context)?;
        let signature = self.code.sign(rng, message, context)?;
        if fits(&self.sizes, &signature) {
            Ok(signature)
        } else {
            Err(SignatureError::ProviderFailed)
        }
    }
}

/// A public key that knows its algorithm and provider.
pub struct VerifyingKey {
    info: Arc<AlgorithmInfo>,
    sizes: SignatureSizes,
    provider: Arc<ProviderInfo>,
    code: Box<dyn Verify>,
}

impl VerifyingKey {
    /// The algorithm's row.
    #[must_use]
    pub fn info(&self) -> &AlgorithmInfo {
        &self.info
    }

    /// Whose code holds the key.
    #[must_use]
    pub fn provider(&self) -> &ProviderInfo {
        &self.provider
    }

    /// The specification's encoding.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        self.code.to_bytes()
    }

    /// Verifies a signature over the concatenation of `message`.
    ///
    /// # Errors
    /// [`SignatureError::Rejected`], also for a signature of the wrong length;
    /// [`SignatureError::ContextTooLong`], [`SignatureError::ContextUnsupported`].
    pub fn verify(
        &self,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        check_context(context)?;
        if !fits(&self.sizes, signature) {
            return Err(SignatureError::Rejected);
        }
        self.code.verify(message, context, signature)
    }
}

/// Whether a signature has the length, or one of the lengths, of its algorithm.
pub(crate) fn fits(sizes: &SignatureSizes, signature: &[u8]) -> bool {
    if sizes.variable_length {
        (1..=sizes.signature).contains(&signature.len())
    } else {
        signature.len() == sizes.signature
    }
}

/// FIPS 204 section 5.2 and FIPS 205 section 10.2 limit a context to 255 bytes.
fn check_context(context: &[u8]) -> Result<(), SignatureError> {
    if context.len() > 255 {
        return Err(SignatureError::ContextTooLong(context.len()));
    }
    Ok(())
}
