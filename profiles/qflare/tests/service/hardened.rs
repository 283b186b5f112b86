//! `qflare-2`: enrolment by proofs, updates that are evidence, keys that change.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::suite::Suite;
use pqfw_framework::world::World;
use pqfw_qflare::error::ClientError;
use pqfw_qflare::hardened::{EnrolToken, Message, Update};
use pqfw_qflare::service::secs;
use pqfw_session::ChannelError;
use serde_json::{Value, json};

use crate::hall::{SUITE, hall, is};
use crate::support::{b64, id, suite_of};

#[tokio::test]
async fn a_device_enrols_learns_submits_rotates_and_is_revoked() {
    let hall = hall().await;
    let (client, token) = hall.device("d");
    client.enrol(&token).await.unwrap();
    assert_eq!(client.status().await.unwrap()["enrolled"], true);
    let model = client.model(None).await.unwrap().unwrap();
    assert_eq!(model.version[..3], *"r0-");
    assert_eq!(
        client.model(Some(&model.sha256)).await,
        Ok(None),
        "it has this one"
    );
    let trained = hall.trained(&[1.0, 2.0]);
    let what = ("safetensors", &trained[..]);
    let receipt = client.submit(1, &model.sha256, what, 10).await.unwrap();
    assert_eq!(receipt["round"], 1);
    let again = client.submit(1, &model.sha256, what, 10).await.unwrap();
    assert_eq!(again, receipt, "the same update, the same receipt");
    let other = hall.trained(&[9.0, 9.0]);
    let refused = client
        .submit(1, &model.sha256, ("safetensors", &other), 10)
        .await;
    assert!(is(&refused, 409), "{refused:?}");
    // What was signed is evidence without the session.
    let update = &hall.service.state().updates(1).unwrap()[0].1;
    let read = Update::decode(&update.transcript).unwrap();
    assert_eq!((read.round, read.examples, &read.device), (1, 10, &id("d")));
    // New keys: the old session is a stranger's from then on.
    let next = hall.keys();
    client.rotate(&next).await.unwrap();
    let refused = client.model(None).await.map(drop);
    assert!(is(&refused, 403), "{refused:?}");
    let client = hall.client("d", next);
    assert_eq!(client.status().await.unwrap()["enrolled"], true);
    let state = hall.service.state();
    state
        .revoke_device(secs(hall.world.now()), &id("d"))
        .unwrap();
    let refused = client.model(None).await.map(drop);
    assert!(is(&refused, 403), "at once: {refused:?}");
    client.end().await;
    let refused = client.status().await;
    let Err(ClientError::Channel(ChannelError::RefusedExchange { status: 403, .. })) = refused
    else {
        panic!("{refused:?}")
    };
}

#[tokio::test]
async fn without_a_token_a_stranger_does_not_get_past_the_channel() {
    let hall = hall().await;
    let stranger = hall.client("s", hall.keys());
    let refused = stranger.status().await;
    let Err(ClientError::Channel(ChannelError::RefusedExchange { status: 403, .. })) = refused
    else {
        panic!("{refused:?}")
    };
    // While somebody is awaited, strangers may knock, and learn nothing.
    let _token = hall.token("d");
    assert_eq!(
        stranger.status().await.unwrap(),
        json!({ "enrolled": false })
    );
    let refused = stranger.model(None).await;
    assert!(is(&refused, 403), "{refused:?}");
    let refused = stranger.submit(1, &[0; 32], ("safetensors", b""), 1).await;
    assert!(is(&refused, 403), "{refused:?}");
}

#[tokio::test]
async fn every_fault_of_a_token_is_401_and_none_is_used_up() {
    let hall = hall().await;
    let good = hall.token("d");
    let mut rng = hall.world.rng();
    let made_up = EnrolToken::new(hall.fingerprint.clone(), id("d"), &mut *rng);
    let of_another = hall.token("another");
    let client = hall.client("d", hall.keys());
    for token in [&made_up, &of_another] {
        let refused = client.enrol(token).await;
        assert!(is(&refused, 401), "{refused:?}");
    }
    client.enrol(&good).await.unwrap();
    let spent = hall.client("e", hall.keys()).enrol(&good).await;
    assert!(is(&spent, 401), "{spent:?}");
    let expired = hall.token("f");
    hall.world.advance(Duration::from_secs(86_400));
    let refused = hall.client("f", hall.keys()).enrol(&expired).await;
    assert!(refused.is_err());
    assert_eq!(hall.service.state().devices().unwrap().len(), 1);
}

