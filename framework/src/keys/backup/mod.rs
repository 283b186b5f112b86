//! Backups: key files sealed to the public keys of whoever may recover them.
//!
//! ```text
//!  head      magic · need · KDF · AEAD · recipients (KEM, fingerprint, ciphertext)   readable
//!  shares    one 32-byte secret a recipient, each under that recipient's own key
//!  payload   commitment · file names and bytes
//! ```
//!
//! Every key is derived with the whole head as context, so that no recipient, algorithm or
//! ciphertext can be taken away, added or changed without every opening failing; the payload
//! authenticates everything before it. `docs/protocols/backup.md` has the bytes.
//!
//! What this does not do: a backup does not say who made it (anyone can seal to a public key), and
//! it does not hide who may open it.

mod error;
mod head;
mod keys;
mod name;
mod open;
mod payload;
mod seal;

use std::fmt;

pub use error::BackupError;
pub use open::Backup;
pub use seal::{BackupSuite, seal};

use super::Fingerprint;
use crate::secret::SecretBytes;

/// The format and its version: the first bytes of every backup.
pub const MAGIC: &[u8] = b"pqfw-backup-1\n";

/// The most recipients of one backup.
pub const MOST_RECIPIENTS: usize = 64;

/// The most files in one backup.
pub const MOST_FILES: usize = 1024;

/// The largest file in a backup: as large as a key file may be anywhere here.
pub const LARGEST_FILE_BYTES: usize = 1 << 20;

/// The largest payload: sixteen of the largest files, or a thousand usual ones.
pub const LARGEST_PAYLOAD_BYTES: usize = 1 << 24;

/// How many of the recipients it takes to open a backup.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Need {
    /// Any one of them: copies of the same key for several keepers.
    #[default]
    Any,
    /// All of them together: nobody can recover a key alone.
    All,
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::All => "all",
        })
    }
}

/// One file of a backup.
pub struct BackupFile {
    /// Its name, without any directory.
    pub name: String,
    /// What is in it.
    pub bytes: SecretBytes,
}

/// Somebody who may open a backup, as its head names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientInfo {
    /// The canonical name of the KEM.
    pub kem: String,
    /// The fingerprint of the recovery public key.
    pub fingerprint: Fingerprint,
}
