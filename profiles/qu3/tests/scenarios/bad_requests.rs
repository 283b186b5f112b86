//! 400: keys that are none, messages that no key opens, plaintexts that say nothing.

use pqfw_framework::python_json::Json;
use pqfw_framework::transport::Request;
use pqfw_qu3::wire;

use crate::support::{
    House, Peer, Who, assert_bad, assert_refused, bytes, good_bodies, hello, json, keys_of,
    statement, string, text_input, undecryptable, with_field, with_flipped_bit,
};

const KEM_KEY_FORMAT: &str = "Invalid client KEM public key format.";

/// What a KEM key must not look like, given one that is right.
fn bad_kem_keys(good: &[u8]) -> Vec<(&'static str, String)> {
    let text = wire::encode(good);
    assert!(text.ends_with("="), "the padding is there to be removed");
    vec![
        ("no base64", "!!!!".into()),
        ("empty", String::new()),
        ("one byte short", wire::encode(&good[..good.len() - 1])),
        ("one byte more", wire::encode(&[good, &[0]].concat())),
        ("no padding", text.trim_end_matches('=').into()),
        ("a line break", format!("{}\n{}", &text[..76], &text[76..])),
        ("a space in front", format!(" {text}")),
        (
            "the alphabet of URLs",
            text.replace('+', "-").replace('/', "_"),
        ),
        ("stray bits at the end", stray_bits(&text)),
    ]
}

/// The same bytes to a lenient decoder: the bits that the padding leaves over are set.
fn stray_bits(text: &str) -> String {
    let digits = text.trim_end_matches('=');
    let (head, last) = digits.split_at(digits.len() - 1);
    let next = char::from(last.as_bytes()[0] + 1);
    let changed = format!("{head}{next}{}", "=".repeat(text.len() - digits.len()));
    assert_eq!(wire::decode(&changed), None);
    changed
}

#[test]
fn a_kem_key_that_is_none_is_refused_on_every_route() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    alice.meet(&house);
    let fields = [
        "client_kem_pub_key_b64",
        "clientKemPublicKeyB64",
        "client_kem_pub_key_b64",
    ];
    let before = house.state();
    for ((request, _), field) in good_bodies(&mut alice).iter().zip(fields) {
        for (what, bad) in bad_kem_keys(&alice.keys.kem_public) {
            let response = house.ask(&with_field(request, field, bad));
            assert_eq!(response.status, 400, "{what}");
            assert_bad(&response, KEM_KEY_FORMAT);
        }
    }
    assert_eq!(house.state(), before);
}

#[test]
fn a_kem_key_with_a_coefficient_out_of_range_is_refused() {
    // FIPS 203 section 7.2: twelve ones are 4095, and the modulus is 3329.
    let (house, alice) = (House::new(), keys_of(Who::Alice));
    let mut key = alice.kem_public;
    key[..3].copy_from_slice(&[0xff; 3]);
    let response = house.ask(&hello(&key, &alice.sign_public));
    assert_bad(&response, KEM_KEY_FORMAT);
    assert_eq!(house.counts(), (0, 0, 0));
}

#[test]
fn a_sign_key_that_is_none_is_refused() {
    let (house, alice) = (House::new(), Peer::new(Who::Alice));
    let good = &alice.keys.sign_public;
    let bad = [
        "!!!!".into(),
        String::new(),
        wire::encode(&good[..31]),
        wire::encode(&[&good[..], &[0]].concat()),
        wire::encode(good).trim_end_matches('=').into(),
    ];
    for bad in bad {
        let request = with_field(&alice.hello(), "client_sign_pub_key_b64", bad);
        let response = house.ask(&request);
        assert_bad(&response, "Invalid client signing public key format.");
    }
    assert_eq!(house.counts(), (0, 0, 0));
}

/// Changes that leave base64 and break everything else.
fn undecryptable_variants(request: &Request, nonce: &str, sealed: &str) -> Vec<Request> {
    let body = json(&request.body);
    let ciphertext = bytes(&body, sealed);
    let long_nonce = [bytes(&body, nonce), vec![0]].concat();
    vec![
        with_flipped_bit(request, sealed, 0),
        with_flipped_bit(request, sealed, ciphertext.len() - 1),
        with_flipped_bit(request, nonce, 0),
        with_field(request, nonce, ""),
        with_field(request, nonce, wire::encode(&long_nonce[..11])),
        with_field(request, nonce, wire::encode(&long_nonce)),
        with_field(request, nonce, wire::encode(&[0; 16])),
        with_field(request, sealed, ""),
        with_field(request, sealed, wire::encode(&ciphertext[..15])),
        with_field(
            request,
            sealed,
            wire::encode(&ciphertext[..ciphertext.len() - 1]),
        ),
        with_field(
            request,
            sealed,
            wire::encode(&[&ciphertext[..], &[0]].concat()),
        ),
    ]
}

