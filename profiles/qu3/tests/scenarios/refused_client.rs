//! The client that is refused, or hears nothing: what it says, and when it tries again.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pqfw_framework::python_json::Json;
use pqfw_framework::system::Failure;
use pqfw_framework::transport::TransportError;
use pqfw_memory::{Crossing, Interceptor, RequestFate, ResponseFate};
use pqfw_qu3::error::ClientError;
use pqfw_qu3::wire::{Attestation, route};

use crate::liar::{Liar, authentication, client_of, inference_from, stuck};
use crate::support::{House, text_input};

#[tokio::test]
async fn a_refusal_is_passed_on_with_its_words_and_the_right_exit_code() {
    let table = [
        (400, Failure::Operation),
        (403, Failure::Authentication),
        (404, Failure::Operation),
        (409, Failure::Operation),
        (422, Failure::Operation),
        (429, Failure::Operation),
        (500, Failure::Operation),
        (503, Failure::Operation),
        // Not 200 is not fine, whatever it says.
        (201, Failure::Operation),
        (302, Failure::Operation),
    ];
    for (status, failure) in table {
        let (wire, _) = stuck(route::INFERENCE, status, br#"{"detail":"as it is"}"#);
        let mut client = client_of(wire).await.unwrap();
        let error = client.send_request("model_caps", &text_input("x")).await;
        let error = error.unwrap_err();
        let detail = "as it is".to_owned();
        assert_eq!(error, ClientError::Refused { status, detail });
        assert_eq!(error.failure(), failure, "{status}");
    }
    let (wire, _) = stuck(route::HANDSHAKE, 503, br#"{"detail":"busy"}"#);
    let error = client_of(wire).await.err().unwrap();
    assert_eq!(error.to_string(), "the server answered 503: busy");
}

#[tokio::test]
async fn a_refusals_words_are_made_harmless_before_anyone_sees_them() {
    let long = format!(r#"{{"detail":"{}"}}"#, "x".repeat(10_000));
    let cases: [(&[u8], String); 6] = [
        (
            br#"{"detail":"a\u001b[31m\u0007\r\nb\u009bc"}"#,
            "a[31mbc".into(),
        ),
        (long.as_bytes(), "x".repeat(500)),
        (b"<html>502 Bad Gateway</html>", "no detail".into()),
        (b"", "no detail".into()),
        (br#"{"error":"x"}"#, "no detail".into()),
        (
            br#"{"detail":[{"type":"missing","loc":["body","x"]}]}"#,
            r#"[{"type": "missing", "loc": ["body", "x"]}]"#.into(),
        ),
    ];
    for (body, expected) in cases {
        let (wire, _) = stuck(route::INFERENCE, 502, body);
        let mut client = client_of(wire).await.unwrap();
        let error = client.send_request("model_caps", &text_input("x")).await;
        let ClientError::Refused { detail, .. } = error.unwrap_err() else {
            panic!("no refusal")
        };
        assert_eq!(detail, expected);
    }
}

#[tokio::test]
async fn a_models_words_are_made_harmless_too() {
    let long = "y".repeat(10_000);
    for (words, expected) in [
        ("a\u{1b}[31m\r\nb\u{9b}c", "a[31mbc"),
        (&long, &long[..500]),
    ] {
        let words = words.to_owned();
        let liar = Liar {
            before_signing: Box::new(move |reply| {
                reply.outcome = Err(words.clone());
                reply.attestation.success = false;
                reply.attestation.output_hash = Attestation::hash_of(&Json::Null);
            }),
            ..Liar::new()
        };
        let outcome = inference_from(liar).await.unwrap();
        assert_eq!(outcome, Err(expected.into()));
    }
}

#[tokio::test]
async fn an_expired_session_is_renewed_once_and_not_in_a_loop() {
    let body = br#"{"detail":"Session expired. Perform KEM handshake again."}"#;
    for on in [route::INFERENCE, route::POLICY] {
        let (wire, liar) = stuck(on, 401, body);
        let mut client = client_of(wire.clone()).await.unwrap();
        let outcome = if on == route::POLICY {
            client.update_policy("deny *", false).await
        } else {
            let input = text_input("x");
            client.send_request("model_caps", &input).await.map(drop)
        };
        let error = outcome.unwrap_err();
        assert!(matches!(error, ClientError::Refused { status: 401, .. }));
        authentication(&error);
        assert_eq!(*liar.seen.lock().unwrap(), [route::HANDSHAKE; 2]);
        let asked = wire.recorded().into_iter().filter(
            |crossing| matches!(crossing, Crossing::Request(request) if request.route == on),
        );
        assert_eq!(asked.count(), 2);
    }
}

#[tokio::test]
async fn other_refusals_renew_nothing() {
    for status in [400, 403, 409, 500, 503] {
        let (wire, liar) = stuck(route::INFERENCE, status, br#"{"detail":"no"}"#);
        let mut client = client_of(wire).await.unwrap();
        let outcome = client.send_request("model_caps", &text_input("x")).await;
        assert!(outcome.is_err());
        assert_eq!(*liar.seen.lock().unwrap(), [route::HANDSHAKE]);
    }
}

#[tokio::test]
async fn a_wire_that_breaks_is_the_networks_fault() {
    for on in [route::HANDSHAKE, route::INFERENCE, route::POLICY] {
        let house = Arc::new(House::new());
        let wire = Interceptor::new(house).on_request(move |request| {
            if request.route == on {
                RequestFate::Drop
            } else {
                RequestFate::Pass
            }
        });
        let outcome = match client_of(Arc::new(wire)).await {
            Err(error) => Err(error),
            Ok(mut client) if on == route::POLICY => client.update_policy("deny *", false).await,
            Ok(mut client) => {
                let input = text_input("x");
                client.send_request("model_caps", &input).await.map(drop)
            }
        };
        let error = outcome.unwrap_err();
        assert!(matches!(
            error,
            ClientError::Transport(TransportError::TimedOut { .. })
        ));
        assert_eq!(error.failure(), Failure::Network);
    }
}

#[tokio::test]
async fn a_client_whose_renewal_was_lost_renews_with_the_next_request() {
    let house = Arc::new(House::new());
    let lose = Arc::new(Mutex::new(false));
    let losing = lose.clone();
    let wire = Interceptor::new(house.clone()).on_response(move |request, _| {
        if *losing.lock().unwrap() && request.route == route::HANDSHAKE {
            return ResponseFate::Drop;
        }
        ResponseFate::Pass
    });
    let mut client = client_of(Arc::new(wire)).await.unwrap();
    let input = text_input("x");
    client.send_request("model_caps", &input).await.unwrap();
    house.wait(Duration::from_secs(4000));
    *lose.lock().unwrap() = true;
    let error = client.send_request("model_caps", &input).await.unwrap_err();
    assert_eq!(error.failure(), Failure::Network);
    *lose.lock().unwrap() = false;
    let inference = client.send_request("model_caps", &input).await.unwrap();
    assert!(inference.outcome.is_ok());
    client.update_policy("allow *", false).await.unwrap();
}
