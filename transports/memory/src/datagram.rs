//! Datagrams between endpoints of one process.
//!
//! An endpoint is reached by the socket address in its name, `memory:10.0.0.1:5000`; `memory:`
//! alone takes a fresh one. Nothing is lost but what is sent to nobody, or to an endpoint that has
//! [`QUEUE_PACKETS`] to read; for loss on demand there is [`crate::simulation`].

use std::net::SocketAddr;
use std::sync::Arc;

use pqfw_framework::transport::{BoxFuture, Datagrams, Packet, TransportError, TransportSettings};
use tokio::sync::{Mutex, mpsc};

use crate::network::{Endpoint, Network, Place};

/// What one endpoint keeps until it reads.
pub const QUEUE_PACKETS: usize = 1024;

/// As for UDP over IPv4.
const MAX_BYTES: usize = 65_507;

/// Packets on their way to one endpoint.
pub(crate) type Packets = mpsc::Sender<Packet>;

/// Takes an address.
pub(crate) fn bind(
    network: &Network,
    settings: &TransportSettings,
) -> Result<Arc<dyn Datagrams>, TransportError> {
    let (queue, waiting) = mpsc::channel(QUEUE_PACKETS);
    let (address, place) = network.listen_at(&settings.listen, Endpoint::Datagram(queue))?;
    Ok(Arc::new(MemoryDatagrams {
        network: network.clone(),
        place,
        address,
        waiting: Mutex::new(waiting),
    }))
}

struct MemoryDatagrams {
    network: Network,
    place: Place,
    address: SocketAddr,
    waiting: Mutex<mpsc::Receiver<Packet>>,
}

impl Datagrams for MemoryDatagrams {
    fn url(&self) -> &str {
        self.place.url()
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
                let endpoint = self.network.endpoint(&packet.peer.to_string());
                if let Some(Endpoint::Datagram(queue)) = endpoint {
                    // A queue that is full loses it.
                    let _ = queue.try_send(Packet {
                        peer: self.address,
                        bytes: packet.bytes.clone(),
                    });
                }
            }
            Ok(())
        })
    }

    fn receive(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Packet>, TransportError>> {
        Box::pin(async move {
            let mut packets = Vec::new();
            let mut waiting = self.waiting.lock().await;
            match waiting.recv_many(&mut packets, limit.max(1)).await {
                0 => Err(TransportError::Broken {
                    address: self.place.url().to_owned(),
                    reason: "the name is gone".into(),
                }),
                _ => Ok(packets),
            }
        })
    }
}
