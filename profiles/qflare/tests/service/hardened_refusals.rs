//! `qflare-2`: bad input, each kind with its status, and the model and the round are the same after
//! each.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pqfw_framework::store::MemoryStore;
use pqfw_framework::world::World;
use pqfw_qflare::config::QflareConfig;
use pqfw_qflare::hardened::{Client, Message, Update};
use pqfw_qflare::service::secs;
use serde_json::{Value, json};

use crate::hall::{Hall, Raw, SUITE, hall, hall_on, is};
use crate::support::{config, id};
use crate::switched::Switched;

/// A hall with the device `d`, which is enrolled.
async fn enrolled(hall: &Hall) -> Client {
    let (client, token) = hall.device("d");
    client.enrol(&token).await.unwrap();
    client
}

/// What must stay: the model, the round's updates, and who is there.
fn kept(hall: &Hall) -> impl PartialEq + std::fmt::Debug {
    let state = hall.service.state();
    let head = state.head().unwrap();
    (
        head.model,
        head.tokens,
        state.updates(1).unwrap(),
        state.devices().unwrap(),
    )
}

/// Asks, and sees that nothing has changed.
async fn refused(hall: &Hall, status: u16, ask: impl Future<Output = (u16, Value)>) -> Value {
    let before = kept(hall);
    let (found, answer) = ask.await;
    assert_eq!(found, status, "{answer}");
    assert_eq!(kept(hall), before);
    answer
}

/// A right update of the round, on this channel.
async fn update(hall: &Hall, offers: &Raw<'_>, weights: &[u8]) -> Update {
    let model = hall.service.global().unwrap().unwrap();
    Update {
        server: hall.fingerprint.clone(),
        device: id("d"),
        session: offers.session().await,
        counter: 0,
        round: 1,
        base: model.name.hash.clone().try_into().unwrap(),
        examples: 10,
        format: "safetensors".into(),
        weights: SUITE.digest.digest(&[weights]).try_into().unwrap(),
    }
}

#[tokio::test]
async fn malformed_bodies_and_fields_are_422() {
    let hall = hall().await;
    let token = hall.token("s");
    let stranger = hall.offers("d", &token).await;
    for route in ["/v2/prove", "/v2/enroll"] {
        for body in ["", "{", "[]", "{}", "{\"device_id\":7}", "\u{0}"] {
            let asked = stranger.post_bytes(route, body.as_bytes());
            let answer = refused(&hall, 422, asked).await;
            assert!(answer["detail"][0]["loc"].is_array(), "{answer}");
        }
        let mut body = stranger.body.clone();
        body["kem_public_key"] = "A A=".into();
        refused(&hall, 422, stranger.post(route, &body)).await;
    }
    enrolled(&hall).await;
    let device = hall.raw_of_last_keys();
    for route in ["/v2/rotate", "/v2/session-key"] {
        refused(&hall, 422, device.post_bytes(route, b"{")).await;
        refused(&hall, 422, device.post(route, &json!({}))).await;
    }
    let weights = hall.trained(&[1.0, 2.0]);
    let right = device.message(&update(&hall, &device, &weights).await, &weights, true);
    for field in ["pqfw-update", "pqfw-signature"] {
        let mut without = right.clone();
        without.fields.remove(field);
        let no_base64 = right.clone().with(field, "A A=");
        for wrong in [without, no_base64] {
            let body = wrong.encode().unwrap();
            refused(&hall, 422, device.put_bytes(&body)).await;
        }
    }
    let no_transcript = right.clone().with("pqfw-update", "AAAA").encode().unwrap();
    refused(&hall, 422, device.put_bytes(&no_transcript)).await;
    // What is no message at all has no field to name.
    refused(&hall, 400, device.put_bytes(b"\xff")).await;
    assert_eq!(device.put_bytes(&right.encode().unwrap()).await.0, 200);
}

#[tokio::test]
async fn weights_that_are_no_update_of_the_model_are_422_and_pickles_415() {
    let hall = hall().await;
    enrolled(&hall).await;
    let device = hall.raw_of_last_keys();
    let right = hall.trained(&[1.0, 2.0]);
    let end = right.len() - 4;
    let of = |last: f32| [&right[..end], &last.to_le_bytes()].concat();
    let home = tempfile::tempdir().unwrap();
    let mark = home.path().join("opened");
    let program = format!("\u{80}\u{4}cos\nsystem\n(S'touch {}'\ntR.", mark.display());
    let pickle: Vec<u8> = program.chars().map(|c| c as u8).collect();
    for (weights, status) in [
        (Vec::new(), 422),
        (right[..end].to_vec(), 422),
        (of(f32::NAN), 422),
        (of(f32::INFINITY), 422),
        (pickle, 415),
    ] {
        let update = update(&hall, &device, &weights).await;
        refused(&hall, status, device.put(&update, &weights, true)).await;
    }
    assert!(!mark.exists());
    for examples in [0, 1_000_001, u64::MAX] {
        let mut many = update(&hall, &device, &right).await;
        many.examples = examples;
        refused(&hall, 422, device.put(&many, &right, true)).await;
    }
}

