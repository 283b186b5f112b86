//! One socket.

use std::collections::VecDeque;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
#[cfg(target_os = "linux")]
use std::sync::{Arc, OnceLock};
use std::sync::{Mutex, PoisonError};

use pqfw_framework::transport::{BoxFuture, Datagrams, Packet, TransportError};
#[cfg(target_os = "linux")]
use pqfw_framework::transport::{DatagramPath, Mark};
use quinn_udp::{RecvMeta, Transmit, UdpSocketState};
use tokio::io::Interest;
use tokio::net::UdpSocket;

#[cfg(target_os = "linux")]
use crate::path::UdpPath;

/// The most that one packet can hold in 65 535 bytes, less the header of UDP and that of IP.
const MAX_BYTES_IPV4: usize = 65_535 - 8 - 20;
const MAX_BYTES_IPV6: usize = 65_535 - 8 - 40;

/// Calls of the kernel fill so many buffers at once, each with one packet or with a run of packets
/// of one size that the kernel put together.
const BUFFERS: usize = 8;
const BUFFER_BYTES: usize = 1 << 16;

/// What the kernel is asked to keep while this process is busy; it may keep less.
pub(crate) const KERNEL_BUFFER_BYTES: usize = 4 << 20;

/// A UDP socket.
pub(crate) struct UdpDatagrams {
    url: String,
    max_bytes: usize,
    #[cfg(target_os = "linux")]
    address: SocketAddr,
    socket: UdpSocket,
    state: UdpSocketState,
    arrived: Mutex<Arrived>,
    /// The socket beside it, for threads.
    #[cfg(target_os = "linux")]
    beside: OnceLock<Arc<UdpPath>>,
}

struct Arrived {
    buffers: Vec<Vec<u8>>,
    packets: VecDeque<Packet>,
}

