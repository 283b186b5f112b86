//! What can be wrong with a backup.

use thiserror::Error;

use super::super::KeyCodecError;
use crate::aead::AeadError;
use crate::kdf::KdfError;
use crate::kem::KemError;
use crate::wire::WireError;

/// A backup that cannot be made or opened.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BackupError {
    /// The file's fault: it does not begin as a backup does, or is of a later version.
    #[error("not a backup that this version reads: it does not begin with pqfw-backup-1")]
    NotABackup,
    /// The file's fault: it is cut short, too long, or damaged where that shows.
    #[error("the backup is damaged: {0}")]
    Damaged(#[from] WireError),
    /// The file's fault: a byte that says neither `any` nor `all`.
    #[error("the backup is damaged: {0} is no number of recipients to need")]
    Need(u8),
    /// The file's fault: a name that no algorithm has.
    #[error("the backup is damaged: {0:?} is no algorithm's name")]
    AlgorithmName(String),
    /// The file's fault: text that is no fingerprint.
    #[error("the backup is damaged: {0:?} is no fingerprint")]
    Fingerprint(String),
    /// The caller's or the file's fault: a name that could reach out of a directory.
    #[error(
        "{0:?} is no name for a file in a backup; use at most 128 letters, digits and any of \
         `-_.+@`, no dot first and no two dots in a row"
    )]
    FileName(String),
    /// The caller's or the file's fault: two files that would become one.
    #[error("the name {0:?} stands in the backup twice, capitals aside")]
    DuplicateName(String),
    /// The caller's or the file's fault: too few or too many of something.
    #[error("{got} {what}; a backup has at least 1 and at most {limit}")]
    Count {
        /// What was counted.
        what: &'static str,
        /// How many there are.
        got: usize,
        /// How many there may be.
        limit: usize,
    },
    /// The caller's or the file's fault: more bytes than a backup holds.
    #[error("{what}: {got} bytes, at most {limit}")]
    TooLarge {
        /// What is too large.
        what: String,
        /// Its bytes.
        got: usize,
        /// The limit.
        limit: usize,
    },
    /// The caller's or the file's fault: the same recovery key twice.
    #[error("the recipient {0} is named twice")]
    DuplicateRecipient(String),
    /// The caller's fault: another algorithm than the backup names.
    #[error("the backup is made with {expected}; {got} was given")]
    WrongAlgorithm {
        /// The algorithm in the head.
        expected: String,
        /// The algorithm given.
        got: String,
    },
    /// The caller's fault: none of the recovery keys is a recipient's.
    #[error("none of the recovery keys is one that this backup is sealed to: {recipients}")]
    NotARecipient {
        /// The fingerprints of those it is sealed to.
        recipients: String,
    },
    /// The caller's fault: the backup needs every recovery key, and some are not there.
    #[error("this backup needs the recovery keys of all its recipients; missing: {missing}")]
    MissingRecipients {
        /// The fingerprints of the missing ones.
        missing: String,
    },
    /// The file's fault: it was changed, or made by something that is not this.
    #[error("the backup does not authenticate: it was changed after it was made")]
    Rejected,
    /// The recovery key's fault: it has no fingerprint or cannot be encapsulated to.
    #[error("recovery key: {0}")]
    RecoveryKey(String),
    /// The provider's fault: its own code refused to work.
    #[error("a primitive failed: {0}")]
    Primitive(String),
}

impl From<KeyCodecError> for BackupError {
    fn from(error: KeyCodecError) -> Self {
        Self::RecoveryKey(error.to_string())
    }
}

/// When sealing: the recipient's key is at fault. Opening has its own view.
impl From<KemError> for BackupError {
    fn from(error: KemError) -> Self {
        Self::RecoveryKey(error.to_string())
    }
}

impl From<KdfError> for BackupError {
    fn from(error: KdfError) -> Self {
        Self::Primitive(error.to_string())
    }
}

impl From<AeadError> for BackupError {
    fn from(error: AeadError) -> Self {
        match error {
            AeadError::Rejected => Self::Rejected,
            other => Self::Primitive(other.to_string()),
        }
    }
}
