//! Bad input: each kind with its status, and the model is the same after each.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pqfw_framework::store::MemoryStore;
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;
use pqfw_qflare::config::QflareConfig;
use pqfw_qflare::error::{BAD_SIGNATURE, NO_DEVICE, REVOKED, Refusal};
use serde_json::{Value, json};

use crate::support::{House, b64, config, id, refused, suite_of};
use crate::switched::Switched;

const SUBMIT: &str = "/api/submit_model";

#[test]
fn malformed_bodies_fields_and_base64_are_422() {
    let house = House::new(config());
    let device = house.enrolled("d");
    for route in [
        "/api/enroll",
        "/api/challenge",
        "/api/verify_challenge",
        SUBMIT,
    ] {
        for body in [
            "",
            "{",
            "[]",
            "{}",
            "{\"device_id\":7}",
            "\u{0}",
            "{\"device_id\":\"a/b\"}",
        ] {
            let detail = refused(&house, 422, |h| h.raw("POST", route, body.as_bytes()));
            for fault in detail.as_array().unwrap() {
                for part in ["type", "loc", "msg", "input"] {
                    assert!(fault.get(part).is_some(), "{fault}");
                }
            }
        }
    }
    let good = device.update(&[1.0, 2.0]);
    for (field, value) in [
        ("model_weights", json!("AA=")),
        ("model_weights", json!("A A=")),
        ("model_weights", json!(1)),
        ("signature", json!("-_-_")),
        ("metadata", json!("text")),
        ("device_id", json!("a".repeat(101))),
    ] {
        let mut body = good.clone();
        body[field] = value;
        let detail = refused(&house, 422, |h| h.post(SUBMIT, &body));
        assert_eq!(detail[0]["loc"], json!(["body", field]));
    }
}

#[test]
fn weights_that_are_no_update_of_the_model_are_422_and_pickles_415() {
    let house = House::new(config());
    let device = house.enrolled("d");
    let global = house.service.global().unwrap().unwrap();
    let mut file = global.model.to_safetensors();
    for weights in [
        vec![],
        vec![0; 7],
        vec![0; 12],
        f32::NAN.to_le_bytes().repeat(2),
    ] {
        refused(&house, 422, |h| h.post(SUBMIT, &device.signed(&weights)));
    }
    let end = file.len();
    file[end - 4..].copy_from_slice(&f32::INFINITY.to_le_bytes());
    refused(&house, 422, |h| h.post(SUBMIT, &device.signed(&file)));
    file.truncate(end - 4);
    refused(&house, 422, |h| h.post(SUBMIT, &device.signed(&file)));
    // A pickle that would write a file if it were opened: cos\nsystem\n(S'…'\ntR.
    let home = tempfile::tempdir().unwrap();
    let mark = home.path().join("opened");
    let program = format!("\u{80}\u{4}cos\nsystem\n(S'touch {}'\ntR.", mark.display());
    let pickle: Vec<u8> = program.chars().map(|c| c as u8).collect();
    let detail = refused(&house, 415, |h| h.post(SUBMIT, &device.signed(&pickle)));
    assert!(detail.as_str().unwrap().contains("safetensors"), "{detail}");
    assert!(!mark.exists());
    let mut many = device.update(&[1.0, 2.0]);
    for examples in [0, 1_000_001, u64::MAX] {
        many["metadata"] = json!({ "num_samples": examples });
        refused(&house, 422, |h| h.post(SUBMIT, &many));
    }
}

