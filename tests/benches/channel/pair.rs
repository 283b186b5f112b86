//! Streams for both sides of the comparison: inside one process, and over TCP on loopback.

use std::net::Ipv4Addr;

use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamWriter, TransportError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
use tokio::net::{TcpListener, TcpStream};

/// What is sent in each direction.
pub(crate) const BULK_BYTES: usize = 16 << 20;

/// What of it is written and read at once.
pub(crate) const CHUNK: usize = 64 << 10;

/// What one end of a stream in memory may be ahead of the other.
const AHEAD_BYTES: usize = 64 << 10;

/// A stream in memory.
pub(crate) fn memory() -> (DuplexStream, DuplexStream) {
    duplex(AHEAD_BYTES)
}

/// A stream over TCP, as `pqfw-tcp` opens them: what is written is sent at once.
pub(crate) async fn loopback() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let listener = listener.await.expect("listens");
    let address = listener.local_addr().expect("is bound");
    let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
    let (near, (far, _)) = (near.expect("connects"), far.expect("accepts"));
    for end in [&near, &far] {
        end.set_nodelay(true).expect("sends at once");
    }
    (near, far)
}

/// A stream in memory as our transports give them.
pub(crate) fn connection(stream: DuplexStream) -> Connection {
    let (reader, writer) = split(stream);
    Connection {
        reader: Box::new(Reader(reader)),
        writer: Box::new(Writer(writer)),
        peer: "memory:".into(),
    }
}

struct Reader(ReadHalf<DuplexStream>);

impl StreamReader for Reader {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async move { self.0.read(buffer).await.map_err(|error| broken(&error)) })
    }
}

struct Writer(WriteHalf<DuplexStream>);

impl StreamWriter for Writer {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            self.0
                .write_all(bytes)
                .await
                .map_err(|error| broken(&error))
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        Box::pin(async move { self.0.shutdown().await.map_err(|error| broken(&error)) })
    }
}

fn broken(error: &std::io::Error) -> TransportError {
    TransportError::Broken {
        address: "memory:".into(),
        reason: error.to_string(),
    }
}
