//! Two interfaces with a wire between them, and real sockets at both ends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use pqfw_framework::interface::{
    Expose, Forward, Interface, InterfaceError, OpenUserspace, PacketBatch, Protocol, Userspace,
    UserspaceSettings,
};
use pqfw_runtime::OsWorld;
use pqfw_userspace::UserspaceInterfaces;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

const MTU: u16 = 1300;

async fn open(
    address: &str,
    forwards: Vec<Forward>,
    exposes: Vec<Expose>,
) -> Result<OpenUserspace, InterfaceError> {
    let settings = UserspaceSettings {
        addresses: vec![address.parse().unwrap()],
        mtu: MTU,
        forwards,
        exposes,
    };
    UserspaceInterfaces
        .open(&settings, Arc::new(OsWorld::new()))
        .await
}

fn forward(protocol: Protocol, to: &str) -> Forward {
    Forward {
        protocol,
        listen: "127.0.0.1:0".parse().unwrap(),
        to: to.parse().unwrap(),
    }
}

fn expose(protocol: Protocol, port: u16, to: SocketAddr) -> Expose {
    Expose { protocol, port, to }
}

/// Carries packets from one to the other, but for those that `loses` takes.
fn wire(
    from: Arc<dyn Interface>,
    to: Arc<dyn Interface>,
    mut loses: impl FnMut(&[u8]) -> bool + Send + 'static,
) -> JoinHandle<InterfaceError> {
    std::thread::spawn(move || {
        let mut batch = PacketBatch::new(MTU.into());
        let mut kept = PacketBatch::new(MTU.into());
        loop {
            if let Err(ended) = from.receive(&mut batch) {
                return ended;
            }
            for packet in batch.packets().filter(|packet| !loses(packet)) {
                assert!(kept.push(packet));
            }
            if let Err(ended) = to.send(&mut kept) {
                return ended;
            }
        }
    })
}

struct Tunnel {
    near: OpenUserspace,
    far: OpenUserspace,
    wires: Vec<JoinHandle<InterfaceError>>,
}

impl Tunnel {
    /// A tunnel that loses every packet of so many, when that is not 0.
    fn between(near: OpenUserspace, far: OpenUserspace, loses_one_of: usize) -> Self {
        let (one, other) = (&near.interface, &far.interface);
        let loses = move || {
            let mut number = 0;
            move |_: &[u8]| {
                number += 1;
                loses_one_of > 0 && number % loses_one_of == 0
            }
        };
        let wires = vec![
            wire(one.clone(), other.clone(), loses()),
            wire(other.clone(), one.clone(), loses()),
        ];
        Self { near, far, wires }
    }

    fn end(self) {
        self.near.interface.close();
        self.far.interface.close();
        for wire in self.wires {
            assert_eq!(wire.join().unwrap(), InterfaceError::Closed);
        }
    }
}

/// A service that gives back what it gets, to the end, and then says goodbye.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let (mut reader, mut writer) = stream.split();
                tokio::io::copy(&mut reader, &mut writer).await.unwrap();
                writer.write_all(b"goodbye").await.unwrap();
                writer.shutdown().await.unwrap();
            });
        }
    });
    address
}

/// Sends bytes, ends, and gives what came back.
async fn sent(to: SocketAddr, bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let (mut reader, mut writer) = TcpStream::connect(to).await?.into_split();
    let bytes = bytes.to_vec();
    let writing = tokio::spawn(async move {
        writer.write_all(&bytes).await?;
        writer.shutdown().await
    });
    let mut back = Vec::new();
    reader.read_to_end(&mut back).await?;
    writing.await.unwrap()?;
    Ok(back)
}

fn pattern(length: usize) -> Vec<u8> {
    (0..length)
        .map(|n| u8::try_from(n * 7 % 251).unwrap())
        .collect()
}