impl UdpDatagrams {
    /// Binds a socket to an IP address and a port.
    pub(crate) async fn bind(listen: &str) -> Result<Self, TransportError> {
        let address: SocketAddr = listen.parse().map_err(|_| TransportError::Address {
            address: listen.escape_debug().to_string(),
            reason: "write an IP address and a port, such as 127.0.0.1:4433 or [::1]:0".into(),
        })?;
        let opened = async {
            let socket = UdpSocket::bind(address).await?;
            let state = UdpSocketState::new((&socket).into())?;
            // Smaller buffers lose more and break nothing.
            let _ = state.set_recv_buffer_size((&socket).into(), KERNEL_BUFFER_BYTES);
            let _ = state.set_send_buffer_size((&socket).into(), KERNEL_BUFFER_BYTES);
            Ok((socket.local_addr()?, socket, state))
        };
        let opened: io::Result<_> = opened.await;
        let (bound, socket, state) = opened.map_err(|error| TransportError::Listen {
            address: listen.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self {
            max_bytes: match bound {
                SocketAddr::V4(_) => MAX_BYTES_IPV4,
                SocketAddr::V6(_) => MAX_BYTES_IPV6,
            },
            url: format!("udp://{bound}"),
            #[cfg(target_os = "linux")]
            address: bound,
            socket,
            state,
            #[cfg(target_os = "linux")]
            beside: OnceLock::new(),
            arrived: Mutex::new(Arrived {
                buffers: vec![vec![0; BUFFER_BYTES]; BUFFERS],
                packets: VecDeque::new(),
            }),
        })
    }

    /// Sends packets of one size to one peer with one call, the last of which may be shorter. What
    /// the network refuses is lost.
    async fn send_run(&self, run: &[Packet]) {
        let Some(first) = run.first() else { return };
        if run.len() > 1 {
            let contents = run.iter().flat_map(|packet| &packet.bytes);
            let contents: Vec<u8> = contents.copied().collect();
            let size = Some(first.bytes.len());
            if self.transmit(first.peer, &contents, size).await.is_ok() {
                return;
            }
            // Some network cards cannot cut packets up; quinn-udp remembers, and asks no more.
        }
        for packet in run {
            let _ = self.transmit(packet.peer, &packet.bytes, None).await;
        }
    }

    async fn transmit(
        &self,
        destination: SocketAddr,
        contents: &[u8],
        segment_size: Option<usize>,
    ) -> io::Result<()> {
        let transmit = Transmit {
            destination,
            ecn: None,
            contents,
            segment_size,
            src_ip: None,
        };
        let Self { socket, state, .. } = self;
        let send = || state.try_send(socket.into(), &transmit);
        socket.async_io(Interest::WRITABLE, send).await
    }

    /// Takes packets that have arrived, after asking the kernel for more when there is none.
    fn take(&self, limit: usize) -> io::Result<Vec<Packet>> {
        // A panic elsewhere cannot leave it half changed: nothing under the lock panics.
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        if arrived.packets.is_empty() {
            let Arrived { buffers, packets } = &mut *arrived;
            let mut slices: Vec<_> = buffers.iter_mut().map(|b| IoSliceMut::new(b)).collect();
            let mut metas = [RecvMeta::default(); BUFFERS];
            let Self { socket, state, .. } = self;
            let filled = state.recv(socket.into(), &mut slices, &mut metas)?;
            for (buffer, meta) in buffers.iter().zip(&metas).take(filled) {
                packets.extend(split(buffer, meta));
            }
        }
        let taken = limit.max(1).min(arrived.packets.len());
        Ok(arrived.packets.drain(..taken).collect())
    }
}

/// The packets of one buffer: one, or a run of one size, the last of which may be shorter.
fn split(buffer: &[u8], meta: &RecvMeta) -> Vec<Packet> {
    let packet = |bytes: &[u8]| Packet {
        peer: meta.addr,
        bytes: bytes.to_vec(),
    };
    let filled = buffer.get(..meta.len).unwrap_or_default();
    match meta.stride {
        0 => vec![packet(filled)],
        _ if filled.is_empty() => vec![packet(filled)],
        stride => filled.chunks(stride).map(packet).collect(),
    }
}

/// How many packets from the first on can go in one call.
fn run_length(packets: &[Packet], most: usize) -> usize {
    let Some(first) = packets.first().filter(|first| !first.bytes.is_empty()) else {
        return 1;
    };
    let (size, mut length, mut total) = (first.bytes.len(), 0, 0);
    for packet in packets.iter().take(most.max(1)) {
        total += packet.bytes.len();
        let fits =
            packet.peer == first.peer && packet.bytes.len() <= size && total <= MAX_BYTES_IPV6;
        if !fits || packet.bytes.is_empty() {
            break;
        }
        length += 1;
        if packet.bytes.len() < size {
            break;
        }
    }
    length.max(1)
}

impl Datagrams for UdpDatagrams {
    fn url(&self) -> &str {
        &self.url
    }

    fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    fn ask_receive_buffer(&self, bytes: usize) -> Option<usize> {
        let Self { socket, state, .. } = self;
        // A smaller buffer loses more and breaks nothing; what there is, is said.
        #[cfg(target_os = "linux")]
        if let Some(beside) = self.beside.get() {
            let _ = beside.ask_receive_buffer(bytes);
        }
        let _ = state.set_recv_buffer_size(socket.into(), bytes);
        state.recv_buffer_size(socket.into()).ok()
    }

    #[cfg(target_os = "linux")]
    fn path(&self, mark: Mark) -> Result<Option<Arc<dyn DatagramPath>>, TransportError> {
        if self.beside.get().is_some() {
            return Ok(None);
        }
        let beside = UdpPath::beside(&self.socket, self.address, mark).map_err(|error| {
            TransportError::Listen {
                address: self.address.to_string(),
                reason: format!("no second socket there for threads: {error}"),
            }
        })?;
        let beside = Arc::new(beside);
        if self.beside.set(beside.clone()).is_err() {
            return Ok(None);
        }
        Ok(Some(beside))
    }

