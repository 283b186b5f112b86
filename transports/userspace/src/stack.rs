//! Addresses and sockets over the queues of packets. No tasks, no waiting: `interface` has those.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use pqfw_framework::interface::{Expose, Protocol};
use pqfw_framework::interface::{IpRange, UserspaceSettings};
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::{tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{
    HardwareAddress, IpAddress, IpCidr, IpEndpoint, IpProtocol, IpVersion, Ipv4Packet, Ipv6Packet,
    TcpPacket,
};

use crate::device::Queues;
use crate::{KEEP_ALIVE, MOST_CONNECTIONS, MOST_PACKETS, SILENCE};

/// Bytes that wait in a connection, each way.
const TCP_BUFFER_BYTES: usize = 128 << 10;
/// Datagrams and bytes that wait at a port, each way.
const UDP_BUFFER_DATAGRAMS: usize = 64;
const UDP_BUFFER_BYTES: usize = 128 << 10;
/// Ports that connections and flows begin at (RFC 6335 section 6).
const FIRST_PORT: u16 = 49_152;

/// Who opens a connection to which port.
type Opening = (IpEndpoint, u16);

/// The addresses of an interface, and its sockets.
pub(crate) struct Stack {
    pub(crate) queues: Queues,
    interface: Interface,
    sockets: SocketSet<'static>,
    exposed: BTreeMap<u16, SocketAddr>,
    /// Connections to exposed ports, from their first packet on.
    openings: BTreeMap<Opening, SocketHandle>,
    /// Those that nobody serves yet.
    unserved: VecDeque<(SocketHandle, SocketAddr)>,
    /// Sockets that nobody uses any more, and that are gone when the other end knows.
    leaving: Vec<SocketHandle>,
    next_port: u16,
    pub(crate) is_closed: bool,
}

impl Stack {
    pub(crate) fn new(settings: &UserspaceSettings, seed: u64, now: Duration) -> Self {
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut queues = Queues::new(settings.mtu.into());
        let mut interface = Interface::new(config, &mut queues, instant(now));
        interface.update_ip_addrs(|addresses| {
            for range in &settings.addresses {
                // The opener has checked that there is room.
                let _ = addresses.push(cidr(range));
            }
        });
        // Everything else is reached through the tunnel, too; which peer has it, the node knows.
        for range in &settings.addresses {
            let routes = interface.routes_mut();
            let _ = match range.address() {
                std::net::IpAddr::V4(own) => routes.add_default_ipv4_route(own),
                std::net::IpAddr::V6(own) => routes.add_default_ipv6_route(own),
            };
        }
        let of_tcp = |expose: &&Expose| expose.protocol == Protocol::Tcp;
        let exposed = settings.exposes.iter().filter(of_tcp);
        Self {
            queues,
            interface,
            sockets: SocketSet::new(Vec::new()),
            exposed: exposed.map(|expose| (expose.port, expose.to)).collect(),
            openings: BTreeMap::new(),
            unserved: VecDeque::new(),
            leaving: Vec::new(),
            next_port: FIRST_PORT + u16::try_from(seed % 8192).unwrap_or(0),
            is_closed: false,
        }
    }

    /// A packet of the tunnel; says whether there was room for it. smoltcp reads the version of a
    /// packet before it asks whether there is one.
    pub(crate) fn take(&mut self, packet: &[u8]) -> bool {
        if packet.is_empty() || self.queues.come.len() >= MOST_PACKETS {
            return false;
        }
        if let Some(opening) = opening(packet) {
            self.open(opening);
        }
        self.queues.come.push_back(packet.to_vec());
        true
    }

    /// smoltcp has no backlog: each connection to an exposed port has a socket that waits for it,
    /// made when its first packet comes.
    fn open(&mut self, opening: Opening) {
        let (_, port) = opening;
        let Some(service) = self.exposed.get(&port).copied() else {
            return;
        };
        let of_port = self.openings.keys().filter(|(_, other)| *other == port);
        if self.openings.contains_key(&opening) || of_port.count() >= MOST_CONNECTIONS {
            return;
        }
        let mut socket = tcp_socket();
        if socket.listen(port).is_ok() {
            let handle = self.sockets.add(socket);
            self.openings.insert(opening, handle);
            self.unserved.push_back((handle, service));
        }
    }

    /// Does everything that there is to do, and says when there is more.
    pub(crate) fn turn(&mut self, now: Duration) -> Option<Duration> {
        let now = instant(now);
        self.interface
            .poll(now, &mut self.queues, &mut self.sockets);
        let sockets = &mut self.sockets;
        let openings = &mut self.openings;
        self.leaving.retain(|handle| {
            let is_there = sockets.get::<tcp::Socket<'_>>(*handle).is_open();
            if !is_there {
                sockets.remove(*handle);
                openings.retain(|_, other| other != handle);
            }
            is_there
        });
        // A full queue is emptied by whoever reads packets, who says so.
        if self.queues.is_full() {
            return None;
        }
        let delay = self.interface.poll_delay(now, &self.sockets);
        delay.map(Into::into)
    }

    /// A connection to an exposed port that nobody serves yet, and the service that it is for.
    pub(crate) fn unserved(&mut self) -> Option<(SocketHandle, SocketAddr)> {
        self.unserved.pop_front()
    }

    /// Opens a connection to an address in the tunnel.
    pub(crate) fn connect(&mut self, to: SocketAddr) -> Option<SocketHandle> {
        let port = self.fresh_port();
        let mut socket = tcp_socket();
        let context = self.interface.context();
        socket.connect(context, IpEndpoint::from(to), port).ok()?;
        Some(self.sockets.add(socket))
    }

    /// Opens a port of UDP: the one given, or one that is free.
    pub(crate) fn bind(&mut self, port: Option<u16>) -> Option<SocketHandle> {
        let port = port.unwrap_or_else(|| self.fresh_port());
        let buffer = || {
            let heads = vec![udp::PacketMetadata::EMPTY; UDP_BUFFER_DATAGRAMS];
            udp::PacketBuffer::new(heads, vec![0; UDP_BUFFER_BYTES])
        };
        let mut socket = udp::Socket::new(buffer(), buffer());
        socket.bind(port).ok()?;
        Some(self.sockets.add(socket))
    }

    pub(crate) fn tcp(&mut self, handle: SocketHandle) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    pub(crate) fn udp(&mut self, handle: SocketHandle) -> &mut udp::Socket<'static> {
        self.sockets.get_mut(handle)
    }

    /// Nobody uses a connection any more.
    pub(crate) fn leave(&mut self, handle: SocketHandle) {
        self.leaving.push(handle);
    }

    /// Nobody uses a port of UDP any more.
    pub(crate) fn unbind(&mut self, handle: SocketHandle) {
        self.sockets.remove(handle);
    }

    fn fresh_port(&mut self) -> u16 {
        let taken = |port: u16| {
            self.sockets.iter().any(|(_, socket)| match socket {
                smoltcp::socket::Socket::Tcp(socket) => {
                    socket.local_endpoint().is_some_and(|own| own.port == port)
                }
                smoltcp::socket::Socket::Udp(socket) => socket.endpoint().port == port,
            })
        };
        // There are far fewer sockets than ports.
        let mut port = self.next_port;
        while taken(port) {
            port = after(port);
        }
        self.next_port = after(port);
        port
    }
}

