//! What is sealed in an exchange, and what it is bound to.

use std::fmt::Write as _;

use pqfw_framework::transport::{Request, Response};
use pqfw_framework::wire::{Reader, Writer};
use zeroize::Zeroizing;

use crate::alert::Alert;
use crate::error::{ChannelError, refused};
use crate::message::{read8, write8, write16, write32};

type Result<T> = std::result::Result<T, ChannelError>;

/// A session's name.
pub(crate) type SessionId = [u8; 16];

/// Which way a sealed body goes.
#[derive(Clone, Copy)]
pub(super) enum Way {
    Request,
    Response,
}

/// The associated data of a sealed body.
pub(super) fn bound_to(way: Way, session: &SessionId, counter: u64) -> Vec<u8> {
    let mut extra = Writer::new();
    extra.bytes(b"POST /pqfw/1/r\0");
    extra.u8(match way {
        Way::Request => 0,
        Way::Response => 1,
    });
    extra.bytes(session).u64(counter);
    extra.finish()
}

/// A request's content.
pub(super) fn encode_request(method: &str, route: &str, body: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let mut content = Writer::new();
    write8(&mut content, "method", method.as_bytes())?;
    write16(&mut content, "route", route.as_bytes())?;
    write32(&mut content, "body", body)?;
    Ok(Zeroizing::new(content.finish()))
}

pub(super) fn decode_request(content: &[u8]) -> Result<Request> {
    let mut content = Reader::new(content);
    let method = read8(&mut content, "method")?;
    let route = content.vector16("route", usize::from(u16::MAX))?;
    let body = content.vector32("body", usize::MAX)?;
    content.finish()?;
    let method = std::str::from_utf8(method).ok();
    let method = method
        .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase()));
    let route = std::str::from_utf8(route).ok();
    let route = route.filter(|text| {
        text.starts_with('/')
            && text.bytes().all(|byte| byte.is_ascii_graphic())
            && !text.contains(['?', '#'])
    });
    let (Some(method), Some(route)) = (method, route) else {
        return refused(
            Alert::IllegalParameter,
            "a method or route that cannot be one",
        );
    };
    Ok(Request {
        method: method.into(),
        route: route.into(),
        body: body.to_vec(),
        session: None,
        peer: None,
    })
}

/// A response's content.
pub(super) fn encode_response(response: &Response) -> Result<Zeroizing<Vec<u8>>> {
    let mut content = Writer::new();
    content.u16(response.status);
    write32(&mut content, "body", &response.body)?;
    Ok(Zeroizing::new(content.finish()))
}

pub(super) fn decode_response(content: &[u8]) -> Result<Response> {
    let mut content = Reader::new(content);
    let status = content.u16("status")?;
    let body = content.vector32("body", usize::MAX)?.to_vec();
    content.finish()?;
    Ok(Response { status, body })
}

/// A session's name in its header.
pub(super) fn to_header(session: &SessionId) -> String {
    let mut text = String::with_capacity(2 * session.len());
    for byte in session {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The session that a header names, in its one spelling.
pub(super) fn from_header(text: Option<&str>) -> Option<SessionId> {
    let text = text?;
    let value = u128::from_str_radix(text, 16).ok()?;
    let session = value.to_be_bytes();
    (to_header(&session) == text).then_some(session)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_has_one_spelling() {
        let session: SessionId = std::array::from_fn(|at| u8::try_from(at).unwrap_or(0) * 16 + 5);
        let text = to_header(&session);
        assert_eq!(from_header(Some(&text)), Some(session));
        for wrong in [
            text.to_uppercase(),
            format!("+{text}"),
            text.replace('5', ""),
        ] {
            assert_eq!(from_header(Some(&wrong)), None, "{wrong}");
        }
        assert_eq!(from_header(None), None);
    }

    #[test]
    fn content_is_read_to_its_end() {
        let content = encode_request("POST", "/a", b"body").unwrap();
        let request = decode_request(&content).unwrap();
        assert_eq!(request, Request::post("/a", b"body".to_vec()));
        for cut in 0..content.len() {
            assert!(decode_request(&content[..cut]).is_err(), "{cut}");
        }
        assert!(decode_request(&[&content[..], &[0]].concat()).is_err());
        for (method, route) in [
            ("", "/a"),
            ("post", "/a"),
            ("GET", "a"),
            ("GET", "/a?b"),
            ("GET", "/\n"),
        ] {
            let content = encode_request(method, route, b"").unwrap();
            assert!(decode_request(&content).is_err(), "{method} {route}");
        }
        let response = Response {
            status: 404,
            body: vec![1],
        };
        let content = encode_response(&response).unwrap();
        assert_eq!(decode_response(&content), Ok(response));
        assert!(decode_response(&content[..6]).is_err());
    }
}
