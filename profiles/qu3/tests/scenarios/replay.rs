//! A message is accepted once; any order will do.

use std::sync::Arc;

use pqfw_framework::python_json::Json;
use pqfw_framework::transport::{Exchange, Request};
use pqfw_memory::{Crossing, Interceptor, RequestFate};
use pqfw_qu3::Qu3Client;
use pqfw_qu3::config::Qu3Config;
use pqfw_qu3::error::Refusal;
use pqfw_qu3::wire::route;

use crate::support::{
    House, Peer, URL, Who, accepted, assert_refused, json, keys_of, public_keys_of, suite,
    text_input, undecryptable, with_field,
};

#[test]
fn an_inference_is_accepted_once() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let request = alice.inference("model_caps", &text_input("x"));
    alice.open_inference(&house.ask(&request));
    let before = house.state();
    for _ in 0..3 {
        assert_refused(&house.ask(&request), &Refusal::Replayed);
    }
    assert_eq!(house.state(), before);
    assert_eq!(alice.caps(&house, "between"), Ok("BETWEEN".into()));
    assert_refused(&house.ask(&request), &Refusal::Replayed);
}

#[test]
fn a_policy_is_accepted_once() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let strict = alice.policy(b"deny model_reverse");
    alice.open_policy(&house.ask(&strict));
    assert_refused(&house.ask(&strict), &Refusal::Replayed);
    // Who could replay it could bring an old policy back.
    alice.set_policy(&house, "allow *");
    assert_refused(&house.ask(&strict), &Refusal::Replayed);
    assert_eq!(house.policies().len(), 2);
    assert_eq!(alice.reverse(&house, "ab"), Ok("ba".into()));
}

#[test]
fn a_recorded_policy_signature_is_worth_nothing_in_a_strangers_session() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let signature = alice.sign(b"allow *");
    let first = alice.policy_signed(b"allow *", &signature);
    alice.open_policy(&house.ask(&first));
    alice.set_policy(&house, "deny model_reverse");
    // A KEM key of its own, Alice's sign key, and what travelled outside the ciphertext.
    let mut mallory = Peer::new(Who::Mallory);
    mallory.keys.sign_public = alice.keys.sign_public.clone();
    mallory.meet(&house);
    let rollback = mallory.policy_signed(b"allow *", &signature);
    assert_refused(&house.ask(&rollback), &Refusal::Replayed);
    assert!(alice.reverse(&house, "ab").is_err());
}

#[test]
fn the_message_that_promoted_a_session_is_no_exception() {
    for policy in [false, true] {
        let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
        alice.meet(&house);
        let first = if policy {
            alice.policy(b"deny model_reverse")
        } else {
            alice.inference("model_caps", &text_input("x"))
        };
        accepted(&house.ask(&first));
        assert_refused(&house.ask(&first), &Refusal::Replayed);
        assert_eq!(house.counts(), (1, 0, 1));
    }
}

#[test]
fn a_pending_handshake_beside_the_session_forgets_nothing() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let request = alice.inference("model_caps", &text_input("x"));
    accepted(&house.ask(&request));
    for _ in 0..10 {
        accepted(&house.ask(&alice.hello()));
    }
    assert_refused(&house.ask(&request), &Refusal::Replayed);
}

#[test]
fn under_a_new_session_an_old_message_does_not_decrypt() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let inference = alice.inference("model_caps", &text_input("x"));
    let policy = alice.policy(b"deny model_reverse");
    let unsent = alice.inference("model_caps", &text_input("unsent"));
    for request in [&inference, &policy] {
        accepted(&house.ask(request));
    }
    alice.meet(&house);
    assert_eq!(alice.caps(&house, "promotes"), Ok("PROMOTES".into()));
    assert_refused(&house.ask(&inference), &undecryptable("Payload"));
    assert_refused(&house.ask(&policy), &undecryptable("Policy"));
    assert_refused(&house.ask(&unsent), &undecryptable("Payload"));
    assert_eq!(house.counts(), (1, 0, 1));
}

#[test]
fn after_a_restart_an_old_message_finds_no_session() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let request = alice.inference("model_caps", &text_input("x"));
    accepted(&house.ask(&request));
    let restarted = House::on(house.store.clone(), Qu3Config::default());
    assert_refused(&restarted.ask(&request), &Refusal::NoSession);
}

#[test]
fn messages_may_arrive_in_any_order() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let texts = ["a", "b", "c", "d", "e"];
    let sent = texts.map(|text| alice.inference("model_caps", &text_input(text)));
    for index in [4, 0, 3, 1, 2] {
        let reply = alice.open_inference(&house.ask(&sent[index]));
        let expected = Json::object([("capitalized_text", texts[index].to_uppercase().into())]);
        assert_eq!(reply.get("output_data"), Some(&expected));
    }
    for request in &sent {
        assert_refused(&house.ask(request), &Refusal::Replayed);
    }
}