#[test]
fn a_bad_signature_and_an_unknown_device_sound_alike() {
    let house = House::new(config());
    let device = house.enrolled("d");
    let good = device.update(&[1.0, 2.0]);
    let mut other_weights = good.clone();
    other_weights["model_weights"] = b64(&[0; 8]).into();
    let mut nobody = good.clone();
    nobody["device_id"] = "nobody".into();
    let mut short = good.clone();
    short["signature"] = b64(&[0; 3]).into();
    let mut of_another = house.enrolled("e").update(&[1.0, 2.0]);
    of_another["device_id"] = "d".into();
    for body in [other_weights, nobody, short, of_another] {
        let detail = refused(&house, 401, |h| h.post(SUBMIT, &body));
        assert_eq!(detail, BAD_SIGNATURE);
    }
    // ML-DSA-44 has keys and signatures of the same lengths, and is another algorithm.
    let standard = suite_of([
        "eFrodoKEM-640-AES",
        "ML-DSA-44",
        "AES-256-GCM",
        "HKDF-SHA256",
    ]);
    let mut rng = SeededWorld::new(3).rng();
    let key = standard.signature.generate(&mut *rng).unwrap();
    let mut body = house.device("m").enrolment(&house.token("m"));
    body["signature_public_key"] = b64(&key.verifying_key()).into();
    assert_eq!(house.post("/api/enroll", &body).0, 200);
    let weights = [0; 8];
    let signature = key.sign(&mut *rng, &[&weights]).unwrap();
    assert_eq!(signature.len(), 2420);
    let body = json!({
        "device_id": "m", "model_weights": b64(&weights), "signature": b64(&signature),
    });
    refused(&house, 401, |h| h.post(SUBMIT, &body));
}

#[test]
fn the_algorithm_is_the_one_of_the_enrolment() {
    let store = Arc::new(MemoryStore::default());
    let house = House::on(config(), store.clone());
    let device = house.enrolled("d");
    let standard = suite_of([
        "eFrodoKEM-640-AES",
        "ML-DSA-44",
        "AES-256-GCM",
        "HKDF-SHA256",
    ]);
    let blobs = Arc::new(pqfw_framework::blobs::MemoryBlobs::default());
    let global = house.service.global().unwrap().unwrap();
    let other = House::with(config(), store, blobs, standard);
    pqfw_qflare::model::StoredModel::keep(
        &global.model,
        &(Arc::new(pqfw_framework::blobs::MemoryBlobs::default()) as Arc<_>),
        house.service.sha256(),
    )
    .unwrap();
    let (status, answer) = other.post(SUBMIT, &device.update(&[1.0, 2.0]));
    assert_eq!((status, answer), (401, json!({ "detail": BAD_SIGNATURE })));
    let challenge = other.post("/api/challenge", &json!({ "device_id": "d" }));
    assert_eq!(challenge.0, 200, "the KEM is the same");
}

#[test]
fn a_revoked_device_is_403_at_once() {
    let house = House::new(config());
    let device = house.enrolled("d");
    house
        .service
        .state()
        .revoke_device(house.now(), &id("d"))
        .unwrap();
    let detail = refused(&house, 403, |h| h.post(SUBMIT, &device.update(&[1.0, 2.0])));
    assert_eq!(detail, REVOKED);
    let body = json!({ "device_id": "d" });
    assert_eq!(
        refused(&house, 403, |h| h.post("/api/challenge", &body)),
        REVOKED
    );
    assert_eq!(house.get("/api/devices/d").1["status"], "revoked");
}

#[test]
fn a_stale_update_is_409_with_the_current_round() {
    let house = House::new(config());
    let device = house.enrolled("d");
    let version = house.service.global().unwrap().unwrap().version();
    for metadata in [
        json!({ "model_version": "r7-000000000000" }),
        json!({ "round": 2 }),
    ] {
        let mut body = device.update(&[1.0, 2.0]);
        body["metadata"] = metadata;
        let (status, answer) = house.post(SUBMIT, &body);
        assert_eq!(status, 409, "{answer}");
        assert_eq!(answer["current_round"], 1);
        assert_eq!(answer["model_version"], version.as_str());
    }
    house
        .service
        .state()
        .abort_round(house.now(), "test")
        .unwrap();
    assert_eq!(house.post(SUBMIT, &device.update(&[1.0, 2.0])).0, 409);
}

