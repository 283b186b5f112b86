//! What a message can be refused for: each row of what deployed peers accept and we do not.

use std::sync::Arc;

use pqfw_framework::python_json::{Json, Object};
use pqfw_mcp::signed::error::PqcTransportError;
use pqfw_mcp::signed::message::{MAX_MARKS, MessageSigner, parse};

use crate::support::{
    CLIENT, House, NONCE, STRANGER, call, envelope_text, greet, identity, with_envelope,
};

fn refused(house: &House, message: &Object) -> PqcTransportError {
    house.handle(message.clone()).unwrap_err()
}

/// The same at a lenient server, which lets it pass with a warning.
fn passes_lenient(who: u64, change: impl Fn(&House, Object, &str) -> Object) {
    let house = House::with(|config| {
        config.lenient = true;
        config.allow_dids.push(identity(STRANGER).did().to_string());
    });
    let session = house.session(CLIENT);
    let message = house.sign(who, &greet("1"), &session);
    let before = house.told.warnings().len();
    let answer = house.handle(change(&house, message, &session)).unwrap();
    assert!(answer.get("result").is_some(), "{answer:?}");
    let warnings = house.told.warnings();
    assert!(warnings.len() > before, "{warnings:?}");
    assert!(warnings[before].contains("mcp.lenient"));
}

#[test]
fn a_call_is_answered_signed_and_in_order() {
    let house = House::new();
    let session = house.session(CLIENT);
    let answer = house
        .handle(house.sign(CLIENT, &greet("7"), &session))
        .unwrap();
    let answer = answer.as_object().unwrap();
    let names: Vec<_> = answer.keys().collect();
    assert_eq!(names, ["jsonrpc", "id", "result", "_pqc"]);
    assert_eq!(answer.get("id"), Some(&"7".into()));
    let content = answer.get("result").unwrap().get("content");
    assert_eq!(content, Some(&"Hello, World!".into()));
    assert!(answer.get("_pqc").unwrap().get("session_id").is_none());
    let client = MessageSigner::new(identity(CLIENT));
    let verified = client.verify_message(answer).unwrap();
    assert_eq!(
        verified.envelope.signer,
        *house.server.gate().identity().did()
    );
    assert_eq!(verified.message.get("id"), Some(&"7".into()));
}

