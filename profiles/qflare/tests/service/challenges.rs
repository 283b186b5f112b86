//! Challenges: made for one device, answered once, and not for ever.

use std::time::Duration;

use pqfw_qflare::compatible::{Client, MOST_CHALLENGES};
use pqfw_qflare::config::QflareConfig;
use pqfw_qflare::error::ClientError;
use pqfw_qflare::state::StateError;
use serde_json::{Value, json};

use crate::support::{Device, House, b64, config, id, refused, suite, un64};

fn challenge(house: &House, device: &str) -> (u16, Value) {
    house.post("/api/challenge", &json!({ "device_id": device }))
}

fn respond(house: &House, device: &str, response: &str) -> (u16, Value) {
    let body = json!({ "device_id": device, "challenge_response": response });
    house.post("/api/verify_challenge", &body)
}

/// HMAC-SHA256(HKDF(secret, "qflare-1 confirm"), device ‖ 00 ‖ ciphertext), written out once more.
fn answer(device: &Device, ciphertext: &[u8]) -> String {
    let suite = suite();
    let secret = device.keys.kem.decapsulate(ciphertext).unwrap();
    let key = suite
        .kdf
        .derive(&[], secret.expose(), &[b"qflare-1 confirm"], 32)
        .unwrap();
    let pad = |mask: u8| {
        let mut block = [mask; 64];
        block
            .iter_mut()
            .zip(key.expose())
            .for_each(|(b, k)| *b ^= k);
        block
    };
    let message = [device.name.as_bytes(), b"\0", ciphertext].concat();
    let inner = suite.digest.digest(&[&pad(0x36), &message]);
    b64(&suite.digest.digest(&[&pad(0x5c), &inner]))
}

#[test]
fn a_right_answer_gives_a_session_token_whose_hash_is_kept() {
    let house = House::new(config());
    let device = house.enrolled("d");
    let (status, made) = challenge(&house, "d");
    assert_eq!(status, 200);
    let ciphertext = un64(&made["challenge"]);
    assert_eq!(ciphertext.len(), 9720);
    let right = answer(&device, &ciphertext);
    let (status, answered) = respond(&house, "d", &right);
    assert_eq!(status, 200, "{answered}");
    assert_eq!(answered["message"], "Device authenticated successfully");
    let token = answered["session_token"].as_str().unwrap();
    assert_eq!(token.len(), 43);
    let state = house.service.state();
    let now = house.now();
    assert!(state.has_session(now, &id("d"), token.as_bytes()).unwrap());
    assert!(
        !state
            .has_session(now + 3600, &id("d"), token.as_bytes())
            .unwrap()
    );
    assert!(!state.has_session(now, &id("d"), b"").unwrap());
    assert_eq!(respond(&house, "d", &right).0, 401, "it is used up");
    let (_, made) = challenge(&house, "d");
    let right = answer(&device, &un64(&made["challenge"]));
    let body = json!({ "device_id": "d", "challenge_response": right });
    assert_eq!(house.post("/api/authenticate", &body).0, 200);
}

#[test]
fn a_wrong_answer_uses_the_challenge_up() {
    let house = House::new(config());
    let device = house.enrolled("d");
    for (wrong, status) in [
        (b64(&[0; 32]), 401),
        (b64(&[0; 31]), 400),
        ("!".into(), 400),
    ] {
        let (_, made) = challenge(&house, "d");
        let right = answer(&device, &un64(&made["challenge"]));
        refused(&house, status, |h| respond(h, "d", &wrong));
        refused(&house, 401, |h| respond(h, "d", &right));
    }
    assert_eq!(respond(&house, "nobody", &b64(&[0; 32])).0, 401);
}