#[tokio::test]
async fn a_key_that_is_not_proved_or_not_fit_is_422() {
    let hall = hall().await;
    let token = hall.token("d");
    let offers = hall.offers("d", &token).await;
    let good = offers.body.clone();
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    let frodo = suite_of(["eFrodoKEM-640-AES", "Ed25519", "AES-256-GCM", "HKDF-SHA256"]);
    let single_use = frodo.kem.generate(&mut *hall.world.rng()).unwrap();
    for (body, field) in [
        (with("kem_public_key", b64(&[1; 3]).into()), "token_proof"),
        (
            with("kem_algorithm", frodo.kem.info().id.as_str().into()),
            "token_proof",
        ),
        (
            with(
                "kem_public_key",
                b64(&single_use.encapsulation_key()).into(),
            ),
            "token_proof",
        ),
    ] {
        // The token's MAC is over the keys: another key is another enrolment.
        let status = offers.post("/v2/prove", &body).await;
        assert_eq!(status.0, 401, "{field}: {}", status.1);
    }
    for (sign, kem, key, status) in [
        ("Ed25519", "nothing", vec![1; 32], 422),
        ("nothing", "ML-KEM-768", vec![1; 1184], 422),
        ("Ed25519", "ML-KEM-768", vec![1; 3], 422),
    ] {
        let body = offers.proved(sign, kem, &key);
        let answer = offers.post("/v2/prove", &body).await;
        assert_eq!(answer.0, status, "{}", answer.1);
    }
    // A challenge that was not asked for, and one that was answered wrongly.
    let mut body = good.clone();
    body["kem_proof"] = b64(&[0; 32]).into();
    body["signature"] = b64(&[0; 64]).into();
    let (status, answer) = offers.post("/v2/enroll", &body).await;
    assert_eq!(
        (status, &answer["detail"][0]["loc"][1]),
        (422, &json!("kem_proof"))
    );
    assert_eq!(offers.post("/v2/prove", &good).await.0, 200);
    let (status, _) = offers.post("/v2/enroll", &body).await;
    assert_eq!(status, 422);
    assert!(hall.service.state().devices().unwrap().is_empty());
    assert_eq!(hall.service.state().head().unwrap().tokens, 1);
}

#[tokio::test]
async fn keys_for_single_use_are_no_keys_of_a_device() {
    let names = ["eFrodoKEM-640-AES", "Ed25519", "AES-256-GCM", "HKDF-SHA256"];
    let hall = crate::hall::hall_with(suite_of(names)).await;
    let (client, token) = hall.device("d");
    let refused = client.enrol(&token).await.unwrap_err();
    assert!(refused.to_string().contains("single use"), "{refused}");
}

#[tokio::test]
async fn a_transcript_of_something_else_is_refused() {
    let hall = hall().await;
    let (client, token) = hall.device("d");
    client.enrol(&token).await.unwrap();
    let offers = hall.raw_of_last_keys();
    let model = client.model(None).await.unwrap().unwrap();
    let weights = hall.trained(&[1.0, 2.0]);
    let session = offers.session().await;
    let hash = |bytes: &[u8]| <[u8; 32]>::try_from(SUITE.digest.digest(&[bytes])).unwrap();
    let right = Update {
        server: hall.fingerprint.clone(),
        device: id("d"),
        session,
        counter: 0,
        round: 1,
        base: model.sha256.clone().try_into().unwrap(),
        examples: 10,
        format: "safetensors".into(),
        weights: hash(&weights),
    };
    type Change = fn(&mut Update);
    let other = |text: &str| Fingerprint::parse(&format!("sha256:{}", text.repeat(64))).unwrap();
    let changes: [(Change, u16); 8] = [
        (|u| u.session = [7; 32], 422),
        (|u| u.round = 2, 422),
        (|u| u.device = id("e"), 422),
        (|u| u.weights = [7; 32], 422),
        (|u| u.base = [7; 32], 409),
        (|u| u.examples = 0, 422),
        (|u| u.format = "pickle".into(), 415),
        (|u| u.format = "raw-f32".into(), 422),
    ];
    for (change, status) in changes {
        let mut update = right.clone();
        change(&mut update);
        let (found, answer) = offers.put(&update, &weights, true).await;
        assert_eq!(found, status, "{answer}");
    }
    let mut elsewhere = right.clone();
    elsewhere.server = other("a");
    assert_eq!(offers.put(&elsewhere, &weights, true).await.0, 422);
    let (status, answer) = offers.put(&right, &weights, false).await;
    assert_eq!(
        (status, &answer["detail"]),
        (401, &json!("Invalid model signature"))
    );
    assert!(hall.service.state().updates(1).unwrap().is_empty());
    assert_eq!(offers.put(&right, &weights, true).await.0, 200);
}