async fn tcp(own: &str, other: &str, to: &str, loses_one_of: usize, length: usize) {
    let service = echo().await;
    let far = open(other, vec![], vec![expose(Protocol::Tcp, 80, service)])
        .await
        .unwrap();
    let near = open(own, vec![forward(Protocol::Tcp, to)], vec![])
        .await
        .unwrap();
    let at = near.listening[0];
    let tunnel = Tunnel::between(near, far, loses_one_of);
    let bytes = pattern(length);
    let expected = [&bytes[..], b"goodbye"].concat();
    let (one, other) = tokio::join!(sent(at, &bytes), sent(at, &bytes));
    assert!(one.unwrap() == expected && other.unwrap() == expected);
    tunnel.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_carry_every_byte_both_ways_and_their_ends() {
    tcp("10.7.0.1/24", "10.7.0.2/24", "10.7.0.2:80", 0, 1 << 20).await;
    tcp("fd07::1/64", "fd07::2/64", "[fd07::2]:80", 0, 1 << 16).await;
    // Neither end is in the other's range: both are reached through the tunnel.
    tcp("10.7.0.1/32", "10.8.0.2/32", "10.8.0.2:80", 0, 1 << 16).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_exposed_is_not_reached() {
    let service = echo().await;
    let exposes = vec![
        expose(Protocol::Tcp, 80, service),
        // A service that is not there.
        expose(Protocol::Tcp, 81, "127.0.0.1:1".parse().unwrap()),
        expose(Protocol::Udp, 82, service),
    ];
    let far = open("10.7.0.2/24", vec![], exposes).await.unwrap();
    let closed = [22, 81, 82, service.port()];
    let to = closed.map(|port| forward(Protocol::Tcp, &format!("10.7.0.2:{port}")));
    let near = open("10.7.0.1/24", to.to_vec(), vec![]).await.unwrap();
    let listening = near.listening.clone();
    let tunnel = Tunnel::between(near, far, 0);
    for (port, at) in closed.iter().zip(listening) {
        let back = sent(at, b"hello").await.unwrap_or_default();
        assert!(back.is_empty(), "port {port}");
    }
    tunnel.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datagrams_find_their_way_and_their_answers_the_way_back() {
    let service = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let at = service.local_addr().unwrap();
    let exposes = vec![expose(Protocol::Udp, 53, at)];
    let far = open("10.7.0.2/24", vec![], exposes).await.unwrap();
    let forwards = vec![forward(Protocol::Udp, "10.7.0.2:53")];
    let near = open("10.7.0.1/24", forwards, vec![]).await.unwrap();
    let door = near.listening[0];
    let tunnel = Tunnel::between(near, far, 0);
    let clients = [
        UdpSocket::bind("127.0.0.1:0").await.unwrap(),
        UdpSocket::bind("127.0.0.1:0").await.unwrap(),
    ];
    let mut buffer = [0; 2000];
    for round in 0..3_u8 {
        for (number, client) in clients.iter().enumerate() {
            let asked = [round, u8::try_from(number).unwrap()];
            client.send_to(&asked, door).await.unwrap();
            let (length, from) = service.recv_from(&mut buffer).await.unwrap();
            assert_eq!(&buffer[..length], asked);
            let answer = [&asked[..], &[9; 1000]].concat();
            service.send_to(&answer, from).await.unwrap();
            let (length, from) = client.recv_from(&mut buffer).await.unwrap();
            assert_eq!((&buffer[..length], from), (&answer[..], door));
        }
    }
    tunnel.end();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_from_the_tunnel_changes_nothing() {
    let service = echo().await;
    let exposes = vec![expose(Protocol::Tcp, 80, service)];
    let far = open("10.7.0.2/24", vec![], exposes).await.unwrap();
    let mut batch = PacketBatch::new(MTU.into());
    for length in 0..100_usize {
        for first in [0x45, 0x60, 0x4f, 0xff] {
            let mut packet = pattern(length);
            if let Some(byte) = packet.first_mut() {
                *byte = first;
            }
            assert!(batch.push(&packet));
            far.interface.send(&mut batch).unwrap();
        }
    }
    let forwards = vec![forward(Protocol::Tcp, "10.7.0.2:80")];
    let near = open("10.7.0.1/24", forwards, vec![]).await.unwrap();
    let at = near.listening[0];
    let tunnel = Tunnel::between(near, far, 0);
    assert_eq!(sent(at, b"hello").await.unwrap(), b"hellogoodbye");
    tunnel.end();
}

#[tokio::test]
async fn what_cannot_be_opened_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut busy = forward(Protocol::Tcp, "10.7.0.2:80");
    busy.listen = taken.local_addr().unwrap();
    let refused = open("10.7.0.1/24", vec![busy], vec![]).await.err().unwrap();
    assert!(matches!(refused, InterfaceError::Open { .. }), "{refused}");
    let opened = open("10.7.0.1/24", vec![], vec![]).await.unwrap();
    opened.interface.close();
    let closed = opened.interface.receive(&mut PacketBatch::new(MTU.into()));
    assert_eq!(closed, Err(InterfaceError::Closed));
    assert_eq!(opened.interface.name(), "userspace");
}
