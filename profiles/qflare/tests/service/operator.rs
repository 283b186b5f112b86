//! The operator's side, as its door answers.

use std::sync::Arc;

use pqfw_framework::blobs::MemoryBlobs;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::metrics::{MetricsSource, text};
use pqfw_framework::store::MemoryStore;
use pqfw_framework::transport::{ExchangeService, Request};
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;
use pqfw_qflare::admin::Admin;
use pqfw_qflare::config::QflareConfig;
use pqfw_qflare::hardened::EnrolToken;
use pqfw_qflare::service::Service;
use serde_json::{Value, json};

use crate::support::{House, Told, b64, config, suite};

struct Operator<'a> {
    house: &'a House,
    admin: Admin,
}

impl<'a> Operator<'a> {
    fn of(house: &'a House) -> Self {
        let suite = suite();
        let key = suite.signature.generate(&mut *house.world.rng()).unwrap();
        let public = key.verifying_key();
        let name = Fingerprint::of(&suite.digest, suite.signature.info(), &public).unwrap();
        let verifying = suite.signature.import_verifying_key(&public).unwrap();
        let world = house.world.clone();
        house
            .service
            .sign_ends_with(move |m| key.sign(&mut *world.rng(), &[m]).ok());
        let admin = Admin::new(house.service.clone(), name, verifying);
        Self { house, admin }
    }

    fn ask(&self, method: &str, route: &str, body: &Value) -> (u16, Value) {
        let request = Request {
            method: method.into(),
            ..Request::post(route, body.to_string().into_bytes())
        };
        let mut rng = self.house.world.rng();
        let response = self
            .admin
            .respond(self.house.world.now(), &mut *rng, &request);
        (
            response.status,
            serde_json::from_slice(&response.body).unwrap(),
        )
    }

    fn post(&self, route: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", route, body)
    }

    fn get(&self, route: &str) -> Value {
        let (status, json) = self.ask("GET", route, &json!({}));
        assert_eq!(status, 200, "{json}");
        json
    }
}

#[test]
fn a_token_is_shown_once_enrols_and_can_be_taken_back() {
    let house = House::new(config());
    let operator = Operator::of(&house);
    let (status, made) = operator.post("/tokens", &json!({ "device_id": "d", "creator": "eve" }));
    assert_eq!(status, 200);
    let token = EnrolToken::parse(made["token"].as_str().unwrap()).unwrap();
    let secret = made["enrollment_token"].as_str().unwrap();
    assert_eq!(token.expose_secret(), secret);
    let listed = operator.get("/tokens");
    assert!(!listed.to_string().contains(secret));
    assert_eq!(listed["tokens"][0]["creator"], "eve");
    assert!(!house.told.text().contains(secret));
    let device = house.device("d");
    assert_eq!(house.post("/api/enroll", &device.enrolment(secret)).0, 200);
    let (_, made) = operator.post("/tokens", &json!({ "device_id": "e" }));
    let id = operator.get("/tokens")["tokens"][0]["id"].clone();
    assert_eq!(operator.post("/tokens/revoke", &json!({ "id": id })).0, 200);
    let secret = made["enrollment_token"].as_str().unwrap();
    assert_eq!(
        house
            .post("/api/enroll", &house.device("e").enrolment(secret))
            .0,
        401
    );
    for id in ["", "00", "zz", "é"] {
        assert_eq!(operator.post("/tokens/revoke", &json!({ "id": id })).0, 404);
    }
    for secs in [0u64, u64::MAX] {
        let body = json!({ "device_id": "f", "options": { "secs": secs } });
        assert_eq!(operator.post("/tokens", &body).0, 422);
    }
}

