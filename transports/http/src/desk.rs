//! Requests of HTTP, read for the desk and answered by it.

use std::net::IpAddr;

use hyper::body::{Body, Bytes};
use hyper::{HeaderMap, Request};
use pqfw_framework::transport;
use pqfw_runtime::desk::{Answer, Desk, is_session};

use crate::body::{BodyError, gather};
use crate::refusal::{Encoded, encode};

/// Answers one request, in time.
pub(crate) async fn answer<B>(desk: &Desk, peer: IpAddr, request: Request<B>) -> Encoded
where
    B: Body<Data = Bytes> + Unpin,
{
    let read = read(peer, request, desk.limits().body_bytes);
    // A connection of HTTP/1.1 has one request at a time and is itself the place of it.
    let read = async { Ok((read.await?, ())) };
    encode(desk.answer(peer, read).await)
}

/// Reads the rest of a request. It is an error to have no path: `*`, or a proxy's `CONNECT`.
async fn read<B>(
    peer: IpAddr,
    request: Request<B>,
    body_bytes: usize,
) -> Result<transport::Request, Answer>
where
    B: Body<Data = Bytes> + Unpin,
{
    let (head, body) = request.into_parts();
    if !head.uri.path().starts_with('/') {
        return Err(Answer::refuse_unread(400, "the request names no path"));
    }
    let session = session(&head.headers)?;
    let body = gather(body, body_bytes).await;
    let body = body.map_err(|error| match error {
        BodyError::TooLarge => Answer::too_large(),
        BodyError::Broken(_) => Answer::refuse_unread(400, "the request body is broken"),
    })?;
    Ok(transport::Request {
        method: head.method.as_str().to_owned(),
        route: head.uri.path().to_owned(),
        body,
        session,
        peer: Some(peer),
    })
}

/// The header that names a session of a protocol above.
pub(crate) const SESSION: &str = "pqfw-session";

fn session(headers: &HeaderMap) -> Result<Option<String>, Answer> {
    let Some(value) = headers.get(SESSION) else {
        return Ok(None);
    };
    match value.to_str() {
        Ok(text) if is_session(text.as_bytes()) => Ok(Some(text.to_owned())),
        _ => {
            let detail = "the header pqfw-session is not a session's name";
            Err(Answer::refuse_unread(400, detail))
        }
    }
}
