//! Reading and opening a backup.

use super::head::Head;
use super::keys::{self, COMMITMENT_BYTES, SHARE_BYTES};
use super::{
    BackupError, BackupFile, BackupSuite, Fingerprint, LARGEST_PAYLOAD_BYTES, Need, RecipientInfo,
    payload,
};
use crate::aead::AeadError;
use crate::kem::{DecapsulationKey, KemError};
use crate::secret::SecretBytes;
use crate::wire::Reader;

/// The longest wrapped share: the share and any AEAD's tag.
const LONGEST_SHARE_BYTES: usize = SHARE_BYTES + 64;
/// The most that an AEAD adds to the payload.
const LONGEST_TAG_BYTES: usize = 64;

/// A backup that has been read and not yet opened: nothing in it is authenticated.
pub struct Backup<'a> {
    head: Head,
    head_bytes: &'a [u8],
    shares: Vec<&'a [u8]>,
    commitment: &'a [u8],
    /// Everything before the payload.
    before: &'a [u8],
    sealed: &'a [u8],
}

impl<'a> Backup<'a> {
    /// Reads a backup to its last byte.
    ///
    /// # Errors
    /// [`BackupError`].
    pub fn parse(file: &'a [u8]) -> Result<Self, BackupError> {
        let mut reader = Reader::new(file);
        let read_by = |reader: &Reader<'_>| {
            let (front, _) = file.split_at(file.len() - reader.remaining());
            front
        };
        let head = Head::decode(&mut reader)?;
        let head_bytes = read_by(&reader);
        let mut shares = Vec::new();
        for _ in &head.recipients {
            shares.push(reader.vector16("share", LONGEST_SHARE_BYTES)?);
        }
        let commitment = reader.bytes("commitment", COMMITMENT_BYTES)?;
        let before = read_by(&reader);
        let sealed = reader.vector32("payload", LARGEST_PAYLOAD_BYTES + LONGEST_TAG_BYTES)?;
        reader.finish()?;
        Ok(Self {
            head,
            head_bytes,
            shares,
            commitment,
            before,
            sealed,
        })
    }

    /// The name of the KDF that it is made with.
    #[must_use]
    pub fn kdf(&self) -> &str {
        &self.head.kdf
    }

    /// The name of the AEAD that it is made with.
    #[must_use]
    pub fn aead(&self) -> &str {
        &self.head.aead
    }

    /// How many of the recipients it takes.
    #[must_use]
    pub fn need(&self) -> Need {
        self.head.need
    }

    /// Whom it is sealed to.
    #[must_use]
    pub fn recipients(&self) -> &[RecipientInfo] {
        &self.head.recipients
    }

    /// Opens it with the private keys of one or all of its recipients, in any order.
    ///
    /// # Errors
    /// [`BackupError`]; [`BackupError::Rejected`] for every change that was made to it.
    pub fn open(
        &self,
        suite: &BackupSuite,
        recovery_keys: &[DecapsulationKey],
    ) -> Result<Vec<BackupFile>, BackupError> {
        same_algorithm(&self.head.kdf, &suite.kdf.info().id)?;
        same_algorithm(&self.head.aead, &suite.aead.info().id)?;
        let shares = self.open_shares(suite, recovery_keys)?;
        let file_secret = keys::join(&shares);
        let (key, commitment) =
            keys::payload(&suite.kdf, &suite.aead, &file_secret, self.head_bytes)?;
        if !commitment.constant_time_eq(self.commitment) {
            return Err(BackupError::Rejected);
        }
        let opened = key.key.open(&key.nonce, self.before, self.sealed);
        let opened = SecretBytes::own(opened.map_err(rejected)?);
        payload::decode(opened.expose())
    }

    /// The first share that a key opens, or all of them.
    fn open_shares(
        &self,
        suite: &BackupSuite,
        recovery_keys: &[DecapsulationKey],
    ) -> Result<Vec<SecretBytes>, BackupError> {
        let mut known = Vec::new();
        for key in recovery_keys {
            let public_key = key.encapsulation_key();
            known.push(Fingerprint::of(&suite.sha256, key.info(), &public_key)?);
        }
        let (mut shares, mut missing) = (Vec::new(), Vec::new());
        for (index, recipient) in self.head.recipients.iter().enumerate() {
            let owner = known.iter().position(|own| *own == recipient.fingerprint);
            match owner.and_then(|at| recovery_keys.get(at)) {
                Some(key) => shares.push(self.open_share(suite, index, recipient, key)?),
                None => missing.push(recipient.fingerprint.to_string()),
            }
        }
        if shares.is_empty() {
            let recipients = missing.join(", ");
            return Err(BackupError::NotARecipient { recipients });
        }
        match self.head.need {
            Need::Any => {
                shares.truncate(1);
                Ok(shares)
            }
            Need::All if missing.is_empty() => Ok(shares),
            Need::All => {
                let missing = missing.join(", ");
                Err(BackupError::MissingRecipients { missing })
            }
        }
    }

    fn open_share(
        &self,
        suite: &BackupSuite,
        index: usize,
        recipient: &RecipientInfo,
        key: &DecapsulationKey,
    ) -> Result<SecretBytes, BackupError> {
        same_algorithm(&recipient.kem, &key.info().id)?;
        let (Some(ciphertext), Some(wrapped)) =
            (self.head.ciphertexts.get(index), self.shares.get(index))
        else {
            return Err(BackupError::Rejected);
        };
        // A ciphertext that its KEM refuses was changed; its maker's KEM made one that it takes.
        let shared_secret = key.decapsulate(ciphertext).map_err(|error| match error {
            KemError::CiphertextInvalid | KemError::CiphertextLength { .. } => {
                BackupError::Rejected
            }
            other => other.into(),
        })?;
        let wrap = keys::wrap(
            &suite.kdf,
            &suite.aead,
            &shared_secret,
            index,
            self.head_bytes,
        )?;
        let share = wrap.key.open(&wrap.nonce, self.head_bytes, wrapped);
        let share = SecretBytes::own(share.map_err(rejected)?);
        if share.len() == SHARE_BYTES {
            Ok(share)
        } else {
            Err(BackupError::Rejected)
        }
    }
}

/// Too short for its tag is as changed as a tag that does not match.
fn rejected(error: AeadError) -> BackupError {
    match error {
        AeadError::TagLength { .. } => BackupError::Rejected,
        other => other.into(),
    }
}

fn same_algorithm(expected: &str, got: &str) -> Result<(), BackupError> {
    if expected == got {
        return Ok(());
    }
    Err(BackupError::WrongAlgorithm {
        expected: expected.into(),
        got: got.into(),
    })
}
