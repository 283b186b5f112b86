//! States on every kind of store, and their people.

use std::path::Path;
use std::sync::{Arc, LazyLock};

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::signature::{AdmittedSignature, SigningKey, VerifyingKey};
use pqfw_framework::store::Store;
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;
use pqfw_qflare::state::{DeviceId, NewUpdate, PublicKey, State, StateLimits, Terms, Token};

pub(crate) const URL: &str = "sqlite:qflare.db";

/// Some moment.
pub(crate) const NOW: u64 = 1_800_000_000;

struct Algorithms {
    hash: AdmittedHash,
    signature: AdmittedSignature,
}

static ALGORITHMS: LazyLock<Algorithms> = LazyLock::new(|| {
    let plugins = Registry::builder()
        .with(pqfw_hash::plugin())
        .with(pqfw_classical::plugin());
    let registry = plugins.build().unwrap();
    let mut rng = SeededWorld::new(0).rng();
    let mut resolver = Resolver::new(&registry, &mut *rng, &[], &[], "2026-01-01");
    Algorithms {
        hash: resolver.hash("SHA-256").unwrap(),
        signature: resolver.signature("Ed25519").unwrap(),
    }
});

pub(crate) fn open(store: Arc<dyn Store>) -> State {
    open_within(store, StateLimits::default())
}

pub(crate) fn open_within(store: Arc<dyn Store>, limits: StateLimits) -> State {
    State::open(store, ALGORITHMS.hash.clone(), limits).unwrap()
}

pub(crate) fn hash() -> AdmittedHash {
    ALGORITHMS.hash.clone()
}

pub(crate) fn on_disk(home: &Path) -> State {
    open(pqfw_store::open(URL, home).unwrap())
}

/// The same for every kind of store.
pub(crate) fn each_kind(law: impl Fn(&State, &dyn Store)) {
    let home = tempfile::tempdir().unwrap();
    for url in ["memory:", URL] {
        let store = pqfw_store::open(url, home.path()).unwrap();
        let state = open(store.clone());
        law(&state, &*store);
        // Whatever happened, the audit tells it.
        let (_, key) = keys(1);
        state.verify_audit(&key, |_, _| {}).unwrap();
        let head = state.head().unwrap();
        assert_eq!(head.devices, state.devices().unwrap().len() as u64);
        assert_eq!(head.tokens, state.tokens().unwrap().len() as u64);
    }
}

pub(crate) fn keys(seed: u64) -> (SigningKey, VerifyingKey) {
    let mut rng = SeededWorld::new(seed).rng();
    let signature = &ALGORITHMS.signature;
    let key = signature.generate(&mut *rng).unwrap();
    let public = signature
        .import_verifying_key(&key.verifying_key())
        .unwrap();
    (key, public)
}

pub(crate) fn sign(state: &State, key: &SigningKey) {
    let end = state.audit_end().unwrap();
    let mut rng = SeededWorld::new(9).rng();
    let signature = key.sign(&mut *rng, &[&end.message]).unwrap();
    state.keep_signature(&end, signature).unwrap();
}

pub(crate) fn id(name: &str) -> DeviceId {
    DeviceId::parse(name).unwrap()
}

pub(crate) fn token(device: &str, expires: u64) -> Token {
    Token {
        device: id(device),
        expires,
        creator: "operator".into(),
    }
}

/// What a server says when it begins.
pub(crate) fn terms(rule: &str) -> Terms {
    Terms {
        dialect: "qflare-2".into(),
        rule: rule.into(),
        clip: "none".into(),
        close_at: 5,
        open_rounds: true,
        max_examples: 100,
    }
}

pub(crate) fn public_key(byte: u8) -> PublicKey {
    PublicKey {
        algorithm: "Ed25519".into(),
        key: vec![byte; 32],
    }
}

pub(crate) fn enrol(state: &State, device: &str) {
    let secret = format!("secret of {device}");
    state
        .issue_token(NOW, secret.as_bytes(), &token(device, NOW + 10))
        .unwrap();
    state
        .enrol(NOW, secret.as_bytes(), &id(device), &public_key(1), None)
        .unwrap();
}

/// An update of the newest round.
pub(crate) fn update(state: &State, device: &str, weights: &[u8]) -> NewUpdate {
    let head = state.head().unwrap();
    NewUpdate {
        device: id(device),
        round: head.round,
        base: state.round(head.round).unwrap().unwrap().base.hash,
        weights: weights.to_vec(),
        examples: 10,
        transcript: b"transcript".to_vec(),
        signature: b"signature".to_vec(),
    }
}
