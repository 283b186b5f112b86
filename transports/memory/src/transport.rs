//! The door of this crate: a network inside one process as a [`Transport`].
//!
//! Addresses are `memory:NAME`; `memory:` alone listens under a fresh name, as port 0 does. The
//! endpoints live inside the [`MemoryTransport`] value, so that two values are two networks.

use std::sync::Arc;

use pqfw_framework::transport::{
    BoxFuture, Connection, Datagrams, Delivery, Exchange, ExchangeService, Listener, StreamService,
    Transport, TransportError, TransportInfo, TransportSettings,
};
use pqfw_framework::world::World;

use crate::network::Network;
use crate::{datagram, exchange, stream};

/// A network inside one process.
///
/// Exchanges need no runtime; streams need tokio's, where futures are polled.
#[derive(Default)]
pub struct MemoryTransport {
    network: Network,
}

impl MemoryTransport {
    /// Makes a network that nobody listens on.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl Transport for MemoryTransport {
    fn info(&self) -> TransportInfo {
        TransportInfo {
            name: "memory",
            summary: "both ends inside one process, for tests and simulation",
            deliveries: &[Delivery::Exchange, Delivery::Stream, Delivery::Datagram],
            tls: false,
        }
    }

    fn loopback(&self) -> &'static str {
        "memory:"
    }

    fn serve_exchange<'a>(
        &'a self,
        settings: &'a TransportSettings,
        service: Arc<dyn ExchangeService>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(async { exchange::serve(&self.network, settings, service, world) })
    }

    fn connect_exchange(
        &self,
        settings: &TransportSettings,
    ) -> Result<Arc<dyn Exchange>, TransportError> {
        exchange::connect(&self.network, settings)
    }

    fn serve_stream<'a>(
        &'a self,
        settings: &'a TransportSettings,
        service: Arc<dyn StreamService>,
        _: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(async { stream::serve(&self.network, settings, service) })
    }

    fn connect_stream<'a>(
        &'a self,
        settings: &'a TransportSettings,
    ) -> BoxFuture<'a, Result<Connection, TransportError>> {
        Box::pin(stream::connect(&self.network, settings))
    }

    fn bind_datagrams<'a>(
        &'a self,
        settings: &'a TransportSettings,
    ) -> BoxFuture<'a, Result<Arc<dyn Datagrams>, TransportError>> {
        Box::pin(async { datagram::bind(&self.network, settings) })
    }
}
