//! State that outlives the process, behind the framework's `Store` and `Blobs`.
//!
//! | `store.url` | the store | its blobs |
//! | --- | --- | --- |
//! | `memory:` | the framework's `MemoryStore`; ends with the process | `MemoryBlobs` |
//! | `sqlite:PATH` | one SQLite file; PATH is relative to the state directory | the directory `PATH.blobs` |
//!
//! What this crate does not do: share state between machines (PostgreSQL), encrypt it, or evict.
//! What a file holds is as secret as its mode, 0600.

mod blobs;
mod home;
mod schema;
mod sqlite;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pqfw_framework::blobs::{Blobs, MemoryBlobs};
use pqfw_framework::store::{MemoryStore, Store, StoreError};

use crate::blobs::DirectoryBlobs;
use crate::sqlite::SqliteStore;

/// Opens the store of a profile's `store.url`, and makes it when it is not there.
///
/// # Errors
/// [`StoreError::Failed`] for a URL of no store, a file that cannot be opened, a file that is no
/// store of pqfw, and a store of a newer pqfw. The message says what to do.
pub fn open(url: &str, state_dir: &Path) -> Result<Arc<dyn Store>, StoreError> {
    match file_of(url, state_dir)? {
        None => Ok(Arc::new(MemoryStore::default())),
        Some(path) => Ok(Arc::new(SqliteStore::open(path)?)),
    }
}

/// Opens the blobs beside the store of a profile's `store.url`, and makes them when they are not
/// there.
///
/// # Errors
/// [`StoreError::Failed`] for a URL of no store and a directory that cannot be made.
pub fn open_blobs(url: &str, state_dir: &Path) -> Result<Arc<dyn Blobs>, StoreError> {
    match file_of(url, state_dir)? {
        None => Ok(Arc::new(MemoryBlobs::default())),
        Some(path) => {
            let mut directory = path.into_os_string();
            directory.push(".blobs");
            Ok(Arc::new(DirectoryBlobs::open(directory.into())?))
        }
    }
}

/// The file of a URL; a store in memory has none.
fn file_of(url: &str, state_dir: &Path) -> Result<Option<PathBuf>, StoreError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(None),
        // SQLite's own `:memory:` would be a file here and no file there.
        Some(("sqlite", path)) if !matches!(path, "" | ":memory:") => {
            Ok(Some(state_dir.join(path)))
        }
        _ => Err(StoreError::Failed(format!(
            "`{}` is no store that this build has; write `memory:` or `sqlite:PATH`",
            url.escape_debug()
        ))),
    }
}
