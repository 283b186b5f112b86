//! Streams: reliable bytes in order, both ways, each direction ended by itself.

use super::{BoxFuture, TransportError};

/// The two halves of an open stream. Dropping both closes it.
pub struct Connection {
    /// What the peer sends.
    pub reader: Box<dyn StreamReader>,
    /// What is sent to the peer.
    pub writer: Box<dyn StreamWriter>,
    /// Who is at the other end, for messages and for limits by address. Never proof of identity.
    pub peer: String,
}

impl Connection {
    /// Both halves, to be [joined](crate::splice::splice) with another's.
    pub fn ends(&mut self) -> (&mut dyn StreamReader, &mut dyn StreamWriter) {
        (&mut *self.reader, &mut *self.writer)
    }
}

/// The receiving half of a stream.
pub trait StreamReader: Send {
    /// Waits for bytes and gives how many were put at the beginning of `buffer`; 0 when the peer
    /// ended its direction, and again at every later call. Safe to drop: nothing is lost then.
    ///
    /// # Errors
    /// [`TransportError::Broken`] when the stream ended without the peer having ended it.
    fn read<'a>(&'a mut self, buffer: &'a mut [u8])
    -> BoxFuture<'a, Result<usize, TransportError>>;
}

/// The sending half of a stream.
pub trait StreamWriter: Send {
    /// Sends all of `bytes`, waiting while the peer takes none. Dropped half-way, some of them may
    /// have been sent, and the stream is good for nothing any more.
    ///
    /// # Errors
    /// [`TransportError::Broken`].
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>>;

    /// Ends this direction: the peer reads 0 after all that was sent. The other direction lives on.
    ///
    /// # Errors
    /// [`TransportError::Broken`].
    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>>;
}

/// The server's side of a protocol on streams.
pub trait StreamService: Send + Sync {
    /// Serves one connection to its end. The transport runs it beside all others, drops it when
    /// the process ends, and calls nothing that blocks.
    fn serve(&self, connection: Connection) -> BoxFuture<'static, ()>;
}
