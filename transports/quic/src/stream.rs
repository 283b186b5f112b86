//! Streams: each is one bidirectional stream on a connection of its own.
//!
//! QUIC tells a server of a stream with its first byte, and some protocols let the server speak
//! first. So the client begins with a preface, which also says that both mean the same.

use std::sync::Arc;

use pqfw_framework::transport::{
    BoxFuture, Connection, Listener, StreamReader, StreamService, StreamWriter, TransportError,
    TransportSettings,
};
use pqfw_runtime::desk::seconds;
use quinn::{Incoming, RecvStream};
use tokio::time::timeout;

use crate::SCHEME;
use crate::endpoint::{Dialer, QuicDoor, Use, broken, greet, open};
use crate::sending::Sending;

/// `PQFS`, version 1.
const PREFACE: [u8; 6] = *b"PQFS\x00\x01";

/// Listens, and gives every stream to the service.
pub(crate) fn serve(
    settings: &TransportSettings,
    service: Arc<dyn StreamService>,
) -> Result<Box<dyn Listener>, TransportError> {
    let door = QuicDoor::bind(settings, Use::Stream)?;
    let limits = settings.limits;
    let drive = move |visitor: Incoming, _| {
        let service = service.clone();
        async move {
            let secs = limits.request_secs;
            let Some(quic) = greet(visitor, secs).await else {
                return;
            };
            let begun = async {
                let (sending, mut receiving) = quic.accept_bi().await.ok()?;
                let mut preface = [0; PREFACE.len()];
                receiving.read_exact(&mut preface).await.ok()?;
                (preface == PREFACE).then_some((sending, receiving))
            };
            if let Ok(Some((sending, receiving))) = timeout(seconds(secs), begun).await {
                let peer = format!("{SCHEME}{}", quic.remote_address());
                let sending = Sending::new(sending, &quic);
                let stream = connection(sending, receiving, quic, peer, limits.idle_secs);
                service.serve(stream).await;
            }
        }
    };
    Ok(open(door, limits, drive))
}

/// Connects.
pub(crate) async fn connect(settings: &TransportSettings) -> Result<Connection, TransportError> {
    let dialer = Dialer::new(settings, Use::Stream)?;
    let quic = dialer.dial().await?;
    let opened = quic.open_bi().await;
    let (sending, receiving) = opened.map_err(|error| broken(dialer.url(), &error))?;
    let mut sending = Sending::new(sending, &quic);
    let sent = sending.write_all(&PREFACE).await;
    sent.map_err(|error| broken(dialer.url(), &error))?;
    let peer = dialer.url().to_owned();
    let idle_secs = settings.limits.idle_secs;
    Ok(connection(sending, receiving, quic, peer, idle_secs))
}

fn connection(
    sending: Sending,
    receiving: RecvStream,
    quic: quinn::Connection,
    peer: String,
    idle_secs: u64,
) -> Connection {
    Connection {
        reader: Box::new(QuicReader {
            stream: receiving,
            _quic: quic,
            peer: peer.clone(),
            over: None,
        }),
        writer: Box::new(QuicWriter {
            stream: sending,
            peer: peer.clone(),
            idle_secs,
        }),
        peer,
    }
}

struct QuicReader {
    stream: RecvStream,
    /// The last handle of a connection closes it.
    _quic: quinn::Connection,
    peer: String,
    /// How the peer's direction ended, once it did.
    over: Option<Result<(), TransportError>>,
}

impl StreamReader for QuicReader {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async move {
            if let Some(over) = &self.over {
                return over.clone().map(|()| 0);
            }
            match self.stream.read(buffer).await {
                Ok(Some(length)) => Ok(length),
                Ok(None) => {
                    self.over = Some(Ok(()));
                    Ok(0)
                }
                Err(error) => {
                    let broken = broken(&self.peer, &error);
                    self.over = Some(Err(broken.clone()));
                    Err(broken)
                }
            }
        })
    }
}

struct QuicWriter {
    stream: Sending,
    peer: String,
    idle_secs: u64,
}

impl StreamWriter for QuicWriter {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let sent = self.stream.write_all(bytes).await;
            sent.map_err(|error| broken(&self.peer, &error))
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        let finished = self.stream.finish(self.idle_secs);
        let finished = finished.map_err(|error| broken(&self.peer, &error));
        Box::pin(std::future::ready(finished))
    }
}
