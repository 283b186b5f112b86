//! Datagrams over TCP, for networks that let no UDP through.
//!
//! ```text
//!  preface  "PQFD" version(2)        once, in each direction
//!  packet   length(2) bytes          until the end
//! ```
//!
//! To send to an address for the first time connects to it; whoever connects is answered over the
//! same connection, under the address that it came from. Packets are lost when no connection can be
//! made, when one breaks, and when [`QUEUE_PACKETS`] wait for it already: a peer that reads nothing
//! holds up nobody else. What arrived waits, and its sender with it. A connection on which nothing
//! moves for `idle_secs` is closed; no more than `connections` are made, and as many accepted.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pqfw_framework::transport::{
    BoxFuture, Datagrams, Listener, Packet, TransportError, TransportSettings,
};
use pqfw_framework::wire::{Reader, Writer};
use pqfw_runtime::Target;
use pqfw_runtime::desk::{Stop, WriteDeadline, open, seconds};
use pqfw_tls::TlsClient;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::SCHEME;
use crate::socket::{Socket, TcpDoor, Visitor, dial, dialled_tls};

/// What each direction begins with.
const PREFACE: [u8; 6] = *b"PQFD\x00\x01";

/// The most that a length can say.
const MAX_BYTES: usize = 65_535;

/// Packets that wait for one connection; further ones are lost.
pub const QUEUE_PACKETS: usize = 256;

/// Packets that have arrived and wait for the application.
const ARRIVED_PACKETS: usize = 256;

/// Listens, and sends and receives packets.
pub(crate) async fn bind(
    settings: &TransportSettings,
) -> Result<Arc<dyn Datagrams>, TransportError> {
    let (url, door) = TcpDoor::bind(settings).await?;
    let (arrived, arrivals) = mpsc::channel(ARRIVED_PACKETS);
    let peers = Arc::new(Peers {
        settings: settings.clone(),
        tls: dialled_tls(settings)?,
        links: Mutex::default(),
        arrived,
    });
    let served = peers.clone();
    let drive = move |visitor: Visitor, stop: Stop| served.clone().welcome(visitor, stop);
    Ok(Arc::new(TcpDatagrams {
        listener: Mutex::new(open(url.clone(), door, settings.limits, drive)),
        url,
        peers,
        dialled: Mutex::default(),
        arrivals: tokio::sync::Mutex::new(arrivals),
    }))
}

struct TcpDatagrams {
    /// Stops when it is dropped.
    #[expect(dead_code, reason = "it is held for its drop")]
    listener: Mutex<Box<dyn Listener>>,
    url: String,
    peers: Arc<Peers>,
    /// The connections that this end makes, which end with it.
    dialled: Mutex<JoinSet<()>>,
    arrivals: tokio::sync::Mutex<mpsc::Receiver<Packet>>,
}

/// The connections of one socket.
struct Peers {
    settings: TransportSettings,
    /// How connections are dialled.
    tls: Option<TlsClient>,
    links: Mutex<BTreeMap<SocketAddr, Queue>>,
    arrived: mpsc::Sender<Packet>,
}

/// Packets on their way to one peer.
type Queue = mpsc::Sender<Vec<u8>>;

/// A panic elsewhere cannot leave these half changed: nothing under their locks panics.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TcpDatagrams {
    /// Queues a packet for its peer, on a new connection when there is none.
    fn post(&self, packet: &Packet) {
        let mut links = lock(&self.peers.links);
        let queue = match links.get(&packet.peer) {
            Some(queue) => queue.clone(),
            None => {
                let mut dialled = lock(&self.dialled);
                while dialled.try_join_next().is_some() {}
                if dialled.len() >= self.peers.settings.limits.connections {
                    return;
                }
                let (queue, packets) = mpsc::channel(QUEUE_PACKETS);
                links.insert(packet.peer, queue.clone());
                dialled.spawn(self.peers.clone().call(packet.peer, queue.clone(), packets));
                queue
            }
        };
        // A queue that is full loses it.
        let _ = queue.try_send(packet.bytes.clone());
    }
}

impl Peers {
    /// Drives a connection that came in.
    async fn welcome(self: Arc<Self>, visitor: Visitor, mut stop: Stop) {
        let peer = visitor.peer();
        let Some(socket) = visitor.greet().await else {
            return;
        };
        let (queue, packets) = mpsc::channel(QUEUE_PACKETS);
        lock(&self.links).insert(peer, queue.clone());
        let _listed = Listed {
            peers: &self,
            peer,
            queue,
        };
        tokio::select! {
            _ = self.drive(socket, peer, packets) => {}
            () = stop.requested() => {}
        }
    }

    /// Makes a connection and drives it. What goes wrong loses packets, as on any network.
    async fn call(
        self: Arc<Self>,
        peer: SocketAddr,
        queue: Queue,
        packets: mpsc::Receiver<Vec<u8>>,
    ) {
        let _listed = Listed {
            peers: &self,
            peer,
            queue,
        };
        let target = Target::of(SCHEME, peer);
        let secs = self.settings.limits.request_secs;
        if let Ok(socket) = dial(&target, self.tls.as_ref(), secs).await {
            let _ = self.drive(socket, peer, packets).await;
        }
    }

