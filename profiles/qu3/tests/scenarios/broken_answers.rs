//! Answers that were changed on the way, or are not of the protocol.

use std::sync::Arc;

use chacha20::ChaCha20Rng;
use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::rand_core::SeedableRng;
use pqfw_memory::{Interceptor, ResponseFate};
use pqfw_qu3::client::fetch_keys;
use pqfw_qu3::error::ClientError;
use pqfw_qu3::keys::ServerPublicKeys;
use pqfw_qu3::wire::{self, route};

use crate::liar::{
    Hook, Liar, authentication, client_of, client_trusting, edit, inference_from, operation,
    policy_from, spoil, stuck,
};
use crate::support::{House, bytes, json, object, seal, suite, text_input};

#[tokio::test]
async fn an_answer_that_says_less_than_it_must_is_unreadable() {
    let edited = |field: &'static str, value: Option<&'static str>| -> Hook<Vec<u8>> {
        Box::new(move |plaintext| {
            let Json::Object(mut reply) = json(plaintext) else {
                panic!("no object")
            };
            reply.remove(field).unwrap();
            if let Some(value) = value {
                reply.insert(field, json(value.as_bytes()));
            }
            *plaintext = Json::Object(reply).default_text().into_bytes();
        })
    };
    let lies: [Hook<Vec<u8>>; 14] = [
        Box::new(Vec::clear),
        Box::new(|plaintext| *plaintext = b"not json".into()),
        Box::new(|plaintext| *plaintext = b"[]".into()),
        Box::new(|plaintext| plaintext.push(b'}')),
        Box::new(|plaintext| plaintext[0] = 0xff),
        edited("status", None),
        edited("status", Some(r#""maybe""#)),
        edited("status", Some("true")),
        // An error without its message, an output that is not there.
        edited("status", Some(r#""error""#)),
        edited("output_data", None),
        edited("attestation_data", None),
        edited("attestation_data", Some(r#"{"modelId": "model_caps"}"#)),
        edited("attestation_signature_b64", None),
        edited("attestation_signature_b64", Some(r#""!!!!""#)),
    ];
    for (index, plaintext) in lies.into_iter().enumerate() {
        let liar = Liar {
            plaintext,
            ..Liar::new()
        };
        let error = inference_from(liar).await.unwrap_err();
        assert_eq!(error, ClientError::Unreadable("the inference"), "{index}");
        operation(&error);
    }
}

#[tokio::test]
async fn an_envelope_without_its_fields_is_unreadable() {
    for field in ["nonceB64", "encryptedPayloadB64"] {
        for value in [
            None,
            Some(Json::Null),
            Some("!!!!".into()),
            Some("AAA".into()),
        ] {
            let liar = Liar {
                body: spoil(field, value),
                ..Liar::new()
            };
            let error = inference_from(liar).await.unwrap_err();
            assert_eq!(error, ClientError::Unreadable("the inference"));
        }
    }
    for field in ["nonce_b64", "ciphertext_b64", "signature_b64"] {
        for value in [None, Some(7_u64.into()), Some("!!!!".into())] {
            let liar = Liar {
                body: spoil(field, value),
                ..Liar::new()
            };
            let error = policy_from(liar).await.unwrap_err();
            assert_eq!(error, ClientError::Unreadable("the policy update"));
        }
    }
}

#[tokio::test]
async fn an_answer_that_was_changed_does_not_decrypt() {
    let flip = |bytes: &mut Vec<u8>| bytes[0] ^= 1;
    let cut = |bytes: &mut Vec<u8>| bytes.truncate(bytes.len() - 1);
    let lies = [
        edit("nonceB64", flip),
        edit("nonceB64", cut),
        edit("nonceB64", Vec::clear),
        edit("encryptedPayloadB64", flip),
        edit("encryptedPayloadB64", cut),
        edit("encryptedPayloadB64", Vec::clear),
    ];
    for body in lies {
        let liar = Liar {
            body,
            ..Liar::new()
        };
        let error = inference_from(liar).await.unwrap_err();
        assert_eq!(error, ClientError::Undecryptable("the inference"));
        authentication(&error);
    }
    let lies = [
        edit("nonce_b64", flip),
        edit("ciphertext_b64", flip),
        edit("ciphertext_b64", Vec::clear),
    ];
    for body in lies {
        let liar = Liar {
            body,
            ..Liar::new()
        };
        let error = policy_from(liar).await.unwrap_err();
        assert_eq!(error, ClientError::Undecryptable("the policy update"));
        authentication(&error);
    }
}

#[tokio::test]
async fn an_answer_under_another_key_does_not_decrypt() {
    let other = suite().aead.key(&[9; 32]).unwrap();
    let (nonce, sealed) = seal(&other, &mut ChaCha20Rng::seed_from_u64(6), b"{}");
    let (nonce, sealed) = (wire::encode(&nonce), wire::encode(&sealed));
    let body = object([("nonceB64", nonce), ("encryptedPayloadB64", sealed)]);
    let (wire, _) = stuck(route::INFERENCE, 200, body.canonical().as_bytes());
    let mut client = client_of(wire).await.unwrap();
    let error = client.send_request("model_caps", &text_input("x")).await;
    let error = error.unwrap_err();
    assert_eq!(error, ClientError::Undecryptable("the inference"));
    authentication(&error);
}

#[tokio::test]
async fn a_forged_kem_ciphertext_gives_a_session_that_nobody_shares() {
    // Of the right length, it decapsulates: the KEM rejects without saying so.
    let house = Arc::new(House::new());
    let wire = Interceptor::new(house.clone()).on_response(|request, response| {
        if request.route == route::HANDSHAKE {
            let mut ciphertext = bytes(&json(&response.body), "kemCiphertextB64");
            ciphertext[0] ^= 1;
            let body = object([("kemCiphertextB64", wire::encode(&ciphertext))]);
            response.body = body.canonical().into_bytes();
        }
        ResponseFate::Pass
    });
    let mut client = client_of(Arc::new(wire)).await.unwrap();
    let error = client.send_request("model_caps", &text_input("x")).await;
    let error = error.unwrap_err();
    assert!(matches!(error, ClientError::Refused { status: 400, .. }));
    assert_eq!(house.state(), ((0, 1, 0), Vec::new(), Vec::new()));
}

#[tokio::test]
async fn a_kem_ciphertext_that_is_none_is_unreadable() {
    let replaced = |value: Option<Json>| -> Hook<Object> {
        Box::new(move |body| {
            body.remove("kemCiphertextB64");
            if let Some(value) = &value {
                body.insert("kemCiphertextB64", value.clone());
            }
        })
    };
    let lies = [
        edit("kemCiphertextB64", |bytes| bytes.truncate(1087)),
        edit("kemCiphertextB64", |bytes| bytes.push(0)),
        edit("kemCiphertextB64", Vec::clear),
        replaced(None),
        replaced(Some(7_u64.into())),
        replaced(Some("!!!!".into())),
    ];
    for body in lies {
        let liar = Liar {
            body,
            ..Liar::new()
        };
        let error = client_of(Arc::new(liar)).await.err().unwrap();
        assert_eq!(error, ClientError::Unreadable("the handshake"));
        operation(&error);
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_unreadable() {
    for body in [&b""[..], b"OK", b"\xff", b"{"] {
        for on in [route::HANDSHAKE, route::INFERENCE] {
            let (wire, _) = stuck(on, 200, body);
            let outcome = match client_of(wire).await {
                Ok(mut client) => client
                    .send_request("model_caps", &text_input("x"))
                    .await
                    .map(drop),
                Err(error) => Err(error),
            };
            let error = outcome.unwrap_err();
            assert!(matches!(error, ClientError::Unreadable(_)), "{error:?}");
            operation(&error);
        }
    }
}

#[tokio::test]
async fn an_answer_about_keys_without_keys_is_unreadable() {
    let bodies = [
        "{}",
        "[]",
        r#"{"server_kem_public_key_b64":"AA=="}"#,
        r#"{"server_kem_public_key_b64":"AA==","server_sign_public_key_b64":7}"#,
        r#"{"server_kem_public_key_b64":"AA","server_sign_public_key_b64":"AA=="}"#,
    ];
    for body in bodies {
        let (wire, _) = stuck(route::KEYS, 200, body.as_bytes());
        let error = fetch_keys(&*wire).await.unwrap_err();
        assert_eq!(error, ClientError::Unreadable("/keys"), "{body}");
    }
    let unavailable = br#"{"detail":"Server keys unavailable."}"#;
    let (wire, _) = stuck(route::KEYS, 503, unavailable);
    let error = fetch_keys(&*wire).await.unwrap_err();
    let detail = "Server keys unavailable.".to_owned();
    assert_eq!(
        error,
        ClientError::Refused {
            status: 503,
            detail
        }
    );
}

#[tokio::test]
async fn a_server_key_of_another_length_is_no_key() {
    let house = Arc::new(House::new());
    for length in [0, 31, 33] {
        let server = ServerPublicKeys {
            kem: Vec::new(),
            sign: vec![1; length],
        };
        let error = client_trusting(house.clone(), &server).await.err().unwrap();
        assert!(matches!(error, ClientError::Crypto(_)), "{error:?}");
        assert!(error.to_string().contains("expected 32"), "{error}");
        operation(&error);
    }
}
