//! Bodies: 422 in the words of deployed servers, and what is ignored.

use chacha20::ChaCha20Rng;
use pqfw_framework::python_json::Json;
use pqfw_framework::rand_core::{Rng, SeedableRng};
use pqfw_framework::transport::{Request, Response};
use pqfw_qu3::error::Refusal;
use pqfw_qu3::wire::{self, route};

use crate::support::{
    House, Peer, Who, assert_bad, assert_refused, good_bodies, json, object, post, seal, string,
    text_input, with_field,
};

/// The entries of a 422.
#[track_caller]
fn unprocessable(response: &Response) -> Vec<Json> {
    assert_eq!(response.status, 422);
    let body = json(&response.body);
    let details = body.get("detail").unwrap().clone();
    // The variant carries the same list that the peer is shown.
    assert_refused(response, &Refusal::Unprocessable(details.clone()));
    details.as_array().unwrap().to_vec()
}

#[test]
fn a_missing_field_is_reported_in_the_words_of_deployed_servers() {
    let house = House::new();
    for path in [route::HANDSHAKE, route::INFERENCE, route::POLICY] {
        let mut peer = Peer::in_session(Who::Alice, &House::new());
        let bodies = good_bodies(&mut peer);
        let (_, fields) = bodies.iter().find(|(r, _)| r.route == path).unwrap();
        for missing in fields {
            let kept = fields.iter().filter(|field| *field != missing);
            let body = Json::Object(kept.map(|field| (*field, "AA==")).collect());
            let response = house.ask(&post(path, &body));
            let expected = format!(
                r#"{{"detail":[{{"type":"missing","loc":["body","{missing}"],"msg":"Field required","input":{}}}]}}"#,
                body.canonical(),
            );
            // `input` repeats the body in the order in which it came, which was sorted.
            assert_eq!(response.status, 422);
            assert_eq!(String::from_utf8(response.body).unwrap(), expected);
        }
    }
}

#[test]
fn every_missing_field_is_reported_in_order() {
    let (house, mut peer) = (House::new(), Peer::in_session(Who::Alice, &House::new()));
    for (request, fields) in good_bodies(&mut peer) {
        let entries = unprocessable(&house.ask(&Request::post(&request.route, b"{}".to_vec())));
        let expected = fields.iter().map(|field| {
            Json::object([
                ("type", "missing".into()),
                ("loc", vec!["body".into(), Json::from(*field)].into()),
                ("msg", "Field required".into()),
                ("input", json(b"{}")),
            ])
        });
        assert_eq!(entries, expected.collect::<Vec<_>>());
    }
}

#[test]
fn a_field_of_another_type_is_reported() {
    let (house, mut peer) = (House::new(), Peer::in_session(Who::Alice, &House::new()));
    for (request, fields) in good_bodies(&mut peer) {
        for field in fields {
            for value in ["7", "null", "true", "[]", "{}", r#"["AA=="]"#] {
                let request = with_field(&request, field, json(value.as_bytes()));
                let entries = unprocessable(&house.ask(&request));
                assert_eq!(entries.len(), 1, "{field} {value}");
                assert_eq!(string(&entries[0], "type"), "string_type");
                assert_eq!(string(&entries[0], "msg"), "Input should be a valid string");
                let location = vec!["body".into(), Json::from(field)].into();
                assert_eq!(entries[0].get("loc"), Some(&location));
                assert!(entries[0].get("input").is_some());
            }
        }
    }
}

