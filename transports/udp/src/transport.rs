//! The door of this crate: UDP as a [`Transport`].

use std::net::SocketAddr;
use std::sync::Arc;

use pqfw_framework::transport::{
    BoxFuture, Datagrams, Delivery, Transport, TransportError, TransportInfo, TransportSettings,
};

use crate::socket::UdpDatagrams;

/// Datagrams over UDP.
///
/// It needs a tokio runtime with its sockets where futures are polled. It listens on an address
/// such as `127.0.0.1:4433` or `[::1]:0`, and its URLs are such as `udp://127.0.0.1:4433`.
#[derive(Clone, Copy, Debug, Default)]
pub struct UdpTransport;

impl Transport for UdpTransport {
    fn info(&self) -> TransportInfo {
        TransportInfo {
            name: "udp",
            summary: "UDP, many packets a call",
            deliveries: &[Delivery::Datagram],
            tls: false,
        }
    }

    fn bind_datagrams<'a>(
        &'a self,
        settings: &'a TransportSettings,
    ) -> BoxFuture<'a, Result<Arc<dyn Datagrams>, TransportError>> {
        Box::pin(async {
            if settings.tls.is_some() {
                return Err(TransportError::Tls(
                    "transport udp speaks no TLS; remove it, or choose a transport that does"
                        .into(),
                ));
            }
            let bound: Arc<dyn Datagrams> = Arc::new(UdpDatagrams::bind(&settings.listen).await?);
            Ok(bound)
        })
    }

    fn resolve<'a>(
        &'a self,
        authority: &'a str,
    ) -> BoxFuture<'a, Result<Vec<SocketAddr>, TransportError>> {
        Box::pin(pqfw_runtime::resolve(authority))
    }
}
