//! State that outlives the process, behind the framework's `Store`.
//!
//! | `store.url` | what it is |
//! | --- | --- |
//! | `memory:` | the framework's `MemoryStore`; ends with the process |
//! | `sqlite:PATH` | one SQLite file; PATH is relative to the state directory |
//!
//! What this crate does not do: share state between machines (PostgreSQL), encrypt it, or evict.
//! What a file holds is as secret as its mode, 0600.

mod home;
mod schema;
mod sqlite;

use std::path::Path;
use std::sync::Arc;

use pqfw_framework::store::{MemoryStore, Store, StoreError};

use crate::sqlite::SqliteStore;

/// Opens the store of a profile's `store.url`, and makes it when it is not there.
///
/// # Errors
/// [`StoreError::Failed`] for a URL of no store, a file that cannot be opened, a file that is no
/// store of pqfw, and a store of a newer pqfw. The message says what to do.
pub fn open(url: &str, state_dir: &Path) -> Result<Arc<dyn Store>, StoreError> {
    match url.split_once(':') {
        Some(("memory", "")) => Ok(Arc::new(MemoryStore::default())),
        // SQLite's own `:memory:` would be a file here and no file there.
        Some(("sqlite", path)) if !matches!(path, "" | ":memory:") => {
            Ok(Arc::new(SqliteStore::open(state_dir.join(path))?))
        }
        _ => Err(StoreError::Failed(format!(
            "`{}` is no store that this build has; write `memory:` or `sqlite:PATH`",
            url.escape_debug()
        ))),
    }
}