#[test]
fn a_challenge_is_for_one_device_and_for_a_minute() {
    let house = House::new(config());
    let (one, two) = (house.enrolled("one"), house.enrolled("two"));
    let first = un64(&challenge(&house, "one").1["challenge"]);
    let second = un64(&challenge(&house, "two").1["challenge"]);
    assert_eq!(respond(&house, "two", &answer(&one, &first)).0, 401);
    assert_eq!(
        respond(&house, "two", &answer(&two, &second)).0,
        401,
        "it is used up"
    );
    house.world.advance(Duration::from_secs(60));
    assert_eq!(respond(&house, "one", &answer(&one, &first)).0, 401);
}

#[test]
fn a_key_has_256_challenges_and_nobody_unknown_has_one() {
    let house = House::new(QflareConfig {
        per_device_per_minute: 0,
        ..config()
    });
    house.enrolled("d");
    for _ in 0..MOST_CHALLENGES {
        assert_eq!(challenge(&house, "d").0, 200);
    }
    let detail = refused(&house, 409, |h| challenge(h, "d"));
    assert!(detail.as_str().unwrap().contains("256 challenges"));
    let detail = refused(&house, 404, |h| challenge(h, "nobody"));
    assert_eq!(detail, "Device not found or not enrolled");
}

#[test]
fn another_key_begins_to_count_anew() {
    let house = House::new(config());
    let state = house.service.state();
    let count = |key: &[u8]| state.count_challenge(&id("d"), key, 2);
    assert_eq!(count(b"one"), Ok(()));
    assert_eq!(count(b"one"), Ok(()));
    assert_eq!(count(b"one"), Err(StateError::Exhausted { most: 2 }));
    assert_eq!(count(b"two"), Ok(()));
}

#[test]
fn a_session_can_be_required() {
    let house = House::new(QflareConfig {
        require_session: true,
        ..config()
    });
    let device = house.enrolled("d");
    let mut update = device.update(&[1.0, 2.0]);
    assert_eq!(house.post("/api/submit_model", &update).0, 401);
    update["session_token"] = "x".repeat(43).into();
    assert_eq!(house.post("/api/submit_model", &update).0, 401);
    let (_, made) = challenge(&house, "d");
    let right = answer(&device, &un64(&made["challenge"]));
    update["session_token"] = respond(&house, "d", &right).1["session_token"].clone();
    assert_eq!(house.post("/api/submit_model", &update).0, 200);
}

#[tokio::test]
async fn the_client_does_all_of_it() {
    use pqfw_framework::transport::Transport;
    use pqfw_framework::world::World;
    let house = House::new(config());
    let transport = pqfw_memory::MemoryTransport::new();
    let settings = crate::rounds::settings("memory://server");
    let world = house.world.clone();
    let listener = transport.serve_exchange(&settings, house.server.clone(), world);
    let listener = listener.await.unwrap();
    let exchange = transport.connect_exchange(&settings).unwrap();
    let client = Client::new(exchange, suite(), id("d"));
    client.health().await.unwrap();
    let device = house.device("d");
    let refused = client
        .enroll(&"x".repeat(43), &device.keys)
        .await
        .unwrap_err();
    assert!(
        matches!(refused, ClientError::Refused { status: 401, .. }),
        "{refused}"
    );
    client
        .enroll(&house.token("d"), &device.keys)
        .await
        .unwrap();
    let session = client.authenticate(&device.keys).await.unwrap();
    let model = client.global_model().await.unwrap().unwrap();
    assert_eq!(model.weights, [0; 8]);
    let mut rng = house.world.rng();
    let weights = 1.5f32.to_le_bytes().repeat(2);
    let version = &model.version;
    let submit = client.submit(
        &device.keys,
        &mut *rng,
        &weights,
        3,
        version,
        Some(&session),
    );
    assert_eq!(submit.await, Ok(1));
    let stale = client
        .submit(&device.keys, &mut *rng, &weights, 3, "r9-0", None)
        .await;
    assert!(
        matches!(stale, Err(ClientError::Refused { status: 409, .. })),
        "{stale:?}"
    );
    listener.shutdown().await;
}
