//! The listening socket.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use pqfw_framework::transport::{ExchangeService, Listener, TransportError, TransportSettings};
use pqfw_framework::world::World;
use pqfw_runtime::desk::{Desk, Door, open, usable};
use tokio::net::{TcpListener, TcpStream};

use crate::address::listen_address;
use crate::connection::drive;

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
    let socket = TcpListener::bind(address).await;
    let socket = socket.map_err(|error| no(error.to_string()))?;
    let bound = socket.local_addr().map_err(|error| no(error.to_string()))?;
    let desk = Arc::new(Desk::new(settings.limits, service, world));
    let url = format!("http://{bound}");
    let drive = move |(stream, peer): (TcpStream, SocketAddr), stop| {
        drive(stream, peer.ip().to_canonical(), desk.clone(), stop)
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
