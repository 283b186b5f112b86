//! Lies under the right key: the client believes nothing that it has not checked, says what was
//! wrong, and ends with the right exit code.

use std::sync::{Arc, Mutex};

use chacha20::ChaCha20Rng;
use pqfw_framework::python_json::Json;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::transport::Response;
use pqfw_memory::{Interceptor, RequestFate, ResponseFate};
use pqfw_qu3::error::ClientError;
use pqfw_qu3::wire::{Attestation, InferenceResponse, route};

use crate::liar::{
    Hook, Liar, authentication, client_of, edit, inference_from, operation, policy_from,
};
use crate::support::{House, Who, keys_of, string, text_input};

#[tokio::test]
async fn a_liar_that_does_not_lie_is_believed() {
    let output = inference_from(Liar::new()).await.unwrap().unwrap();
    assert_eq!(string(&output, "capitalized_text"), "X");
    policy_from(Liar::new()).await.unwrap();
}

/// Lies that the signature covers: the server really attests something else.
#[tokio::test]
async fn an_attestation_of_something_else_is_refused_field_by_field() {
    let other_input = Attestation::hash_of(&text_input("y"));
    let other_output = Attestation::hash_of(&text_input("X"));
    let lies: [(&str, Hook<InferenceResponse>); 7] = [
        (
            "model",
            Box::new(|reply| reply.attestation.model_id = "model_reverse".into()),
        ),
        (
            "model",
            Box::new(|reply| reply.attestation.model_id = "Model_caps".into()),
        ),
        (
            "input",
            Box::new(move |reply| reply.attestation.input_hash = other_input.clone()),
        ),
        (
            "input",
            Box::new(|reply| reply.attestation.input_hash = String::new()),
        ),
        (
            "output",
            Box::new(move |reply| reply.attestation.output_hash = other_output.clone()),
        ),
        (
            "output",
            Box::new(|reply| reply.outcome = Ok(text_input("something else"))),
        ),
        // A success that says so, with the error's empty output attested.
        (
            "output",
            Box::new(|reply| reply.attestation.output_hash = Attestation::hash_of(&Json::Null)),
        ),
    ];
    for (field, before_signing) in lies {
        let liar = Liar {
            before_signing,
            ..Liar::new()
        };
        let error = inference_from(liar).await.unwrap_err();
        assert_eq!(error, ClientError::Attestation(field));
        authentication(&error);
    }
}

