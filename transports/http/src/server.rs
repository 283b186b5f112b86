//! The listening socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use pqfw_framework::transport::{ExchangeService, Listener, TransportError, TransportSettings};
use pqfw_framework::world::World;
use pqfw_runtime::desk::{Desk, Door, open, seconds, usable};
use pqfw_runtime::listen_address;
use pqfw_tls::{TlsServer, Wire};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::connection::drive;
use crate::connector::HTTP_1_1;

/// Listens, and serves until the listener is shut down or dropped.
pub(crate) async fn serve(
    settings: &TransportSettings,
    service: Arc<dyn ExchangeService>,
    world: Arc<dyn World>,
) -> Result<Box<dyn Listener>, TransportError> {
    let address = listen_address(&settings.listen)?;
    let no = |reason: String| TransportError::Listen {
        address: settings.listen.clone(),
        reason,
    };
    usable(&settings.limits).map_err(|limit| {
        no(format!(
            "with transport.limits.{limit} = 0 no request would be answered"
        ))
    })?;
    let tls = settings.tls.as_deref();
    let tls = tls
        .map(|tls| TlsServer::new(tls, &[HTTP_1_1]))
        .transpose()?;
    let socket = TcpListener::bind(address).await;
    let socket = socket.map_err(|error| no(error.to_string()))?;
    let bound = socket.local_addr().map_err(|error| no(error.to_string()))?;
    let desk = Arc::new(Desk::new(settings.limits, service, world));
    let scheme = if tls.is_some() { "https" } else { "http" };
    let (url, secs) = (format!("{scheme}://{bound}"), settings.limits.request_secs);
    let drive = move |(stream, peer): (TcpStream, SocketAddr), stop| {
        let (desk, tls) = (desk.clone(), tls.clone());
        async move {
            let wire = match tls {
                None => Wire::Plain(stream),
                // A peer that fails at the handshake, or takes too long, is not told more.
                Some(tls) => match timeout(seconds(secs), tls.accept(stream)).await {
                    Ok(Ok(shaken)) => Wire::tls(shaken),
                    _ => return,
                },
            };
            drive(wire, peer.ip().to_canonical(), desk, stop).await;
        }
    };
    Ok(open(url, HttpDoor(socket), settings.limits, drive))
}

struct HttpDoor(TcpListener);

impl Door for HttpDoor {
    type Visitor = (TcpStream, SocketAddr);

    async fn next(&self) -> io::Result<Self::Visitor> {
        let (stream, peer) = self.0.accept().await?;
        // Answers are written whole, so there is nothing for Nagle's algorithm to gather. Where it
        // cannot be switched off they are late and not wrong.
        let _ = stream.set_nodelay(true);
        Ok((stream, peer))
    }
}