#[test]
fn what_no_key_opens_is_refused_in_the_same_words_whatever_the_cause() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    alice.meet(&house);
    let inference = alice.inference("model_caps", &text_input("x"));
    for request in undecryptable_variants(&inference, "nonceB64", "encryptedPayloadB64") {
        assert_refused(&house.ask(&request), &undecryptable("Payload"));
    }
    let policy = alice.policy(b"deny model_caps");
    for request in undecryptable_variants(&policy, "nonce_b64", "ciphertext_b64") {
        assert_refused(&house.ask(&request), &undecryptable("Policy"));
    }
    // Nothing of it was accepted: what was sent in the first place still is.
    assert_eq!(house.state(), ((0, 1, 0), Vec::new(), Vec::new()));
    alice.open_inference(&house.ask(&inference));
    alice.open_policy(&house.ask(&policy));
}

#[test]
fn what_is_not_base64_does_not_decrypt() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    alice.meet(&house);
    let inference = alice.inference("model_caps", &text_input("x"));
    let policy = alice.policy(b"deny model_caps");
    let fields = [
        (&inference, "nonceB64", "Payload"),
        (&inference, "encryptedPayloadB64", "Payload"),
        (&policy, "nonce_b64", "Policy"),
        (&policy, "ciphertext_b64", "Policy"),
    ];
    for (request, field, what) in fields {
        for bad in ["!!!!", "AAA", "AA==\n", "AB=="] {
            let response = house.ask(&with_field(request, field, bad));
            assert_eq!(response.status, 400, "{field} {bad}");
            let detail = string(&json(&response.body), "detail");
            let beginning = format!("{what} decryption failed: ");
            assert!(detail.starts_with(&beginning), "{detail}");
        }
    }
}

#[test]
fn another_key_pairs_session_opens_nothing() {
    let (house, mut alice) = (House::new(), Peer::in_session(Who::Alice, &House::new()));
    let mut bob = Peer::in_session(Who::Bob, &house);
    alice.meet(&house);
    let request = bob.inference("model_caps", &text_input("x"));
    let in_alices_name = with_field(
        &request,
        "clientKemPublicKeyB64",
        wire::encode(&alice.keys.kem_public),
    );
    assert_refused(&house.ask(&in_alices_name), &undecryptable("Payload"));
}

#[test]
fn a_plaintext_that_is_no_inference_is_refused_and_changes_nothing() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    alice.meet(&house);
    let before = house.state();
    let whole = |model: &str, url: &str, input: &str| {
        format!(
            r#"{{{input}"model_id":{model},"pqc_signature_b64":"AA==","target_server_url":{url}}}"#
        )
    };
    let plaintexts: Vec<(Vec<u8>, &str)> = vec![
        (
            b"not json".into(),
            "Expecting value: line 1 column 1 (char 0)",
        ),
        (b"".into(), "Expecting value: line 1 column 1 (char 0)"),
        (
            b"{\"a\": \"\xff\"}".into(),
            "text is not UTF-8: line 1 column 8 (char 7)",
        ),
        (b"[]".into(), "not a JSON object"),
        (b"\"text\"".into(), "not a JSON object"),
        (
            whole("7", r#""""#, r#""input_data":{},"#).into(),
            "`model_id` must be a string",
        ),
        (
            whole(r#""m""#, "null", r#""input_data":{},"#).into(),
            "`target_server_url` must be a string",
        ),
        (
            whole(r#""m""#, r#""""#, "").into(),
            "`input_data` is missing",
        ),
    ];
    for (plaintext, reason) in plaintexts {
        let request = alice.inference_sealing(&plaintext);
        let detail = format!("Invalid encrypted request format: {reason}");
        assert_bad(&house.ask(&request), &detail);
    }
    assert_eq!(house.state(), before);
}

#[test]
fn a_plaintext_of_too_many_values_is_not_read() {
    const MOST: usize = 1 << 18;
    let house = House::new();
    let mut alice = Peer::in_session(Who::Alice, &house);
    // The statement itself has a brace and three commas.
    let input = |marks: usize| text_input(&",".repeat(marks - 4 - 1));
    let request = alice.inference("model_caps", &input(MOST));
    alice.open_inference(&house.ask(&request));
    let request = alice.inference("model_caps", &input(MOST + 1));
    let detail = "Invalid encrypted request format: more values than this server reads";
    assert_bad(&house.ask(&request), detail);
}

#[test]
fn a_statement_without_a_signature_is_refused() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    alice.meet(&house);
    let plain = |signature: Option<Json>| {
        let statement = statement("model_caps", &text_input("x"), signature);
        statement.canonical().into_bytes()
    };
    let missing = alice.inference_sealing(&plain(None));
    assert_bad(
        &house.ask(&missing),
        "Invalid signature data format: Missing 'pqc_signature_b64' in decrypted payload.",
    );
    for bad in ["7", "null", "[]", r#""!!!!""#, r#""AAA""#] {
        let request = alice.inference_sealing(&plain(Some(json(bad.as_bytes()))));
        assert_bad(
            &house.ask(&request),
            "Invalid signature data format: 'pqc_signature_b64' is not base64.",
        );
    }
    assert_eq!(house.state(), ((0, 1, 0), Vec::new(), Vec::new()));
}
