//! Exchanges: a request with a route and a body, a response with a status and a body.

use std::net::IpAddr;

use rand_core::CryptoRng;

use super::{BoxFuture, TransportError};
use crate::world::Now;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` or another HTTP method, in capitals.
    pub method: String,
    /// The path, beginning with `/`, without a query.
    pub route: String,
    /// The body.
    pub body: Vec<u8>,
    /// The header `pqfw-session`: which session of a protocol above this belongs to. At most
    /// [`Self::SESSION_LIMIT`] letters, digits, `-` and `_`.
    pub session: Option<String>,
    /// The address it came from, where the transport knows one. Never proof of identity.
    pub peer: Option<IpAddr>,
}

impl Request {
    /// The longest [`Self::session`], in bytes.
    pub const SESSION_LIMIT: usize = 64;

    /// Makes a `GET` without a body.
    #[must_use]
    pub fn get(route: &str) -> Self {
        Self {
            method: "GET".into(),
            route: route.into(),
            body: Vec::new(),
            session: None,
            peer: None,
        }
    }

    /// Makes a `POST`.
    #[must_use]
    pub fn post(route: &str, body: Vec<u8>) -> Self {
        Self {
            method: "POST".into(),
            route: route.into(),
            body,
            session: None,
            peer: None,
        }
    }
}

/// What a service answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// An HTTP status code.
    pub status: u16,
    /// The body, JSON unless a protocol says otherwise.
    pub body: Vec<u8>,
}

/// The client's end of a transport that delivers exchanges.
pub trait Exchange: Send + Sync {
    /// Sends a request and waits for its response. Safe to drop at any point.
    fn exchange(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>>;
}

/// The server's side of a protocol: a function of the moment, chance and the request.
///
/// It is called from many threads at once, and may compute for tens of milliseconds: transports
/// call it where blocking is allowed.
pub trait ExchangeService: Send + Sync {
    /// Answers one request.
    fn respond(&self, now: Now, rng: &mut dyn CryptoRng, request: &Request) -> Response;
}
