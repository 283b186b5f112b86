//! The key schedule: one chaining key into which every secret is mixed, one running hash over
//! everything that both ends have said.

use std::sync::Arc;

use pqfw_framework::aead::AeadKey;
use pqfw_framework::hash::HashState;
use pqfw_framework::secret::SecretBytes;
use thiserror::Error;

use crate::suites::NamedSuite;

/// A provider's fault: its code refused to derive, seal or sign; or its algorithm's, which has no
/// identifier.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the provider's code failed: {0}")]
pub struct Failed(String);

pub(crate) fn failed(error: impl ToString) -> Failed {
    Failed(error.to_string())
}

/// The schedule on its way from the first byte to the session's keys.
pub(crate) struct Schedule {
    suite: Arc<NamedSuite>,
    chain: SecretBytes,
    transcript: Box<dyn HashState>,
}

impl Schedule {
    /// Begins with the suite.
    pub(crate) fn new(suite: &Arc<NamedSuite>) -> Result<Self, Failed> {
        let kdf = &suite.suite.kdf;
        let chain = kdf.extract(b"pqvpn/2", suite.name.as_bytes());
        let mut schedule = Self {
            suite: suite.clone(),
            chain: chain.map_err(failed)?,
            transcript: suite.suite.hash.start(),
        };
        schedule.hash(b"pqvpn/2");
        schedule.hash(suite.name.as_bytes());
        Ok(schedule)
    }

    /// Hashes one field, with its length, so that no two lists of fields hash alike.
    pub(crate) fn hash(&mut self, field: &[u8]) {
        let length = u32::try_from(field.len()).unwrap_or(u32::MAX);
        self.transcript.update(&length.to_be_bytes());
        self.transcript.update(field);
    }

    /// Mixes a secret into the chaining key.
    pub(crate) fn mix(&mut self, secret: &SecretBytes) -> Result<(), Failed> {
        let kdf = &self.suite.suite.kdf;
        let chain = kdf.extract(self.chain.expose(), secret.expose());
        self.chain = chain.map_err(failed)?;
        Ok(())
    }

    /// The hash of everything so far.
    pub(crate) fn transcript(&self) -> Vec<u8> {
        let mut hash = vec![0; self.suite.suite.hash.sizes().digest];
        self.transcript.fork().finish(&mut hash);
        hash
    }

    /// Seals a part of a message and hashes what was sealed. Each label is used once in a
    /// handshake, and its key seals once: the nonce is zero.
    pub(crate) fn seal(&mut self, label: &str, plaintext: &[u8]) -> Result<Vec<u8>, Failed> {
        let (key, nonce, hash) = self.seal_key(label)?;
        let sealed = key.seal(&nonce, &hash, plaintext).map_err(failed)?;
        self.hash(&sealed);
        Ok(sealed)
    }

    /// Opens a part of a message and hashes it as it came; `None` when it was not sealed so.
    pub(crate) fn open(&mut self, label: &str, sealed: &[u8]) -> Result<Option<Vec<u8>>, Failed> {
        let (key, nonce, hash) = self.seal_key(label)?;
        let plaintext = key.open(&nonce, &hash, sealed).ok();
        self.hash(sealed);
        Ok(plaintext)
    }

    fn seal_key(&self, label: &str) -> Result<(AeadKey, Vec<u8>, Vec<u8>), Failed> {
        let aead = &self.suite.suite.aead;
        let hash = self.transcript();
        let key = self.expand(label, &hash, aead.sizes().key)?;
        let key = aead.key(key.expose()).map_err(failed)?;
        Ok((key, vec![0; aead.sizes().nonce], hash))
    }

    fn expand(&self, label: &str, hash: &[u8], length: usize) -> Result<SecretBytes, Failed> {
        let kdf = &self.suite.suite.kdf;
        let info: [&[u8]; 3] = [b"pqvpn/2 ", label.as_bytes(), hash];
        kdf.expand(&self.chain, &info, length).map_err(failed)
    }

    /// Ends the schedule: the keys of a session.
    pub(crate) fn finish(self) -> Result<SessionKeys, Failed> {
        let hash = self.transcript();
        let length = self.suite.suite.kdf.sizes().prk;
        let mut id = [0; 8];
        id.copy_from_slice(self.expand("session id", &hash, 8)?.expose());
        Ok(SessionKeys {
            id,
            to_responder: self.expand("i2r", &hash, length)?,
            to_initiator: self.expand("r2i", &hash, length)?,
            exporter: Exporter {
                secret: self.expand("exporter", &hash, length)?,
                suite: self.suite.clone(),
            },
            suite: self.suite,
        })
    }
}

/// What a handshake leaves.
pub struct SessionKeys {
    /// The session's name, which is no secret.
    pub id: [u8; 8],
    /// For the application.
    pub exporter: Exporter,
    pub(crate) to_responder: SecretBytes,
    pub(crate) to_initiator: SecretBytes,
    pub(crate) suite: Arc<NamedSuite>,
}

/// Secrets for the application, bound to one session.
pub struct Exporter {
    suite: Arc<NamedSuite>,
    secret: SecretBytes,
}

impl Exporter {
    /// A secret that both ends have and nobody else, another for every label.
    ///
    /// # Errors
    /// [`Failed`] for more than the KDF gives.
    pub fn export(&self, label: &str, length: usize) -> Result<SecretBytes, Failed> {
        let info: [&[u8]; 2] = [b"pqvpn/2 export ", label.as_bytes()];
        let kdf = &self.suite.suite.kdf;
        kdf.expand(&self.secret, &info, length).map_err(failed)
    }
}

/// The one-way chain from which the keys of a direction's shard follow, epoch after epoch.
pub(crate) struct Chain {
    suite: Arc<NamedSuite>,
    epoch: u64,
    secret: SecretBytes,
}

impl Chain {
    /// Begins at epoch 0 of a shard.
    pub(crate) fn new(
        suite: &Arc<NamedSuite>,
        direction: &SecretBytes,
        shard: u8,
    ) -> Result<Self, Failed> {
        let kdf = &suite.suite.kdf;
        let length = kdf.sizes().prk;
        let secret = kdf.expand(direction, &[b"pqvpn/2 shard", &[shard]], length);
        Ok(Self {
            suite: suite.clone(),
            epoch: 0,
            secret: secret.map_err(failed)?,
        })
    }

    /// The epoch of the next key.
    pub(crate) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Gives the key of the next epoch and forgets how.
    pub(crate) fn next(&mut self) -> Result<AeadKey, Failed> {
        let (kdf, aead) = (&self.suite.suite.kdf, &self.suite.suite.aead);
        let key = kdf.expand(&self.secret, &[b"pqvpn/2 key"], aead.sizes().key);
        let key = aead.key(key.map_err(failed)?.expose()).map_err(failed)?;
        let next = kdf.expand(&self.secret, &[b"pqvpn/2 next"], kdf.sizes().prk);
        self.secret = next.map_err(failed)?;
        self.epoch += 1;
        Ok(key)
    }
}
