//! An open TLS stream as a [`Connection`].
//!
//! The end of a direction is TLS's close_notify (RFC 8446 section 6.1). A stream that just stops
//! was cut off, by whoever, and that is [`TransportError::Broken`], never an end.

use std::io;

use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamWriter, TransportError,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio_rustls::TlsStream;

/// Makes a connection of a stream after its handshake; `peer` is for messages.
pub fn connection<S>(stream: impl Into<TlsStream<S>>, peer: &str) -> Connection
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (reader, writer) = split(stream.into());
    Connection {
        reader: Box::new(Reader {
            stream: reader,
            peer: peer.to_owned(),
        }),
        writer: Box::new(Writer {
            stream: writer,
            peer: peer.to_owned(),
        }),
        peer: peer.to_owned(),
    }
}

struct Reader<S> {
    stream: ReadHalf<TlsStream<S>>,
    peer: String,
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> StreamReader for Reader<S> {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async move {
            let read = self.stream.read(buffer).await;
            read.map_err(|error| broken(&self.peer, &error))
        })
    }
}

struct Writer<S> {
    stream: WriteHalf<TlsStream<S>>,
    peer: String,
}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> StreamWriter for Writer<S> {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let written = async {
                self.stream.write_all(bytes).await?;
                // rustls keeps what the stream below did not take.
                self.stream.flush().await
            };
            written.await.map_err(|error| broken(&self.peer, &error))
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async move {
            let finished = self.stream.shutdown().await;
            finished.map_err(|error| broken(&self.peer, &error))
        })
    }
}

fn broken(peer: &str, error: &io::Error) -> TransportError {
    TransportError::Broken {
        address: peer.to_owned(),
        reason: match error.kind() {
            io::ErrorKind::UnexpectedEof => "cut off before the peer ended it".into(),
            _ => error.to_string(),
        },
    }
}