#[tokio::test]
async fn a_model_is_served_in_ranges() {
    let hall = hall().await;
    let (client, token) = hall.device("d");
    client.enrol(&token).await.unwrap();
    let whole = client.model(None).await.unwrap().unwrap().file;
    let offers = hall.raw_of_last_keys();
    let length = whole.len();
    let mut gathered = Vec::new();
    for from in (0..length).step_by(10) {
        let range = format!("bytes={from}-{}", from + 9);
        let asked = Message::default().with("range", range).encode().unwrap();
        let (status, body) = offers.get("/v2/model", &asked).await;
        assert_eq!(status, 206);
        let message = Message::decode(&body).unwrap();
        let last = (from + 9).min(length - 1);
        let expected = format!("bytes {from}-{last}/{length}");
        assert_eq!(message.field("content-range"), Some(&expected[..]));
        gathered.extend(message.body);
    }
    assert_eq!(gathered, whole);
    let beyond = Message::default().with("range", format!("bytes={length}-"));
    assert_eq!(
        offers.get("/v2/model", &beyond.encode().unwrap()).await.0,
        416
    );
    assert_eq!(offers.get("/v2/model", b"\xff").await.0, 400);
    assert_eq!(offers.get("/v2/nothing", b"").await.0, 404);
}

#[tokio::test]
async fn a_session_key_is_the_same_at_both_ends_and_is_taken_once() {
    let hall = hall().await;
    let (client, token) = hall.device("d");
    client.enrol(&token).await.unwrap();
    let (name, key) = client.session_key().await.unwrap();
    let (other, _) = client.session_key().await.unwrap();
    let now = hall.world.now();
    let (device, taken) = hall.session_keys.take(now, &name).unwrap();
    assert_eq!(device, id("d"));
    assert!(key.constant_time_eq(taken.expose()));
    assert!(hall.session_keys.take(now, &name).is_none());
    hall.world.advance(Duration::from_secs(300));
    assert!(
        hall.session_keys.take(hall.world.now(), &other).is_none(),
        "too late"
    );
}

#[tokio::test]
async fn a_rotation_without_both_signatures_changes_nothing() {
    let hall = hall().await;
    let (client, token) = hall.device("d");
    client.enrol(&token).await.unwrap();
    let offers = hall.raw_of_last_keys();
    let before = hall.service.state().device(&id("d")).unwrap();
    let next = hall.keys();
    let body = json!({
        "device_id": "d",
        "signature_algorithm": "Ed25519",
        "signature_public_key": b64(&next.sign.verifying_key()),
        "kem_algorithm": "ML-KEM-768",
        "kem_public_key": b64(&next.kem.encapsulation_key()),
        "kem_proof": b64(&[0; 32]),
        "old_signature": b64(&[0; 64]),
        "new_signature": b64(&[0; 64]),
    });
    assert_eq!(offers.post("/v2/prove", &body).await.0, 200);
    assert_eq!(offers.post("/v2/rotate", &body).await.0, 401);
    let mut of_another = body.clone();
    of_another["device_id"] = "e".into();
    assert_eq!(offers.post("/v2/rotate", &of_another).await.0, 403);
    assert_eq!(offers.post("/v2/prove", &of_another).await.0, 403);
    assert_eq!(offers.post("/v2/enroll", &body).await.0, 409);
    assert_eq!(hall.service.state().device(&id("d")).unwrap(), before);
}

/// The suite's parts are what the other tests name.
#[test]
fn the_hall_speaks_what_these_tests_name() {
    let suite: &Suite = &SUITE;
    assert_eq!(
        suite.describe(),
        "ML-KEM-768 / Ed25519 / AES-256-GCM / HKDF-SHA256"
    );
    assert_eq!(URL_SAFE_NO_PAD.encode([255]), "_w");
}
