//! Streams: TCP as it is.
//!
//! What is written is sent at once. `idle_secs` and `request_secs` bound nothing here but the
//! making of a connection and the end of a server: how long a stream may be silent is for the
//! protocol to say, which knows what it waits for.

use std::sync::Arc;

use pqfw_framework::transport::{
    BoxFuture, Connection, Listener, StreamReader, StreamService, StreamWriter, TransportError,
    TransportSettings,
};
use pqfw_runtime::Target;
use pqfw_runtime::desk::open;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};

use crate::SCHEME;
use crate::socket::{Socket, TcpDoor, Visitor, dial, dialled_tls};

/// Listens, and gives every connection to the service.
pub(crate) async fn serve(
    settings: &TransportSettings,
    service: Arc<dyn StreamService>,
) -> Result<Box<dyn Listener>, TransportError> {
    let (url, door) = TcpDoor::bind(settings).await?;
    let drive = move |visitor: Visitor, _| {
        let service = service.clone();
        async move {
            let peer = visitor.url();
            if let Some(socket) = visitor.greet().await {
                service.serve(connection(socket, peer)).await;
            }
        }
    };
    Ok(open(url, door, settings.limits, drive))
}

/// Connects.
pub(crate) async fn connect(settings: &TransportSettings) -> Result<Connection, TransportError> {
    let target = Target::parse(SCHEME, &settings.connect)?;
    let tls = dialled_tls(settings)?;
    let socket = dial(&target, tls.as_ref(), settings.limits.request_secs).await?;
    Ok(connection(socket, target.url().to_owned()))
}

fn connection(socket: Socket, peer: String) -> Connection {
    let (reading, writing) = split(socket);
    Connection {
        reader: Box::new(TcpReader {
            half: reading,
            peer: peer.clone(),
            over: None,
        }),
        writer: Box::new(TcpWriter {
            half: writing,
            peer: peer.clone(),
        }),
        peer,
    }
}

struct TcpReader {
    half: ReadHalf<Socket>,
    peer: String,
    /// How the peer's direction ended, once it did.
    over: Option<Result<(), TransportError>>,
}

impl StreamReader for TcpReader {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async move {
            if let Some(over) = &self.over {
                return over.clone().map(|()| 0);
            }
            let wanted = buffer.len();
            match self.half.read(buffer).await {
                Ok(0) if wanted > 0 => {
                    self.over = Some(Ok(()));
                    Ok(0)
                }
                Ok(length) => Ok(length),
                Err(error) => {
                    let broken = broken(&self.peer, &error);
                    self.over = Some(Err(broken.clone()));
                    Err(broken)
                }
            }
        })
    }
}

struct TcpWriter {
    half: WriteHalf<Socket>,
    peer: String,
}

impl StreamWriter for TcpWriter {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let sent = async {
                self.half.write_all(bytes).await?;
                self.half.flush().await
            };
            sent.await.map_err(|error| broken(&self.peer, &error))
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async move {
            let finished = self.half.shutdown().await;
            finished.map_err(|error| broken(&self.peer, &error))
        })
    }
}

/// The peer's or network's fault, as the operating system tells it.
pub(crate) fn broken(peer: &str, error: &std::io::Error) -> TransportError {
    TransportError::Broken {
        address: peer.to_owned(),
        reason: error.to_string(),
    }
}