#[test]
fn rounds_devices_and_the_model_are_the_operators() {
    let house = House::new(config());
    let operator = Operator::of(&house);
    let device = house.enrolled("d");
    assert_eq!(operator.get("/devices")["devices"][0]["device_id"], "d");
    assert_eq!(
        house
            .post("/api/submit_model", &device.update(&[1.0, 2.0]))
            .0,
        200
    );
    let round = operator.get("/round");
    assert_eq!((&round["round"], &round["updates"]), (&json!(1), &json!(1)));
    let (status, closed) = operator.post("/round/close", &json!({}));
    assert_eq!(status, 200, "{closed}");
    assert_eq!(closed["verdicts"]["d"], "used");
    assert_eq!(
        operator.post("/round/open", &json!({})).0,
        409,
        "the next is open already"
    );
    let file = house
        .service
        .global()
        .unwrap()
        .unwrap()
        .model
        .to_safetensors();
    let body = json!({ "model": b64(&file) });
    assert_eq!(
        operator.post("/model", &body).0,
        409,
        "a round is under way"
    );
    assert_eq!(
        operator
            .post("/round/abort", &json!({ "reason": "tests" }))
            .0,
        200
    );
    assert_eq!(operator.post("/model", &body).0, 200);
    let pickle = json!({ "model": b64(b"\x80\x04.") });
    assert_eq!(operator.post("/model", &pickle).0, 415);
    assert_eq!(operator.get("/model")["tensors"], json!({ "w": [2] }));
    assert_eq!(operator.admin.model_file().unwrap().1, file);
    assert_eq!(
        operator
            .post("/devices/revoke", &json!({ "device_id": "d" }))
            .0,
        200
    );
    assert_eq!(
        operator
            .post("/devices/revoke", &json!({ "device_id": "x" }))
            .0,
        404
    );
    assert_eq!(
        house
            .post("/api/submit_model", &device.update(&[1.0, 2.0]))
            .0,
        403
    );
    assert_eq!(
        operator.post("/session-keys/take", &json!({ "id": "x" })).0,
        404
    );
    assert_eq!(operator.post("/nothing", &json!({})).0, 404);
}

#[test]
fn the_audit_is_signed_at_each_close_and_an_edit_is_found() {
    use pqfw_framework::store::{MemoryStore, Store};
    let store = Arc::new(MemoryStore::default());
    let house = House::on(config(), store.clone());
    let operator = Operator::of(&house);
    let device = house.enrolled("d");
    assert_eq!(
        house
            .post("/api/submit_model", &device.update(&[1.0, 2.0]))
            .0,
        200
    );
    assert_eq!(operator.post("/round/close", &json!({})).0, 200);
    let (status, verified) = operator.post("/audit/verify", &json!({}));
    assert_eq!(status, 200, "{verified}");
    assert!(verified["signed"].as_u64().unwrap() >= 6, "{verified}");
    let (_, page) = operator.post("/audit/export", &json!({ "page": { "from": 2 } }));
    assert_eq!(page["entries"][0]["number"], 2);
    let after = json!({ "page": { "from": page["next"] } });
    assert_eq!(
        operator.post("/audit/export", &after).1["next"],
        Value::Null
    );
    let place = 3u64.to_be_bytes();
    let mut entry = store.get("qflare/audit", &place).unwrap().unwrap();
    let last = entry.len() - 3;
    entry[last] ^= 1;
    store.put("qflare/audit", &place, &entry).unwrap();
    let (status, found) = operator.post("/audit/verify", &json!({}));
    assert_eq!(status, 409);
    assert!(
        found["detail"].as_str().unwrap().contains("entry 3"),
        "{found}"
    );
}

#[test]
fn numbers_are_there_for_prometheus() {
    let house = House::new(config());
    let operator = Operator::of(&house);
    house.enrolled("d");
    assert_eq!(house.get("/nothing").0, 404);
    let text = text(&operator.admin.families(house.world.now()));
    for line in [
        "qflare_devices 1",
        "qflare_round 1",
        "qflare_store_up 1",
        "qflare_refusals_total{status=\"404\"} 1",
    ] {
        assert!(text.contains(line), "{line}: {text}");
    }
}

#[test]
fn an_open_round_says_what_it_waits_for_and_whose_updates_were_refused() {
    let house = House::new(QflareConfig {
        rule: "multi_krum(1)".into(),
        close_at: 7,
        ..config()
    });
    let operator = Operator::of(&house);
    let waits_for = || {
        let round = operator.get("/round");
        round["waits_for"].as_str().unwrap_or_default().to_owned()
    };
    let submit = |name: &str, values: &[f32]| {
        let update = house.enrolled(name).update(values);
        house.post("/api/submit_model", &update).0
    };
    for n in 0..4u8 {
        assert_eq!(submit(&format!("d{n}"), &[1.0, f32::from(n)]), 200);
    }
    assert_eq!(submit("liar", &[1.0, f32::NAN]), 422);
    assert!(
        house
            .told
            .text()
            .contains("what device liar sent is no update")
    );
    let too_few = waits_for();
    assert!(too_few.starts_with("multi_krum(1) needs 5 updates: wait for 1 more device,"));
    assert!(too_few.contains("qflare.rule"), "{too_few}");
    assert_eq!(operator.post("/round/close", &json!({})).0, 409);
    assert_eq!(submit("d4", &[1.0, 4.0]), 200);
    let enough = "it waits for 2 more devices; it can be closed without them";
    assert_eq!(waits_for(), enough);
    assert_eq!(operator.post("/round/close", &json!({})).0, 200);
    assert_eq!(operator.post("/round/abort", &json!({})).0, 200);
    assert_eq!(waits_for(), "", "it is not open");
}

