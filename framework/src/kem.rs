//! Key encapsulation: what a provider implements, and the typed handles that everybody else uses.
//!
//! A provider implements [`Kem`], [`Encapsulate`] and [`Decapsulate`] on byte slices. Users never
//! see those: they get an [`AdmittedKem`] from the registry and from it [`EncapsulationKey`] and
//! [`DecapsulationKey`], which carry their algorithm and provider, check every length once, and
//! refuse to be mixed. `Kyber-768` and `ML-KEM-768` have equal lengths and a wrong pairing gives
//! no error, only two different secrets (FIPS 203 section 3.3): the handles are what prevents it.

use std::sync::Arc;

use rand_core::CryptoRng;
use thiserror::Error;

use crate::catalogue::{AlgorithmInfo, KemSizes};
use crate::provider::ProviderInfo;
use crate::secret::{SecretBytes, SecretForm, SecretKind};

/// The code of one KEM by one provider. Implementations check content; lengths are checked before
/// they are called.
pub trait Kem: Send + Sync {
    /// Generates a key pair in whatever way is fastest.
    ///
    /// # Errors
    /// [`KemError::ProviderFailed`].
    fn generate(&self, rng: &mut dyn CryptoRng) -> Result<Box<dyn Decapsulate>, KemError>;

    /// Imports a public key, with the checks of FIPS 203 section 7.2 or of its own specification.
    ///
    /// # Errors
    /// [`KemError::EncapsulationKeyInvalid`].
    fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<Box<dyn Encapsulate>, KemError>;

    /// Imports a private key, with the checks of FIPS 203 section 7.3 or of its own specification.
    ///
    /// # Errors
    /// [`KemError::DecapsulationKeyInvalid`], or [`KemError::FormUnsupported`] for a form that
    /// this provider cannot read.
    fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<Box<dyn Decapsulate>, KemError>;

    /// The same curve with the bare Diffie-Hellman value for a secret, which nothing binds to the
    /// public keys that it came from: see [`AdmittedKem::bare_diffie_hellman`].
    fn bare_diffie_hellman(&self) -> Option<Arc<dyn Kem>> {
        None
    }
}

/// A provider's public key.
pub trait Encapsulate: Send + Sync {
    /// The specification's encoding.
    fn to_bytes(&self) -> Vec<u8>;

    /// Fills `ciphertext` and `shared_secret`, both of the catalogue's length.
    ///
    /// # Errors
    /// [`KemError::ProviderFailed`]; [`KemError::EncapsulationKeyInvalid`] where the specification
    /// finds a bad point only now.
    fn encapsulate(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError>;
}

/// A provider's private key.
pub trait Decapsulate: Send + Sync {
    /// The encoding of the matching public key.
    fn encapsulation_key(&self) -> Vec<u8>;

    /// Exports the private key.
    ///
    /// # Errors
    /// [`KemError::FormUnsupported`] when the key does not exist in that form.
    fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError>;

