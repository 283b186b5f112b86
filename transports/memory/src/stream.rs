//! Streams between named endpoints of one process.
//!
//! A connection waits in a queue until the server has a place for it (`limits.connections`), as
//! the kernel's accept queue makes it wait; meanwhile its client may write what a pipe holds.

use std::io;
use std::sync::Arc;

use pqfw_framework::transport::{
    BoxFuture, Connection, Listener, StreamService, TransportError, TransportSettings,
};
use pqfw_runtime::desk::{Door, open, usable};
use tokio::sync::{Mutex, mpsc};

use crate::network::{Endpoint, Network, Place};
use crate::pipe;

/// Connections on their way to one endpoint.
pub(crate) type Queue = mpsc::Sender<Connection>;

/// How many connections may wait for a place; further ones wait before they are open.
const QUEUE_CONNECTIONS: usize = 128;

/// Listens under a name.
pub(crate) fn serve(
    network: &Network,
    settings: &TransportSettings,
    service: Arc<dyn StreamService>,
) -> Result<Box<dyn Listener>, TransportError> {
    usable(&settings.limits).map_err(|limit| TransportError::Listen {
        address: settings.listen.clone(),
        reason: format!("with transport.limits.{limit} = 0 nobody would be served"),
    })?;
    let (queue, waiting) = mpsc::channel(QUEUE_CONNECTIONS);
    let place = network.listen(&settings.listen, |_| Endpoint::Stream(queue))?;
    let door = MemoryDoor(Mutex::new(waiting));
    let drive = move |connection, _| service.serve(connection);
    let open = open(place.url().to_owned(), door, settings.limits, drive);
    Ok(Box::new(MemoryListener { place, open }))
}

/// Connects to a name.
pub(crate) async fn connect(
    network: &Network,
    settings: &TransportSettings,
) -> Result<Connection, TransportError> {
    let name = Network::wanted(&settings.connect)?;
    let nobody = || Network::nobody(&settings.connect);
    let Some(Endpoint::Stream(queue)) = network.endpoint(name) else {
        return Err(nobody());
    };
    let (ours, theirs) = pipe::connect("memory:", &settings.connect);
    queue.send(theirs).await.map_err(|_| nobody())?;
    Ok(ours)
}

struct MemoryDoor(Mutex<mpsc::Receiver<Connection>>);

impl Door for MemoryDoor {
    type Visitor = Connection;

    async fn next(&self) -> io::Result<Connection> {
        match self.0.lock().await.recv().await {
            Some(connection) => Ok(connection),
            // The name is gone, and the wish to stop comes next.
            None => std::future::pending().await,
        }
    }
}

struct MemoryListener {
    place: Place,
    open: Box<dyn Listener>,
}

impl Listener for MemoryListener {
    fn url(&self) -> &str {
        self.place.url()
    }

    fn shutdown(self: Box<Self>) -> BoxFuture<'static, ()> {
        drop(self.place);
        self.open.shutdown()
    }
}
