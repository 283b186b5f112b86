//! A store in which something happens at the worst moment, or that fails.

use std::sync::Mutex;

use pqfw_framework::store::{Applied, Edit, Entry, Inserted, MemoryStore, Store, StoreError};

type Hook = Box<dyn FnOnce() + Send>;

/// A store in which something happens at the worst moment, or that fails.
#[derive(Default)]
pub(crate) struct OddStore {
    inner: MemoryStore,
    meanwhile: Mutex<Option<Hook>>,
    failure: Mutex<Option<(&'static str, StoreError)>>,
}

impl OddStore {
    /// Lets something else happen right after the next lookup.
    pub(crate) fn meanwhile(&self, hook: impl FnOnce() + Send + 'static) {
        *self.meanwhile.lock().unwrap() = Some(Box::new(hook));
    }

    /// Makes every operation of a name fail, or none.
    pub(crate) fn fail(&self, failure: Option<(&'static str, StoreError)>) {
        *self.failure.lock().unwrap() = failure;
    }

    fn check(&self, operation: &str) -> Result<(), StoreError> {
        match &*self.failure.lock().unwrap() {
            Some((failing, error)) if *failing == operation => Err(error.clone()),
            _ => Ok(()),
        }
    }
}

impl Store for OddStore {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.check("get")?;
        let found = self.inner.get(space, key);
        let hook = self.meanwhile.lock().unwrap().take();
        hook.into_iter().for_each(|hook| hook());
        found
    }

    fn put(&self, space: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.check("put")?;
        self.inner.put(space, key, value)
    }

    fn insert(
        &self,
        space: &str,
        key: &[u8],
        value: &[u8],
        most: u64,
    ) -> Result<Inserted, StoreError> {
        self.check("insert")?;
        self.inner.insert(space, key, value, most)
    }

    fn scan(&self, space: &str) -> Result<Vec<Entry>, StoreError> {
        self.check("scan")?;
        self.inner.scan(space)
    }

    fn page(
        &self,
        space: &str,
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.check("page")?;
        self.inner.page(space, after, most)
    }

    fn apply(&self, edits: &[Edit]) -> Result<Applied, StoreError> {
        self.check("apply")?;
        self.inner.apply(edits)
    }
}