    /// Fills `shared_secret`. A forged ciphertext gives the implicit-rejection secret, not an
    /// error.
    ///
    /// # Errors
    /// [`KemError::CiphertextInvalid`] only where the specification rejects from public data
    /// (RFC 9180 section 7.1.4), never as a function of the secret.
    fn decapsulate(&self, ciphertext: &[u8], shared_secret: &mut [u8]) -> Result<(), KemError>;
}

/// What can go wrong with a KEM.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KemError {
    /// The peer's or caller's fault: a public key of the wrong length.
    #[error("{algorithm} encapsulation key: {got} bytes, expected {expected}")]
    EncapsulationKeyLength {
        /// The algorithm asked for.
        algorithm: String,
        /// Bytes given.
        got: usize,
        /// Bytes of the specification.
        expected: usize,
    },
    /// The peer's fault: a public key that its specification rejects.
    #[error("encapsulation key is not valid for its algorithm; ask its owner for another")]
    EncapsulationKeyInvalid,
    /// The caller's fault: a private key of the wrong length.
    #[error("{algorithm} decapsulation key: {got} bytes, expected {expected}")]
    DecapsulationKeyLength {
        /// The algorithm asked for.
        algorithm: String,
        /// Bytes given.
        got: usize,
        /// Bytes of the specification.
        expected: usize,
    },
    /// The caller's fault: a damaged private key (FIPS 203 section 7.3). Restore it from a backup.
    #[error("decapsulation key is damaged: its own check value does not match")]
    DecapsulationKeyInvalid,
    /// The peer's fault: a ciphertext of the wrong length.
    #[error("{algorithm} ciphertext: {got} bytes, expected {expected}")]
    CiphertextLength {
        /// The algorithm asked for.
        algorithm: String,
        /// Bytes given.
        got: usize,
        /// Bytes of the specification.
        expected: usize,
    },
    /// The peer's fault: a ciphertext that the specification rejects from public data alone.
    #[error("ciphertext is rejected by its specification (RFC 9180 section 7.1.4)")]
    CiphertextInvalid,
    /// The caller's fault: the key does not exist in this form, or the provider cannot read it.
    #[error("the provider does not handle a private key in {0:?} form")]
    FormUnsupported(SecretKind),
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

/// A KEM whose provider passed the admission gate.
///
/// `preferred` does the work; `expander`, when there is one, is another admitted provider of the
/// same algorithm that can turn a seed into the expanded form which `preferred` reads. That is how
/// keys stay stored as seeds whatever the provider.
#[derive(Clone)]
pub struct AdmittedKem {
    info: Arc<AlgorithmInfo>,
    sizes: KemSizes,
    provider: Arc<ProviderInfo>,
    preferred: Arc<dyn Kem>,
    expander: Option<Arc<dyn Kem>>,
}

impl AdmittedKem {
    pub(crate) fn new(
        info: Arc<AlgorithmInfo>,
        sizes: KemSizes,
        provider: Arc<ProviderInfo>,
        preferred: Arc<dyn Kem>,
        expander: Option<Arc<dyn Kem>>,
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
    pub fn sizes(&self) -> &KemSizes {
        &self.sizes
    }

    /// Whose code does the work.
    #[must_use]
    pub fn provider(&self) -> &ProviderInfo {
        &self.provider
    }

    /// The same curve by the same provider with the bare Diffie-Hellman value for a secret, as TLS
    /// 1.3 takes it (RFC 8446 section 7.4.2). Only a protocol that hashes both public keys into
    /// its keys, as TLS does, may use it. `None` for what is no curve, or where the provider has
    /// only the KEM.
    #[must_use]
    pub fn bare_diffie_hellman(&self) -> Option<Self> {
        Some(Self {
            preferred: self.preferred.bare_diffie_hellman()?,
            expander: None,
            ..self.clone()
        })
    }

    /// Generates a key pair for use within this process.
    ///
    /// # Errors
    /// [`KemError::ProviderFailed`].
    pub fn generate(&self, rng: &mut dyn CryptoRng) -> Result<DecapsulationKey, KemError> {
        Ok(self.wrap(self.preferred.generate(rng)?, None))
    }

    /// Generates a key pair that can be stored: from a seed, where the algorithm defines one.
    ///
    /// # Errors
    /// [`KemError::ProviderFailed`]; [`KemError::FormUnsupported`] when no admitted provider of
    /// the algorithm expands seeds.
    pub fn generate_storable(&self, rng: &mut dyn CryptoRng) -> Result<DecapsulationKey, KemError> {
        let Some(length) = self.sizes.seed else {
            return self.generate(rng);
        };
        let mut seed = SecretBytes::zeroed(length);
        rng.fill_bytes(seed.expose_mut());
        self.import_decapsulation_key(SecretForm::Seed(seed.expose()))
    }

    /// Imports a public key and runs the checks of its specification.
    ///
    /// # Errors
    /// [`KemError::EncapsulationKeyLength`], [`KemError::EncapsulationKeyInvalid`].
    pub fn import_encapsulation_key(&self, bytes: &[u8]) -> Result<EncapsulationKey, KemError> {
        let expected = self.sizes.encapsulation_key;
        if bytes.len() != expected {
            let algorithm = self.info.id.clone();
            return Err(KemError::EncapsulationKeyLength {
                algorithm,
                got: bytes.len(),
                expected,
            });
        }
        Ok(EncapsulationKey {
            info: self.info.clone(),
            sizes: self.sizes,
            provider: self.provider.clone(),
            code: self.preferred.import_encapsulation_key(bytes)?,
        })
    }

    /// Imports a private key and runs the checks of its specification.
    ///
    /// # Errors
    /// [`KemError::DecapsulationKeyLength`], [`KemError::DecapsulationKeyInvalid`],
    /// [`KemError::FormUnsupported`].
    pub fn import_decapsulation_key(
        &self,
        form: SecretForm<'_>,
    ) -> Result<DecapsulationKey, KemError> {
        let expected = match form.kind() {
            SecretKind::Seed => self
                .sizes
                .seed
                .ok_or(KemError::FormUnsupported(form.kind()))?,
            SecretKind::Expanded => self.sizes.decapsulation_key,
        };
        let got = form.expose().len();
        if got != expected {
            let algorithm = self.info.id.clone();
            return Err(KemError::DecapsulationKeyLength {
                algorithm,
                got,
                expected,
            });
        }
        match (
            self.preferred.import_decapsulation_key(form),
            &self.expander,
            form,
        ) {
            (Ok(code), _, _) => Ok(self.wrap(code, None)),
            (Err(KemError::FormUnsupported(_)), Some(expander), SecretForm::Seed(seed)) => {
                let expanded = expander
                    .import_decapsulation_key(form)?
                    .export(SecretKind::Expanded)?;
                let expanded = SecretForm::Expanded(expanded.expose());
                let code = self.preferred.import_decapsulation_key(expanded)?;
                Ok(self.wrap(code, Some(SecretBytes::copy_of(seed))))
            }
            (Err(error), _, _) => Err(error),
        }
    }

    /// Encapsulates to `key`, after checking that it belongs to this algorithm.
    ///
    /// # Errors
    /// [`KemError::WrongAlgorithm`] and those of [`EncapsulationKey::encapsulate`].
    pub fn encapsulate(
        &self,
        key: &EncapsulationKey,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Vec<u8>, SecretBytes), KemError> {
        self.same_algorithm(&key.info)?;
        key.encapsulate(rng)
    }

    /// Decapsulates with `key`, after checking that it belongs to this algorithm.
    ///
    /// # Errors
    /// [`KemError::WrongAlgorithm`] and those of [`DecapsulationKey::decapsulate`].
    pub fn decapsulate(
        &self,
        key: &DecapsulationKey,
        ciphertext: &[u8],
    ) -> Result<SecretBytes, KemError> {
        self.same_algorithm(&key.info)?;
        key.decapsulate(ciphertext)
    }

    fn same_algorithm(&self, other: &AlgorithmInfo) -> Result<(), KemError> {
        if self.info.id == other.id {
            return Ok(());
        }
        let (expected, got) = (self.info.id.clone(), other.id.clone());
        Err(KemError::WrongAlgorithm { expected, got })
    }

    fn wrap(&self, code: Box<dyn Decapsulate>, seed: Option<SecretBytes>) -> DecapsulationKey {
        DecapsulationKey {
            info: self.info.clone(),
            sizes: self.sizes,
            provider: self.provider.clone(),
            code,
            seed,
        }
    }
}

/// A public key that knows its algorithm and provider.
pub struct EncapsulationKey {
    info: Arc<AlgorithmInfo>,
    sizes: KemSizes,
    provider: Arc<ProviderInfo>,
    code: Box<dyn Encapsulate>,
}

impl EncapsulationKey {
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