fn after(port: u16) -> u16 {
    port.checked_add(1).unwrap_or(FIRST_PORT)
}

fn tcp_socket() -> tcp::Socket<'static> {
    let buffer = || tcp::SocketBuffer::new(vec![0; TCP_BUFFER_BYTES]);
    let mut socket = tcp::Socket::new(buffer(), buffer());
    // smoltcp's CUBIC counts bytes where RFC 9438 counts segments, and hardly grows after a loss.
    socket.set_congestion_control(tcp::CongestionControl::Reno);
    socket.set_timeout(Some(SILENCE.into()));
    socket.set_keep_alive(Some(KEEP_ALIVE.into()));
    socket.set_nagle_enabled(false);
    socket
}

/// Who asks for a connection to which port, if that is what a packet does.
fn opening(packet: &[u8]) -> Option<Opening> {
    let (from, protocol, payload): (IpAddress, _, _) = match IpVersion::of_packet(packet).ok()? {
        IpVersion::Ipv4 => {
            let packet = Ipv4Packet::new_checked(packet).ok()?;
            (
                packet.src_addr().into(),
                packet.next_header(),
                packet.payload(),
            )
        }
        IpVersion::Ipv6 => {
            let packet = Ipv6Packet::new_checked(packet).ok()?;
            (
                packet.src_addr().into(),
                packet.next_header(),
                packet.payload(),
            )
        }
    };
    let segment = TcpPacket::new_checked(payload).ok();
    let segment = segment.filter(|_| protocol == IpProtocol::Tcp)?;
    let opens = segment.syn() && !segment.ack() && !segment.rst();
    let from = IpEndpoint::new(from, segment.src_port());
    opens.then_some((from, segment.dst_port()))
}

fn cidr(range: &IpRange) -> IpCidr {
    IpCidr::new(range.address().into(), range.length())
}

fn instant(now: Duration) -> Instant {
    Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}
