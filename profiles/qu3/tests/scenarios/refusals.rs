//! The table of refusals: its words, and the rows that no body decides.

use std::sync::Arc;

use pqfw_framework::store::StoreError;
use pqfw_framework::transport::{Request, Response};
use pqfw_qu3::Qu3Server;
use pqfw_qu3::config::Qu3Config;
use pqfw_qu3::error::{ClientError, Refusal};
use pqfw_qu3::models::Models;
use pqfw_qu3::wire::route;

use crate::support::{
    House, OddStore, Peer, Told, Who, accepted, assert_refused, bytes, keys_of, string, suite,
    text_input,
};

#[test]
fn every_refusal_has_the_status_and_the_words_of_the_specification() {
    let bad = |text: &str| Refusal::BadRequest(text.into());
    let table = [
        (bad("as it is"), 400, "as it is"),
        (
            Refusal::NoSession,
            401,
            "No active session key. Perform KEM handshake.",
        ),
        (
            Refusal::SessionExpired,
            401,
            "Session expired. Perform KEM handshake again.",
        ),
        (
            Refusal::NoPolicySession,
            401,
            "Session not established or expired.",
        ),
        (Refusal::Signature, 403, "Invalid client signature"),
        (
            Refusal::PolicySignature,
            403,
            "Invalid client signature on policy.",
        ),
        (
            Refusal::PinMismatch,
            403,
            "Client signing key does not match the key pinned to this KEM key.",
        ),
        (Refusal::NotFound, 404, "Not Found"),
        (Refusal::MethodNotAllowed, 405, "Method Not Allowed"),
        (Refusal::Replayed, 409, "Request replayed."),
        (
            Refusal::Internal("a cause that is nobody's business".into()),
            500,
            "Internal Server Error",
        ),
        (
            Refusal::Full("Server keys unavailable."),
            503,
            "Server keys unavailable.",
        ),
    ];
    for (refusal, status, detail) in table {
        let body = format!(r#"{{"detail":"{detail}"}}"#).into_bytes();
        assert_eq!(refusal.response(), Response { status, body }, "{refusal:?}");
    }
}

#[test]
fn paths_that_are_no_routes_are_not_found() {
    let house = House::new();
    for path in [
        "/nosuch",
        "/keys/",
        "/keys/more",
        "/KEYS",
        "//",
        "/kem-handshake",
        "/kem-handshake/initiate/",
        "/inference2",
        "/policy-update/1",
        "",
    ] {
        for method in ["GET", "POST", "BREW"] {
            let request = Request {
                method: method.into(),
                ..Request::get(path)
            };
            assert_refused(&house.ask(&request), &Refusal::NotFound);
        }
    }
}

#[test]
fn every_route_has_one_method() {
    let house = House::new();
    let routes = [
        ("GET", route::ROOT),
        ("GET", route::KEYS),
        ("POST", route::HANDSHAKE),
        ("POST", route::INFERENCE),
        ("POST", route::POLICY),
    ];
    let methods = [
        "GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "get", "post", "",
    ];
    for (own, path) in routes {
        for method in methods {
            let request = Request {
                method: method.into(),
                ..Request::get(path)
            };
            let response = house.ask(&request);
            if method == own {
                assert!([200, 422].contains(&response.status), "{method} {path}");
            } else {
                assert_refused(&response, &Refusal::MethodNotAllowed);
            }
        }
    }
}

#[test]
fn the_root_says_that_a_server_is_there() {
    let body = accepted(&House::new().ask(&Request::get("/")));
    assert!(
        string(&body, "message").ends_with("is running."),
        "{body:?}"
    );
}

#[test]
fn the_public_keys_are_served_as_they_are() {
    let (keys, body) = (
        keys_of(Who::Server),
        accepted(&House::new().ask(&Request::get("/keys"))),
    );
    assert_eq!(bytes(&body, "server_kem_public_key_b64"), keys.kem_public);
    assert_eq!(bytes(&body, "server_sign_public_key_b64"), keys.sign_public);
    assert_eq!((keys.kem_public.len(), keys.sign_public.len()), (1184, 32));
}

#[test]
fn a_server_without_keys_says_so_wherever_it_would_need_them() {
    let house = House::build(
        suite(),
        None,
        Models::builtin(),
        Arc::new(OddStore::default()),
        Qu3Config::default(),
    );
    let mut alice = Peer::new(Who::Alice);
    alice.meet(&house);
    let unavailable = Refusal::Full("Server keys unavailable.");
    let requests = [
        Request::get(route::KEYS),
        alice.inference("model_caps", &text_input("x")),
        alice.policy(b"deny model_caps"),
    ];
    for request in requests {
        assert_refused(&house.ask(&request), &unavailable);
    }
    assert_eq!(house.state(), ((0, 1, 0), Vec::new(), Vec::new()));
}

#[test]
fn without_a_handshake_there_is_no_session() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    // A session, but with another server.
    alice.meet(&House::new());
    let request = alice.inference("model_caps", &text_input("x"));
    assert_refused(&house.ask(&request), &Refusal::NoSession);
    let request = alice.policy(b"deny model_caps");
    assert_refused(&house.ask(&request), &Refusal::NoPolicySession);
}

#[test]
fn a_store_that_fails_is_our_fault_and_its_cause_is_not_told_to_the_peer() {
    let store = Arc::new(OddStore::default());
    let house = House::on(store.clone(), Qu3Config::default());
    let mut alice = Peer::new(Who::Alice);
    let cause = "the disk is on fire";
    let failed = || StoreError::Failed(cause.into());
    let internal = Refusal::Internal(cause.into());

    store.fail(Some(("get", failed())));
    assert_refused(&house.ask(&alice.hello()), &internal);
    store.fail(None);
    alice.meet(&house);
    let inference = alice.inference("model_caps", &text_input("x"));
    let policy = alice.policy(b"deny model_caps");
    for (request, operation) in [
        (&inference, "get"),
        (&inference, "insert"),
        (&policy, "get"),
    ] {
        store.fail(Some((operation, failed())));
        let response = house.ask(request);
        assert_refused(&response, &internal);
        assert!(!String::from_utf8(response.body).unwrap().contains("fire"));
        assert_eq!(
            house.told.warnings().pop(),
            Some(format!("{}: {cause}", request.route))
        );
    }
    // None of them was taken for accepted.
    store.fail(None);
    assert_eq!(house.state(), ((0, 1, 0), Vec::new(), Vec::new()));
    alice.open_inference(&house.ask(&inference));
    alice.open_policy(&house.ask(&policy));
}

#[test]
fn a_server_does_not_start_on_a_store_that_it_cannot_read() {
    let store = Arc::new(OddStore::default());
    store.fail(Some(("scan", StoreError::Failed("no such table".into()))));
    let started = Qu3Server::new(
        suite(),
        Some(keys_of(Who::Server)),
        Models::builtin(),
        Qu3Config::default(),
        store,
        Arc::new(Told::default()),
    );
    let error = started.err().unwrap();
    assert!(matches!(error, ClientError::Crypto(_)), "{error:?}");
    assert!(error.to_string().contains("no such table"), "{error}");
}