#[tokio::test]
async fn a_status_that_is_not_the_attested_one_is_refused() {
    let outside = |from: &'static str, to: &'static str| -> Hook<Vec<u8>> {
        Box::new(move |plaintext| {
            let text = String::from_utf8(plaintext.clone()).unwrap();
            assert!(text.starts_with(from), "{text}");
            *plaintext = text.replacen(from, to, 1).into_bytes();
        })
    };
    let success_attested = Liar {
        before_signing: Box::new(|reply| {
            reply.attestation.output_hash = Attestation::hash_of(&Json::Null);
            reply.outcome = Err("no".into());
            assert!(reply.attestation.success);
        }),
        plaintext: outside(r#"{"status": "success""#, r#"{"status": "error""#),
        ..Liar::new()
    };
    let error_attested = Liar {
        before_signing: Box::new(|reply| reply.attestation.success = false),
        plaintext: outside(r#"{"status": "error""#, r#"{"status": "success""#),
        ..Liar::new()
    };
    for liar in [success_attested, error_attested] {
        let error = inference_from(liar).await.unwrap_err();
        assert_eq!(error, ClientError::Attestation("status"));
        authentication(&error);
    }
}

#[tokio::test]
async fn an_attestation_whose_signature_does_not_verify_is_refused() {
    let others = keys_of(Who::OtherServer);
    let lies: [Hook<InferenceResponse>; 8] = [
        Box::new(|reply| reply.signature[0] ^= 1),
        Box::new(|reply| *reply.signature.last_mut().unwrap() ^= 0x80),
        Box::new(|reply| reply.signature.truncate(17_087)),
        Box::new(|reply| reply.signature.clear()),
        // Everything that was signed, changed afterwards.
        Box::new(|reply| reply.attestation.timestamp = "2030-01-01T00:00:00+00:00".into()),
        Box::new(|reply| reply.attestation.server_version = "better/2".into()),
        Box::new(|reply| reply.attestation.input_hash.push('=')),
        Box::new(move |reply| {
            let mut rng = ChaCha20Rng::seed_from_u64(5);
            let signed = reply.attestation.signed_bytes();
            reply.signature = others.sign.sign(&mut rng, &[&signed]).unwrap();
        }),
    ];
    for after_signing in lies {
        let liar = Liar {
            after_signing,
            ..Liar::new()
        };
        let error = inference_from(liar).await.unwrap_err();
        assert_eq!(error, ClientError::BadSignature("the attestation"));
        authentication(&error);
    }
}

#[tokio::test]
async fn fields_added_to_a_signed_attestation_are_noticed() {
    let liar = Liar {
        plaintext: Box::new(|plaintext| {
            let text = String::from_utf8(plaintext.clone()).unwrap();
            let text = text.replace(r#""modelId""#, r#""reviewed": true, "modelId""#);
            *plaintext = text.into_bytes();
        }),
        ..Liar::new()
    };
    let error = inference_from(liar).await.unwrap_err();
    assert_eq!(error, ClientError::BadSignature("the attestation"));
}

#[tokio::test]
async fn a_server_whose_keys_changed_is_refused() {
    let liar = Arc::new(Liar {
        keys: keys_of(Who::OtherServer),
        ..Liar::new()
    });
    let mut client = client_of(liar).await.unwrap();
    let error = client.send_request("model_caps", &text_input("x")).await;
    let error = error.unwrap_err();
    assert_eq!(error, ClientError::BadSignature("the attestation"));
    assert!(error.to_string().contains("remove server_kem.pub"));
    authentication(&error);
    let error = client.update_policy("deny *", false).await.unwrap_err();
    assert_eq!(error, ClientError::BadSignature("the policy's acceptance"));
    authentication(&error);
}

#[tokio::test]
async fn a_policys_answer_is_these_bytes_signed_or_nothing() {
    let texts: [&[u8]; 5] = [
        b"",
        br#"{"status": "Policy update rejected."}"#,
        br#"{"status":"Policy update received and verified successfully."}"#,
        b"{\"status\": \"Policy update received and verified successfully.\"}\n",
        br#"{"status": "Policy update received and verified successfully.", "x": 1}"#,
    ];
    for text in texts {
        let liar = Liar {
            policy_before_signing: Box::new(move |answer| *answer = text.into()),
            ..Liar::new()
        };
        let error = policy_from(liar).await.unwrap_err();
        assert_eq!(error, ClientError::Unreadable("the policy update"));
        operation(&error);
    }
    // Sealed is not signed: the right words under the wrong signature.
    let lies = [
        edit("signature_b64", |bytes| bytes[0] ^= 1),
        edit("signature_b64", |bytes| bytes.truncate(17_087)),
        edit("signature_b64", Vec::clear),
    ];
    for body in lies {
        let liar = Liar {
            body,
            ..Liar::new()
        };
        let error = policy_from(liar).await.unwrap_err();
        assert_eq!(error, ClientError::BadSignature("the policy's acceptance"));
        authentication(&error);
    }
    let liar = Liar {
        plaintext: Box::new(|answer| answer.push(b' ')),
        ..Liar::new()
    };
    let error = policy_from(liar).await.unwrap_err();
    assert_eq!(error, ClientError::BadSignature("the policy's acceptance"));
}

#[tokio::test]
async fn the_clients_own_message_sent_back_to_it_is_no_answer() {
    // One key serves both directions, so it does open.
    let house = Arc::new(House::new());
    let wire = Interceptor::new(house).on_request(|request| match request.route.as_str() {
        route::INFERENCE | route::POLICY => RequestFate::Forge(Response {
            status: 200,
            body: request.body.clone(),
        }),
        _ => RequestFate::Pass,
    });
    let mut client = client_of(Arc::new(wire)).await.unwrap();
    let error = client.send_request("model_caps", &text_input("x")).await;
    assert_eq!(error.unwrap_err(), ClientError::Unreadable("the inference"));
    let error = client.update_policy("deny *", false).await.unwrap_err();
    assert_eq!(error, ClientError::BadSignature("the policy's acceptance"));
}

#[tokio::test]
async fn an_old_answer_to_another_question_is_refused() {
    let house = Arc::new(House::new());
    let old = Mutex::new(None);
    let wire = Interceptor::new(house).on_response(move |request, response| {
        if request.route == route::INFERENCE {
            let mut old = old.lock().unwrap();
            let first = old.get_or_insert_with(|| response.clone());
            *response = first.clone();
        }
        ResponseFate::Pass
    });
    let mut client = client_of(Arc::new(wire)).await.unwrap();
    let first = client.send_request("model_caps", &text_input("one")).await;
    assert!(first.unwrap().outcome.is_ok());
    let error = client.send_request("model_caps", &text_input("two")).await;
    assert_eq!(error.unwrap_err(), ClientError::Attestation("input"));
    let error = client
        .send_request("model_reverse", &text_input("one"))
        .await;
    assert_eq!(error.unwrap_err(), ClientError::Attestation("model"));
}
