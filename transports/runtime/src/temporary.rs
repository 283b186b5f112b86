//! Key files that are gone with the process.
//!
//! Each process has a directory of mode 0700 of its own, which is removed when it ends by itself or
//! by a signal that it hears. A killed process leaves its directory behind; the next start removes
//! it. What is removed is provably ours and dead: a directory of the same owner and mode, with the
//! file [`OWNER`] in it, whose lock nobody holds. The kernel lets go of a lock when a process ends,
//! however it ends; and the file has its name only after it was locked, so that a process which is
//! starting is never taken for a dead one.

use std::fs::{self, File, Metadata};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use pqfw_framework::secret::SecretBytes;
use pqfw_framework::system::{KeyFileError, KeyFiles, TemporaryKeys};
use tempfile::TempDir;

use crate::DirectoryKeys;

/// The locked file.
const OWNER: &str = "owner.lock";
const OWNER_TEXT: &[u8] = b"pqfw: the keys beside this file are gone with their process\n";

/// Makes directories for keys below the system's directory for temporary files.
pub struct OsTemporaryKeys {
    base: PathBuf,
}

impl OsTemporaryKeys {
    /// Below `TMPDIR`, or where the system has it.
    #[must_use]
    pub fn new() -> Self {
        Self::below(std::env::temp_dir())
    }

    /// Below a directory that is there.
    #[must_use]
    pub fn below(base: impl Into<PathBuf>) -> Self {
        Self { base: base.into() }
    }

    /// Removes the directories of the dead; what cannot be read or removed is left.
    fn sweep(&self, prefix: &str, ours: &Path) -> std::io::Result<usize> {
        let like = fs::symlink_metadata(ours)?;
        let mut removed = 0;
        for entry in fs::read_dir(&self.base)? {
            let Ok(entry) = entry else { continue };
            let named = (entry.file_name().to_str()).is_some_and(|name| name.starts_with(prefix));
            let path = entry.path();
            if named && path != ours && is_of_the_dead(&path, &like) {
                removed += usize::from(fs::remove_dir_all(&path).is_ok());
            }
        }
        Ok(removed)
    }
}

impl Default for OsTemporaryKeys {
    fn default() -> Self {
        Self::new()
    }
}

impl TemporaryKeys for OsTemporaryKeys {
    fn make(&self, prefix: &str) -> Result<(Box<dyn KeyFiles>, usize), KeyFileError> {
        let failed = |error: std::io::Error| KeyFileError {
            path: self.base.join(prefix).display().to_string(),
            reason: format!("no private directory for temporary keys: {error}"),
        };
        let mut builder = tempfile::Builder::new();
        builder.prefix(prefix);
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o700));
        let directory = builder.tempdir_in(&self.base).map_err(failed)?;
        let lock = own(directory.path()).map_err(failed)?;
        let removed = self.sweep(prefix, directory.path()).map_err(failed)?;
        let made = Temporary {
            keys: DirectoryKeys::new(directory.path()),
            _directory: directory,
            _lock: lock,
        };
        Ok((Box::new(made), removed))
    }
}

/// Puts the locked file into a directory.
fn own(directory: &Path) -> std::io::Result<File> {
    let part = directory.join(".owner.part");
    let mut file = File::options().write(true).create_new(true).open(&part)?;
    file.lock()?;
    file.write_all(OWNER_TEXT)?;
    fs::rename(part, directory.join(OWNER))?;
    Ok(file)
}

fn is_of_the_dead(path: &Path, like: &Metadata) -> bool {
    let there = fs::symlink_metadata(path);
    if !there.is_ok_and(|there| there.is_dir() && is_alike(&there, like)) {
        return false;
    }
    let Ok(owner) = File::open(path.join(OWNER)) else {
        return false;
    };
    let mut text = Vec::new();
    let most = u64::try_from(OWNER_TEXT.len()).unwrap_or(u64::MAX) + 1;
    let read = (&owner).take(most).read_to_end(&mut text);
    read.is_ok() && text == OWNER_TEXT && owner.try_lock().is_ok()
}

/// Of the same owner and mode: nobody else can have put anything there.
#[cfg(unix)]
fn is_alike(there: &Metadata, like: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;

    (there.uid(), there.mode()) == (like.uid(), like.mode())
}

#[cfg(not(unix))]
fn is_alike(_: &Metadata, _: &Metadata) -> bool {
    true
}

/// The directory goes before its lock does.
struct Temporary {
    keys: DirectoryKeys,
    _directory: TempDir,
    _lock: File,
}

impl KeyFiles for Temporary {
    fn read(&self, name: &str) -> Result<Option<SecretBytes>, KeyFileError> {
        self.keys.read(name)
    }

    fn write(&self, name: &str, bytes: &[u8], secret: bool) -> Result<(), KeyFileError> {
        self.keys.write(name, bytes, secret)
    }

    fn remove(&self, name: &str) -> Result<(), KeyFileError> {
        self.keys.remove(name)
    }

    fn describe(&self) -> String {
        self.keys.describe()
    }
}
