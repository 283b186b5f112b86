//! Models: what they answer, how the answer looks to the byte, and what is attested of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::store::MemoryStore;
use pqfw_qu3::config::Qu3Config;
use pqfw_qu3::error::Refusal;
use pqfw_qu3::models::{Model, Models};
use pqfw_qu3::wire;

use crate::support::{
    House, Peer, URL, Who, accepted, assert_refused, json, keys_of, string, suite, text_input,
};

#[test]
fn the_built_in_models_answer_as_deployed() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let caps = [
        ("process this", "PROCESS THIS"),
        ("aß😀", "ASS😀"),
        ("", ""),
    ];
    for (text, expected) in caps {
        assert_eq!(alice.caps(&house, text), Ok(expected.into()));
    }
    let reversed = [
        ("aß😀", "😀ßa"),
        ("", ""),
        // By code point: the accent leaves its letter.
        ("e\u{301}x", "x\u{301}e"),
        ("a\u{7f}\u{2028}\"\\\n", "\n\\\"\u{2028}\u{7f}a"),
    ];
    for (text, expected) in reversed {
        assert_eq!(alice.reverse(&house, text), Ok(expected.into()));
    }
}

#[test]
fn input_may_be_an_object_or_a_string_that_holds_one() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let inputs = [
        r#"{"text": "aß😀"}"#,
        r#""{\"text\": \"a\u00df\ud83d\ude00\"}""#,
        r#"" \n{\"text\":\"a\\u00df\\ud83d\\ude00\",\"more\":[1]} ""#,
        r#"{"more": {"text": 7}, "text": "aß😀"}"#,
    ];
    for input in inputs {
        let output = alice.run(&house, "model_reverse", &json(input.as_bytes()));
        let expected = Json::object([("reversed_text", "😀ßa".into())]);
        assert_eq!(output, Ok(expected), "{input}");
    }
}

