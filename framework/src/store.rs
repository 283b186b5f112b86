//! State that must survive, behind a trait: spaces of keys and values.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Mutex, PoisonError};

use thiserror::Error;

/// A store of byte strings in named spaces. Every call is atomic and durable when it returns.
pub trait Store: Send + Sync {
    /// Gives the value under `key`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError>;

    /// Sets the value under `key`, whatever was there.
    ///
    /// # Errors
    /// [`StoreError`].
    fn put(&self, space: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError>;

    /// Sets the value under `key` only when nothing is there and the space holds fewer than
    /// `most` entries.
    ///
    /// # Errors
    /// [`StoreError::Full`] at the bound; [`StoreError::Failed`].
    fn insert(
        &self,
        space: &str,
        key: &[u8],
        value: &[u8],
        most: u64,
    ) -> Result<Inserted, StoreError>;

    /// Gives every entry of a space, ordered by key.
    ///
    /// # Errors
    /// [`StoreError`].
    fn scan(&self, space: &str) -> Result<Vec<Entry>, StoreError>;

    /// Gives the first entries of a space after the key `after`, `most` at the most, ordered by
    /// key: a long space in pieces.
    ///
    /// # Errors
    /// [`StoreError`].
    fn page(
        &self,
        space: &str,
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<Entry>, StoreError>;

    /// Makes all edits, or none of them when one does not find what it expects. Every expectation
    /// is of the time before the first edit; of two edits of one key the later counts.
    ///
    /// # Errors
    /// [`StoreError::Failed`]; then no edit was made.
    fn apply(&self, edits: &[Edit]) -> Result<Applied, StoreError>;
}

/// A key and its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// One edit of those that are made together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// The space.
    pub space: &'static str,
    /// The key in it.
    pub key: Vec<u8>,
    /// What must be under the key before.
    pub was: Was,
    /// What is under it afterwards; `None` removes it.
    pub becomes: Option<Vec<u8>>,
}

/// What an edit expects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Was {
    /// It does not matter.
    Anything,
    /// Nothing.
    Nothing,
    /// This value.
    Exactly(Vec<u8>),
}

impl Was {
    /// Whether what is there is what is expected.
    #[must_use]
    pub fn is(&self, there: Option<&[u8]>) -> bool {
        match self {
            Self::Anything => true,
            Self::Nothing => there.is_none(),
            Self::Exactly(value) => there == Some(value),
        }
    }
}

/// What became of edits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applied {
    /// All are made.
    Done,
    /// None is made.
    Refused {
        /// The first edit that did not find what it expects.
        edit: usize,
    },
}

/// What became of an insertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// The value is in the store now.
    New,
    /// A value was there and stays.
    AlreadyThere,
}

/// What can go wrong with a store.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StoreError {
    /// The bound of a space is reached; nothing is evicted.
    #[error("the store's space `{space}` is full at {most} entries; raise its limit or clean it")]
    Full {
        /// The space.
        space: String,
        /// Its bound.
        most: u64,
    },
    /// The machine's fault, or a file that is no store.
    #[error("store: {0}")]
    Failed(String),
}

/// A store that ends with the process: `store.url = "memory:"`.
#[derive(Default)]
pub struct MemoryStore {
    spaces: Mutex<BTreeMap<String, Space>>,
}

type Space = BTreeMap<Vec<u8>, Vec<u8>>;

impl MemoryStore {
    fn with<T>(&self, space: &str, use_it: impl FnOnce(&mut Space) -> T) -> T {
        // A panic elsewhere cannot leave a map half changed: nothing panics between two changes.
        let mut spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        use_it(spaces.entry(space.to_owned()).or_default())
    }
}

impl Store for MemoryStore {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(self.with(space, |map| map.get(key).cloned()))
    }

    fn put(&self, space: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.with(space, |map| map.insert(key.to_vec(), value.to_vec()));
        Ok(())
    }

    fn insert(
        &self,
        space: &str,
        key: &[u8],
        value: &[u8],
        most: u64,
    ) -> Result<Inserted, StoreError> {
        self.with(space, |map| {
            if map.contains_key(key) {
                return Ok(Inserted::AlreadyThere);
            }
            if u64::try_from(map.len()).is_ok_and(|entries| entries >= most) {
                return Err(StoreError::Full {
                    space: space.into(),
                    most,
                });
            }
            map.insert(key.to_vec(), value.to_vec());
            Ok(Inserted::New)
        })
    }

    fn scan(&self, space: &str) -> Result<Vec<Entry>, StoreError> {
        Ok(self.with(space, |map| {
            map.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
        }))
    }

    fn page(
        &self,
        space: &str,
        after: Option<&[u8]>,
        most: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        Ok(self.with(space, |map| {
            let entries = map.range::<[u8], _>((from, Bound::Unbounded)).take(most);
            entries.map(|(k, v)| (k.clone(), v.clone())).collect()
        }))
    }

    fn apply(&self, edits: &[Edit]) -> Result<Applied, StoreError> {
        let mut spaces = self.spaces.lock().unwrap_or_else(PoisonError::into_inner);
        let there = |edit: &Edit| spaces.get(edit.space).and_then(|map| map.get(&edit.key));
        let unexpected = |edit: &Edit| !edit.was.is(there(edit).map(Vec::as_slice));
        if let Some(edit) = edits.iter().position(unexpected) {
            return Ok(Applied::Refused { edit });
        }
        for edit in edits {
            let map = spaces.entry(edit.space.to_owned()).or_default();
            match &edit.becomes {
                Some(value) => map.insert(edit.key.clone(), value.clone()),
                None => map.remove(&edit.key),
            };
        }
        Ok(Applied::Done)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_insertion_never_replaces_and_stops_at_the_bound() {
        let store = MemoryStore::default();
        assert_eq!(store.insert("s", b"a", b"1", 2), Ok(Inserted::New));
        assert_eq!(store.insert("s", b"a", b"2", 2), Ok(Inserted::AlreadyThere));
        assert_eq!(store.get("s", b"a"), Ok(Some(b"1".to_vec())));
        assert_eq!(store.insert("s", b"b", b"1", 2), Ok(Inserted::New));
        let full = StoreError::Full {
            space: "s".into(),
            most: 2,
        };
        assert_eq!(store.insert("s", b"c", b"1", 2), Err(full));
        assert_eq!(store.insert("other", b"c", b"1", 2), Ok(Inserted::New));
    }

    #[test]
    fn spaces_are_apart_and_scans_are_ordered() {
        let store = MemoryStore::default();
        store.put("s", b"b", b"2").unwrap();
        store.put("s", b"a", b"1").unwrap();
        store.put("t", b"c", b"3").unwrap();
        let all = store.scan("s").unwrap();
        assert_eq!(
            all,
            [
                (b"a".to_vec(), b"1".to_vec()),
                (b"b".to_vec(), b"2".to_vec())
            ]
        );
    }
}
