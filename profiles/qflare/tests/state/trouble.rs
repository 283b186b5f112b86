//! Stores that fail, are damaged, busy or of another time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use pqfw_framework::store::{Applied, Edit, Entry, Inserted, MemoryStore, Store, StoreError};
use pqfw_qflare::state::{State, StateError, StateLimits};

use crate::support::{NOW, enrol, hash, id, open, terms, token};

/// A store in which others are faster some times, and then the disk fails or not.
#[derive(Default)]
struct Contended {
    inner: MemoryStore,
    lost_races: AtomicU32,
    broken: AtomicU32,
}

impl Store for Contended {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.inner.get(space, key)
    }

    fn put(&self, space: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.inner.put(space, key, value)
    }

    fn insert(&self, s: &str, key: &[u8], v: &[u8], most: u64) -> Result<Inserted, StoreError> {
        self.inner.insert(s, key, v, most)
    }

    fn scan(&self, space: &str) -> Result<Vec<Entry>, StoreError> {
        self.inner.scan(space)
    }

    fn page(&self, s: &str, after: Option<&[u8]>, most: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.page(s, after, most)
    }

    fn apply(&self, edits: &[Edit]) -> Result<Applied, StoreError> {
        if self.broken.load(Ordering::SeqCst) > 0 {
            return Err(StoreError::Failed("the disk is gone".into()));
        }
        let race = |left: u32| left.checked_sub(1);
        if self
            .lost_races
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, race)
            .is_ok()
        {
            return Ok(Applied::Refused { edit: 0 });
        }
        self.inner.apply(edits)
    }
}

#[test]
fn a_lost_race_is_run_again_and_not_for_ever() {
    let store = Arc::new(Contended::default());
    let state = open(store.clone());
    store.lost_races.store(999, Ordering::SeqCst);
    state.issue_token(NOW, b"1", &token("a", NOW + 10)).unwrap();
    assert_eq!(state.head().unwrap().entries, 1);
    store.lost_races.store(1000, Ordering::SeqCst);
    let busy = state.issue_token(NOW, b"2", &token("a", NOW + 10));
    assert_eq!(busy, Err(StateError::Busy));
    assert_eq!(state.head().unwrap().entries, 1);
}

#[test]
fn a_failing_disk_is_said() {
    let store = Arc::new(Contended::default());
    let state = open(store.clone());
    store.broken.store(1, Ordering::SeqCst);
    let failed = state.issue_token(NOW, b"1", &token("a", NOW + 10));
    assert!(matches!(failed, Err(StateError::Store(_))));
}

#[test]
fn a_damaged_record_is_no_missing_one() {
    let store = Arc::new(MemoryStore::default());
    let state = open(store.clone());
    enrol(&state, "a");
    for bad in [&b""[..], b"{}", b"[]", b"\xff"] {
        store.put("qflare/devices", b"a", bad).unwrap();
        let damaged = state.device(&id("a"));
        assert!(matches!(damaged, Err(StateError::Damaged(_))), "{bad:?}");
        let damaged = state.revoke_device(NOW, &id("a"));
        assert!(matches!(damaged, Err(StateError::Damaged(_))), "{bad:?}");
    }
}

#[test]
fn the_state_of_a_newer_pqfw_is_left_alone() {
    let store = Arc::new(MemoryStore::default());
    let open = || State::open(store.clone(), hash(), StateLimits::default()).map(drop);
    assert_eq!(open(), Ok(()));
    assert_eq!(open(), Ok(()));
    store.put("qflare/meta", b"version", b"3").unwrap();
    assert_eq!(open(), Err(StateError::Newer { found: 3 }));
    store.put("qflare/meta", b"version", b"0").unwrap();
    assert!(matches!(open(), Err(StateError::Damaged(_))));
}

#[test]
fn a_state_of_version_1_is_brought_up_and_waits_for_a_server_to_say_its_terms() {
    let store = Arc::new(MemoryStore::default());
    let state = open(store.clone());
    state.set_model(NOW, b"first model").unwrap();
    state.open_round(NOW).unwrap();
    let before = state.head().unwrap();
    drop(state);
    // As version 1 has written it.
    let head = store.get("qflare/head", b"head").unwrap().unwrap();
    let head = String::from_utf8(head).unwrap();
    let old = head.replace(",\"terms\":null", "");
    assert_ne!(old, head);
    store.put("qflare/head", b"head", old.as_bytes()).unwrap();
    store.put("qflare/meta", b"version", b"1").unwrap();

    let state = open(store.clone());
    assert_eq!(store.get("qflare/meta", b"version").unwrap().unwrap(), b"2");
    assert_eq!(state.head().unwrap(), before);
    assert_eq!(state.take_round(NOW, NOW + 60), Err(StateError::NoTerms));
    state.set_terms(NOW, &terms("median")).unwrap();
    assert_eq!(state.take_round(NOW, NOW + 60).unwrap().1, terms("median"));
}
