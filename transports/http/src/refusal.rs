//! What the transport itself answers, in the shape that the services use: `{"detail":"…"}`.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

/// A response of this crate's server.
pub(crate) type Answer = Response<Full<Bytes>>;

/// Makes a response of a status and a body that is JSON.
pub(crate) fn json(status: StatusCode, body: Vec<u8>) -> Answer {
    let mut answer = Response::new(Full::from(body));
    *answer.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    answer.headers_mut().insert(CONTENT_TYPE, json);
    answer
}

/// Refuses a request that was read to its end.
pub(crate) fn refuse(status: StatusCode, detail: &'static str) -> Answer {
    // The details are ours and hold nothing that JSON would have to escape.
    json(status, format!(r#"{{"detail":"{detail}"}}"#).into_bytes())
}

/// Refuses a request whose body was not read to its end; the connection cannot go on from there.
pub(crate) fn refuse_unread(status: StatusCode, detail: &'static str) -> Answer {
    let mut answer = refuse(status, detail);
    let close = HeaderValue::from_static("close");
    answer.headers_mut().insert(CONNECTION, close);
    answer
}
