//! Authenticated encryption: what a provider implements, and the key that counts its use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;
use zeroize::Zeroize;

use crate::catalogue::{AeadLimits, AeadSizes, AlgorithmInfo};
use crate::provider::ProviderInfo;

/// The code of one AEAD by one provider.
pub trait Aead: Send + Sync {
    /// Prepares a key of the catalogue's length.
    ///
    /// # Errors
    /// [`AeadError::ProviderFailed`].
    fn key(&self, bytes: &[u8]) -> Result<Box<dyn AeadCipher>, AeadError>;
}

/// A provider's prepared key. Lengths are checked before it is called.
pub trait AeadCipher: Send + Sync {
    /// Encrypts `buffer` in place and fills `tag`.
    ///
    /// # Errors
    /// [`AeadError::ProviderFailed`].
    fn seal_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError>;

    /// Verifies `tag` and decrypts `buffer` in place.
    ///
    /// # Errors
    /// [`AeadError::Rejected`]; the caller wipes the buffer.
    fn open_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError>;
}

/// What can go wrong with an AEAD.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AeadError {
    /// The peer's fault: the tag does not match. The buffer was wiped.
    #[error("the ciphertext does not authenticate")]
    Rejected,
    /// The caller's fault: a key of the wrong length.
    #[error("{algorithm} key: {got} bytes, expected {expected}")]
    KeyLength {
        /// The algorithm asked for.
        algorithm: String,
        /// Bytes given.
        got: usize,
        /// Bytes of the specification.
        expected: usize,
    },
    /// The caller's or peer's fault: a nonce of the wrong length.
    #[error("{algorithm} nonce: {got} bytes, expected {expected}")]
    NonceLength {
        /// The algorithm asked for.
        algorithm: String,
        /// Bytes given.
        got: usize,
        /// Bytes of the specification.
        expected: usize,
    },
    /// The peer's fault: a sealed message shorter than its tag, or a tag of the wrong length.
    #[error("{algorithm} tag: {got} bytes, expected {expected}")]
    TagLength {
        /// The algorithm asked for.
        algorithm: String,
        /// Bytes given.
        got: usize,
        /// Bytes of the specification.
        expected: usize,
    },
    /// The caller's fault: a longer message than one nonce may cover.
    #[error("message of {got} bytes: one nonce covers at most {limit}")]
    MessageTooLong {
        /// Bytes given.
        got: usize,
        /// Bytes allowed.
        limit: u64,
    },
    /// Nobody's fault: this key has sealed as many messages as its specification allows.
    #[error("this key has sealed {0} messages, its limit; make a new session")]
    KeyExhausted(u64),
    /// The provider's fault: its own code refused to work.
    #[error("the provider's code failed")]
    ProviderFailed,
}

/// An AEAD whose provider passed the admission gate.
#[derive(Clone)]
pub struct AdmittedAead {
    info: Arc<AlgorithmInfo>,
    sizes: AeadSizes,
    provider: Arc<ProviderInfo>,
    code: Arc<dyn Aead>,
}

impl AdmittedAead {
    pub(crate) fn new(
        info: Arc<AlgorithmInfo>,
        sizes: AeadSizes,
        provider: Arc<ProviderInfo>,
        code: Arc<dyn Aead>,
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
    pub fn sizes(&self) -> &AeadSizes {
        &self.sizes
    }

    /// Whose code does the work.
    #[must_use]
    pub fn provider(&self) -> &ProviderInfo {
        &self.provider
    }

    /// Prepares a key whose use is counted from zero.
    ///
    /// # Errors
    /// [`AeadError::KeyLength`], [`AeadError::ProviderFailed`].
    pub fn key(&self, bytes: &[u8]) -> Result<AeadKey, AeadError> {
        if bytes.len() != self.sizes.key {
            return Err(AeadError::KeyLength {
                algorithm: self.info.id.clone(),
                got: bytes.len(),
                expected: self.sizes.key,
            });
        }
        Ok(AeadKey {
            info: self.info.clone(),
            sizes: self.sizes,
            limits: self.sizes.limits,
            code: self.code.key(bytes)?,
            sealed: AtomicU64::new(0),
        })
    }
}

/// A key that refuses to be used more often than its specification allows.
pub struct AeadKey {
    info: Arc<AlgorithmInfo>,
    sizes: AeadSizes,
    limits: AeadLimits,
    code: Box<dyn AeadCipher>,
    sealed: AtomicU64,
}

impl AeadKey {
    /// How many messages this key has sealed.
    #[must_use]
    pub fn sealed(&self) -> u64 {
        self.sealed.load(Ordering::Relaxed)
    }