    /// Gives a ciphertext for the key's owner and the secret that it carries.
    ///
    /// # Errors
    /// [`KemError::ProviderFailed`], [`KemError::EncapsulationKeyInvalid`].
    pub fn encapsulate(&self, rng: &mut dyn CryptoRng) -> Result<(Vec<u8>, SecretBytes), KemError> {
        let mut ciphertext = vec![0; self.sizes.ciphertext];
        let mut shared_secret = SecretBytes::zeroed(self.sizes.shared_secret);
        self.encapsulate_into(rng, &mut ciphertext, shared_secret.expose_mut())?;
        Ok((ciphertext, shared_secret))
    }

    /// As [`Self::encapsulate`], into the caller's buffers.
    ///
    /// # Errors
    /// [`KemError::CiphertextLength`] when a buffer is not of the catalogue's length, and those
    /// of [`Self::encapsulate`].
    pub fn encapsulate_into(
        &self,
        rng: &mut dyn CryptoRng,
        ciphertext: &mut [u8],
        shared_secret: &mut [u8],
    ) -> Result<(), KemError> {
        check_buffers(&self.info, &self.sizes, ciphertext, shared_secret)?;
        self.code.encapsulate(rng, ciphertext, shared_secret)
    }
}

/// A private key that knows its algorithm and provider. Wiped on drop by its provider.
pub struct DecapsulationKey {
    info: Arc<AlgorithmInfo>,
    sizes: KemSizes,
    provider: Arc<ProviderInfo>,
    code: Box<dyn Decapsulate>,
    seed: Option<SecretBytes>,
}

impl DecapsulationKey {
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
    pub fn sizes(&self) -> &KemSizes {
        &self.sizes
    }

    /// The encoding of the public key.
    #[must_use]
    pub fn encapsulation_key(&self) -> Vec<u8> {
        self.code.encapsulation_key()
    }

    /// Exports the private key.
    ///
    /// # Errors
    /// [`KemError::FormUnsupported`] when the key does not exist in that form.
    pub fn export(&self, kind: SecretKind) -> Result<SecretBytes, KemError> {
        match (&self.seed, kind) {
            (Some(seed), SecretKind::Seed) => Ok(SecretBytes::copy_of(seed.expose())),
            _ => self.code.export(kind),
        }
    }

    /// Gives the secret that `ciphertext` carries; for a forged one of the right length, the
    /// implicit-rejection secret.
    ///
    /// # Errors
    /// [`KemError::CiphertextLength`], [`KemError::CiphertextInvalid`].
    pub fn decapsulate(&self, ciphertext: &[u8]) -> Result<SecretBytes, KemError> {
        let mut shared_secret = SecretBytes::zeroed(self.sizes.shared_secret);
        check_buffers(&self.info, &self.sizes, ciphertext, shared_secret.expose())?;
        self.code
            .decapsulate(ciphertext, shared_secret.expose_mut())?;
        Ok(shared_secret)
    }
}

fn check_buffers(
    info: &AlgorithmInfo,
    sizes: &KemSizes,
    ciphertext: &[u8],
    shared_secret: &[u8],
) -> Result<(), KemError> {
    let wrong = |got, expected| KemError::CiphertextLength {
        algorithm: info.id.clone(),
        got,
        expected,
    };
    if ciphertext.len() != sizes.ciphertext {
        return Err(wrong(ciphertext.len(), sizes.ciphertext));
    }
    if shared_secret.len() != sizes.shared_secret {
        return Err(wrong(shared_secret.len(), sizes.shared_secret));
    }
    Ok(())
}
