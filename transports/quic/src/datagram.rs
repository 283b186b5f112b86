//! Datagrams (RFC 9221): packets of one connection for each peer, over one socket.
//!
//! A packet to a peer without a connection makes one; packets to it wait meanwhile, and beyond
//! [`WAITING_PACKETS`] they are lost, as on the way. Whoever connects is a peer by its address.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::transport::{
    BoxFuture, Datagrams, Packet, TransportError, TransportLimits, TransportSettings,
};
use pqfw_runtime::desk::{seconds, usable};
use pqfw_runtime::listen_address;
use quinn::{ClientConfig, Connection, Endpoint};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::time::timeout;

use crate::SCHEME;
use crate::endpoint::{PACKET_BYTES, Use, client_config, endpoint, greet, server_config};

/// What fits a [`PACKET_BYTES`] behind QUIC's own bytes: 1 + 20 + 4 for the header, 16 for the tag, 3
/// for the frame.
const MAX_BYTES: usize = PACKET_BYTES as usize - 44;

/// Packets to one peer that were not sent yet.
const WAITING_PACKETS: usize = 256;

/// Packets that came in and that nobody received yet.
const UNREAD_PACKETS: usize = 1024;

/// Opens a socket for packets.
pub(crate) fn bind(settings: &TransportSettings) -> Result<Arc<dyn Datagrams>, TransportError> {
    let address = listen_address(&settings.listen)?;
    let no = |reason: String| TransportError::Listen {
        address: settings.listen.clone(),
        reason,
    };
    usable(&settings.limits)
        .map_err(|limit| no(format!("with transport.limits.{limit} = 0 nobody is heard")))?;
    let client = client_config(settings, Use::Datagram)?;
    let server = server_config(settings, Use::Datagram)?;
    let endpoint = endpoint(address, Some(server), settings)?;
    let bound = endpoint.local_addr();
    let bound = bound.map_err(|error| no(error.to_string()))?;
    let (heard, unread) = mpsc::channel(UNREAD_PACKETS);
    let hub = Arc::new(Hub {
        endpoint,
        client,
        limits: settings.limits,
        peers: Mutex::default(),
        heard,
    });
    let accepting = tokio::spawn(accept(Arc::downgrade(&hub)));
    Ok(Arc::new(QuicDatagrams {
        url: format!("{SCHEME}{bound}"),
        hub,
        unread: tokio::sync::Mutex::new(unread),
        accepting,
    }))
}

/// An open socket. To drop it closes every connection.
struct QuicDatagrams {
    url: String,
    hub: Arc<Hub>,
    unread: tokio::sync::Mutex<mpsc::Receiver<Packet>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Drop for QuicDatagrams {
    fn drop(&mut self) {
        self.accepting.abort();
        self.hub.endpoint.close(0_u8.into(), b"goodbye");
    }
}

struct Hub {
    endpoint: Endpoint,
    client: ClientConfig,
    limits: TransportLimits,
    /// Where packets to each peer go.
    peers: Mutex<BTreeMap<SocketAddr, mpsc::Sender<Vec<u8>>>>,
    heard: mpsc::Sender<Packet>,
}

async fn accept(hub: std::sync::Weak<Hub>) {
    let Some(endpoint) = hub.upgrade().map(|hub| hub.endpoint.clone()) else {
        return;
    };
    while let Some(incoming) = endpoint.accept().await {
        let Some(hub) = hub.upgrade() else {
            return;
        };
        let peer = incoming.remote_address();
        let Some(waiting) = hub.enter(peer) else {
            incoming.refuse();
            continue;
        };
        tokio::spawn(async move {
            if let Some(quic) = greet(incoming, hub.limits.request_secs).await {
                hub.carry(peer, quic, waiting).await;
            } else {
                hub.leave(peer);
            }
        });
    }
}

impl Hub {
    /// Makes a place for a peer, in the stead of one that it had; `None` when all are taken.
    fn enter(&self, peer: SocketAddr) -> Option<mpsc::Receiver<Vec<u8>>> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.len() >= self.limits.connections && !peers.contains_key(&peer) {
            return None;
        }
        let (sender, waiting) = mpsc::channel(WAITING_PACKETS);
        peers.insert(peer, sender);
        Some(waiting)
    }