#[test]
fn missing_and_mistyped_fields_are_reported_together() {
    let house = House::new();
    let body = br#"{"nonce_b64":7,"ciphertext_b64":"AA==","extra":1}"#.to_vec();
    let entries = unprocessable(&house.ask(&Request::post(route::POLICY, body)));
    let seen: Vec<_> = entries
        .iter()
        .map(|entry| (string(entry, "type"), entry.get("loc").unwrap().canonical()))
        .collect();
    let expected = [
        ("missing", r#"["body","client_kem_pub_key_b64"]"#),
        ("string_type", r#"["body","nonce_b64"]"#),
        ("missing", r#"["body","signature_b64"]"#),
    ];
    assert_eq!(seen, expected.map(|(kind, loc)| (kind.into(), loc.into())));
}

#[test]
fn a_body_that_is_no_object_is_unprocessable() {
    let house = House::new();
    for path in [route::HANDSHAKE, route::INFERENCE, route::POLICY] {
        for body in ["[]", r#""text""#, "7", "null", r#"[{"nonceB64":""}]"#] {
            let response = house.ask(&Request::post(path, body.into()));
            let entries = unprocessable(&response);
            assert_eq!(entries.len(), 1, "{body}");
            assert_eq!(entries[0].get("loc").unwrap().canonical(), r#"["body"]"#);
            assert_eq!(string(&entries[0], "type"), "model_attributes_type");
        }
    }
}

#[test]
fn a_body_that_is_no_json_is_unprocessable() {
    let house = House::new();
    let deep = [b"[".repeat(1000), b"]".repeat(1000)].concat();
    let bodies: [&[u8]; 8] = [
        b"{",
        b"{}x",
        b"\xff",
        b"\xef\xbb\xbf{}",
        br#"{"nonceB64": NaN}"#,
        br#"{"nonceB64": "\ud800"}"#,
        b" ",
        &deep,
    ];
    for path in [route::HANDSHAKE, route::INFERENCE, route::POLICY] {
        for body in bodies {
            let entries = unprocessable(&house.ask(&Request::post(path, body.into())));
            assert_eq!(entries.len(), 1);
            assert_eq!(string(&entries[0], "type"), "json_invalid");
            assert_eq!(string(&entries[0], "msg"), "JSON decode error");
            let reason = entries[0].get("ctx").unwrap();
            assert!(!string(reason, "error").is_empty());
        }
    }
}

#[test]
fn an_empty_body_is_a_missing_body() {
    let house = House::new();
    for path in [route::HANDSHAKE, route::INFERENCE, route::POLICY] {
        let response = house.ask(&Request::post(path, Vec::new()));
        assert_eq!(response.status, 422);
        assert_eq!(
            String::from_utf8(response.body).unwrap(),
            r#"{"detail":[{"type":"missing","loc":["body"],"msg":"Field required","input":null}]}"#
        );
    }
}

#[test]
fn a_large_body_is_not_repeated_to_its_sender() {
    const MOST: usize = 1024;
    let house = House::new();
    for (length, repeated) in [(MOST - 1, true), (MOST, true), (MOST + 1, false)] {
        let frame = r#"{"x":""}"#.len();
        let body = object([("x", "a".repeat(length - frame))]);
        let request = post(route::HANDSHAKE, &body);
        assert_eq!(request.body.len(), length);
        for entry in unprocessable(&house.ask(&request)) {
            let expected = if repeated { body.clone() } else { json(b"{}") };
            assert_eq!(entry.get("input"), Some(&expected));
        }
    }
}

#[test]
fn a_body_of_more_values_than_any_request_has_is_not_read() {
    const MOST: usize = 1024;
    let house = House::new();
    for path in [route::HANDSHAKE, route::INFERENCE, route::POLICY] {
        for mark in [',', '[', '{'] {
            let body = |marks: usize| mark.to_string().repeat(marks).into_bytes();
            for few in [MOST - 1, MOST] {
                unprocessable(&house.ask(&Request::post(path, body(few))));
            }
            for many in [MOST + 1, 1 << 20] {
                let response = house.ask(&Request::post(path, body(many)));
                assert_bad(
                    &response,
                    "The body holds more values than any request has.",
                );
            }
        }
    }
}

#[test]
fn unknown_fields_are_ignored() {
    let (house, mut alice) = (House::new(), Peer::new(Who::Alice));
    let extra = |request: &Request| {
        let Json::Object(mut body) = json(&request.body) else {
            panic!("no object")
        };
        body.insert("extra", json(br#"[1, {"x": null}]"#));
        body.insert("client_name", "alice");
        post(&request.route, &Json::Object(body))
    };
    let response = house.ask(&extra(&alice.hello()));
    alice.take_session(&response);
    let request = extra(&alice.inference("model_caps", &text_input("x")));
    alice.open_inference(&house.ask(&request));
    let request = extra(&alice.policy(b"deny model_reverse"));
    alice.open_policy(&house.ask(&request));
}

#[test]
fn any_bytes_at_all_are_answered() {
    let (house, mut alice) = (House::new(), Peer::in_session(Who::Alice, &House::new()));
    alice.meet(&house);
    let mut rng = ChaCha20Rng::seed_from_u64(21);
    let good = good_bodies(&mut alice).map(|(request, _)| request);
    for round in 0..3000 {
        let mut request = good[round % good.len()].clone();
        for _ in 0..=rng.next_u32() % 4 {
            let at = rng.next_u32() as usize % request.body.len();
            match rng.next_u32() % 3 {
                0 => request.body[at] = rng.next_u32().to_be_bytes()[0],
                1 => request.body.truncate(at.max(1)),
                _ => request.body.insert(at, b"\"{}[]:,\\ "[at % 9]),
            }
        }
        let status = house.ask(&request).status;
        assert!([200, 400, 401, 403, 409, 422].contains(&status), "{status}");
    }
    let session = alice.session.as_ref().unwrap();
    for round in 0..3000 {
        let length = rng.next_u32() as usize % 200;
        let mut plaintext = vec![0; length];
        rng.fill_bytes(&mut plaintext);
        let (nonce, sealed) = seal(session, &mut rng, &plaintext);
        let mut request = good[1 + round % 2].clone();
        let names = match round % 2 {
            0 => ["nonceB64", "encryptedPayloadB64"],
            _ => ["nonce_b64", "ciphertext_b64"],
        };
        for (name, value) in names.into_iter().zip([nonce, sealed]) {
            request = with_field(&request, name, wire::encode(&value));
        }
        let status = house.ask(&request).status;
        assert!([400, 403].contains(&status), "{status}");
    }
}
