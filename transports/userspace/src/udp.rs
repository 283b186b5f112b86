//! Flows of UDP between the tunnel and this machine: one for each end that sends, with a socket of
//! its own towards the other side, so that answers find their way back.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use tokio::net::UdpSocket;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::datagrams::TunnelPort;
use crate::interface::Shared;
use crate::{MOST_CONNECTIONS, SILENCE};

/// Datagrams of one flow that wait.
const MOST_WAITING: usize = 64;
/// The largest datagram of UDP over IPv4.
const MOST_BYTES: usize = 65_507;

/// The flows of a port, by who sends.
#[derive(Default)]
struct Flows {
    senders: BTreeMap<SocketAddr, Sender<Vec<u8>>>,
    tasks: JoinSet<()>,
}

impl Flows {
    /// Gives a datagram to the flow of its sender, which `begin` begins when there is none.
    fn give<F>(
        &mut self,
        from: SocketAddr,
        bytes: Vec<u8>,
        begin: impl FnOnce(Receiver<Vec<u8>>) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        self.senders.retain(|_, sender| !sender.is_closed());
        while self.tasks.try_join_next().is_some() {}
        if !self.senders.contains_key(&from) {
            if self.senders.len() >= MOST_CONNECTIONS {
                return;
            }
            let (sender, receiver) = channel(MOST_WAITING);
            self.tasks.spawn(begin(receiver));
            self.senders.insert(from, sender);
        }
        if let Some(sender) = self.senders.get(&from) {
            // A flow that is behind loses datagrams, as on the way.
            let _ = sender.try_send(bytes);
        }
    }
}

/// Carries the datagrams of a local socket to an address in the tunnel, and answers back. Never
/// ends.
pub(crate) async fn forward(shared: Arc<Shared>, socket: UdpSocket, to: SocketAddr) {
    let socket = Arc::new(socket);
    let mut flows = Flows::default();
    let mut buffer = vec![0; MOST_BYTES];
    loop {
        let Ok((length, from)) = socket.recv_from(&mut buffer).await else {
            // An ICMP error about an answer, on some systems.
            continue;
        };
        let bytes = buffer.get(..length).unwrap_or_default().to_vec();
        let (shared, socket) = (shared.clone(), socket.clone());
        flows.give(from, bytes, |mut sent| async move {
            let Some(port) = TunnelPort::bind(&shared, None) else {
                return;
            };
            loop {
                tokio::select! {
                    Some(bytes) = sent.recv() => port.send(&bytes, to),
                    (bytes, answers) = port.receive() => {
                        if answers == to {
                            let _ = socket.send_to(&bytes, from).await;
                        }
                    }
                    () = sleep(SILENCE) => return,
                }
            }
        });
    }
}

/// Carries the datagrams of a port in the tunnel to a service of this machine, and answers back.
/// Never ends.
pub(crate) async fn expose(port: TunnelPort, service: SocketAddr) {
    let port = Arc::new(port);
    let mut flows = Flows::default();
    loop {
        let (bytes, from) = port.receive().await;
        let port = port.clone();
        flows.give(from, bytes, |mut sent| async move {
            let Some(socket) = towards(service).await else {
                return;
            };
            let mut buffer = vec![0; MOST_BYTES];
            loop {
                tokio::select! {
                    Some(bytes) = sent.recv() => drop(socket.send(&bytes).await),
                    received = socket.recv(&mut buffer) => {
                        // An error is one of ICMP: nobody listens there, for now.
                        let length = received.unwrap_or(0);
                        if let Some(bytes) = buffer.get(..length).filter(|_| length > 0) {
                            port.send(bytes, from);
                        }
                    }
                    () = sleep(SILENCE) => return,
                }
            }
        });
    }
}

async fn towards(service: SocketAddr) -> Option<UdpSocket> {
    let any: SocketAddr = match service {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await.ok()?;
    socket.connect(service).await.ok()?;
    Some(socket)
}
