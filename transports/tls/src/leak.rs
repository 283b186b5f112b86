//! What rustls wants for ever: made once for each key, and never freed.
//!
//! rustls 0.23 takes groups and verification algorithms as `&'static`. Settings come and go, so
//! what is made for one is kept for the next with the same algorithms by the same providers. A name
//! with its provider means the same code everywhere in a process.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::catalogue::AlgorithmInfo;
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::world::World;

/// Values that live as long as the process, by key.
pub(crate) struct Leaked<K, T: ?Sized + 'static>(Mutex<BTreeMap<K, &'static T>>);

impl<K: Ord, T: ?Sized> Leaked<K, T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    /// The value of that key; `make` is called for the first one who asks.
    pub(crate) fn get(&self, key: K, make: impl FnOnce() -> Box<T>) -> &'static T {
        // An entry is put in whole; a panic elsewhere cannot leave it half made.
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        made.entry(key).or_insert_with(|| Box::leak(make()))
    }
}

/// Which code: algorithm, provider and version.
pub(crate) fn code(info: &AlgorithmInfo, provider: &ProviderInfo) -> String {
    format!("{}@{} {}", info.id, provider.name, provider.version)
}

/// Which world. A leaked value that is found by this keeps its world, and so the address, alive.
pub(crate) fn place(world: &Arc<dyn World>) -> usize {
    Arc::as_ptr(world).cast::<()>().addr()
}
