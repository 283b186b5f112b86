//! Transports: the ways to the outside world, and what they deliver.
//!
//! | delivery | what it is | file |
//! | --- | --- | --- |
//! | [`Delivery::Exchange`] | a request with a route and a body, a response with a status and a body | `exchange` |
//! | [`Delivery::Stream`] | reliable bytes in order, both ways | `stream` |
//! | [`Delivery::Datagram`] | packets that may be lost, doubled and reordered | `datagram` |
//!
//! A transport delivers what it can, and a system says what it needs; the code above never learns
//! which transport carries it. `settings` and `tls` are a profile's `[transport]`, resolved.

mod datagram;
mod error;
mod exchange;
mod path;
mod settings;
mod stream;
mod tls;

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

pub use datagram::{Datagrams, Packet};
pub use error::TransportError;
pub use exchange::{Exchange, ExchangeService, Request, Response};
pub use path::{DatagramBatch, DatagramPath, Mark, RUN_BYTES, RUNS, Run};
pub use settings::{TransportLimits, TransportSettings};
pub use stream::{Connection, StreamReader, StreamService, StreamWriter};
pub use tls::{TlsGroup, TlsIdentity, TlsSettings, TlsTrust};

use crate::world::World;

/// A future that can be stored behind a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A server that accepts work until it is shut down.
pub trait Listener: Send {
    /// Where clients reach it, with the port that was really bound.
    fn url(&self) -> &str;

    /// Stops accepting, lets what is under way finish within the limits, and ends.
    fn shutdown(self: Box<Self>) -> BoxFuture<'static, ()>;
}

/// What a transport can deliver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// Requests and their responses.
    Exchange,
    /// Reliable bytes in order.
    Stream,
    /// Packets that may be lost.
    Datagram,
}

impl fmt::Display for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Exchange => "exchanges",
            Self::Stream => "streams",
            Self::Datagram => "datagrams",
        })
    }
}

/// What a transport is and can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransportInfo {
    /// The name in a profile's `transport.kind`, and the scheme of its URLs.
    pub name: &'static str,
    /// One sentence for listings.
    pub summary: &'static str,
    /// What it delivers.
    pub deliveries: &'static [Delivery],
    /// Whether it takes `transport.tls`.
    pub tls: bool,
}

impl TransportInfo {
    /// Whether it delivers that.
    #[must_use]
    pub fn delivers(&self, delivery: Delivery) -> bool {
        self.deliveries.contains(&delivery)
    }
}

/// A way to the outside world.
///
/// Every method but [`Self::info`] has a default that says [`TransportError::Unsupported`]: a
/// transport writes those of its own [`TransportInfo::deliveries`].
pub trait Transport: Send + Sync {
    /// What it is and can do.
    fn info(&self) -> TransportInfo;

    /// An address of this machine that is free: where demo roles listen.
    fn loopback(&self) -> &'static str {
        "127.0.0.1:0"
    }

    /// Whether it speaks nothing but TLS: then it gets settings for it, whatever the profile says.
    fn needs_tls(&self) -> bool {
        false
    }

    /// Serves exchanges on `settings.listen`.
    ///
    /// # Errors
    /// [`TransportError::Unsupported`], [`TransportError::Address`], [`TransportError::Listen`],
    /// [`TransportError::Tls`].
    fn serve_exchange<'a>(
        &'a self,
        _settings: &'a TransportSettings,
        _service: Arc<dyn ExchangeService>,
        _world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        let refused = self.unsupported(Delivery::Exchange);
        Box::pin(async { Err(refused) })
    }

    /// Makes a client of the server at `settings.connect`. Connections are made when needed.
    ///
    /// # Errors
    /// [`TransportError::Unsupported`], [`TransportError::Address`], [`TransportError::Tls`].
    fn connect_exchange(
        &self,
        _settings: &TransportSettings,
    ) -> Result<Arc<dyn Exchange>, TransportError> {
        Err(self.unsupported(Delivery::Exchange))
    }

    /// Serves streams on `settings.listen`: each connection is given to the service, which runs
    /// beside all others.
    ///
    /// # Errors
    /// [`TransportError::Unsupported`], [`TransportError::Address`], [`TransportError::Listen`],
    /// [`TransportError::Tls`].
    fn serve_stream<'a>(
        &'a self,
        _settings: &'a TransportSettings,
        _service: Arc<dyn StreamService>,
        _world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        let refused = self.unsupported(Delivery::Stream);
        Box::pin(async { Err(refused) })
    }

    /// Connects a stream to `settings.connect`.
    ///
    /// # Errors
    /// [`TransportError::Unsupported`], [`TransportError::Address`], [`TransportError::Connect`],
    /// [`TransportError::TimedOut`], [`TransportError::Tls`].
    fn connect_stream<'a>(
        &'a self,
        _settings: &'a TransportSettings,
    ) -> BoxFuture<'a, Result<Connection, TransportError>> {
        let refused = self.unsupported(Delivery::Stream);
        Box::pin(async { Err(refused) })
    }

    /// Sends and receives datagrams on `settings.listen`.
    ///
    /// # Errors
    /// [`TransportError::Unsupported`], [`TransportError::Address`], [`TransportError::Listen`].
    fn bind_datagrams<'a>(
        &'a self,
        _settings: &'a TransportSettings,
    ) -> BoxFuture<'a, Result<Arc<dyn Datagrams>, TransportError>> {
        let refused = self.unsupported(Delivery::Datagram);
        Box::pin(async { Err(refused) })
    }

    /// Where datagrams to `HOST:PORT` go, the best first; a transport whose machine can look names
    /// up does so.
    ///
    /// # Errors
    /// [`TransportError::Address`].
    fn resolve<'a>(
        &'a self,
        authority: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, TransportError>> {
        let parsed = authority.parse().map(|address| vec![address]);
        let parsed = parsed.map_err(|_| TransportError::Address {
            address: authority.escape_debug().to_string(),
            reason: "this transport looks no names up: write an IP address and a port".into(),
        });
        Box::pin(async { parsed })
    }

    /// The refusal of a delivery that it does not have.
    fn unsupported(&self, delivery: Delivery) -> TransportError {
        let info = self.info();
        let has: Vec<_> = info.deliveries.iter().map(Delivery::to_string).collect();
        TransportError::Unsupported {
            transport: info.name,
            delivery,
            has: has.join(" and "),
        }
    }
}
