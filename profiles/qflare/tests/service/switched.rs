//! A store that can be switched off.

use std::sync::atomic::{AtomicBool, Ordering};

use pqfw_framework::store::{Applied, Edit, Entry, Inserted, MemoryStore, Store, StoreError};

/// A store that can be switched off.
#[derive(Default)]
pub(crate) struct Switched {
    inner: MemoryStore,
    pub(crate) off: AtomicBool,
}

impl Switched {
    fn on(&self) -> Result<&MemoryStore, StoreError> {
        match self.off.load(Ordering::Relaxed) {
            true => Err(StoreError::Failed(
                "the disk at /secret/place is gone".into(),
            )),
            false => Ok(&self.inner),
        }
    }
}

impl Store for Switched {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.on()?.get(space, key)
    }

    fn put(&self, space: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.on()?.put(space, key, value)
    }

    fn insert(&self, s: &str, k: &[u8], v: &[u8], most: u64) -> Result<Inserted, StoreError> {
        self.on()?.insert(s, k, v, most)
    }

    fn scan(&self, space: &str) -> Result<Vec<Entry>, StoreError> {
        self.on()?.scan(space)
    }

    fn page(&self, s: &str, after: Option<&[u8]>, most: usize) -> Result<Vec<Entry>, StoreError> {
        self.on()?.page(s, after, most)
    }

    fn apply(&self, edits: &[Edit]) -> Result<Applied, StoreError> {
        self.on()?.apply(edits)
    }
}
