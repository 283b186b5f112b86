//! The audit: every edit of it is found.

use std::sync::Arc;

use pqfw_framework::store::{MemoryStore, Store};
use pqfw_qflare::state::{AuditError, Event, State, StateError};

use crate::support::{NOW, each_kind, enrol, keys, open, sign, update};

const AUDIT: &str = "qflare/audit";

fn busy(state: &State) {
    enrol(state, "a");
    state.set_model(NOW, b"model").unwrap();
    state.open_round(NOW).unwrap();
    state.submit(NOW, &update(state, "a", b"weights")).unwrap();
}

fn verify(state: &State) -> Result<u64, AuditError> {
    state.verify_audit(&keys(1).1, |_, _| {})
}

#[test]
fn every_change_is_told_in_order() {
    each_kind(|state, _| {
        busy(state);
        let mut told = Vec::new();
        let covered = state.verify_audit(&keys(1).1, |number, entry| {
            told.push((number, entry.at, entry.event.clone()));
        });
        assert_eq!(covered, Ok(0));
        assert_eq!(told.len(), 5);
        assert!(
            told.iter()
                .zip(0..)
                .all(|((number, at, _), n)| (*number, *at) == (n, NOW))
        );
        assert!(matches!(told[1].2, Event::DeviceEnrolled { .. }));
        assert!(matches!(told[4].2, Event::UpdateAccepted { round: 1, .. }));
    });
}

#[test]
fn a_signature_covers_all_before_it() {
    each_kind(|state, _| {
        let (key, _) = keys(1);
        sign(state, &key);
        assert_eq!(verify(state), Ok(0));
        busy(state);
        sign(state, &key);
        sign(state, &key);
        assert_eq!(verify(state), Ok(5));
        enrol(state, "b");
        assert_eq!(verify(state), Ok(5));
        let other = state.verify_audit(&keys(2).1, |_, _| {});
        assert_eq!(other, Err(AuditError::Signature(0)));
    });
}

/// A signed state with five entries, and its store.
fn signed() -> (State, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::default());
    let state = open(store.clone());
    busy(&state);
    sign(&state, &keys(1).0);
    (state, store)
}

fn remove(store: &dyn Store, space: &'static str, key: &[u8]) {
    let edit = pqfw_framework::store::Edit {
        space,
        key: key.to_vec(),
        was: pqfw_framework::store::Was::Anything,
        becomes: None,
    };
    store.apply(&[edit]).unwrap();
}

#[test]
fn every_flipped_byte_is_found() {
    let (state, store) = signed();
    for (key, value) in store.scan(AUDIT).unwrap() {
        let number = u64::from_be_bytes(key.clone().try_into().unwrap());
        for at in 0..value.len() {
            let mut changed = value.clone();
            changed[at] ^= 1;
            store.put(AUDIT, &key, &changed).unwrap();
            assert_eq!(verify(&state), Err(AuditError::Changed(number)), "{at}");
        }
        store.put(AUDIT, &key, &value[..20]).unwrap();
        assert_eq!(verify(&state), Err(AuditError::Changed(number)));
        store.put(AUDIT, &key, &value).unwrap();
    }
    assert_eq!(verify(&state), Ok(5));
}

#[test]
fn a_deletion_and_a_reorder_are_found() {
    for number in 0..5u64 {
        let (state, store) = signed();
        remove(&*store, AUDIT, &number.to_be_bytes());
        let expected = match number {
            4 => AuditError::End { found: 4 },
            _ => AuditError::Missing(number),
        };
        assert_eq!(verify(&state), Err(expected));
    }
    let (state, store) = signed();
    let entries = store.scan(AUDIT).unwrap();
    store.put(AUDIT, &entries[1].0, &entries[2].1).unwrap();
    store.put(AUDIT, &entries[2].0, &entries[1].1).unwrap();
    assert_eq!(verify(&state), Err(AuditError::Changed(1)));
}

#[test]
fn a_chain_that_was_cut_and_headed_again_misses_what_was_signed() {
    // The whole store of a moment ago is put back, but for the signature.
    let store = Arc::new(MemoryStore::default());
    let state = open(store.clone());
    busy(&state);
    let head = store.get("qflare/head", b"head").unwrap().unwrap();
    enrol(&state, "b");
    sign(&state, &keys(1).0);
    assert_eq!(verify(&state), Ok(7));
    for number in 5..7u64 {
        remove(&*store, AUDIT, &number.to_be_bytes());
    }
    store.put("qflare/head", b"head", &head).unwrap();
    assert_eq!(verify(&state), Err(AuditError::End { found: 5 }));

    // Going on from there makes another chain, which the signature is not over.
    enrol(&state, "c");
    assert_eq!(verify(&state), Err(AuditError::Signature(7)));
}

#[test]
fn a_head_that_is_not_of_the_chain_is_found() {
    let (state, store) = signed();
    let head = store.get("qflare/head", b"head").unwrap().unwrap();
    let other = open(Arc::new(MemoryStore::default()));
    enrol(&other, "x");
    let mut forged = state.head().unwrap();
    forged.digest = other.head().unwrap().digest;
    store
        .put(
            "qflare/head",
            b"head",
            &serde_json::to_vec(&forged).unwrap(),
        )
        .unwrap();
    assert_eq!(verify(&state), Err(AuditError::End { found: 5 }));
    store.put("qflare/head", b"head", b"{}").unwrap();
    assert!(matches!(
        verify(&state),
        Err(AuditError::State(StateError::Damaged(_)))
    ));
    store.put("qflare/head", b"head", &head).unwrap();
    assert_eq!(verify(&state), Ok(5));
}
