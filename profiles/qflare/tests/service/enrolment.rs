//! One token, one device.

use std::thread;

use pqfw_qflare::error::BAD_TOKEN;
use serde_json::json;

use crate::support::{House, b64, config, id, refused, un64};

#[test]
fn a_device_enrols_once_and_is_listed() {
    let house = House::new(config());
    let device = house.device("d-1");
    let body = device.enrolment(&house.token("d-1"));
    let (status, answer) = house.post("/api/enroll", &body);
    assert_eq!(status, 200);
    assert_eq!(answer["message"], "Device enrolled successfully");
    assert_eq!(answer["device_id"], "d-1");
    assert_eq!(un64(&answer["server_public_key"]), [1; 8]);
    let detail = refused(&house, 401, |h| h.post("/api/enroll", &body));
    assert_eq!(detail, BAD_TOKEN);
    let again = device.enrolment(&house.token("d-1"));
    refused(&house, 409, |h| h.post("/api/enroll", &again));
    let (_, listing) = house.get("/api/devices");
    assert_eq!(listing["total"], 1);
    assert_eq!(listing["devices"][0]["device_id"], "d-1");
    assert_eq!(
        house.get("/api/devices/d-1").1["signature_algorithm"],
        "Dilithium2"
    );
    assert_eq!(house.get("/api/devices/d-2").0, 404);
    assert_eq!(house.get("/api/devices/a%20b").0, 404);
}

#[test]
fn every_fault_of_a_token_sounds_alike() {
    let house = House::new(config());
    let other = house.token("another");
    let expired = house.token("d");
    house.world.advance(std::time::Duration::from_secs(86_400));
    let device = house.device("d");
    for token in [&"x".repeat(43), &other, &expired] {
        let body = device.enrolment(token);
        let detail = refused(&house, 401, |h| h.post("/api/enroll", &body));
        assert_eq!(detail, BAD_TOKEN);
    }
    assert!(house.service.state().devices().unwrap().is_empty());
    // Nothing of a token is told to the operator's log.
    assert!(!house.told.text().contains(&other));
}

#[test]
fn a_key_of_another_length_or_with_a_label_is_refused_and_the_token_stays() {
    let house = House::new(config());
    let device = house.device("d");
    let token = house.token("d");
    let sign = device.keys.sign.verifying_key();
    let kem = device.keys.kem.encapsulation_key();
    // A SubjectPublicKeyInfo of ML-DSA-44 (RFC 9881): 22 bytes before a key of the same length.
    let label = [
        0x30, 0x82, 0x05, 0x32, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
        0x03, 0x11, 0x03, 0x82, 0x05, 0x21, 0x00,
    ];
    let labelled = [&label[..], &sign].concat();
    for (field, key) in [
        ("signature_public_key", &labelled[..]),
        ("signature_public_key", &sign[1..]),
        ("signature_public_key", &[]),
        ("kem_public_key", &kem[1..]),
        ("kem_public_key", &sign),
    ] {
        let mut body = device.enrolment(&token);
        body[field] = b64(key).into();
        let detail = refused(&house, 422, |h| h.post("/api/enroll", &body));
        assert_eq!(detail[0]["loc"], json!(["body", field]));
    }
    assert_eq!(house.post("/api/enroll", &device.enrolment(&token)).0, 200);
}

#[test]
fn of_fifty_enrolments_at_once_with_one_token_one_succeeds() {
    let house = House::new(config());
    let token = house.token("d");
    let bodies: Vec<_> = (0..50)
        .map(|_| house.device("d").enrolment(&token))
        .collect();
    let enrol = |body| house.post("/api/enroll", body);
    let answers: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = bodies
            .iter()
            .map(|body| scope.spawn(|| enrol(body)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(
        answers.iter().filter(|(status, _)| *status == 200).count(),
        1
    );
    assert!(
        answers
            .iter()
            .all(|(status, _)| matches!(status, 200 | 401))
    );
    assert_eq!(house.service.state().devices().unwrap().len(), 1);
    assert!(house.service.state().device(&id("d")).unwrap().is_some());
}
