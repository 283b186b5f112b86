//! The door of this crate: HTTP as a [`Transport`].

use std::sync::Arc;

use pqfw_framework::transport::{
    BoxFuture, Delivery, Exchange, ExchangeService, Listener, Transport, TransportError,
    TransportInfo, TransportSettings,
};
use pqfw_framework::world::World;

use crate::client::HttpExchange;
use crate::server::serve;

/// Exchanges over HTTP/1.1.
///
/// It needs a tokio runtime, with its clock and its sockets, where futures are polled, and nowhere
/// else. It listens on an address such as `127.0.0.1:8000` or `[::1]:0` and connects to one such
/// as `http://127.0.0.1:8000` or `http://host.example/below/here`.
#[derive(Clone, Copy, Debug, Default)]
pub struct HttpTransport;

impl Transport for HttpTransport {
    fn info(&self) -> TransportInfo {
        TransportInfo {
            name: "http",
            summary: "HTTP/1.1 over TCP; TLS 1.3 if the profile says",
            deliveries: &[Delivery::Exchange],
            tls: true,
        }
    }

    fn serve_exchange<'a>(
        &'a self,
        settings: &'a TransportSettings,
        service: Arc<dyn ExchangeService>,
        world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<Box<dyn Listener>, TransportError>> {
        Box::pin(serve(settings, service, world))
    }

    fn connect_exchange(
        &self,
        settings: &TransportSettings,
    ) -> Result<Arc<dyn Exchange>, TransportError> {
        Ok(Arc::new(HttpExchange::new(settings)?))
    }
}