    /// The lengths of this algorithm, in bytes.
    #[must_use]
    pub fn sizes(&self) -> &AeadSizes {
        &self.sizes
    }

    /// The algorithm's limits, with their source in the catalogue.
    #[must_use]
    pub fn limits(&self) -> &AeadLimits {
        &self.limits
    }

    /// Encrypts `buffer` in place and fills `tag`. A nonce must never be used twice with a key.
    ///
    /// # Errors
    /// Lengths; [`AeadError::MessageTooLong`]; [`AeadError::KeyExhausted`].
    pub fn seal_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), AeadError> {
        self.check(nonce, buffer.len(), tag.len())?;
        let used = self.sealed.fetch_add(1, Ordering::Relaxed);
        if used >= self.limits.sealed_messages {
            self.sealed.fetch_sub(1, Ordering::Relaxed);
            return Err(AeadError::KeyExhausted(self.limits.sealed_messages));
        }
        self.code.seal_in_place(nonce, aad, buffer, tag)
    }

    /// Verifies and decrypts in place; on failure the buffer is wiped.
    ///
    /// # Errors
    /// Lengths; [`AeadError::Rejected`].
    pub fn open_in_place(
        &self,
        nonce: &[u8],
        aad: &[u8],
        buffer: &mut [u8],
        tag: &[u8],
    ) -> Result<(), AeadError> {
        self.check(nonce, buffer.len(), tag.len())?;
        self.code
            .open_in_place(nonce, aad, buffer, tag)
            .inspect_err(|_| buffer.zeroize())
    }

    /// Encrypts to ciphertext ‖ tag.
    ///
    /// # Errors
    /// As [`Self::seal_in_place`].
    pub fn seal(&self, nonce: &[u8], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, AeadError> {
        let mut sealed = Vec::with_capacity(plaintext.len() + self.sizes.tag);
        sealed.extend_from_slice(plaintext);
        let mut tag = vec![0; self.sizes.tag];
        self.seal_in_place(nonce, aad, &mut sealed, &mut tag)?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Decrypts ciphertext ‖ tag.
    ///
    /// # Errors
    /// [`AeadError::TagLength`] when shorter than a tag; as [`Self::open_in_place`].
    pub fn open(&self, nonce: &[u8], aad: &[u8], sealed: &[u8]) -> Result<Vec<u8>, AeadError> {
        let split = sealed
            .len()
            .checked_sub(self.sizes.tag)
            .ok_or_else(|| self.tag(sealed.len()))?;
        let (ciphertext, tag) = sealed.split_at(split);
        let mut buffer = ciphertext.to_vec();
        self.open_in_place(nonce, aad, &mut buffer, tag)?;
        Ok(buffer)
    }

    fn check(&self, nonce: &[u8], message: usize, tag: usize) -> Result<(), AeadError> {
        if nonce.len() != self.sizes.nonce {
            return Err(AeadError::NonceLength {
                algorithm: self.info.id.clone(),
                got: nonce.len(),
                expected: self.sizes.nonce,
            });
        }
        if tag != self.sizes.tag {
            return Err(self.tag(tag));
        }
        let limit = self.limits.message_bytes;
        if u64::try_from(message).is_ok_and(|bytes| bytes <= limit) {
            return Ok(());
        }
        Err(AeadError::MessageTooLong {
            got: message,
            limit,
        })
    }

    fn tag(&self, got: usize) -> AeadError {
        AeadError::TagLength {
            algorithm: self.info.id.clone(),
            got,
            expected: self.sizes.tag,
        }
    }
}
