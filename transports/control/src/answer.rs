//! What doors answer: requests of operators by a service at the desk, and metrics.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, AUTHORIZATION, CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use pqfw_framework::metrics::{self, MetricsSource};
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::{self, BoxFuture};
use pqfw_framework::world::World;
use pqfw_runtime::desk::{Answer, Desk, Rest};

use crate::LIMITS;

/// A response of this crate.
pub(crate) type Encoded = Response<Full<Bytes>>;

/// Answers the requests of a door.
pub(crate) trait Answers: Send + Sync {
    /// Answers one.
    fn answer(&self, request: Request<Incoming>) -> BoxFuture<'_, Encoded>;
}

/// A service, behind a token or not.
pub(crate) struct Managed {
    desk: Desk,
    token: Option<Arc<SecretBytes>>,
}

impl Managed {
    pub(crate) fn new(desk: Desk, token: Option<Arc<SecretBytes>>) -> Self {
        Self { desk, token }
    }

    /// Whoever has no token learns nothing about the routes.
    fn admits(&self, headers: &HeaderMap) -> bool {
        let Some(token) = &self.token else {
            return true;
        };
        let shown = headers.get(AUTHORIZATION).map(HeaderValue::as_bytes);
        let shown = shown.and_then(|value| value.strip_prefix(b"Bearer "));
        shown.is_some_and(|shown| token.constant_time_eq(shown))
    }
}

impl Answers for Managed {
    fn answer(&self, request: Request<Incoming>) -> BoxFuture<'_, Encoded> {
        Box::pin(async move {
            if !self.admits(request.headers()) {
                let detail = "show the token: `authorization: Bearer TOKEN`";
                return encode(Answer::refuse_unread(401, detail));
            }
            let read = async { Ok((read(request).await?, ())) };
            encode(self.desk.answer(HERE, read).await)
        })
    }
}

/// Every door for requests is of this machine.
const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

async fn read(request: Request<Incoming>) -> Result<transport::Request, Answer> {
    let (head, body) = request.into_parts();
    if !head.uri.path().starts_with('/') {
        return Err(Answer::refuse_unread(400, "the request names no path"));
    }
    let body = Limited::new(body, LIMITS.body_bytes).collect().await;
    let body = body.map_err(|error| match error.is::<LengthLimitError>() {
        true => Answer::too_large(),
        false => Answer::refuse_unread(400, "the request body is broken"),
    })?;
    Ok(transport::Request {
        method: head.method.as_str().to_owned(),
        route: head.uri.path().to_owned(),
        body: body.to_bytes().to_vec(),
        session: None,
        peer: None,
    })
}

/// Encodes an answer. The connection cannot go on from the middle of a request.
fn encode(answer: Answer) -> Encoded {
    let body = Full::from(answer.response.body);
    let mut encoded = encoded(answer.response.status, "application/json", body);
    if answer.rest != Rest::Read {
        let close = HeaderValue::from_static("close");
        encoded.headers_mut().insert(CONNECTION, close);
    }
    encoded
}

fn encoded(status: u16, kind: &'static str, body: Full<Bytes>) -> Encoded {
    let mut encoded = Response::new(body);
    // The desk lets final statuses through alone, and every one of those is a status of hyper's.
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    *encoded.status_mut() = status;
    let kind = HeaderValue::from_static(kind);
    encoded.headers_mut().insert(CONTENT_TYPE, kind);
    encoded
}

/// Metrics.
pub(crate) struct Measured {
    pub(crate) source: Arc<dyn MetricsSource>,
    pub(crate) world: Arc<dyn World>,
}

impl Answers for Measured {
    fn answer(&self, request: Request<Incoming>) -> BoxFuture<'_, Encoded> {
        // A body is not read, and there should be none.
        let answer = match (request.method(), request.uri().path()) {
            (&Method::GET, "/metrics") => {
                let text = metrics::text(&self.source.families(self.world.now()));
                encoded(200, metrics::CONTENT_TYPE, Full::from(text))
            }
            (_, "/metrics") => {
                let mut refused = encode(Answer::refuse_unread(405, "metrics are read by GET"));
                let get = HeaderValue::from_static("GET");
                refused.headers_mut().insert(ALLOW, get);
                refused
            }
            _ => encode(Answer::refuse_unread(
                404,
                "there is /metrics and nothing else",
            )),
        };
        Box::pin(async { answer })
    }
}
