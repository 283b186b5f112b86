//! The heads of requests and responses, as framed transports write them
//! (`docs/protocols/exchange-framing.md`).

use pqfw_framework::transport::Request;
use pqfw_framework::wire::{Reader, WireError, Writer};
use thiserror::Error;

/// What a request says before its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestHead {
    /// See [`Request::method`].
    pub method: String,
    /// See [`Request::route`].
    pub route: String,
    /// See [`Request::session`].
    pub session: Option<String>,
}

/// What a response says before its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// An HTTP status code.
    pub status: u16,
}

/// A head that is none: its writer's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HeadError {
    /// The bytes do not have the form.
    #[error("the head is broken: {0}")]
    Form(WireError),
    /// A method is 1 to 32 letters, digits and marks (RFC 9110 section 5.6.2).
    #[error("the head names no method")]
    Method,
    /// A route is visible ASCII, begins with `/` and has no query.
    #[error("a route begins with / and has no query")]
    Route,
    /// A session is 1 to 64 letters, digits, `-` and `_`.
    #[error("the session is not a session's name")]
    Session,
}

impl RequestHead {
    /// Takes the head of a request.
    ///
    /// # Errors
    /// Every [`HeadError`] but [`HeadError::Form`].
    pub fn of(request: &Request) -> Result<Self, HeadError> {
        let head = Self {
            method: request.method.clone(),
            route: request.route.clone(),
            session: request.session.clone(),
        };
        head.check()?;
        Ok(head)
    }

    /// Makes the request, when its body is there.
    #[must_use]
    pub fn with_body(self, body: Vec<u8>) -> Request {
        Request {
            method: self.method,
            route: self.route,
            body,
            session: self.session,
            peer: None,
        }
    }

    /// Writes the head.
    ///
    /// # Errors
    /// [`HeadError::Form`] when a field is longer than its length can say.
    pub fn encode(&self) -> Result<Vec<u8>, HeadError> {
        let session = self.session.as_deref().unwrap_or_default();
        let mut writer = Writer::new();
        writer
            .vector16("method", self.method.as_bytes())
            .and_then(|writer| writer.vector16("route", self.route.as_bytes()))
            .and_then(|writer| writer.vector16("session", session.as_bytes()))
            .map_err(HeadError::Form)?;
        Ok(writer.finish())
    }

    /// Reads a head to its last byte.
    ///
    /// # Errors
    /// [`HeadError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, HeadError> {
        let mut reader = Reader::new(bytes);
        let mut field = |name| {
            let field = reader
                .vector16(name, bytes.len())
                .map_err(HeadError::Form)?;
            Ok(String::from_utf8(field.to_vec()).ok())
        };
        let (method, route, session) = (field("method")?, field("route")?, field("session")?);
        reader.finish().map_err(HeadError::Form)?;
        let session = session.ok_or(HeadError::Session)?;
        let head = Self {
            method: method.ok_or(HeadError::Method)?,
            route: route.ok_or(HeadError::Route)?,
            session: (!session.is_empty()).then_some(session),
        };
        head.check()?;
        Ok(head)
    }

    fn check(&self) -> Result<(), HeadError> {
        let token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
        let method = self.method.as_bytes();
        if method.is_empty() || method.len() > METHOD_LIMIT || !method.iter().all(token) {
            return Err(HeadError::Method);
        }
        let part_of_path = |byte: &u8| byte.is_ascii_graphic() && !b"?#".contains(byte);
        if !self.route.starts_with('/') || !self.route.as_bytes().iter().all(part_of_path) {
            return Err(HeadError::Route);
        }
        match &self.session {
            Some(session) if !is_session(session.as_bytes()) => Err(HeadError::Session),
            _ => Ok(()),
        }
    }
}

/// The longest method, in bytes; `PROPPATCH` has nine.
const METHOD_LIMIT: usize = 32;

/// Whether these bytes name a session ([`Request::session`]).
#[must_use]
pub fn is_session(bytes: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
    (1..=Request::SESSION_LIMIT).contains(&bytes.len()) && bytes.iter().all(fits)
}

impl ResponseHead {
    /// Writes the head.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.u16(self.status);
        writer.finish()
    }

    /// Reads a head to its last byte.
    ///
    /// # Errors
    /// [`HeadError::Form`].
    pub fn decode(bytes: &[u8]) -> Result<Self, HeadError> {
        let mut reader = Reader::new(bytes);
        let status = reader.u16("status").map_err(HeadError::Form)?;
        reader.finish().map_err(HeadError::Form)?;
        Ok(Self { status })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(method: &str, route: &str, session: Option<&str>) -> RequestHead {
        RequestHead {
            method: method.into(),
            route: route.into(),
            session: session.map(str::to_owned),
        }
    }

    fn read_again(head: &RequestHead) -> Result<RequestHead, HeadError> {
        RequestHead::decode(&head.encode().unwrap())
    }

    #[test]
    fn a_head_is_read_as_it_was_written() {
        for head in [
            head("GET", "/", None),
            head("POST", "/pqfw/1/hello%20x", Some("a-B_9")),
            head(&"M".repeat(32), "/~", Some(&"s".repeat(64))),
        ] {
            assert_eq!(read_again(&head), Ok(head));
        }
        let status = ResponseHead { status: 418 };
        assert_eq!(ResponseHead::decode(&status.encode()), Ok(status));
    }

    #[test]
    fn each_field_is_refused_by_its_name() {
        for method in ["", "G T", "G\u{e9}T", &"M".repeat(33)] {
            assert_eq!(read_again(&head(method, "/", None)), Err(HeadError::Method));
        }
        for route in ["", "a", "/a?b", "/a#b", "/a b", "/\n", "/\u{e9}", "*"] {
            assert_eq!(read_again(&head("GET", route, None)), Err(HeadError::Route));
        }
        for session in ["a b", "\u{e9}", "a/b", &"s".repeat(65)] {
            let head = head("GET", "/", Some(session));
            assert_eq!(read_again(&head), Err(HeadError::Session));
        }
    }

    #[test]
    fn a_head_ends_where_it_ends() {
        let written = head("GET", "/", None).encode().unwrap();
        for length in 0..written.len() {
            let cut = RequestHead::decode(&written[..length]);
            assert!(matches!(cut, Err(HeadError::Form(_))), "{length}");
        }
        let longer = [&written[..], b"x"].concat();
        let trailing = Err(HeadError::Form(WireError::Trailing(1)));
        assert_eq!(RequestHead::decode(&longer), trailing);
        assert!(ResponseHead::decode(&[1]).is_err());
        assert!(ResponseHead::decode(&[1, 2, 3]).is_err());
        assert!(head("GET", &"/".repeat(65_536), None).encode().is_err());
    }
}