#[tokio::test]
async fn a_stale_round_or_base_is_409_with_the_current_round() {
    let hall = hall().await;
    enrolled(&hall).await;
    let device = hall.raw_of_last_keys();
    let weights = hall.trained(&[1.0, 2.0]);
    let mut stale = update(&hall, &device, &weights).await;
    stale.base = [7; 32];
    let version = hall.service.global().unwrap().unwrap().version();
    let answer = refused(&hall, 409, device.put(&stale, &weights, true)).await;
    assert_eq!(answer["current_round"], 1, "{answer}");
    assert_eq!(answer["model_version"], version.as_str());
    // A round that has ended.
    let state = hall.service.state();
    state.abort_round(secs(hall.world.now()), "test").unwrap();
    hall.service.begin(hall.world.now(), "qflare-2").unwrap();
    let late = update(&hall, &device, &weights).await;
    let answer = refused(&hall, 409, device.put(&late, &weights, true)).await;
    assert_eq!(answer["current_round"], 2, "{answer}");
}

#[tokio::test]
async fn an_update_of_another_device_or_signed_by_it_is_refused() {
    let hall = hall().await;
    enrolled(&hall).await;
    let device = hall.raw_of_last_keys();
    let (other, token) = hall.device("e");
    other.enrol(&token).await.unwrap();
    let others = hall.raw_of_last_keys();
    let weights = hall.trained(&[1.0, 2.0]);
    // In its own session, under the other's name.
    let named = update(&hall, &others, &weights).await;
    refused(&hall, 403, others.put(&named, &weights, true)).await;
    // Under its own name, with the other's signature.
    let own = update(&hall, &device, &weights).await;
    let signed = others.message(&own, &weights, true).encode().unwrap();
    let answer = refused(&hall, 401, device.put_bytes(&signed)).await;
    assert_eq!(answer["detail"], "Invalid model signature");
}

#[tokio::test]
async fn a_device_that_is_enrolled_is_409_and_no_token_is_used_up() {
    let hall = hall().await;
    enrolled(&hall).await;
    let again = hall.token("d");
    let before = kept(&hall);
    let taken = hall.client("d", hall.keys()).enrol(&again).await;
    assert!(is(&taken, 409), "{taken:?}");
    assert_eq!(kept(&hall), before);
}

#[tokio::test]
async fn one_device_has_its_share_of_a_minute() {
    let few = QflareConfig {
        per_device_per_minute: 2,
        ..config()
    };
    let hall = hall_on(SUITE.clone(), few, Arc::new(MemoryStore::default()));
    enrolled(&hall).await;
    let device = hall.raw_of_last_keys();
    let weights = hall.trained(&[1.0, 2.0]);
    let right = update(&hall, &device, &weights).await;
    for _ in 0..5 {
        // Forgeries cost the device nothing.
        refused(&hall, 401, device.put(&right, &weights, false)).await;
    }
    for _ in 0..2 {
        assert_eq!(device.put(&right, &weights, true).await.0, 200);
    }
    refused(&hall, 429, device.put(&right, &weights, true)).await;
    hall.world.advance(Duration::from_secs(60));
    assert_eq!(device.put(&right, &weights, true).await.0, 200);
}

#[tokio::test]
async fn a_store_that_is_down_is_503_and_its_reason_stays_here() {
    let store = Arc::new(Switched::default());
    let hall = hall_on(SUITE.clone(), config(), store.clone());
    let client = enrolled(&hall).await;
    let device = hall.raw_of_last_keys();
    let weights = hall.trained(&[1.0, 2.0]);
    let right = update(&hall, &device, &weights).await;
    let before = kept(&hall);
    store.off.store(true, Ordering::Relaxed);
    let (status, answer) = device.put(&right, &weights, true).await;
    assert_eq!(status, 503, "{answer}");
    assert!(!answer.to_string().contains("secret"), "{answer}");
    let fetched = client.model(None).await;
    assert!(is(&fetched, 503), "{fetched:?}");
    store.off.store(false, Ordering::Relaxed);
    assert_eq!(kept(&hall), before);
    assert_eq!(device.put(&right, &weights, true).await.0, 200);
}

#[tokio::test]
async fn a_revoked_device_is_403_and_what_it_sends_is_not_kept() {
    let hall = hall().await;
    enrolled(&hall).await;
    let device = hall.raw_of_last_keys();
    let weights = hall.trained(&[1.0, 2.0]);
    let right = update(&hall, &device, &weights).await;
    let now = secs(hall.world.now());
    hall.service.state().revoke_device(now, &id("d")).unwrap();
    refused(&hall, 403, device.put(&right, &weights, true)).await;
    let body = Message::default().encode().unwrap();
    assert_eq!(device.get("/v2/model", &body).await.0, 403);
}
