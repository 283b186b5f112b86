//! The golden vectors: Ed25519 byte for byte, ML-DSA by verifying, and every text between.

use std::sync::{Arc, LazyLock};

use pqfw_framework::python_json::{self, Json, Limits, Object};
use pqfw_framework::secret::SecretForm;
use pqfw_framework::suite::Suite;
use pqfw_mcp::config::McpConfig;
use pqfw_mcp::signed::handshake::PqcHandshake;
use pqfw_mcp::signed::identity::{Algorithms, Did, Identity};
use pqfw_mcp::signed::lenience::Lenience;
use pqfw_mcp::signed::message::MessageSigner;

use crate::support::{suite, suite_of};

static GOLDEN: LazyLock<Json> = LazyLock::new(|| {
    let text = include_bytes!("../../../../tests/vectors/mcp/golden.json");
    python_json::parse(text, Limits::default()).unwrap()
});

fn text(path: &[&str]) -> String {
    let value = path
        .iter()
        .fold(&*GOLDEN, |json, name| json.get(name).unwrap());
    value.as_str().unwrap().to_owned()
}

fn bytes(path: &[&str]) -> Vec<u8> {
    let text = text(path);
    let byte = |at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn message() -> Object {
    GOLDEN.get("message").unwrap().as_object().unwrap().clone()
}

fn transitional() -> McpConfig {
    let labels = [("Ed25519".to_owned(), "ML-DSA-65".to_owned())];
    McpConfig {
        transitional: true,
        labels: labels.into(),
        ..McpConfig::default()
    }
}

fn identity(suite: &Suite, config: &McpConfig) -> Arc<Identity> {
    let algorithms = Algorithms::of(suite, config).unwrap();
    let seed = bytes(&["seed"]);
    let key = suite.signature.import_signing_key(SecretForm::Seed(&seed));
    Arc::new(Identity::new(algorithms, key.unwrap()).unwrap())
}

fn ed25519() -> Arc<Identity> {
    identity(&suite_of("Ed25519"), &transitional())
}

fn ml_dsa() -> Arc<Identity> {
    identity(&suite(), &McpConfig::default())
}

#[test]
fn keys_and_names_follow_from_the_seed() {
    for (own, name) in [(ed25519(), "ed25519"), (ml_dsa(), "mldsa65")] {
        assert_eq!(own.public_key(), bytes(&[name, "pk"]), "{name}");
        assert_eq!(own.did().as_str(), text(&[name, "did"]), "{name}");
        assert_eq!(Did::parse(own.did().as_str()).as_ref(), Some(own.did()));
        assert_eq!(own.algorithms().label(), "ML-DSA-65");
    }
}

#[test]
fn the_canonical_text_and_its_digest_are_the_packages() {
    let canonical = MessageSigner::canonicalize(&message());
    assert_eq!(
        String::from_utf8(canonical.clone()),
        Ok(text(&["canonical"]))
    );
    let digest = ml_dsa().algorithms().digest(&canonical);
    assert_eq!(digest, bytes(&["msg_sha3_256"]));
    let mut enveloped = message();
    enveloped.insert("_pqc", Json::Null);
    assert_eq!(MessageSigner::canonicalize(&enveloped), canonical);
    assert_eq!(MessageSigner::strip_pqc(&enveloped), message());
}

#[test]
fn ed25519_signs_byte_for_byte_and_both_verify() {
    let canonical = MessageSigner::canonicalize(&message());
    let mut rng = pqfw_memory_rng();
    let signature = ed25519().sign(&mut *rng, &canonical).unwrap();
    assert_eq!(signature, bytes(&["ed25519", "sig_over_msg_hash"]));
    for (own, name) in [(ed25519(), "ed25519"), (ml_dsa(), "mldsa65")] {
        let algorithms = own.algorithms();
        let key = algorithms.import(own.public_key()).unwrap();
        let mut signature = bytes(&[name, "sig_over_msg_hash"]);
        algorithms.verify(&key, &canonical, &signature).unwrap();
        signature[7] ^= 1;
        algorithms.verify(&key, &canonical, &signature).unwrap_err();
    }
}

#[test]
fn the_handshakes_texts_are_the_packages() {
    let own = ml_dsa();
    let algorithms = own.algorithms();
    let key = algorithms.import(own.public_key()).unwrap();
    for end in ["handshake_request", "handshake_response"] {
        let payload = text(&[&format!("{end}_payload")]);
        let digest = algorithms.digest(payload.as_bytes());
        assert_eq!(digest, bytes(&[&format!("{end}_sha3_256")]));
        let signature = bytes(&[&format!("{end}_sig_mldsa65")]);
        algorithms
            .verify(&key, payload.as_bytes(), &signature)
            .unwrap();
    }
    // The same as a whole request, which we read and verify.
    let request = Json::object([
        ("type", "pqc_handshake_request".into()),
        ("client_did", own.did().as_str().into()),
        ("client_public_key", text(&["mldsa65", "pk"]).into()),
        ("algorithm", "ML-DSA-65".into()),
        ("timestamp", "2025-01-15T10:30:00+00:00".into()),
        ("nonce", "0".repeat(32).into()),
        ("signature", text(&["handshake_request_sig_mldsa65"]).into()),
    ]);
    let caller = PqcHandshake::receive(algorithms, &request, &Lenience::strict()).unwrap();
    assert_eq!(caller.nonce, [0; 16]);
    assert_eq!(caller.unix_micros, 1_736_937_000_000_000);
}

fn pqfw_memory_rng() -> Box<dyn pqfw_framework::rand_core::CryptoRng + Send> {
    use pqfw_framework::world::World;
    pqfw_memory::SeededWorld::new(0).rng()
}
