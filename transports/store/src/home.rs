//! Where a store's file lives, and who may read it.
//!
//! SQLite makes its files with mode 0644 less the umask, and gives the files beside a database
//! (`-wal`, `-shm`) the mode of the database. So the database is made first, empty, with the mode
//! that all of them shall have.

use std::fs::{DirBuilder, OpenOptions};
use std::io;
use std::path::Path;

/// Makes the directory with mode 0700 and the file with 0600, as far as they are missing.
#[cfg(unix)]
pub(crate) fn prepare(file: &Path) -> io::Result<()> {
    use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};

    if let Some(directory) = file.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    make(OpenOptions::new().mode(0o600), file)
}

/// Makes the directory and the file, as far as they are missing.
#[cfg(not(unix))]
pub(crate) fn prepare(file: &Path) -> io::Result<()> {
    if let Some(directory) = file.parent() {
        DirBuilder::new().recursive(true).create(directory)?;
    }
    make(&mut OpenOptions::new(), file)
}

fn make(options: &mut OpenOptions, file: &Path) -> io::Result<()> {
    match options.write(true).create_new(true).open(file) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(_) | Err(_) => Ok(()),
    }
}