    /// Moves packets both ways until the connection breaks, or nothing has moved for too long.
    async fn drive(
        &self,
        socket: Socket,
        peer: SocketAddr,
        packets: mpsc::Receiver<Vec<u8>>,
    ) -> io::Result<()> {
        let limits = &self.settings.limits;
        let socket = WriteDeadline::new(socket, seconds(limits.request_secs));
        let (receiving, sending) = split(socket);
        let moved = AtomicBool::new(false);
        tokio::select! {
            ended = self.read(receiving, peer, &moved) => ended,
            ended = write(sending, packets, &moved) => ended,
        }
    }

    async fn read(
        &self,
        mut receiving: impl AsyncRead + Unpin,
        peer: SocketAddr,
        moved: &AtomicBool,
    ) -> io::Result<()> {
        let idle = seconds(self.settings.limits.idle_secs);
        let mut inbox = Inbox::default();
        let mut buffer = vec![0; READ_BYTES];
        loop {
            while let Some(bytes) = inbox.next()? {
                // An error says that the socket is being dropped.
                let arrived = self.arrived.send(Packet { peer, bytes }).await;
                arrived.map_err(io::Error::other)?;
            }
            match timeout(idle, receiving.read(&mut buffer)).await {
                Ok(read) => match read? {
                    0 => return Ok(()),
                    length => inbox.push(buffer.get(..length).unwrap_or_default()),
                },
                Err(_) if moved.swap(false, Ordering::Relaxed) => {}
                Err(_) => return Ok(()),
            }
        }
    }
}

const READ_BYTES: usize = 64 << 10;

async fn write(
    mut sending: impl AsyncWrite + Unpin,
    mut packets: mpsc::Receiver<Vec<u8>>,
    moved: &AtomicBool,
) -> io::Result<()> {
    sending.write_all(&PREFACE).await?;
    let mut batch = Vec::new();
    loop {
        sending.flush().await?;
        if packets.recv_many(&mut batch, BATCH_PACKETS).await == 0 {
            return sending.shutdown().await;
        }
        let mut writer = Writer::new();
        for packet in batch.drain(..) {
            let written = writer.vector16("packet", &packet);
            written.map_err(io::Error::other)?;
        }
        sending.write_all(&writer.finish()).await?;
        moved.store(true, Ordering::Relaxed);
    }
}

/// Packets that are written together.
const BATCH_PACKETS: usize = 32;

/// A connection in the list while it is driven.
struct Listed<'a> {
    peers: &'a Peers,
    peer: SocketAddr,
    queue: Queue,
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        let mut links = lock(&self.peers.links);
        // Another connection may have taken the address over.
        if links
            .get(&self.peer)
            .is_some_and(|queue| queue.same_channel(&self.queue))
        {
            links.remove(&self.peer);
        }
    }
}

/// Bytes to packets.
#[derive(Debug, Default)]
struct Inbox {
    buffer: Vec<u8>,
    taken: usize,
    prefaced: bool,
}

impl Inbox {
    fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next packet that is whole. An error is another protocol.
    fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        let rest = self.buffer.get(self.taken..).unwrap_or_default();
        let mut reader = Reader::new(rest);
        if !self.prefaced {
            let there = rest.len().min(PREFACE.len());
            if rest.get(..there) != PREFACE.get(..there) {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if reader.bytes("preface", PREFACE.len()).is_err() {
                return Ok(None);
            }
            self.prefaced = true;
        }
        let packet = reader
            .vector16("packet", MAX_BYTES)
            .map(<[u8]>::to_vec)
            .ok();
        self.taken = self.buffer.len().saturating_sub(reader.remaining());
        Ok(packet)
    }
}

impl Datagrams for TcpDatagrams {
    fn url(&self) -> &str {
        &self.url
    }

    fn max_bytes(&self) -> usize {
        MAX_BYTES
    }

    fn send<'a>(&'a self, packets: &'a [Packet]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            if let Some(large) = packets.iter().find(|packet| packet.bytes.len() > MAX_BYTES) {
                return Err(TransportError::TooLarge {
                    address: large.peer.to_string(),
                    limit: MAX_BYTES,
                });
            }
            for packet in packets {
                self.post(packet);
            }
            Ok(())
        })
    }

    fn receive(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Packet>, TransportError>> {
        Box::pin(async move {
            let mut packets = Vec::new();
            let mut arrivals = self.arrivals.lock().await;
            match arrivals.recv_many(&mut packets, limit.max(1)).await {
                0 => Err(TransportError::Broken {
                    address: self.url.clone(),
                    reason: "the socket is closed".into(),
                }),
                _ => Ok(packets),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn another_protocol_is_refused_at_its_first_byte() {
        for wrong in [&b"G"[..], b"PQFX", b"PQFD\x00\x02"] {
            let mut inbox = Inbox::default();
            inbox.push(wrong);
            assert!(inbox.next().is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn packets_arrive_whatever_the_pieces(
            packets in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..20),
            piece in 1..500_usize,
        ) {
            let mut wire = Writer::new();
            wire.bytes(&PREFACE);
            for packet in &packets {
                wire.vector16("packet", packet).unwrap();
            }
            let (mut inbox, mut seen) = (Inbox::default(), Vec::new());
            for piece in wire.finish().chunks(piece) {
                inbox.push(piece);
                while let Some(packet) = inbox.next().unwrap() {
                    seen.push(packet);
                }
            }
            prop_assert_eq!(seen, packets);
        }
    }
}
