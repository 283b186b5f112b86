//! One token, one device, once.

use std::sync::{Arc, Barrier};

use pqfw_framework::store::MemoryStore;
use pqfw_qflare::state::{DeviceId, StateError, StateLimits};

use crate::support::{NOW, each_kind, enrol, id, on_disk, open_within, public_key, token};

#[test]
fn a_token_enrols_its_device_once_and_before_it_expires() {
    each_kind(|state, _| {
        let key = public_key(1);
        let secret = b"a secret";
        state
            .issue_token(NOW, secret, &token("d", NOW + 10))
            .unwrap();
        let try_with = |now, secret: &[u8], device| {
            state.enrol(now, secret, &id(device), &key, Some(&public_key(2)))
        };
        for (now, secret, device) in [
            (NOW, &b"another secret"[..], "d"),
            (NOW, secret, "e"),
            (NOW + 10, secret, "d"),
        ] {
            assert_eq!(try_with(now, secret, device), Err(StateError::Token));
        }
        let device = try_with(NOW + 9, secret, "d").unwrap();
        assert_eq!(state.device(&id("d")), Ok(Some(device)));
        assert_eq!(try_with(NOW + 9, secret, "d"), Err(StateError::Token));
        assert_eq!(state.head().unwrap().tokens, 0);
    });
}

#[test]
fn an_enrolled_device_keeps_its_keys_and_the_second_token_stays() {
    each_kind(|state, _| {
        enrol(state, "d");
        state
            .issue_token(NOW, b"second", &token("d", NOW + 10))
            .unwrap();
        let again = state.enrol(NOW, b"second", &id("d"), &public_key(9), None);
        assert_eq!(again, Err(StateError::AlreadyEnrolled));
        assert_eq!(
            state.device(&id("d")).unwrap().unwrap().signature,
            public_key(1)
        );
        assert_eq!(state.tokens().unwrap().len(), 1);
    });
}

#[test]
fn a_token_is_taken_back_and_its_secret_is_not_in_the_store() {
    each_kind(|state, store| {
        let secret = b"very secret words that are long";
        state
            .issue_token(NOW, secret, &token("d", NOW + 10))
            .unwrap();
        let twice = state.issue_token(NOW, secret, &token("d", NOW + 10));
        assert_eq!(twice, Err(StateError::Token));
        for space in ["qflare/tokens", "qflare/audit", "qflare/head"] {
            for (key, value) in store.scan(space).unwrap() {
                let all = [key, value].concat();
                assert!(!all.windows(secret.len()).any(|window| window == secret));
            }
        }
        let (hash, found) = state.tokens().unwrap().remove(0);
        assert_eq!(found, token("d", NOW + 10));
        state.revoke_token(NOW, &hash).unwrap();
        assert_eq!(state.revoke_token(NOW, &hash), Err(StateError::Token));
        let late = state.enrol(NOW, secret, &id("d"), &public_key(1), None);
        assert_eq!(late, Err(StateError::Token));
    });
}

#[test]
fn the_limits_hold_and_expired_tokens_make_room() {
    let limits = StateLimits {
        devices: 1,
        tokens: 2,
    };
    let state = open_within(Arc::new(MemoryStore::default()), limits);
    state.issue_token(NOW, b"1", &token("a", NOW + 10)).unwrap();
    state.issue_token(NOW, b"2", &token("b", NOW + 20)).unwrap();
    let full = |what, most| Err(StateError::Full { what, most });
    assert_eq!(
        state.issue_token(NOW + 9, b"3", &token("c", NOW + 30)),
        full("tokens", 2)
    );
    state
        .issue_token(NOW + 10, b"3", &token("c", NOW + 30))
        .unwrap();
    assert_eq!(state.head().unwrap().tokens, 2);
    state
        .enrol(NOW, b"2", &id("b"), &public_key(1), None)
        .unwrap();
    let second = state.enrol(NOW, b"3", &id("c"), &public_key(1), None);
    assert_eq!(second.map(drop), full("devices", 1));
    assert_eq!(state.tokens().unwrap().len(), 1);
}

#[test]
fn keys_rotate_until_the_device_is_revoked() {
    each_kind(|state, _| {
        let (known, unknown) = (id("known"), id("unknown"));
        enrol(state, "known");
        state
            .rotate(NOW, &known, &public_key(3), Some(&public_key(4)))
            .unwrap();
        let device = state.device(&known).unwrap().unwrap();
        assert_eq!(
            (device.signature, device.kem),
            (public_key(3), Some(public_key(4)))
        );
        state.revoke_device(NOW + 1, &known).unwrap();
        state.revoke_device(NOW + 2, &known).unwrap();
        assert_eq!(
            state.device(&known).unwrap().unwrap().revoked,
            Some(NOW + 1)
        );
        let rotated = state.rotate(NOW, &known, &public_key(5), None);
        assert_eq!(rotated, Err(StateError::Revoked));
        let rotated = state.rotate(NOW, &unknown, &public_key(5), None);
        assert_eq!(rotated, Err(StateError::UnknownDevice));
        assert_eq!(
            state.revoke_device(NOW, &unknown),
            Err(StateError::UnknownDevice)
        );
    });
}

#[test]
fn ids_are_those_of_the_protocol() {
    let longest = "x".repeat(100);
    for good in ["a", "Z-_9", &longest] {
        assert_eq!(DeviceId::parse(good).unwrap().as_str(), good);
    }
    for bad in ["", "a b", "a/b", "ä", "a\0", &format!("{longest}x")] {
        assert_eq!(DeviceId::parse(bad), Err(StateError::DeviceId), "{bad:?}");
    }
}

#[test]
fn of_fifty_that_bring_one_token_one_is_enrolled() {
    let home = tempfile::tempdir().unwrap();
    on_disk(home.path())
        .issue_token(NOW, b"one", &token("d", NOW + 10))
        .unwrap();
    // Ten in each of five states, as threads of servers are.
    let together = Arc::new(Barrier::new(50));
    let states: Vec<_> = (0..5).map(|_| Arc::new(on_disk(home.path()))).collect();
    let threads: Vec<_> = (0..50u8)
        .map(|number| {
            let (state, together) = (states[usize::from(number) % 5].clone(), together.clone());
            std::thread::spawn(move || {
                together.wait();
                state.enrol(NOW, b"one", &id("d"), &public_key(number), None)
            })
        })
        .collect();
    let results: Vec<_> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    let enrolled: Vec<_> = results
        .iter()
        .filter_map(|result| result.as_ref().ok())
        .collect();
    assert_eq!(enrolled.len(), 1);
    assert_eq!(
        results
            .iter()
            .filter(|r| **r == Err(StateError::Token))
            .count(),
        49
    );
    let kept = on_disk(home.path()).device(&id("d")).unwrap();
    assert_eq!(kept.as_ref(), Some(enrolled[0]));
}
