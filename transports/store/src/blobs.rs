//! A directory of blobs: one file each, named by the hash of its bytes.
//!
//! A blob is written to a file of another name, flushed, renamed, and then the directory is
//! flushed: under its own name it is whole or not there, whenever the power fails. What a kill
//! leaves behind begins with a dot; nobody reads it, and it may be deleted while no server runs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use pqfw_framework::blobs::{BlobName, Blobs};
use pqfw_framework::store::StoreError;

use crate::home;

pub(crate) struct DirectoryBlobs {
    directory: PathBuf,
}

/// Numbers the drafts of this process, so that no two have one name.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

impl DirectoryBlobs {
    /// Opens the directory, and makes it when it is not there.
    pub(crate) fn open(directory: PathBuf) -> Result<Self, StoreError> {
        home::directory(&directory).map_err(|error| failed(&directory, &error))?;
        Ok(Self { directory })
    }

    fn path(&self, name: &BlobName) -> PathBuf {
        self.directory.join(name.to_string())
    }

    fn write(&self, path: &Path, name: &BlobName, bytes: &[u8]) -> io::Result<()> {
        let number = DRAFTS.fetch_add(1, Ordering::Relaxed);
        let draft = format!(".{name}.{}.{number}", std::process::id());
        let draft = self.directory.join(draft);
        let mut options = OpenOptions::new();
        let written = home::private(&mut options)
            .write(true)
            .create_new(true)
            .open(&draft)
            .and_then(|mut file| {
                file.write_all(bytes)?;
                file.sync_all()?;
                fs::rename(&draft, path)?;
                flush_directory(&self.directory)
            });
        if written.is_err() {
            // The first error is the one to tell.
            let _ = fs::remove_file(&draft);
        }
        written
    }
}

impl Blobs for DirectoryBlobs {
    fn put(&self, name: &BlobName, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.path(name);
        let done = match self.length(name)? {
            // Whoever wrote it may not have come to flush its name.
            Some(_) => flush_directory(&self.directory),
            None => self.write(&path, name, bytes),
        };
        done.map_err(|error| failed(&path, &error))
    }

    fn length(&self, name: &BlobName) -> Result<Option<u64>, StoreError> {
        let path = self.path(name);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(failed(&path, &error)),
        }
    }

    fn read(&self, name: &BlobName, at: u64, into: &mut [u8]) -> Result<(), StoreError> {
        let path = self.path(name);
        let read = File::open(&path).and_then(|mut file| {
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(into)
        });
        read.map_err(|error| failed(&path, &error))
    }

    fn remove(&self, name: &BlobName) -> Result<(), StoreError> {
        let path = self.path(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(&path, &error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }
}

/// A new name is on the disk when its directory is.
#[cfg(unix)]
fn flush_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Other systems flush a directory by themselves, or not at all.
#[cfg(not(unix))]
fn flush_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

fn failed(path: &Path, reason: &dyn std::fmt::Display) -> StoreError {
    StoreError::Failed(format!("{}: {reason}", path.display()))
}
