//! Exchanges: a request with a route and a body, a response with a status and a body.
//!
//! This is the delivery that request/response systems are written against. A transport offers the
//! deliveries that it can; the code above never learns which transport carries it.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;

use rand_core::CryptoRng;
use thiserror::Error;

use crate::system::Failure;
use crate::world::{Now, World};

/// A future that can be stored behind a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a client asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `POST` or another HTTP method, in capitals.
    pub method: String,
    /// The path, beginning with `/`, without a query.
    pub route: String,
    /// The body.
    pub body: Vec<u8>,
    /// The address it came from, where the transport knows one. Never proof of identity.
    pub peer: Option<IpAddr>,
}

impl Request {
    /// Makes a `GET` without a body.
    #[must_use]
    pub fn get(route: &str) -> Self {
        Self {
            method: "GET".into(),
            route: route.into(),
            body: Vec::new(),
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

/// A server that accepts exchanges until it is shut down.
pub trait Listener: Send {
    /// Where clients reach it, with the port that was really bound.
    fn url(&self) -> &str;

    /// Stops accepting, lets exchanges under way finish within the limits, and ends.
    fn shutdown(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// What a transport is and can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportInfo {
    /// The name in a profile's `transport.kind`.
    pub name: &'static str,
    /// One sentence for listings.
    pub summary: &'static str,
    /// Whether it delivers exchanges.
    pub exchange: bool,
}

/// A profile's `[transport]`, as a transport needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportSettings {
    /// Where to listen.
    pub listen: String,
    /// Where to connect.
    pub connect: String,
    /// What to allow.
    pub limits: TransportLimits,
}

/// What a transport allows a peer. Each limit has a refusal of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportLimits {
    /// Bytes of one body; more is refused before it is buffered.
    pub body_bytes: usize,
    /// Bytes of one head.
    pub header_bytes: usize,
    /// Connections at a time.
    pub connections: usize,
    /// Seconds a connection may be silent.
    pub idle_secs: u64,
    /// Seconds one request may take, from its first byte to the end of its response.
    pub request_secs: u64,
    /// Requests per minute from one address; 0 for no limit.
    pub per_ip_per_minute: u32,
}

/// What can go wrong below a protocol.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TransportError {
    /// The operator's fault: a pairing that does not exist.
    #[error(
        "transport {transport} does not deliver {delivery}; `pqfw list-transports` shows what does"
    )]
    Unsupported {
        /// The transport.
        transport: &'static str,
        /// What was asked of it.
        delivery: &'static str,
    },
    /// The operator's fault: an address that cannot be read.
    #[error("address `{address}`: {reason}")]
    Address {
        /// As given.
        address: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The machine's or operator's fault: the address cannot be listened on.
    #[error("cannot listen on {address}: {reason}")]
    Listen {
        /// The address.
        address: String,
        /// What the operating system says.
        reason: String,
    },
    /// The network's or peer's fault: nobody answers there.
    #[error("cannot connect to {address}: {reason}; is the server running there?")]
    Connect {
        /// The address.
        address: String,
        /// What the operating system says.
        reason: String,
    },
    /// The peer's fault: it broke off or does not speak the protocol.
    #[error("the connection to {address} broke: {reason}")]
    Broken {
        /// The address.
        address: String,
        /// What was seen.
        reason: String,
    },
    /// The network's or peer's fault: no response in time.
    #[error("no response from {address} within {secs} s")]
    TimedOut {
        /// The address.
        address: String,
        /// The limit.
        secs: u64,
    },
    /// The peer's fault: a response larger than the limit.
    #[error("the response from {address} is larger than {limit} bytes")]
    TooLarge {
        /// The address.
        address: String,
        /// The limit.
        limit: usize,
    },
}

impl TransportError {
    /// Whose fault it is, as an exit code says it: the profile's, or the network's.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Unsupported { .. } | Self::Address { .. } => Failure::Usage,
            Self::Listen { .. }
            | Self::Connect { .. }
            | Self::Broken { .. }
            | Self::TimedOut { .. }
            | Self::TooLarge { .. } => Failure::Network,
        }
    }
}

/// A way to the outside world.
pub trait Transport: Send + Sync {
    /// What it is and can do.
    fn info(&self) -> TransportInfo;

    /// An address of this machine that is free: where demo roles listen.
    fn loopback(&self) -> &'static str {
        "127.0.0.1:0"
    }

    /// Serves exchanges on `settings.listen`.
    ///
    /// # Errors
    /// [`TransportError::Unsupported`], [`TransportError::Address`], [`TransportError::Listen`].
    fn serve_exchange<'a>(
        &'a self,
        _settings: &'a TransportSettings,
        _service: Arc<dyn ExchangeService>,
        _world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        let transport = self.info().name;
        Box::pin(async move {
            Err(TransportError::Unsupported {
                transport,
                delivery: "exchanges",
            })
        })
    }

    /// Makes a client of the server at `settings.connect`. Connections are made when needed.
    ///
    /// # Errors
    /// [`TransportError::Unsupported`], [`TransportError::Address`].
    fn connect_exchange(
        &self,
        _settings: &TransportSettings,
    ) -> Result<Arc<dyn Exchange>, TransportError> {
        Err(TransportError::Unsupported {
            transport: self.info().name,
            delivery: "exchanges",
        })
    }
}
