//! Doors on TCP.

use std::io;
use std::sync::Arc;

use pqfw_framework::transport::{Listener, TransportError};
use pqfw_runtime::desk::{self, Door};
use pqfw_runtime::listen_address;
use tokio::net::{TcpListener, TcpStream};

use crate::LIMITS;
use crate::answer::Answers;
use crate::connection::drive;

/// Listens at an address, and answers until the listener is shut down or dropped.
pub(crate) async fn open(
    listen: &str,
    answers: Arc<dyn Answers>,
) -> Result<Box<dyn Listener>, TransportError> {
    let address = listen_address(listen)?;
    let no = |error: io::Error| TransportError::Listen {
        address: listen.to_owned(),
        reason: error.to_string(),
    };
    let socket = TcpListener::bind(address).await.map_err(no)?;
    let url = format!("http://{}", socket.local_addr().map_err(no)?);
    let drive = move |stream: TcpStream, stop| drive(stream, answers.clone(), stop);
    Ok(desk::open(url, TcpDoor(socket), LIMITS, drive))
}

struct TcpDoor(TcpListener);

impl Door for TcpDoor {
    type Visitor = TcpStream;

    async fn next(&self) -> io::Result<TcpStream> {
        Ok(self.0.accept().await?.0)
    }
}

/// There are no Unix sockets on this machine.
#[cfg(not(unix))]
pub(crate) async fn unsupported(
    path: &std::path::Path,
    _: Arc<dyn Answers>,
) -> Result<Box<dyn Listener>, TransportError> {
    std::future::ready(Err(TransportError::Listen {
        address: path.display().to_string(),
        reason: "this system has no Unix sockets; use a loopback port".into(),
    }))
    .await
}
