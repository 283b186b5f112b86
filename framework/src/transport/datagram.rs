//! Datagrams: packets that may be lost, doubled and reordered, sent and received in batches.

use std::net::SocketAddr;
use std::sync::Arc;

use super::{BoxFuture, DatagramPath, Mark, TransportError};

/// One packet and whom it goes to or came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// The other end. Anybody can write any address there.
    pub peer: SocketAddr,
    /// The bytes, at most [`Datagrams::max_bytes`].
    pub bytes: Vec<u8>,
}

/// An open datagram socket.
pub trait Datagrams: Send + Sync {
    /// Where others reach it, as a URL with the port that was really bound.
    fn url(&self) -> &str;

    /// The largest packet that is sent in one piece.
    fn max_bytes(&self) -> usize;

    /// Asks the system to keep so many bytes of packets while nobody receives; says how many it
    /// keeps, or `None` where there is no such number.
    fn ask_receive_buffer(&self, _bytes: usize) -> Option<usize> {
        None
    }

    /// A way for threads, where there is one and nobody has it yet. From then on, marked datagrams
    /// come there and all others here. Either can come at the wrong end: those on their way at that
    /// moment, and those that the system put together in one run.
    ///
    /// # Errors
    /// [`TransportError::Listen`] where there is such a way and the system refuses it now.
    fn path(&self, _mark: Mark) -> Result<Option<Arc<dyn DatagramPath>>, TransportError> {
        Ok(None)
    }

    /// Sends packets in order, as many at once as the system takes, and waits for the rest. A
    /// packet that the network refuses is lost, as on the way.
    ///
    /// # Errors
    /// [`TransportError::TooLarge`] before anything is sent; [`TransportError::Broken`] when the
    /// socket is no more.
    fn send<'a>(&'a self, packets: &'a [Packet]) -> BoxFuture<'a, Result<(), TransportError>>;

    /// Waits for at least one packet and gives at most `limit` that are there. Safe to drop:
    /// nothing is lost then.
    ///
    /// # Errors
    /// [`TransportError::Broken`].
    fn receive(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Packet>, TransportError>>;
}