#[test]
fn the_answers_plaintext_is_the_specifications_to_the_byte() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    house.wait(Duration::from_micros(1_000_007));
    alice.meet(&house);
    let input = json(r#"{"text": "hß", "a": 1.0}"#.as_bytes());
    let request = alice.inference("model_caps", &input);
    let response = house.ask(&request);
    let body = accepted(&response);
    let plaintext = alice.open(&body, ["nonceB64", "encryptedPayloadB64"]);
    let reply = alice.open_inference(&response);
    let version = concat!("pqfw-qu3/", env!("CARGO_PKG_VERSION"));
    let input_hash = wire::encode(br#"{"a": 1.0, "text": "h\u00df"}"#);
    let output_hash = wire::encode(br#"{"capitalized_text": "HSS"}"#);
    let signature = string(&reply, "attestation_signature_b64");
    let expected = format!(
        concat!(
            r#"{{"status": "success", "output_data": {{"capitalized_text": "HSS"}}, "#,
            r#""error_message": null, "attestation_data": {{"serverVersion": "{}", "#,
            r#""modelId": "model_caps", "status": "success", "inputHash": "{}", "#,
            r#""outputHash": "{}", "timestamp": "2026-01-01T00:00:01.000007+00:00"}}, "#,
            r#""attestation_signature_b64": "{}", "audit_hash": null}}"#,
        ),
        version, input_hash, output_hash, signature,
    );
    assert_eq!(String::from_utf8(plaintext).unwrap(), expected);
    // What is signed is CANON of the attestation alone, written here by hand.
    let signed = format!(
        concat!(
            r#"{{"inputHash":"{}","modelId":"model_caps","outputHash":"{}","#,
            r#""serverVersion":"{}","status":"success","#,
            r#""timestamp":"2026-01-01T00:00:01.000007+00:00"}}"#,
        ),
        input_hash, output_hash, version,
    );
    let server = suite()
        .signature
        .import_verifying_key(&keys_of(Who::Server).sign_public);
    let signature = wire::decode(&signature).unwrap();
    assert_eq!(signature.len(), 17_088);
    let verified = server
        .unwrap()
        .verify(&[signed.as_bytes()], &[], &signature);
    assert_eq!(verified, Ok(()));
    let names: Vec<_> = body.as_object().unwrap().keys().collect();
    assert_eq!(names, ["nonceB64", "encryptedPayloadB64"]);
}

#[test]
fn an_application_error_is_answered_sealed_and_attested() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let must_be_text = |model: &str| {
        format!(
            "Invalid input for {model}: 'text' field must be a string and present in input_data."
        )
    };
    let unparsed =
        |reason: &str| format!("Invalid input_data: failed to parse JSON string. ({reason})");
    let no_object = "Invalid input_data: content of JSON string is not an object.".to_owned();
    let no_type = "Invalid input_data type: expected JSON object or JSON string.".to_owned();
    let cases = [
        (
            "nosuch",
            r#"{"text": "x"}"#,
            "Unknown model ID: 'nosuch'".into(),
        ),
        ("", r#"{"text": "x"}"#, "Unknown model ID: ''".into()),
        (
            "model_caps ",
            "{}",
            "Unknown model ID: 'model_caps '".into(),
        ),
        ("größe", "{}", "Unknown model ID: 'größe'".into()),
        ("model_caps", "{}", must_be_text("model_caps")),
        ("model_caps", r#"{"text": 7}"#, must_be_text("model_caps")),
        (
            "model_reverse",
            r#"{"text": null}"#,
            must_be_text("model_reverse"),
        ),
        (
            "model_reverse",
            r#"{"Text": "x"}"#,
            must_be_text("model_reverse"),
        ),
        (
            "model_caps",
            r#""{\"text\": 7}""#,
            must_be_text("model_caps"),
        ),
        (
            "model_caps",
            r#""nonsense""#,
            unparsed("Expecting value: line 1 column 1 (char 0)"),
        ),
        (
            "model_caps",
            r#""""#,
            unparsed("Expecting value: line 1 column 1 (char 0)"),
        ),
        (
            "model_caps",
            r#""{\"text\": \"x\"""#,
            unparsed("Expecting ',' delimiter: line 1 column 13 (char 12)"),
        ),
        (
            "model_caps",
            r#""{} {}""#,
            unparsed("Extra data: line 1 column 4 (char 3)"),
        ),
        ("model_caps", r#""[]""#, no_object.clone()),
        ("model_caps", r#""7""#, no_object.clone()),
        ("model_caps", r#""\"text\"""#, no_object),
        ("model_caps", "7", no_type.clone()),
        ("model_caps", "[]", no_type.clone()),
        ("model_caps", "null", no_type.clone()),
        ("model_caps", "true", no_type),
    ];
    for (model, input, expected) in cases {
        let input = json(input.as_bytes());
        let request = alice.inference(model, &input);
        let reply = alice.open_inference(&house.ask(&request));
        assert_eq!(string(&reply, "status"), "error");
        assert_eq!(string(&reply, "error_message"), expected);
        assert_eq!(reply.get("output_data"), Some(&Json::Null));
        assert_eq!(reply.get("audit_hash"), Some(&Json::Null));
        let attested = reply.get("attestation_data").unwrap();
        assert_eq!(string(attested, "status"), "error");
        assert_eq!(string(attested, "modelId"), model);
        let sorted = input.default_sorted_text();
        assert_eq!(
            string(attested, "inputHash"),
            wire::encode(sorted.as_bytes())
        );
        assert_eq!(string(attested, "outputHash"), wire::encode(b"null"));
    }
}

/// A statement as some other JSON writer would send it, what its signature must be over, and what
/// `json.dumps(…, sort_keys=True)` of CPython prints of it.
struct Deployed {
    input_as_sent: &'static str,
    input_as_signed: &'static str,
    input_as_hashed: &'static str,
}

const DEPLOYED: [Deployed; 5] = [
    Deployed {
        input_as_sent: r#"{ "text" : "x",  "b": 1, "a": 1.0 }"#,
        input_as_signed: r#"{"a":1.0,"b":1,"text":"x"}"#,
        input_as_hashed: r#"{"a": 1.0, "b": 1, "text": "x"}"#,
    },
    Deployed {
        input_as_sent: r#"{"text": "x", "n": [1.00, 1E5, 1e16, 1e-7, -0, -0.0, 5e-324, 18446744073709551616, 1000000000000000000000000000000]}"#,
        input_as_signed: r#"{"n":[1.0,100000.0,1e+16,1e-07,0,-0.0,5e-324,18446744073709551616,1000000000000000000000000000000],"text":"x"}"#,
        input_as_hashed: r#"{"n": [1.0, 100000.0, 1e+16, 1e-07, 0, -0.0, 5e-324, 18446744073709551616, 1000000000000000000000000000000], "text": "x"}"#,
    },
    Deployed {
        input_as_sent: r#"{"text": "x", "é": "/\u007f\u2028", "\uffff": 1, "😀": {"z": null, "a": true, "": []}}"#,
        input_as_signed: r#"{"text":"x","\u00e9":"/\u007f\u2028","\uffff":1,"\ud83d\ude00":{"":[],"a":true,"z":null}}"#,
        input_as_hashed: r#"{"text": "x", "\u00e9": "/\u007f\u2028", "\uffff": 1, "\ud83d\ude00": {"": [], "a": true, "z": null}}"#,
    },
    Deployed {
        // The last of equal names counts, at the place of the first.
        input_as_sent: r#"{"text": "lost", "a": 1, "text": "x"}"#,
        input_as_signed: r#"{"a":1,"text":"x"}"#,
        input_as_hashed: r#"{"a": 1, "text": "x"}"#,
    },
    Deployed {
        input_as_sent: r#""{\"text\":  \"x\", \"a\": 1.00}""#,
        input_as_signed: r#""{\"text\":  \"x\", \"a\": 1.00}""#,
        input_as_hashed: r#""{\"text\":  \"x\", \"a\": 1.00}""#,
    },
];

#[test]
fn a_signature_is_over_the_canonical_text_of_what_was_sent() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    for Deployed {
        input_as_sent,
        input_as_signed,
        input_as_hashed,
    } in DEPLOYED
    {
        let signed = format!(
            r#"{{"input_data":{input_as_signed},"model_id":"model_caps","target_server_url":"{URL}"}}"#
        );
        let signature = wire::encode(&alice.sign(signed.as_bytes()));
        let plaintext = format!(
            "{{\n  \"target_server_url\": \"{URL}\", \"model_id\": \"model_\\u0063aps\",\n  \
             \"client_version\": [1, 2.50],\n  \"pqc_signature_b64\": \"{signature}\", \
             \"input_data\": {input_as_sent}\n}}\n"
        );
        let request = alice.inference_sealing(plaintext.as_bytes());
        let reply = alice.open_inference(&house.ask(&request));
        assert_eq!(string(&reply, "status"), "success", "{input_as_sent}");
        let output = reply.get("output_data").unwrap();
        assert_eq!(string(output, "capitalized_text"), "X");
        let attested = reply.get("attestation_data").unwrap();
        let hash = wire::encode(input_as_hashed.as_bytes());
        assert_eq!(string(attested, "inputHash"), hash);
    }
}

#[test]
fn a_signature_over_the_text_as_it_was_sent_is_none() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let sent = [
        // Not CANON: spaces, the order of names, a number's other spelling, letters unescaped.
        (r#"{"text": "x"}"#, r#"{"text": "x"}"#),
        (r#"{"text":"x","a":1}"#, r#"{"text":"x","a":1}"#),
        (r#"{"a":1e0,"text":"x"}"#, r#"{"a":1,"text":"x"}"#),
        (r#"{"a":1,"text":"x"}"#, r#"{"a":1.0,"text":"x"}"#),
        (r#"{"text":"é"}"#, r#"{"text":"é"}"#),
    ];
    for (input_as_sent, input_as_signed) in sent {
        let signed = format!(
            r#"{{"input_data":{input_as_signed},"model_id":"model_caps","target_server_url":"{URL}"}}"#
        );
        let signature = wire::encode(&alice.sign(signed.as_bytes()));
        let plaintext = format!(
            r#"{{"input_data":{input_as_sent},"model_id":"model_caps","pqc_signature_b64":"{signature}","target_server_url":"{URL}"}}"#
        );
        let request = alice.inference_sealing(plaintext.as_bytes());
        assert_refused(&house.ask(&request), &Refusal::Signature);
    }
}

/// A model of a third party's: it counts the fields of its input.
struct Count;

impl Model for Count {
    fn summary(&self) -> &str {
        "counts fields"
    }

    fn infer(&self, input: &Object) -> Result<Json, String> {
        match u64::try_from(input.len()) {
            Ok(0) => Err("nothing to count".into()),
            Ok(count) => Ok(count.into()),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[test]
fn a_server_has_whatever_models_it_is_given() {
    let store = Arc::new(MemoryStore::default());
    let models = Models::builtin().with("count", Count);
    let names: Vec<_> = models.iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["count", "model_caps", "model_reverse"]);
    let keys = Some(keys_of(Who::Server));
    let house = House::build(suite(), keys, models, store.clone(), Qu3Config::default());
    let mut alice = Peer::in_session(Who::Alice, &house);
    let count = alice.run(&house, "count", &text_input("x"));
    assert_eq!(count, Ok(1_u64.into()));
    let none = alice.run(&house, "count", &json(b"{}"));
    assert_eq!(none, Err("nothing to count".into()));
    alice.set_policy(&house, "deny count");
    let denied = alice.run(&house, "count", &text_input("x"));
    let by_policy = Err("Model 'count' is denied by policy version 1.".into());
    assert_eq!(denied, by_policy);
    // The rule outlives its model, and a start without it.
    let without = House::on(store, Qu3Config::default());
    alice.meet(&without);
    let denied = alice.run(&without, "count", &text_input("x"));
    assert_eq!(denied, by_policy);
}

/// A model that gives its input back.
struct Echo;

impl Model for Echo {
    fn summary(&self) -> &str {
        "gives its input back"
    }

    fn infer(&self, input: &Object) -> Result<Json, String> {
        Ok(input.clone().into())
    }
}

#[test]
fn an_output_is_given_in_its_own_order_and_attested_in_sorted_order() {
    let store = Arc::new(MemoryStore::default());
    let models = Models::builtin().with("echo", Echo);
    let keys = Some(keys_of(Who::Server));
    let house = House::build(suite(), keys, models, store, Qu3Config::default());
    let mut alice = Peer::in_session(Who::Alice, &house);
    // As a string, so that the order is the sender's.
    let request = alice.inference("echo", &r#"{"b": 1, "a": {"d": 2, "c": 3}}"#.into());
    let response = house.ask(&request);
    let body = accepted(&response);
    let plaintext = alice.open(&body, ["nonceB64", "encryptedPayloadB64"]);
    let plaintext = String::from_utf8(plaintext).unwrap();
    let output = r#""output_data": {"b": 1, "a": {"d": 2, "c": 3}}, "error_message": null"#;
    assert!(plaintext.contains(output), "{plaintext}");
    let reply = alice.open_inference(&response);
    let attested = reply.get("attestation_data").unwrap();
    let hash = wire::encode(br#"{"a": {"c": 3, "d": 2}, "b": 1}"#);
    assert_eq!(string(attested, "outputHash"), hash);
}

#[test]
fn each_answer_is_sealed_under_a_nonce_of_its_own() {
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    let mut nonces = BTreeSet::new();
    for _ in 0..20 {
        let request = alice.inference("model_caps", &text_input("x"));
        let nonce = string(&accepted(&house.ask(&request)), "nonceB64");
        assert!(nonces.insert(nonce));
    }
    let request = alice.policy(b"allow *");
    let nonce = string(&accepted(&house.ask(&request)), "nonce_b64");
    assert!(nonces.insert(nonce));
}
