//! The door of this crate: QUIC as a [`Transport`].

use std::sync::Arc;

use pqfw_framework::transport::{
    BoxFuture, Connection, Datagrams, Delivery, Exchange, ExchangeService, Listener, StreamService,
    Transport, TransportError, TransportInfo, TransportSettings,
};
use pqfw_framework::world::World;

use crate::{datagram, exchange, stream};

/// Exchanges, streams and datagrams over QUIC.
///
/// It needs a tokio runtime, with its clock and its sockets, where futures are polled. It listens
/// on an address such as `127.0.0.1:5000` or `[::1]:0` and connects to one such as
/// `quic://127.0.0.1:5000` or `quic://host.example:5000`.
#[derive(Clone, Copy, Debug, Default)]
pub struct QuicTransport;

impl Transport for QuicTransport {
    fn info(&self) -> TransportInfo {
        TransportInfo {
            name: "quic",
            summary: "QUIC, always under TLS 1.3: exchanges, streams and datagrams",
            deliveries: &[Delivery::Exchange, Delivery::Stream, Delivery::Datagram],
            tls: true,
        }
    }

    fn needs_tls(&self) -> bool {
        true
    }

    fn serve_exchange<'a>(
        &'a self,
        settings: &'a TransportSettings,
        service: Arc<dyn ExchangeService>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(async move { exchange::serve(settings, service, world) })
    }

    fn connect_exchange(
        &self,
        settings: &TransportSettings,
    ) -> Result<Arc<dyn Exchange>, TransportError> {
        exchange::connect(settings)
    }

    fn serve_stream<'a>(
        &'a self,
        settings: &'a TransportSettings,
        service: Arc<dyn StreamService>,
        _: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(async move { stream::serve(settings, service) })
    }

    fn connect_stream<'a>(
        &'a self,
        settings: &'a TransportSettings,
    ) -> BoxFuture<'a, Result<Connection, TransportError>> {
        Box::pin(stream::connect(settings))
    }

    fn bind_datagrams<'a>(
        &'a self,
        settings: &'a TransportSettings,
    ) -> BoxFuture<'a, Result<Arc<dyn Datagrams>, TransportError>> {
        Box::pin(async move { datagram::bind(settings) })
    }
}