#[test]
fn the_same_words_said_again_are_no_replay() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    for _ in 0..3 {
        assert_eq!(alice.caps(&house, "again"), Ok("AGAIN".into()));
    }
    assert_eq!(house.counts(), (1, 0, 4));
}

#[test]
fn another_envelope_makes_no_new_message() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let request = alice.inference("model_caps", &text_input("x"));
    accepted(&house.ask(&request));
    let body = json(&request.body);
    let spaced = body.default_text();
    let Json::Object(mut longer) = body else {
        panic!("no object")
    };
    longer.insert("attempt", 2_u64);
    let longer = Json::Object(longer).canonical();
    let padded = format!("\n {spaced}\t\r\n");
    for body in [spaced, longer, padded] {
        let again = Request::post(route::INFERENCE, body.into_bytes());
        assert_refused(&house.ask(&again), &Refusal::Replayed);
    }
}

#[test]
fn a_message_of_one_route_means_nothing_on_the_other_and_is_not_used_up_there() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let (inference, policy) = (
        alice.inference("model_caps", &text_input("x")),
        alice.policy(b"deny model_reverse"),
    );
    let renamed = |from: &Request, to: &Request, names: [(&str, &str); 3]| {
        let body = json(&from.body);
        let rename = |request: Request, (from, to): (&str, &str)| {
            with_field(&request, to, body.get(from).unwrap().clone())
        };
        names.into_iter().fold(to.clone(), rename)
    };
    let as_policy = renamed(
        &inference,
        &policy,
        [
            ("clientKemPublicKeyB64", "client_kem_pub_key_b64"),
            ("nonceB64", "nonce_b64"),
            ("encryptedPayloadB64", "ciphertext_b64"),
        ],
    );
    assert_refused(&house.ask(&as_policy), &Refusal::PolicySignature);
    let as_inference = renamed(
        &policy,
        &inference,
        [
            ("client_kem_pub_key_b64", "clientKemPublicKeyB64"),
            ("nonce_b64", "nonceB64"),
            ("ciphertext_b64", "encryptedPayloadB64"),
        ],
    );
    assert_eq!(house.ask(&as_inference).status, 400);
    alice.open_inference(&house.ask(&inference));
    alice.open_policy(&house.ask(&policy));
}

#[tokio::test]
async fn a_wire_that_delivers_twice_runs_nothing_twice() {
    let house = Arc::new(House::new());
    let wire = Interceptor::new(house.clone()).on_request(|_| RequestFate::Duplicate);
    let wire = Arc::new(wire);
    let mut client = Qu3Client::connect(
        wire.clone(),
        suite(),
        house.world.clone(),
        keys_of(Who::Alice),
        &public_keys_of(Who::Server),
        URL,
    )
    .await
    .unwrap();
    let inference = client.send_request("model_caps", &text_input("x")).await;
    assert!(inference.unwrap().outcome.is_ok());
    client.update_policy("allow *", false).await.unwrap();
    assert_eq!(house.policies().len(), 1);
    let statuses: Vec<_> = wire
        .recorded()
        .into_iter()
        .filter_map(|crossing| match crossing {
            Crossing::Response(response) => Some(response.status),
            Crossing::Request(_) => None,
        })
        .collect();
    assert_eq!(statuses, [200, 200, 200, 409, 200, 409]);
}

#[tokio::test]
async fn a_recorded_conversation_played_again_from_the_start_is_refused_from_the_first_message() {
    let house = Arc::new(House::new());
    let wire = Arc::new(Interceptor::new(house.clone()));
    let mut client = Qu3Client::connect(
        wire.clone(),
        suite(),
        house.world.clone(),
        keys_of(Who::Alice),
        &public_keys_of(Who::Server),
        URL,
    )
    .await
    .unwrap();
    client
        .send_request("model_caps", &text_input("x"))
        .await
        .unwrap();
    client.update_policy("allow *", false).await.unwrap();
    let recorded: Vec<_> = wire
        .recorded()
        .into_iter()
        .filter_map(|crossing| match crossing {
            Crossing::Request(request) => Some(request),
            Crossing::Response(_) => None,
        })
        .collect();
    let routes: Vec<_> = recorded.iter().map(|r| r.route.as_str()).collect();
    assert_eq!(routes, [route::HANDSHAKE, route::INFERENCE, route::POLICY]);
    let mut statuses = Vec::new();
    for request in recorded {
        statuses.push(house.exchange(request).await.unwrap().status);
    }
    assert_eq!(statuses, [200, 409, 409]);
}
