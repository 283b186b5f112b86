//! Where a store's file lives, and who may read it.
//!
//! SQLite makes its files with mode 0644 less the umask, and gives the files beside a database
//! (`-wal`, `-shm`) the mode of the database. So the database is made first, empty, with the mode
//! that all of them shall have.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;

/// Makes the file and its directory, as far as they are missing.
pub(crate) fn prepare(file: &Path) -> io::Result<()> {
    if let Some(parent) = file.parent() {
        directory(parent)?;
    }
    let mut options = OpenOptions::new();
    match private(&mut options)
        .write(true)
        .create_new(true)
        .open(file)
    {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Makes a directory with mode 0700, as far as it is missing.
pub(crate) fn directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(path)
}

/// Files that are made get mode 0600.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}
