//! Key files in one directory.
//!
//! The directory is made with mode 0700, secret files with 0600 and public ones with 0644. A file
//! is written beside its name, flushed to the disk and renamed, so that a reader or a crash sees
//! the old file or the new one and nothing in between. Reading refuses a secret file that others
//! may read, as ssh does: such a secret has to be thought known.
//!
//! On systems without Unix modes the directory's access list is the operator's to set.

use std::fs::{DirBuilder, File, Permissions, remove_file};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use pqfw_framework::secret::SecretBytes;
use pqfw_framework::system::{KeyFileError, KeyFiles};

use crate::secrecy::{is_open_to_others, is_secret};

/// The largest key file that is read or written. The largest key of the catalogue takes tens of
/// kilobytes in PEM; a megabyte leaves room for a bundle of them.
pub const LARGEST_KEY_FILE_BYTES: usize = 1 << 20;

/// The longest name of a key file: with the directory in front, every file system takes it.
pub const LONGEST_NAME_BYTES: usize = 128;

/// Key files in a directory of this machine.
pub struct DirectoryKeys {
    directory: PathBuf,
}

impl DirectoryKeys {
    /// Uses a directory, which is made when the first file is written.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// A name is one component of a path and cannot reach out of the directory.
    fn path(&self, name: &str) -> Result<PathBuf, KeyFileError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+".contains(&byte);
        // Dot files are where the half-written ones live.
        let fits = !name.is_empty() && name.len() <= LONGEST_NAME_BYTES && !name.starts_with('.');
        if fits && !name.contains("..") && name.bytes().all(allowed) {
            return Ok(self.directory.join(name));
        }
        Err(KeyFileError {
            path: format!("{}: `{}`", self.describe(), name.escape_debug()),
            reason: format!(
                "not a key file's name; use at most {LONGEST_NAME_BYTES} letters, digits and any \
                 of `-_.+`, no dot first and no two dots in a row"
            ),
        })
    }

    fn write_atomically(&self, path: &Path, bytes: &[u8], secret: bool) -> std::io::Result<()> {
        make_private_directory(&self.directory)?;
        // Made with mode 0600, under a fresh name, and removed if it never gets its own.
        let mut file = tempfile::Builder::new()
            .prefix(".")
            .suffix(".part")
            .tempfile_in(&self.directory)?;
        file.write_all(bytes)?;
        if let Some(permissions) = permissions(secret) {
            file.as_file().set_permissions(permissions)?;
        }
        file.as_file().sync_all()?;
        file.persist(path).map_err(|refused| refused.error)?;
        flush_directory(&self.directory)
    }
}

impl KeyFiles for DirectoryKeys {
    fn read(&self, name: &str) -> Result<Option<SecretBytes>, KeyFileError> {
        let path = self.path(name)?;
        let failed = |error: std::io::Error| refusal(&path, &error.to_string());
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        // The open file is asked, not the path, which may name another file by then.
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(refusal(&path, "not a regular file"));
        }
        let bytes = read_bounded(&file, metadata.len()).map_err(|error| {
            let too_large = error.kind() == ErrorKind::FileTooLarge;
            if too_large {
                refusal(&path, &too_large_text(metadata.len()))
            } else {
                failed(error)
            }
        })?;
        if is_secret(name, bytes.expose()) && is_open_to_others(&metadata) {
            let reason = format!(
                "it is secret and others than its owner may use it; run `chmod 600 {}`, and \
                 replace the key if anybody else has an account here",
                path.display()
            );
            return Err(refusal(&path, &reason));
        }
        Ok(Some(bytes))
    }

    fn write(&self, name: &str, bytes: &[u8], secret: bool) -> Result<(), KeyFileError> {
        let path = self.path(name)?;
        if bytes.len() > LARGEST_KEY_FILE_BYTES {
            return Err(refusal(&path, &too_large_text(bytes.len())));
        }
        self.write_atomically(&path, bytes, secret)
            .map_err(|error| refusal(&path, &error.to_string()))
    }

    fn remove(&self, name: &str) -> Result<(), KeyFileError> {
        let path = self.path(name)?;
        let removed = match remove_file(&path) {
            Ok(()) => flush_directory(&self.directory),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        removed.map_err(|error| refusal(&path, &error.to_string()))
    }

    fn describe(&self) -> String {
        self.directory.display().to_string()
    }
}

fn refusal(path: &Path, reason: &str) -> KeyFileError {
    KeyFileError {
        path: path.display().to_string(),
        reason: reason.into(),
    }
}

fn too_large_text(bytes: impl std::fmt::Display) -> String {
    format!("{bytes} bytes are no key; the limit is {LARGEST_KEY_FILE_BYTES}")
}

/// Reads into a buffer of the right size from the start: growing one would leave copies behind.
fn read_bounded(mut file: &File, length: u64) -> std::io::Result<SecretBytes> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > LARGEST_KEY_FILE_BYTES {
        return Err(ErrorKind::FileTooLarge.into());
    }
    let mut bytes = SecretBytes::zeroed(length);
    file.read_exact(bytes.expose_mut())?;
    if file.read(&mut [0])? != 0 {
        return Err(std::io::Error::other(
            "it grew while it was read; try again",
        ));
    }
    Ok(bytes)
}

#[cfg(unix)]
pub(crate) fn make_private_directory(directory: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt;

    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

#[cfg(not(unix))]
pub(crate) fn make_private_directory(directory: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).create(directory)
}

#[cfg(unix)]
fn permissions(secret: bool) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;

    Some(Permissions::from_mode(if secret { 0o600 } else { 0o644 }))
}

#[cfg(not(unix))]
fn permissions(_: bool) -> Option<Permissions> {
    None
}

/// The rename is durable when the directory is.
#[cfg(unix)]
fn flush_directory(directory: &Path) -> std::io::Result<()> {
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn flush_directory(_: &Path) -> std::io::Result<()> {
    Ok(())
}