#[test]
fn the_words_of_errors_are_the_packages() {
    let house = House::new();
    let session = house.session(CLIENT);
    let error = |message: &Object| {
        let answer = house.handle(house.sign(CLIENT, message, &session)).unwrap();
        assert!(answer.get("_pqc").is_some());
        answer.get("error").unwrap().default_text()
    };
    let unknown = error(&call("1", "nothing", Json::Null));
    assert_eq!(
        unknown,
        r#"{"code": -32601, "message": "Unknown tool: nothing"}"#
    );
    let boom = error(&call("2", "fail", Json::Null));
    assert_eq!(boom, r#"{"code": -32000, "message": "Tool error: boom"}"#);
    let mut other = greet("3");
    other.insert("method", "resources/list");
    let unknown = r#"{"code": -32601, "message": "Unknown method: resources/list"}"#;
    assert_eq!(error(&other), unknown);
    other.remove("method");
    assert!(error(&other).contains("Unknown method: None"));

    let unsigned = house.handle(greet("4")).unwrap();
    let text = r#"{"jsonrpc": "2.0", "id": "4", "error": {"code": -32600, "message": "Missing _pqc signature envelope"}}"#;
    assert_eq!(unsigned.default_text(), text);
}

#[test]
fn a_list_has_names_and_descriptions() {
    let house = House::new();
    let session = house.session(CLIENT);
    let mut list = greet("1");
    list.insert("method", "tools/list");
    list.remove("params");
    let answer = house.handle(house.sign(CLIENT, &list, &session)).unwrap();
    let tools = answer.get("result").unwrap().get("tools").unwrap();
    let first = &tools.as_array().unwrap()[0];
    let text = r#"{"name": "echo", "description": "Gives its value back"}"#;
    assert_eq!(first.default_text(), text);
    let own = house.server.tool_list().unwrap();
    assert_eq!(own.get("tools"), Some(tools));
}

#[test]
fn a_key_that_is_not_the_names_is_refused() {
    let house = House::new();
    let session = house.session(CLIENT);
    let message = house.sign(STRANGER, &greet("1"), &session);
    let mixed = with_envelope(
        &message,
        "signer_did",
        Some(identity(CLIENT).did().as_str()),
    );
    let error = refused(&house, &mixed);
    assert!(matches!(error, PqcTransportError::PeerNotAuthenticated(_)));
    let alone = MessageSigner::new(identity(CLIENT)).verify_message(&mixed);
    assert!(matches!(
        alone,
        Err(PqcTransportError::SignatureVerification(_))
    ));
    passes_lenient(STRANGER, |_, message, _| {
        with_envelope(
            &message,
            "signer_did",
            Some(identity(CLIENT).did().as_str()),
        )
    });
}

#[test]
fn a_signer_other_than_the_sessions_is_refused() {
    let house = House::with(|config| {
        config.allow_dids.push(identity(STRANGER).did().to_string());
    });
    let session = house.session(CLIENT);
    let error = refused(&house, &house.sign(STRANGER, &greet("1"), &session));
    assert!(matches!(error, PqcTransportError::PeerNotAuthenticated(_)));
    passes_lenient(STRANGER, |_, message, _| message);
}

#[test]
fn no_session_and_an_unknown_one_are_refused() {
    let house = House::new();
    for session in ["", NONCE, "not even a number"] {
        let error = refused(&house, &house.sign(CLIENT, &greet("1"), session));
        assert!(matches!(error, PqcTransportError::PeerNotAuthenticated(_)));
        passes_lenient(CLIENT, move |_, message, _| {
            let session = Some(session).filter(|session| !session.is_empty());
            with_envelope(&message, "session_id", session)
        });
    }
    // Even then, only whom the operator has listed.
    let lenient = House::with(|config| config.lenient = true);
    let error = refused(&lenient, &lenient.sign(STRANGER, &greet("1"), ""));
    assert!(matches!(error, PqcTransportError::PeerNotAuthenticated(_)));
}

#[test]
fn a_reused_nonce_is_refused() {
    let reuse = |house: &House, session: &str| {
        let first = house.sign(CLIENT, &greet("1"), session);
        house.handle(first.clone()).unwrap();
        let second = house.sign(CLIENT, &greet("2"), session);
        with_envelope(&second, "nonce", Some(envelope_text(&first, "nonce")))
    };
    let house = House::new();
    let session = house.session(CLIENT);
    let error = refused(&house, &reuse(&house, &session));
    assert!(matches!(error, PqcTransportError::ReplayAttack(_)));
    passes_lenient(CLIENT, |house, _, session| reuse(house, session));
}

#[test]
fn a_session_ends_and_its_messages_with_it() {
    for lenient in [false, true] {
        let house = House::with(|config| config.lenient = lenient);
        let session = house.session(CLIENT);
        house.wait(3600);
        let error = refused(&house, &house.sign(CLIENT, &greet("1"), &session));
        assert_eq!(error, PqcTransportError::SessionExpired);
    }
}

#[test]
fn a_message_out_of_time_is_refused() {
    let house = House::new();
    let session = house.session(CLIENT);
    let message = house.sign(CLIENT, &greet("1"), &session);
    house.wait(301);
    let error = refused(&house, &message);
    assert!(matches!(error, PqcTransportError::Handshake(_)), "{error}");
}

#[test]
fn a_signature_counts_once_whatever_stands_beside_it() {
    for lenient in [false, true] {
        let house = House::with(|config| config.lenient = lenient);
        let (first, second) = (house.session(CLIENT), house.session(CLIENT));
        let message = house.sign(CLIENT, &greet("1"), &first);
        house.handle(message.clone()).unwrap();
        let again = with_envelope(&message, "nonce", Some(NONCE));
        let elsewhere = with_envelope(&again, "session_id", Some(&second));
        for replayed in [message, again, elsewhere] {
            let error = refused(&house, &replayed);
            assert!(matches!(error, PqcTransportError::ReplayAttack(_)));
        }
    }
}

#[test]
fn what_is_signed_cannot_be_changed_and_every_member_counts() {
    let house = House::new();
    let session = house.session(CLIENT);
    let good = house.sign(CLIENT, &greet("1"), &session);
    let mut changed = good.clone();
    changed.insert("id", "2");
    let error = refused(&house, &changed);
    assert!(matches!(error, PqcTransportError::SignatureVerification(_)));
    for name in [
        "signer_did",
        "algorithm",
        "timestamp",
        "nonce",
        "signature",
        "public_key",
    ] {
        for value in [None, Some("nonsense")] {
            let error = refused(&house, &with_envelope(&good, name, value));
            assert!(
                matches!(error, PqcTransportError::SignatureVerification(_)),
                "{name}: {error}"
            );
        }
    }
    let mut odd = good.clone();
    odd.insert("_pqc", Json::Null);
    assert!(matches!(
        refused(&house, &odd),
        PqcTransportError::SignatureVerification(_)
    ));
    let mut envelope = good.get("_pqc").unwrap().as_object().unwrap().clone();
    envelope.insert("session_id", 7u64);
    odd.insert("_pqc", envelope);
    assert!(matches!(
        refused(&house, &odd),
        PqcTransportError::SignatureVerification(_)
    ));
    house.handle(good).unwrap();
}

#[test]
fn of_a_name_that_comes_twice_the_last_is_signed_and_acted_upon() {
    let house = House::new();
    let session = house.session(CLIENT);
    let signed = house.sign(CLIENT, &greet("1"), &session);
    let wire = Json::from(signed).default_text();
    let evil = r#""params": {"name": "fail"}"#;
    // Behind the signed member it takes its place, and the signature is over another message.
    let behind = format!("{}, {evil}}}", wire.strip_suffix('}').unwrap());
    let error = house.handle(parse(behind.as_bytes()).unwrap());
    assert!(matches!(
        error,
        Err(PqcTransportError::SignatureVerification(_))
    ));
    // Before it, it is nothing: the signed one is called.
    let before = format!("{{{evil}, {}", wire.strip_prefix('{').unwrap());
    let answer = house.handle(parse(before.as_bytes()).unwrap()).unwrap();
    let content = answer.get("result").unwrap().get("content");
    assert_eq!(content, Some(&"Hello, World!".into()));
    // A second envelope cannot stand in for the first.
    let signed = house.sign(CLIENT, &greet("2"), &session);
    let foreign = house.sign(STRANGER, &greet("2"), &session);
    let foreign = foreign.get("_pqc").unwrap().default_text();
    let wire = Json::from(signed).default_text();
    let behind = format!("{}, \"_pqc\": {foreign}}}", wire.strip_suffix('}').unwrap());
    let error = house.handle(parse(behind.as_bytes()).unwrap());
    assert!(matches!(
        error,
        Err(PqcTransportError::PeerNotAuthenticated(_))
    ));
}

#[test]
fn what_is_no_message_is_malformed() {
    let house = House::new();
    for text in ["[]", "7", "[{}]", "null"] {
        let error = house.handle(parse(text.as_bytes()).unwrap()).unwrap_err();
        assert!(matches!(error, PqcTransportError::Malformed(_)));
    }
    let many = format!("[{}0]", "0,".repeat(MAX_MARKS));
    let fits = format!("[{}0]", "0,".repeat(MAX_MARKS - 1));
    assert!(parse(fits.as_bytes()).is_ok());
    for text in ["", "{", r#"{"a": NaN}"#, r#""\ud800""#, &many] {
        assert!(matches!(
            parse(text.as_bytes()),
            Err(PqcTransportError::Malformed(_))
        ));
    }
}

#[tokio::test]
async fn strict_works_with_an_honest_peer() {
    let house = Arc::new(House::new());
    let client = house.connect().await.unwrap();
    let names: Vec<_> = client.list_tools().await.unwrap();
    assert_eq!(names.len(), 3);
    let value = parse(r#"{"value": [1.50, 1e-7, 18446744073709551616, "ß😀"]}"#.as_bytes());
    let value = value.unwrap();
    for _ in 0..3 {
        let content = client.call_tool("echo", &value).await.unwrap();
        assert_eq!(Some(&content), value.get("value"));
    }
    let error = client.call_tool("fail", &Json::Null).await.unwrap_err();
    assert_eq!(
        error,
        PqcTransportError::Rpc {
            code: -32000,
            message: "Tool error: boom".into()
        }
    );
    assert!(house.told.warnings().is_empty());
    let seen = client.with_session(|session| session.audit_log().iter().count());
    assert_eq!(seen, 1 + 2 * 5);
    client.close();
}
