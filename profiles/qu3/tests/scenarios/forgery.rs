//! Forged signatures: 403 where deployed servers answer 200, and nothing has changed after it.

use pqfw_framework::python_json::Json;
use pqfw_framework::transport::Request;
use pqfw_qu3::error::Refusal;
use pqfw_qu3::wire;

use crate::support::{
    House, Peer, URL, Who, assert_refused, json, statement, string, text_input, with_field,
    with_flipped_bit,
};

/// Signatures by nobody, or by somebody else, or over something else.
fn forgeries(peer: &mut Peer, message: &[u8], other: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let genuine = peer.sign(message);
    let flipped = |at: usize| {
        let mut signature = genuine.clone();
        signature[at] ^= 1;
        signature
    };
    let mallory = Peer::new(Who::Mallory).sign(message);
    vec![
        ("none", Vec::new()),
        ("zeros", vec![0; genuine.len()]),
        ("one byte short", genuine[..genuine.len() - 1].into()),
        ("one byte more", [&genuine[..], &[0]].concat()),
        ("first bit", flipped(0)),
        ("middle bit", flipped(genuine.len() / 2)),
        ("last bit", flipped(genuine.len() - 1)),
        ("another key's", mallory),
        ("over another message", peer.sign(other)),
        ("over an empty message", peer.sign(b"")),
    ]
}

/// Forged inferences of every kind, sealed under the peer's session.
fn forged_inferences(peer: &mut Peer) -> Vec<(&'static str, Request)> {
    let input = text_input("x");
    let signed = statement("model_caps", &input, None);
    let (message, spaced) = (signed.canonical(), signed.default_sorted_text());
    let mut requests: Vec<_> = forgeries(peer, message.as_bytes(), spaced.as_bytes())
        .into_iter()
        .map(|(what, forged)| (what, peer.inference_signed("model_caps", &input, &forged)))
        .collect();
    // A genuine signature with another statement beside it.
    let genuine = peer.sign(message.as_bytes());
    requests.push((
        "another model",
        peer.inference_signed("model_reverse", &input, &genuine),
    ));
    let as_string = Json::from(input.canonical());
    for (what, input) in [
        ("another input", text_input("y")),
        (
            "a field more",
            Json::object([("text", "x".into()), ("y", Json::Null)]),
        ),
        ("the input as a string", as_string),
    ] {
        requests.push((what, peer.inference_signed("model_caps", &input, &genuine)));
    }
    let other_url = Json::object([
        ("input_data", input),
        ("model_id", "model_caps".into()),
        ("pqc_signature_b64", wire::encode(&genuine).into()),
        ("target_server_url", format!("{URL}0").into()),
    ]);
    requests.push((
        "another server",
        peer.inference_sealing(other_url.canonical().as_bytes()),
    ));
    requests
}

/// Forged policy updates of every kind.
fn forged_policies(peer: &mut Peer) -> Vec<(&'static str, Request)> {
    let text = b"deny model_caps\n";
    let mut requests: Vec<_> = forgeries(peer, text, b"deny model_caps")
        .into_iter()
        .map(|(what, forged)| (what, peer.policy_signed(text, &forged)))
        .collect();
    let genuine = peer.sign(text);
    for other in [&b"deny model_caps"[..], b"deny model_caps\r\n", b""] {
        requests.push(("another text", peer.policy_signed(other, &genuine)));
    }
    requests
}

#[test]
fn a_forged_inference_is_refused_and_changes_nothing() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let before = house.state();
    for (what, request) in forged_inferences(&mut alice) {
        let response = house.ask(&request);
        assert_eq!(response.status, 403, "{what}");
        assert_refused(&response, &Refusal::Signature);
        assert_eq!(house.state(), before, "{what}");
    }
    assert_eq!(alice.caps(&house, "still"), Ok("STILL".into()));
}

#[test]
fn a_forged_policy_is_refused_and_changes_nothing() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let before = house.state();
    for (what, request) in forged_policies(&mut alice) {
        let response = house.ask(&request);
        assert_eq!(response.status, 403, "{what}");
        assert_refused(&response, &Refusal::PolicySignature);
        assert_eq!(house.state(), before, "{what}");
    }
    assert!(house.told.warnings().is_empty());
    assert_eq!(alice.caps(&house, "still"), Ok("STILL".into()));
}

#[test]
fn a_forged_first_message_neither_promotes_nor_pins() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    alice.meet(&house);
    let forged = forged_inferences(&mut alice).into_iter();
    for (what, request) in forged.chain(forged_policies(&mut alice)) {
        assert_eq!(house.ask(&request).status, 403, "{what}");
        let nothing = ((0, 1, 0), Vec::new(), Vec::new());
        assert_eq!(house.state(), nothing, "{what}");
    }
    assert_eq!(alice.caps(&house, "first"), Ok("FIRST".into()));
}

#[test]
fn a_forged_first_message_does_not_end_the_session_before() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let old = alice.meet(&house);
    let forged = alice.inference_signed("model_caps", &text_input("x"), b"");
    assert_refused(&house.ask(&forged), &Refusal::Signature);
    assert_eq!(house.counts(), (1, 1, 1));
    let fresh = std::mem::replace(&mut alice.session, old);
    assert_eq!(alice.caps(&house, "old"), Ok("OLD".into()));
    alice.session = fresh;
    assert_eq!(alice.caps(&house, "new"), Ok("NEW".into()));
}

#[test]
fn a_forgery_does_not_use_up_the_genuine_message() {
    // A policy's signature travels outside the ciphertext, so that anybody can replace it.
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let genuine = alice.policy(b"deny model_reverse");
    for at in [0, 1000, 17_087] {
        let forged = with_flipped_bit(&genuine, "signature_b64", at);
        assert_refused(&house.ask(&forged), &Refusal::PolicySignature);
    }
    alice.open_policy(&house.ask(&genuine));
    assert_eq!(house.policies().len(), 1);
    // Used up it is by itself, and then a forgery is still a forgery.
    let forged = with_flipped_bit(&genuine, "signature_b64", 0);
    assert_refused(&house.ask(&forged), &Refusal::PolicySignature);
    assert_refused(&house.ask(&genuine), &Refusal::Replayed);
}

#[test]
fn a_signature_that_is_not_base64_is_a_bad_request() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let genuine = alice.policy(b"deny model_reverse");
    let padded = string(&json(&genuine.body), "signature_b64");
    let bad = [
        "!!!!".to_owned(),
        "AAA".into(),
        format!("{padded}="),
        format!("{padded}\n"),
    ];
    for bad in bad {
        let response = house.ask(&with_field(&genuine, "signature_b64", bad));
        let refusal = Refusal::BadRequest("Policy signature is not base64.".into());
        assert_refused(&response, &refusal);
    }
    alice.open_policy(&house.ask(&genuine));
}

#[test]
fn each_clients_signature_counts_for_its_own_session_alone() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let mut bob = Peer::in_session(Who::Bob, &house);
    let input = text_input("x");
    let signed = statement("model_caps", &input, None).canonical();
    let alices = alice.sign(signed.as_bytes());
    let request = bob.inference_signed("model_caps", &input, &alices);
    assert_refused(&house.ask(&request), &Refusal::Signature);
    let alices = alice.sign(b"deny *");
    let request = bob.policy_signed(b"deny *", &alices);
    assert_refused(&house.ask(&request), &Refusal::PolicySignature);
}