#[test]
fn one_device_has_its_share_of_a_minute() {
    let house = House::new(QflareConfig {
        per_device_per_minute: 3,
        ..config()
    });
    let device = house.enrolled("d");
    let other = house.enrolled("e");
    let update = device.update(&[1.0, 2.0]);
    let forged = {
        let mut forged = update.clone();
        forged["signature"] = b64(&[0; 2420]).into();
        forged
    };
    for _ in 0..5 {
        assert_eq!(
            house.post(SUBMIT, &forged).0,
            401,
            "forgeries cost the device nothing"
        );
    }
    for _ in 0..3 {
        assert_eq!(house.post(SUBMIT, &update).0, 200);
    }
    refused(&house, 429, |h| h.post(SUBMIT, &update));
    assert_eq!(house.post(SUBMIT, &other.update(&[1.0, 2.0])).0, 200);
    house.world.advance(std::time::Duration::from_secs(60));
    assert_eq!(house.post(SUBMIT, &update).0, 200);
}

#[test]
fn routes_that_are_gone_unknown_or_of_another_method_say_so() {
    let house = House::new(config());
    for method in ["GET", "POST"] {
        let detail = refused(&house, 410, |h| h.raw(method, "/api/request_qkey", b"{}"));
        assert!(detail.as_str().unwrap().contains("replace a device's keys"));
    }
    refused(&house, 404, |h| h.get("/api/devicesx"));
    refused(&house, 404, |h| h.get("/nothing"));
    refused(&house, 405, |h| h.get("/api/enroll"));
    refused(&house, 405, |h| h.raw("PUT", "/api/devices/d", b""));
    let (status, answer) = house.get("/health");
    assert_eq!((status, &answer["status"]), (200, &json!("healthy")));
}

#[test]
fn a_store_that_is_down_is_503_and_its_reason_stays_here() {
    let store = Arc::new(Switched::default());
    let house = House::on(config(), store.clone());
    let device = house.enrolled("d");
    let hash = house.model_hash();
    store.off.store(true, Ordering::Relaxed);
    let token = "x".repeat(43);
    for (route, body) in [
        ("/api/enroll", house.device("e").enrolment(&token)),
        ("/api/challenge", json!({ "device_id": "d" })),
        (SUBMIT, device.update(&[1.0, 2.0])),
    ] {
        let (status, answer) = house.post(route, &body);
        assert_eq!(status, 503);
        assert!(!answer.to_string().contains("secret"), "{answer}");
    }
    assert_eq!(house.get("/health").0, 503);
    assert!(
        house.told.text().contains("/secret/place"),
        "the operator hears"
    );
    store.off.store(false, Ordering::Relaxed);
    assert_eq!(house.model_hash(), hash);
    assert_eq!(house.post(SUBMIT, &device.update(&[1.0, 2.0])).0, 200);
}

#[test]
fn every_refusal_has_a_status_and_says_no_more_than_it_should() {
    let all = [
        (Refusal::BadRequest("a".into()), 400),
        (Refusal::Unauthorized(BAD_SIGNATURE), 401),
        (Refusal::Forbidden(REVOKED), 403),
        (Refusal::NotFound(NO_DEVICE), 404),
        (Refusal::MethodNotAllowed, 405),
        (
            Refusal::Conflict {
                detail: "c".into(),
                current: None,
            },
            409,
        ),
        (Refusal::Gone("g"), 410),
        (Refusal::Unsupported("u".into()), 415),
        (Refusal::Range(7), 416),
        (Refusal::Unprocessable(Vec::new()), 422),
        (Refusal::TooMany, 429),
        (Refusal::Setting("s".into()), 500),
        (Refusal::Internal("cause".into()), 500),
        (Refusal::Unavailable("cause".into()), 503),
    ];
    for (refusal, status) in all {
        let response = refusal.response();
        assert_eq!(response.status, status);
        let json: Value = serde_json::from_slice(&response.body).unwrap();
        assert!(json.get("detail").is_some());
        assert!(!json.to_string().contains("cause"));
    }
}
