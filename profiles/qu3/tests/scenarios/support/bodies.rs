//! Bodies of requests and responses: made, read, changed, and held against what is expected.

use pqfw_framework::python_json::{Json, Limits, parse};
use pqfw_framework::transport::{Request, Response};
use pqfw_qu3::error::Refusal;
use pqfw_qu3::wire;

pub(crate) fn object<const N: usize>(fields: [(&str, String); N]) -> Json {
    Json::object(fields.map(|(name, value)| (name, value.into())))
}

pub(crate) fn post(route: &str, body: &Json) -> Request {
    Request::post(route, body.canonical().into_bytes())
}

/// The same request with one field changed.
pub(crate) fn with_field(request: &Request, field: &str, value: impl Into<Json>) -> Request {
    let Json::Object(mut body) = json(&request.body) else {
        panic!("no object")
    };
    body.insert(field, value).unwrap();
    post(&request.route, &Json::Object(body))
}

/// The same request with one bit of a binary field flipped.
pub(crate) fn with_flipped_bit(request: &Request, field: &str, at: usize) -> Request {
    let mut changed = bytes(&json(&request.body), field);
    changed[at] ^= 1;
    with_field(request, field, wire::encode(&changed))
}

#[track_caller]
pub(crate) fn json(text: &[u8]) -> Json {
    let limits = Limits {
        bytes: text.len(),
        ..Limits::default()
    };
    parse(text, limits).unwrap()
}

#[track_caller]
pub(crate) fn string(json: &Json, field: &str) -> String {
    json.get(field).and_then(Json::as_str).unwrap().to_owned()
}

#[track_caller]
pub(crate) fn bytes(json: &Json, field: &str) -> Vec<u8> {
    wire::decode(&string(json, field)).unwrap()
}

/// The body of a 200.
#[track_caller]
pub(crate) fn accepted(response: &Response) -> Json {
    let text = String::from_utf8_lossy(&response.body);
    assert_eq!(response.status, 200, "{text}");
    json(&response.body)
}

/// That a response is this refusal, to the byte.
#[track_caller]
pub(crate) fn assert_refused(response: &Response, refusal: &Refusal) {
    let text = |response: &Response| {
        let body = String::from_utf8_lossy(&response.body);
        format!("{} {body}", response.status)
    };
    assert_eq!(text(response), text(&refusal.response()));
}

/// A 400 with this text.
#[track_caller]
pub(crate) fn assert_bad(response: &Response, detail: &str) {
    assert_refused(response, &Refusal::BadRequest(detail.into()));
}

/// The 400 of a message that no key opens.
pub(crate) fn undecryptable(what: &str) -> Refusal {
    Refusal::BadRequest(format!(
        "{what} decryption failed: it does not authenticate under the session key."
    ))
}
