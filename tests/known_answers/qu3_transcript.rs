//! `tests/vectors/qu3/transcript.json`: a recording of the deployed Python client and its server.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pqfw_framework::aead::AeadKey;
use pqfw_framework::python_json::{self, Json, Limits};
use pqfw_framework::suite::Suite;
use pqfw_qu3::wire::{Attestation, InferenceRequest, InferenceResponse, POLICY_ACCEPTED};
use serde_json::Value;

use crate::support::{hex, qu3_suite, registry};

const TRANSCRIPT: &str = include_str!("../vectors/qu3/transcript.json");

struct Recording {
    suite: Suite,
    steps: Vec<Value>,
}

impl Recording {
    fn of(part: &str) -> Self {
        let mut transcript: Value = serde_json::from_str(TRANSCRIPT).unwrap();
        let Value::Array(steps) = transcript[part].take() else {
            panic!("no {part}")
        };
        Self {
            suite: qu3_suite(&registry()),
            steps,
        }
    }

    /// The session key, made again from the recorded KEM secret.
    fn key(&self) -> AeadKey {
        let hkdf = &self.step("hkdf")["hkdf"];
        let field = |name: &str| hex(hkdf[name].as_str().unwrap());
        let info = hkdf["info"].as_str().unwrap().as_bytes();
        let key = self
            .suite
            .kdf
            .derive(&field("salt"), &field("ikm"), &[info], 32)
            .unwrap();
        assert!(key.constant_time_eq(&field("okm")));
        self.suite.aead.key(key.expose()).unwrap()
    }

    fn step(&self, with: &str) -> &Value {
        self.steps
            .iter()
            .find(|step| !step[with].is_null())
            .unwrap()
    }

    fn call(&self, path: &str) -> (Value, Value) {
        let step = self.steps.iter().find(|step| step["path"] == path).unwrap();
        let body = |name: &str| serde_json::from_str(step[name].as_str().unwrap()).unwrap();
        (body("request_body"), body("response_body"))
    }

    /// The recorded plaintext of the step that encrypted, or decrypted, it.
    fn plaintext(&self, op: &str) -> Vec<u8> {
        let step = self
            .steps
            .iter()
            .find(|step| step["aes_256_gcm"]["op"] == op)
            .unwrap();
        step["plaintext"].as_str().unwrap().as_bytes().to_vec()
    }

    fn verify(&self, public: &[u8], message: &[u8], signature: &[u8]) {
        let key = self.suite.signature.import_verifying_key(public).unwrap();
        self.suite
            .signature
            .verify(&key, &[message], &[], signature)
            .unwrap();
    }
}

fn base64(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

fn server_sign_key() -> Vec<u8> {
    let recording = Recording::of("inference");
    let step = recording
        .steps
        .iter()
        .find(|step| step["path"] == "/keys")
        .unwrap();
    let keys: Value = serde_json::from_str(step["response_body"].as_str().unwrap()).unwrap();
    base64(&keys["server_sign_public_key_b64"])
}

fn client_sign_key(recording: &Recording) -> Vec<u8> {
    base64(&recording.call("/kem-handshake/initiate").0["client_sign_pub_key_b64"])
}

#[test]
fn the_recorded_inference_opens_verifies_and_re_encodes_to_the_same_bytes() {
    let recording = Recording::of("inference");
    let (key, (body, _)) = (recording.key(), recording.call("/inference"));
    let sealed = base64(&body["encryptedPayloadB64"]);
    let plaintext = key.open(&base64(&body["nonceB64"]), &[], &sealed).unwrap();
    assert_eq!(plaintext, recording.plaintext("encrypt"));
    let (request, signature) = InferenceRequest::read(&plaintext).unwrap();
    recording.verify(
        &client_sign_key(&recording),
        &request.signed_bytes(),
        &signature,
    );
    assert_eq!(request.plaintext(&signature), plaintext);
    assert_eq!(request.model_id, "model_caps");
}

#[test]
fn the_recorded_answer_opens_verifies_and_re_encodes_to_the_same_bytes() {
    let recording = Recording::of("inference");
    let (key, (_, body)) = (recording.key(), recording.call("/inference"));
    let sealed = base64(&body["encryptedPayloadB64"]);
    let plaintext = key.open(&base64(&body["nonceB64"]), &[], &sealed).unwrap();
    assert_eq!(plaintext, recording.plaintext("decrypt"));
    let (response, signed) = InferenceResponse::read(&plaintext).unwrap();
    recording.verify(&server_sign_key(), &signed, &response.signature);
    assert_eq!(response.attestation.signed_bytes(), signed);
    assert_eq!(response.plaintext(), plaintext);
}

#[test]
fn the_recorded_attestation_speaks_of_the_recorded_request_and_output() {
    let recording = Recording::of("inference");
    let (request, _) = InferenceRequest::read(&recording.plaintext("encrypt")).unwrap();
    let (response, _) = InferenceResponse::read(&recording.plaintext("decrypt")).unwrap();
    assert_eq!(
        response.attestation.input_hash,
        Attestation::hash_of(&request.input_data)
    );
    let output = response.outcome.unwrap();
    assert_eq!(
        response.attestation.output_hash,
        Attestation::hash_of(&output)
    );
    let models = pqfw_qu3::models::Models::builtin();
    assert_eq!(
        models.run(&request.model_id, &request.input_data),
        Ok(output)
    );
}

#[test]
fn the_recorded_policy_opens_and_its_signature_verifies() {
    let recording = Recording::of("policy_update");
    let (key, (body, _)) = (recording.key(), recording.call("/policy-update"));
    let sealed = base64(&body["ciphertext_b64"]);
    let plaintext = key.open(&base64(&body["nonce_b64"]), &[], &sealed).unwrap();
    // The recording's own copy of the plaintext has lost its final line feed.
    assert_eq!(
        plaintext,
        [recording.plaintext("encrypt"), b"\n".to_vec()].concat()
    );
    let signature = base64(&body["signature_b64"]);
    recording.verify(&client_sign_key(&recording), &plaintext, &signature);
}

#[test]
fn the_recorded_policy_answer_is_the_one_we_give() {
    let recording = Recording::of("policy_update");
    let (key, (_, body)) = (recording.key(), recording.call("/policy-update"));
    let sealed = base64(&body["ciphertext_b64"]);
    let plaintext = key.open(&base64(&body["nonce_b64"]), &[], &sealed).unwrap();
    assert_eq!(plaintext, recording.plaintext("decrypt"));
    assert_eq!(plaintext, POLICY_ACCEPTED.as_bytes());
    recording.verify(
        &server_sign_key(),
        &plaintext,
        &base64(&body["signature_b64"]),
    );
}

#[test]
fn the_recorded_bodies_are_read_by_our_parser_and_written_back_alike() {
    for part in ["inference", "policy_update"] {
        for step in &Recording::of(part).steps {
            for name in ["request_body", "response_body"] {
                let Some(text) = step[name].as_str() else {
                    continue;
                };
                let json = python_json::parse(text.as_bytes(), Limits::default()).unwrap();
                let narrow = text.replace(": ", ":").replace(", ", ",");
                // The deployed ends write their keys unsorted; sorting is ours.
                let again = python_json::parse(narrow.as_bytes(), Limits::default()).unwrap();
                assert_eq!(json.canonical(), again.canonical());
                assert!(matches!(json, Json::Object(_)));
            }
        }
    }
}