#[test]
fn a_round_that_nobody_closes_by_itself_says_so() {
    let house = House::new(config());
    let operator = Operator::of(&house);
    assert_eq!(operator.get("/round")["waits_for"], "it waits for updates");
    let device = house.enrolled("d");
    house.post("/api/submit_model", &device.update(&[1.0, 2.0]));
    assert_eq!(operator.get("/round")["waits_for"], "it can be closed");
    // More updates than it waits for: it could not be closed when they came.
    assert_eq!(
        House::new(QflareConfig {
            close_at: 1,
            ..config()
        })
        .service
        .waits_for(1)
        .unwrap(),
        "it is about to be closed; closing it by hand says what is wrong"
    );
}

/// What an operator's command has: the state, with settings of its own. It begins nothing.
fn command(store: &Arc<MemoryStore>, blobs: &Arc<MemoryBlobs>, config: QflareConfig) -> Service {
    let (store, blobs, report) = (store.clone(), blobs.clone(), Arc::new(Told::default()));
    let (now, digest) = (SeededWorld::new(7).now(), suite().digest);
    Service::open(now, store, blobs, digest, config, report).unwrap()
}

#[test]
fn a_round_is_closed_by_the_rule_of_the_server_whatever_the_operators_command_says() {
    let (store, blobs) = (
        Arc::new(MemoryStore::default()),
        Arc::new(MemoryBlobs::default()),
    );
    let median = QflareConfig {
        rule: "median".into(),
        clip: "none".into(),
        open_rounds: false,
        ..config()
    };
    let house = House::with(median, store.clone(), blobs.clone(), suite());
    house.service.state().open_round(house.now()).unwrap();
    for (name, value) in [("a", 1.0), ("b", 2.0), ("c", 90.0)] {
        let update = house.enrolled(name).update(&[value, value]);
        assert_eq!(house.post("/api/submit_model", &update).0, 200);
    }
    let status = Operator::of(&house).get("/round");
    assert_eq!(
        (&status["rule"], &status["close_at"]),
        (&json!("median"), &json!(0))
    );
    for rule in ["fedavg", "multi_krum(1)"] {
        let other = QflareConfig {
            rule: rule.into(),
            close_at: 1,
            ..config()
        };
        let other = command(&store, &blobs, other);
        assert_eq!(other.waits_for(3).unwrap(), "it can be closed", "{rule}");
        assert_eq!(other.close_if_due(house.world.now()), Ok(None), "{rule}");
    }
    let mean = command(&store, &blobs, config());
    mean.close(house.world.now()).unwrap();
    let global = house.service.global().unwrap().unwrap();
    assert_eq!(*global.model.values(), [2.0, 2.0], "the median and no mean");
    assert_eq!(
        house.service.state().head().unwrap().round,
        1,
        "and no next round"
    );
}

#[test]
fn a_server_that_starts_again_with_another_rule_says_so_and_keeps_the_round() {
    let store = Arc::new(MemoryStore::default());
    let house = House::on(config(), store.clone());
    assert!(
        house
            .told
            .text()
            .contains("rounds are closed by fedavg, clip median")
    );
    let median = QflareConfig {
        rule: "median".into(),
        ..config()
    };
    let again = House::on(median, store);
    assert!(
        again
            .told
            .text()
            .contains("rounds are closed by median, clip median")
    );
    let round = Operator::of(&again).get("/round");
    assert_eq!(
        (&round["round"], &round["rule"]),
        (&json!(1), &json!("median"))
    );
}

#[test]
fn without_a_server_that_has_begun_nobody_knows_the_rule() {
    let house = House::new(config());
    let nowhere = (Arc::default(), Arc::default());
    let command = command(&nowhere.0, &nowhere.1, config());
    let told = "start the server once";
    assert!(command.waits_for(1).unwrap().contains(told));
    assert_eq!(command.close_if_due(house.world.now()), Ok(None));
    let refused = command.close(house.world.now()).unwrap_err();
    assert_eq!(refused.status(), 409);
    assert!(refused.to_string().contains(told), "{refused}");
}