    /// Forgets a peer, unless it came back by another connection meanwhile.
    fn leave(&self, peer: SocketAddr) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        if peers.get(&peer).is_some_and(mpsc::Sender::is_closed) {
            peers.remove(&peer);
        }
    }

    /// Sends what waits and hears what comes until the connection ends.
    async fn carry(
        &self,
        peer: SocketAddr,
        quic: Connection,
        mut waiting: mpsc::Receiver<Vec<u8>>,
    ) {
        let mut sending = true;
        loop {
            tokio::select! {
                bytes = waiting.recv(), if sending => match bytes {
                    // A packet that does not fit, or comes too late, is lost as on the way.
                    Some(bytes) => drop(quic.send_datagram(bytes.into())),
                    None => sending = false,
                },
                heard = quic.read_datagram() => match heard {
                    Ok(bytes) => {
                        let packet = Packet { peer, bytes: bytes.to_vec() };
                        if let Err(TrySendError::Closed(_)) = self.heard.try_send(packet) {
                            break;
                        }
                    }
                    Err(_) => break,
                },
            }
        }
        drop(waiting);
        self.leave(peer);
    }

    /// Puts a packet where it will be sent, on a connection that is made for it if need be.
    fn post(self: &Arc<Self>, packet: &Packet) {
        let mut bytes = packet.bytes.clone();
        let known = {
            let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
            peers.get(&packet.peer).cloned()
        };
        if let Some(known) = known {
            match known.try_send(bytes) {
                Ok(()) | Err(TrySendError::Full(_)) => return,
                Err(TrySendError::Closed(unsent)) => bytes = unsent,
            }
        }
        let Some(waiting) = self.enter(packet.peer) else {
            return;
        };
        let (hub, peer) = (self.clone(), packet.peer);
        {
            let peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(sender) = peers.get(&peer) {
                // A fresh channel has room.
                let _ = sender.try_send(bytes);
            }
        }
        tokio::spawn(async move {
            match hub.dial(peer).await {
                Some(quic) => hub.carry(peer, quic, waiting).await,
                None => {
                    drop(waiting);
                    hub.leave(peer);
                }
            }
        });
    }

    async fn dial(&self, peer: SocketAddr) -> Option<Connection> {
        let name = peer.ip().to_string();
        let connecting = self
            .endpoint
            .connect_with(self.client.clone(), peer, &name)
            .ok()?;
        let secs = self.limits.request_secs;
        timeout(seconds(secs), connecting).await.ok()?.ok()
    }
}

impl Datagrams for QuicDatagrams {
    fn url(&self) -> &str {
        &self.url
    }

    fn max_bytes(&self) -> usize {
        MAX_BYTES
    }

    fn send<'a>(&'a self, packets: &'a [Packet]) -> BoxFuture<'a, Result<(), TransportError>> {
        let too_large = packets.iter().any(|packet| packet.bytes.len() > MAX_BYTES);
        let outcome = if too_large {
            Err(TransportError::TooLarge {
                address: self.url.clone(),
                limit: MAX_BYTES,
            })
        } else {
            packets.iter().for_each(|packet| self.hub.post(packet));
            Ok(())
        };
        Box::pin(std::future::ready(outcome))
    }

    fn receive(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Packet>, TransportError>> {
        Box::pin(async move {
            let mut packets = Vec::new();
            let received = self
                .unread
                .lock()
                .await
                .recv_many(&mut packets, limit)
                .await;
            if received == 0 && limit > 0 {
                let over = io::Error::other("the socket is closed");
                return Err(crate::endpoint::broken(&self.url, &over));
            }
            Ok(packets)
        })
    }
}
