//! The log: what is told, and that nothing is done which cannot be told.

use std::sync::Arc;

use pqfw_framework::audit::{AuditLog, Journal, JournalError, verify};
use pqfw_framework::python_json::Json;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::world::World;
use pqfw_mcp::signed::audit::{Audit, AuditEntry, Operation, Recent};
use pqfw_mcp::signed::error::PqcTransportError;
use pqfw_mcp::signed::gate::Gate;
use pqfw_mcp::signed::handshake::PqcHandshake;

use crate::support::{CLIENT, House, SERVER, STRANGER, greet, identity, suite};

fn entries(house: &House) -> Vec<Json> {
    let mut entries = Vec::new();
    verify(&*house.journal, &suite().digest, |_, entry| {
        entries.push(pqfw_mcp::signed::message::parse(entry.as_bytes()).unwrap());
    })
    .unwrap();
    entries
}

fn text<'j>(entry: &'j Json, name: &str) -> &'j str {
    entry.get(name).unwrap().as_str().unwrap()
}

#[test]
fn a_handshake_a_call_and_a_refusal_are_told() {
    let house = House::new();
    let session = house.session(CLIENT);
    let message = house.sign(CLIENT, &greet("1"), &session);
    house.handle(message.clone()).unwrap();
    house.handle(message.clone()).unwrap_err();
    house.handshake(STRANGER).unwrap_err();
    let told = entries(&house);
    let operations: Vec<_> = told.iter().map(|entry| text(entry, "operation")).collect();
    assert_eq!(
        operations,
        [
            "handshake",
            "tool_call",
            "tool_response",
            "verify",
            "handshake"
        ]
    );
    let verified: Vec<_> = told.iter().map(|entry| entry.get("verified")).collect();
    let (yes, no) = (Json::from(true), Json::from(false));
    assert_eq!(
        verified,
        [Some(&yes), Some(&yes), Some(&yes), Some(&no), Some(&no)]
    );
    let call = told[1].as_object().unwrap();
    assert_eq!(
        call.keys().collect::<Vec<_>>(),
        [
            "timestamp",
            "session_id",
            "operation",
            "method",
            "signer_did",
            "peer_did",
            "algorithm",
            "signature_truncated",
            "verified",
            "details"
        ]
    );
    let (client, server) = (identity(CLIENT), identity(SERVER));
    let call = &told[1];
    assert_eq!(text(call, "session_id"), session);
    assert_eq!(text(call, "method"), "tools/call");
    assert_eq!(text(call, "signer_did"), client.did().as_str());
    assert_eq!(text(call, "peer_did"), server.did().as_str());
    assert_eq!(text(call, "algorithm"), "ML-DSA-65");
    assert_eq!(text(call, "details"), "greet");
    let signature = crate::support::envelope_text(&message, "signature");
    assert_eq!(text(call, "signature_truncated"), &signature[..32]);
    assert_eq!(text(&told[2], "signer_did"), server.did().as_str());
    assert!(text(&told[3], "details").starts_with("replay"));
}

/// A disk that is full.
struct Full;

impl Journal for Full {
    fn append(&self, _: &[u8]) -> Result<(), JournalError> {
        Err(JournalError {
            path: "audit.jsonl".into(),
            reason: "no space".into(),
        })
    }

    fn read(&self, _: &mut dyn FnMut(&[u8])) -> Result<(), JournalError> {
        Ok(())
    }

    fn describe(&self) -> String {
        "audit.jsonl".into()
    }
}

#[test]
fn what_cannot_be_told_is_not_done() {
    let house = House::new();
    let log = AuditLog::open(Arc::new(Full), suite().digest).unwrap();
    let gate = Gate::new(
        house.world.now(),
        identity(SERVER),
        &house.config,
        &suite(),
        Arc::new(MemoryStore::default()),
        Audit::new(Arc::new(log)),
        house.told.clone(),
    )
    .unwrap();
    for who in [CLIENT, STRANGER] {
        let (now, mut rng) = (house.world.now(), house.world.rng());
        let (_, request) = PqcHandshake::initiate(&identity(who), now, &mut *rng).unwrap();
        let error = gate.handshake(now, &mut *rng, &request).unwrap_err();
        assert!(matches!(error, PqcTransportError::Internal(_)), "{error}");
    }
}

#[test]
fn a_session_keeps_the_newest_entries_and_the_log_no_control_characters() {
    let house = House::new();
    let now = house.world.now();
    let entry = AuditEntry::new(now, Operation::Verify, "A").method("a\nb\u{1b}[0m");
    assert_eq!(entry.method.as_deref(), Some("ab[0m"));
    let mut session = {
        let (now, mut rng) = (house.world.now(), house.world.rng());
        let (waiting, request) = PqcHandshake::initiate(&identity(CLIENT), now, &mut *rng).unwrap();
        let answer = house.server.handle_handshake(now, &mut *rng, &request);
        let times = house.config.session_times();
        let strict = pqfw_mcp::signed::lenience::Lenience::strict();
        waiting
            .complete(now, &answer.unwrap(), times, &strict)
            .unwrap()
    };
    for number in 0..=Recent::MOST {
        session.log_operation(entry.clone().details(&number.to_string()));
    }
    let kept: Vec<_> = session.audit_log().iter().collect();
    assert_eq!(kept.len(), Recent::MOST);
    assert_eq!(kept[0].details, "1");
}