    fn send<'a>(&'a self, packets: &'a [Packet]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let limit = self.max_bytes;
            if let Some(large) = packets.iter().find(|packet| packet.bytes.len() > limit) {
                let address = large.peer.to_string();
                return Err(TransportError::TooLarge { address, limit });
            }
            let mut rest = packets;
            while !rest.is_empty() {
                let length = run_length(rest, self.state.max_gso_segments());
                let (run, after) = rest.split_at(length.min(rest.len()));
                self.send_run(run).await;
                rest = after;
            }
            Ok(())
        })
    }

    fn receive(&self, limit: usize) -> BoxFuture<'_, Result<Vec<Packet>, TransportError>> {
        Box::pin(async move {
            loop {
                // What another receiver left behind needs no new readiness of the socket.
                let there = self.take(limit);
                let taken = match there {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        let take = || self.take(limit);
                        self.socket.async_io(Interest::READABLE, take).await
                    }
                    there => there,
                };
                match taken {
                    Ok(packets) if packets.is_empty() => {}
                    Ok(packets) => return Ok(packets),
                    Err(error) if is_about_a_peer(&error) => {}
                    Err(error) => {
                        return Err(TransportError::Broken {
                            address: self.url.clone(),
                            reason: error.to_string(),
                        });
                    }
                }
            }
        })
    }
}

/// Whether an error says that a packet sent before did not arrive, as some systems do.
pub(crate) fn is_about_a_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::HostUnreachable
            | io::ErrorKind::Interrupted
            | io::ErrorKind::NetworkUnreachable
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packets(sizes: &[(u16, usize)]) -> Vec<Packet> {
        let packet = |&(port, size)| Packet {
            peer: ([127, 0, 0, 1], port).into(),
            bytes: vec![7; size],
        };
        sizes.iter().map(packet).collect()
    }

    #[test]
    fn a_run_is_of_one_peer_and_one_size_with_a_shorter_last() {
        for (sizes, length) in [
            (&[(1, 100), (1, 100), (1, 100)][..], 3),
            (&[(1, 100), (1, 100), (2, 100)], 2),
            (&[(1, 100), (1, 99), (1, 99)], 2),
            (&[(1, 100), (1, 101)], 1),
            (&[(1, 100), (1, 0)], 1),
            (&[(1, 0), (1, 0)], 1),
            (&[(1, 30_000), (1, 30_000), (1, 5487)], 3),
            (&[(1, 30_000), (1, 30_000), (1, 5488)], 2),
            (&[(1, MAX_BYTES_IPV4), (1, 1)], 1),
        ] {
            assert_eq!(run_length(&packets(sizes), 64), length, "{sizes:?}");
        }
        assert_eq!(run_length(&packets(&[(1, 1); 100]), 64), 64);
        assert_eq!(run_length(&packets(&[(1, 1); 100]), 1), 1);
        assert_eq!(run_length(&packets(&[(1, 1); 100]), 0), 1);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_second_socket_that_the_system_refuses_is_an_error() {
        let mut socket = UdpDatagrams::bind("127.0.0.1:0").await.unwrap();
        // TEST-NET-1, RFC 5737: no machine has it.
        socket.address = ([192, 0, 2, 1], 9).into();
        let error = socket
            .path(Mark {
                offset: 0,
                value: 0,
            })
            .err()
            .unwrap();
        assert!(matches!(error, TransportError::Listen { .. }), "{error}");
        assert!(error.to_string().contains("for threads"), "{error}");
    }

    #[test]
    fn a_buffer_is_split_where_the_kernel_put_it_together() {
        let lengths = |len, stride| {
            let mut meta = RecvMeta::default();
            (meta.len, meta.stride) = (len, stride);
            let packets = split(&[7; 100], &meta);
            packets.iter().map(|p| p.bytes.len()).collect::<Vec<_>>()
        };
        assert_eq!(lengths(50, 50), [50]);
        assert_eq!(lengths(50, 20), [20, 20, 10]);
        assert_eq!(lengths(0, 0), [0]);
        assert_eq!(lengths(50, 0), [50]);
    }
}
