//! The door of this crate: TCP as a [`Transport`].

use std::net::SocketAddr;
use std::sync::Arc;

use pqfw_framework::transport::{
    BoxFuture, Connection, Datagrams, Delivery, Exchange, ExchangeService, Listener, StreamService,
    Transport, TransportError, TransportInfo, TransportSettings,
};
use pqfw_framework::world::World;

use crate::{datagram, exchange, stream};

/// Streams, exchanges and datagrams over TCP.
///
/// It needs a tokio runtime, with its clock and its sockets, where futures are polled, and nowhere
/// else. It listens on an address such as `127.0.0.1:5000` or `[::1]:0` and connects to one such
/// as `tcp://127.0.0.1:5000` or `tcp://host.example:5000`.
#[derive(Clone, Copy, Debug, Default)]
pub struct TcpTransport;

impl Transport for TcpTransport {
    fn info(&self) -> TransportInfo {
        TransportInfo {
            name: "tcp",
            summary: "TCP: bytes as they are, or exchanges or packets in frames; TLS 1.3 if the profile says",
            deliveries: &[Delivery::Exchange, Delivery::Stream, Delivery::Datagram],
            tls: true,
        }
    }

    fn serve_exchange<'a>(
        &'a self,
        settings: &'a TransportSettings,
        service: Arc<dyn ExchangeService>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(exchange::serve(settings, service, world))
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
        Box::pin(stream::serve(settings, service))
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
        Box::pin(datagram::bind(settings))
    }

    fn resolve<'a>(
        &'a self,
        authority: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, TransportError>> {
        Box::pin(pqfw_runtime::resolve(authority))
    }
}
