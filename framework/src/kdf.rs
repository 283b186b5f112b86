//! Key derivation, in the two steps of RFC 5869.

use std::sync::Arc;

use thiserror::Error;

use crate::catalogue::{AlgorithmInfo, KdfSizes};
use crate::provider::ProviderInfo;
use crate::secret::SecretBytes;

/// The code of one extract-and-expand KDF by one provider.
pub trait Kdf: Send + Sync {
    /// RFC 5869 section 2.2: fills `prk`, of the hash's length.
    ///
    /// # Errors
    /// [`KdfError::ProviderFailed`].
    fn extract(&self, salt: &[u8], ikm: &[u8], prk: &mut [u8]) -> Result<(), KdfError>;

    /// RFC 5869 section 2.3: fills `okm` from a `prk` of the hash's length.
    ///
    /// # Errors
    /// [`KdfError::ProviderFailed`].
    fn expand(&self, prk: &[u8], info: &[&[u8]], okm: &mut [u8]) -> Result<(), KdfError>;
}

/// What can go wrong with a KDF.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KdfError {
    /// The caller's fault: more output than RFC 5869 allows, 255 hashes.
    #[error("{got} bytes asked of the KDF: at most {limit}")]
    OutputTooLong {
        /// Bytes asked for.
        got: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// The caller's fault: a pseudo-random key that is not one hash long.
    #[error("pseudo-random key of {got} bytes, expected {expected}")]
    PrkLength {
        /// Bytes given.
        got: usize,
        /// Bytes of the hash.
        expected: usize,
    },
    /// The provider's fault: its own code refused to work.
    #[error("the provider's code failed")]
    ProviderFailed,
}

/// A KDF whose provider passed the admission gate.
#[derive(Clone)]
pub struct AdmittedKdf {
    info: Arc<AlgorithmInfo>,
    sizes: KdfSizes,
    provider: Arc<ProviderInfo>,
    code: Arc<dyn Kdf>,
}

impl AdmittedKdf {
    pub(crate) fn new(
        info: Arc<AlgorithmInfo>,
        sizes: KdfSizes,
        provider: Arc<ProviderInfo>,
        code: Arc<dyn Kdf>,
    ) -> Self {
        Self {
            info,
            sizes,
            provider,
            code,
        }
    }

    /// The algorithm's row in the catalogue.
    #[must_use]
    pub fn info(&self) -> &AlgorithmInfo {
        &self.info
    }

    /// The lengths of this algorithm, in bytes.
    #[must_use]
    pub fn sizes(&self) -> &KdfSizes {
        &self.sizes
    }

    /// Whose code does the work.
    #[must_use]
    pub fn provider(&self) -> &ProviderInfo {
        &self.provider
    }

    /// Extracts a pseudo-random key.
    ///
    /// # Errors
    /// [`KdfError::ProviderFailed`].
    pub fn extract(&self, salt: &[u8], ikm: &[u8]) -> Result<SecretBytes, KdfError> {
        let mut prk = SecretBytes::zeroed(self.sizes.prk);
        self.code.extract(salt, ikm, prk.expose_mut())?;
        Ok(prk)
    }

    /// Expands a pseudo-random key to `length` bytes.
    ///
    /// # Errors
    /// [`KdfError::OutputTooLong`], [`KdfError::PrkLength`], [`KdfError::ProviderFailed`].
    pub fn expand(
        &self,
        prk: &SecretBytes,
        info: &[&[u8]],
        length: usize,
    ) -> Result<SecretBytes, KdfError> {
        if length > self.sizes.max_output {
            return Err(KdfError::OutputTooLong {
                got: length,
                limit: self.sizes.max_output,
            });
        }
        if prk.len() != self.sizes.prk {
            return Err(KdfError::PrkLength {
                got: prk.len(),
                expected: self.sizes.prk,
            });
        }
        let mut okm = SecretBytes::zeroed(length);
        self.code.expand(prk.expose(), info, okm.expose_mut())?;
        Ok(okm)
    }

    /// Extracts and expands in one go.
    ///
    /// # Errors
    /// As [`Self::expand`].
    pub fn derive(
        &self,
        salt: &[u8],
        ikm: &[u8],
        info: &[&[u8]],
        length: usize,
    ) -> Result<SecretBytes, KdfError> {
        self.expand(&self.extract(salt, ikm)?, info, length)
    }
}
