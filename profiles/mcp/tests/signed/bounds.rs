//! Every memory has a bound, and at the bound nothing is forgotten for a newcomer.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::store::{Applied, Edit, Entry, Inserted, MemoryStore, Store, StoreError};
use pqfw_mcp::signed::error::PqcTransportError;
use pqfw_mcp::signed::nonces::Nonces;
use pqfw_mcp::signed::replay::ReplayCache;
use pqfw_mcp::signed::session::MAX_SESSIONS_PER_PEER;

use crate::support::{CLIENT, House, STRANGER, greet, identity, suite};

fn sha256() -> AdmittedHash {
    suite().digest
}

#[test]
fn a_full_cache_refuses_its_client_and_no_other() {
    let store = Arc::new(MemoryStore::default());
    let cache = ReplayCache::new(store.clone(), sha256(), 2, 2);
    let (one, other) = (identity(CLIENT), identity(STRANGER));
    for signature in [b"a", b"b"] {
        cache.spend(one.did(), signature).unwrap();
        let again = cache.spend(one.did(), signature);
        assert!(matches!(again, Err(PqcTransportError::ReplayAttack(_))));
    }
    let full = cache.spend(one.did(), b"c");
    assert!(matches!(full, Err(PqcTransportError::Full(_))));
    let again = cache.spend(one.did(), b"a");
    assert!(matches!(again, Err(PqcTransportError::ReplayAttack(_))));
    cache.spend(other.did(), b"a").unwrap();
    // Two servers on one store share it.
    let twin = ReplayCache::new(store, sha256(), 2, 2);
    let again = twin.spend(other.did(), b"a");
    assert!(matches!(again, Err(PqcTransportError::ReplayAttack(_))));
}

#[test]
fn a_full_cache_refuses_further_clients() {
    let cache = ReplayCache::new(Arc::new(MemoryStore::default()), sha256(), 9, 1);
    cache.admit(identity(CLIENT).did()).unwrap();
    cache.admit(identity(CLIENT).did()).unwrap();
    let full = cache.admit(identity(STRANGER).did());
    assert!(matches!(full, Err(PqcTransportError::Full(_))));
}

/// A store with an odd answer.
struct Odd {
    inner: MemoryStore,
    count: Option<Vec<u8>>,
    fails: bool,
}

impl Store for Odd {
    fn get(&self, space: &str, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        match &self.count {
            Some(count) if space.ends_with("count") => Ok(Some(count.clone())),
            _ => self.inner.get(space, key),
        }
    }

    fn put(&self, space: &str, key: &[u8], value: &[u8]) -> Result<(), StoreError> {
        self.inner.put(space, key, value)
    }

    fn insert(&self, _: &str, _: &[u8], _: &[u8], _: u64) -> Result<Inserted, StoreError> {
        Err(StoreError::Failed("no disk".into()))
    }

    fn scan(&self, space: &str) -> Result<Vec<Entry>, StoreError> {
        self.inner.scan(space)
    }

    fn page(&self, space: &str, after: Option<&[u8]>, n: usize) -> Result<Vec<Entry>, StoreError> {
        self.inner.page(space, after, n)
    }

    fn apply(&self, edits: &[Edit]) -> Result<Applied, StoreError> {
        if self.fails {
            return Err(StoreError::Failed("no disk".into()));
        }
        self.inner.apply(edits)
    }
}

#[test]
fn a_store_that_fails_or_is_damaged_or_too_busy_lets_nothing_through() {
    for (count, fails) in [
        (None, true),
        (Some(b"damaged".to_vec()), false),
        // Always another count than the one that is there: somebody is always faster.
        (Some(5u64.to_be_bytes().to_vec()), false),
    ] {
        let inner = MemoryStore::default();
        let odd = Odd {
            inner,
            count,
            fails,
        };
        let cache = ReplayCache::new(Arc::new(odd), sha256(), 9, 9);
        let error = cache.spend(identity(CLIENT).did(), b"a");
        assert!(matches!(error, Err(PqcTransportError::Internal(_))));
        let error = cache.admit(identity(CLIENT).did());
        assert!(matches!(error, Err(PqcTransportError::Internal(_))));
    }
}

#[test]
fn a_clients_oldest_session_gives_way_to_its_newest() {
    let house = House::new();
    let mut sessions = Vec::new();
    for _ in 0..=MAX_SESSIONS_PER_PEER {
        house.wait(1);
        sessions.push(house.session(CLIENT));
    }
    assert_eq!(house.server.gate().sessions(), MAX_SESSIONS_PER_PEER);
    let error = house.handle(house.sign(CLIENT, &greet("1"), &sessions[0]));
    assert!(matches!(
        error,
        Err(PqcTransportError::PeerNotAuthenticated(_))
    ));
    for session in &sessions[1..] {
        let message = house.sign(CLIENT, &greet("2"), session);
        house.handle(message).unwrap();
    }
}

#[test]
fn a_full_server_refuses_newcomers_until_a_session_ends() {
    let house = House::with(|config| {
        config.max_sessions = 1;
        config.allow_any_did = true;
    });
    house.handshake(CLIENT).unwrap();
    let full = house.handshake(STRANGER);
    assert!(matches!(full, Err(PqcTransportError::Full(_))));
    house.wait(3600);
    house.handshake(STRANGER).unwrap();
    assert_eq!(house.server.gate().sessions(), 1);
}

#[test]
fn a_full_memory_of_nonces_is_full_until_they_are_old() {
    let mut nonces = Nonces::new(1, Duration::from_secs(1));
    nonces.spend(Duration::ZERO, [0; 16]).unwrap();
    let full = nonces.spend(Duration::ZERO, [1; 16]);
    assert!(matches!(full, Err(PqcTransportError::Full(_))));
    nonces.spend(Duration::from_secs(1), [1; 16]).unwrap();
}
