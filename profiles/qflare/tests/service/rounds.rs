//! From updates to the next model.

use std::sync::Arc;

use pqfw_framework::blobs::MemoryBlobs;
use pqfw_framework::store::MemoryStore;
use pqfw_framework::transport::TransportSettings;
use pqfw_framework::world::World;
use pqfw_qflare::aggregator::Aggregator;
use pqfw_qflare::config::QflareConfig;
use pqfw_qflare::error::Refusal;
use serde_json::json;

use crate::support::{House, config, suite, un64};

pub(crate) fn settings(url: &str) -> TransportSettings {
    TransportSettings {
        listen: url.into(),
        connect: url.into(),
        ..TransportSettings::default()
    }
}

#[test]
fn a_server_begins_with_a_model_and_an_open_round() {
    let house = House::new(config());
    let (status, model) = house.get("/api/global_model");
    assert_eq!(status, 200);
    assert_eq!(un64(&model["model_weights"]), [0; 8]);
    assert!(model["model_version"].as_str().unwrap().starts_with("r0-"));
    assert_eq!(house.service.state().head().unwrap().round, 1);
    let none = House::new(QflareConfig {
        initial: [].into(),
        ..config()
    });
    let (status, answer) = none.get("/api/global_model");
    assert_eq!(
        (status, answer),
        (404, json!({ "detail": "No global model available" }))
    );
    let device = none.enrolled("d");
    assert_eq!(
        none.post("/api/submit_model", &device.update(&[0.0, 0.0]))
            .0,
        409
    );
    assert!(matches!(
        none.service.close(none.world.now()),
        Err(Refusal::Conflict { .. })
    ));
}

#[test]
fn a_full_round_makes_the_next_model_and_opens_the_next_round() {
    let house = House::new(QflareConfig {
        close_at: 2,
        clip: "none".into(),
        ..config()
    });
    let (one, two) = (house.enrolled("one"), house.enrolled("two"));
    let (status, answer) = house.post("/api/submit_model", &one.update(&[1.0, 2.0]));
    assert_eq!(
        (status, &answer["aggregation_round"]),
        (200, &json!(1)),
        "{answer}"
    );
    assert_eq!(
        house.get("/api/global_model").1["model_version"]
            .as_str()
            .unwrap()[..3],
        *"r0-"
    );
    assert_eq!(
        house.post("/api/submit_model", &two.update(&[3.0, 4.0])).0,
        200
    );
    let (_, model) = house.get("/api/global_model");
    let expected: Vec<u8> = [2f32, 3.0].iter().flat_map(|v| v.to_le_bytes()).collect();
    assert_eq!(un64(&model["model_weights"]), expected);
    assert_eq!(model["model_version"].as_str().unwrap()[..3], *"r1-");
    let (_, enclave) = house.get("/api/enclave/status");
    assert_eq!(enclave["enclave_type"], "none");
    assert_eq!(enclave["total_aggregations"], 1);
    assert_eq!(house.service.state().head().unwrap().round, 2);
}

#[test]
fn the_same_update_again_has_the_same_receipt_and_another_is_refused() {
    let house = House::new(config());
    let device = house.enrolled("d");
    let first = house.post("/api/submit_model", &device.update(&[1.0, 2.0]));
    assert_eq!(first.0, 200);
    assert_eq!(
        house.post("/api/submit_model", &device.update(&[1.0, 2.0])),
        first
    );
    let (status, answer) = house.post("/api/submit_model", &device.update(&[1.0, 3.0]));
    assert_eq!(status, 409);
    assert_eq!(answer["current_round"], 1);
    assert_eq!(house.service.state().updates(1).unwrap().len(), 1);
}

#[test]
fn safetensors_and_npz_are_read_too() {
    let house = House::new(config());
    let global = house.service.global().unwrap().unwrap();
    let model = global.model.with_values(vec![1.0, 2.0]).unwrap();
    let device = house.enrolled("d");
    let update = device.signed(&model.to_safetensors());
    assert_eq!(house.post("/api/submit_model", &update).0, 200);
    let hash = model.hash(&suite().digest);
    let update = &house.service.state().updates(1).unwrap()[0].1;
    assert_eq!(update.receipt.weights, hash);
}

#[test]
fn a_rule_that_has_too_few_leaves_the_round_open() {
    let house = House::new(QflareConfig {
        rule: "multi_krum(1)".into(),
        close_at: 1,
        ..config()
    });
    let device = house.enrolled("d");
    let before = house.model_hash();
    assert_eq!(
        house
            .post("/api/submit_model", &device.update(&[1.0, 2.0]))
            .0,
        200
    );
    assert_eq!(house.model_hash(), before);
    // `close_at` is less than the rule needs, and nobody tries in vain.
    assert!(!house.told.text().contains("aggregation refused"));
    let refused = house.service.close(house.world.now()).unwrap_err();
    assert!(
        refused.to_string().contains("the round stays open"),
        "{refused}"
    );
    for n in 0..4u8 {
        let device = house.enrolled(&format!("d{n}"));
        assert_eq!(
            house
                .post("/api/submit_model", &device.update(&[1.0, f32::from(n)]))
                .0,
            200
        );
    }
    assert_ne!(house.model_hash(), before);
}

#[test]
fn a_round_that_a_dead_server_has_taken_is_closed_to_the_same_model() {
    let made = |die: bool| {
        let (store, blobs) = (
            Arc::new(MemoryStore::default()),
            Arc::new(MemoryBlobs::default()),
        );
        let house = House::with(config(), store.clone(), blobs.clone(), suite());
        for (n, name) in ["a", "b", "c"].iter().enumerate() {
            let device = house.enrolled(name);
            let update = device.update(&[n as f32, 0.25]);
            assert_eq!(house.post("/api/submit_model", &update).0, 200);
        }
        let house = match die {
            false => house,
            true => {
                let now = house.now();
                house.service.state().take_round(now, now + 300).unwrap();
                let next = House::with(config(), store, blobs, suite());
                assert!(next.service.is_taken());
                assert_eq!(next.service.close_if_due(next.world.now()), Ok(None));
                next.world.advance(std::time::Duration::from_secs(300));
                next
            }
        };
        let now = house.world.now();
        match die {
            true => house.service.close_if_due(now).unwrap().unwrap(),
            false => house.service.close(now).unwrap(),
        };
        house.model_hash()
    };
    assert_eq!(made(true), made(false));
}

#[test]
fn the_aggregator_closes_what_is_due_before_it_ends() {
    let house = House::new(QflareConfig {
        close_at: 1,
        ..config()
    });
    let before = house.model_hash();
    // Without a thread the last update closes the round; with one, the thread does, and to end it
    // is to wait for it.
    let aggregator = Aggregator::start(house.service.clone(), house.world.clone()).unwrap();
    drop(aggregator);
    let device = house.enrolled("d");
    assert_eq!(
        house
            .post("/api/submit_model", &device.update(&[1.0, 2.0]))
            .0,
        200
    );
    assert_eq!(house.model_hash(), before, "nobody is there to close it");
    let aggregator = Aggregator::start(house.service.clone(), house.world.clone()).unwrap();
    drop(aggregator);
    house.service.close_if_due(house.world.now()).unwrap();
    assert_ne!(house.model_hash(), before);
}
