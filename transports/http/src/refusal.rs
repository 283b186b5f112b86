//! Answers of the desk as responses of HTTP: JSON, and closed where the request was not read.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};
use pqfw_runtime::desk::{Answer, Rest};

/// A response of this crate's server.
pub(crate) type Encoded = Response<Full<Bytes>>;

/// Encodes an answer. The connection cannot go on from the middle of a request.
pub(crate) fn encode(answer: Answer) -> Encoded {
    let mut encoded = Response::new(Full::from(answer.response.body));
    // The desk lets final statuses through alone, and every one of those is a status of hyper's.
    let status = StatusCode::from_u16(answer.response.status);
    let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *encoded.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    encoded.headers_mut().insert(CONTENT_TYPE, json);
    if status == StatusCode::TOO_MANY_REQUESTS {
        let secs = HeaderValue::from_static(RATE_WINDOW_SECS);
        encoded.headers_mut().insert(RETRY_AFTER, secs);
    }
    if answer.rest != Rest::Read {
        let close = HeaderValue::from_static("close");
        encoded.headers_mut().insert(CONNECTION, close);
    }
    encoded
}

/// Rates count within a minute, here and in the services, so that a minute later there is room
/// again (RFC 6585 section 4, RFC 9110 section 10.2.3).
const RATE_WINDOW_SECS: &str = "60";
