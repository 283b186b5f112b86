//! The way for threads: runs, waiting, and the end.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a scenario that cannot go on has failed"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use pqfw_framework::transport::{
    DatagramBatch, DatagramPath, Datagrams, Mark, Packet, Transport, TransportError,
    TransportSettings,
};
use pqfw_udp::UdpTransport;

const MARK: Mark = Mark {
    offset: 1,
    value: 100,
};

fn settings(listen: &str) -> TransportSettings {
    TransportSettings {
        listen: listen.into(),
        ..TransportSettings::default()
    }
}

async fn socket(listen: &str) -> (Arc<dyn Datagrams>, Arc<dyn DatagramPath>, SocketAddr) {
    let socket = UdpTransport.bind_datagrams(&settings(listen)).await;
    let socket = socket.unwrap();
    let path = socket.path(MARK).unwrap().unwrap();
    let address = socket
        .url()
        .strip_prefix("udp://")
        .unwrap()
        .parse()
        .unwrap();
    (socket, path, address)
}

/// Everything that comes until there is so much.
fn receive(path: &dyn DatagramPath, count: usize) -> Vec<(SocketAddr, Vec<u8>)> {
    let mut batch = DatagramBatch::default();
    let mut all = Vec::new();
    while all.len() < count {
        assert!(path.receive(&mut batch).unwrap());
        all.extend(
            batch
                .datagrams_mut()
                .map(|(from, bytes)| (from, bytes.to_vec())),
        );
    }
    all
}

#[tokio::test]
async fn a_run_is_cut_on_its_way_and_mixes_with_single_packets() {
    let (_keep, one, from) = socket("127.0.0.1:0").await;
    let (other, two, to) = socket("127.0.0.1:0").await;
    assert!(one.most_in_run() >= 1);
    let run: Vec<u8> = (0..250_u8)
        .map(|n| if n % 100 == 1 { 100 } else { n })
        .collect();
    one.send(to, &run, 100);
    one.send(to, b"ad alone", 8);
    let mut expected: Vec<_> = run.chunks(100).map(|part| (from, part.to_vec())).collect();
    expected.push((from, b"ad alone".to_vec()));
    assert_eq!(receive(&*two, 4), expected);
    // The same socket still sends for tasks.
    let bytes = b"adds a task".to_vec();
    other.send(&[packet(from, &bytes)]).await.unwrap();
    assert_eq!(receive(&*one, 1), [(to, bytes)]);
}

fn packet(peer: SocketAddr, bytes: &[u8]) -> Packet {
    Packet {
        peer,
        bytes: bytes.to_vec(),
    }
}

#[tokio::test]
async fn what_is_marked_goes_to_threads_and_all_else_to_tasks() {
    for listen in ["127.0.0.1:0", "[::1]:0"] {
        let (receiver, path, to) = socket(listen).await;
        let (sender, _path, _) = socket(listen).await;
        let all = ["ad 1", "a", "xd 2", "", "da 3", "ddd 4", "d"].map(str::as_bytes);
        for bytes in all {
            sender.send(&[packet(to, bytes)]).await.unwrap();
        }
        let marked = receive(&*path, 3);
        let marked: Vec<_> = marked.iter().map(|(_, bytes)| &bytes[..]).collect();
        assert_eq!(marked, [b"ad 1", &b"xd 2"[..], b"ddd 4"]);
        let mut others = Vec::new();
        while others.len() < 4 {
            others.extend(receiver.receive(64).await.unwrap());
        }
        let others: Vec<_> = others.iter().map(|packet| &packet.bytes[..]).collect();
        assert_eq!(others, [b"a", &b""[..], b"da 3", b"d"]);
    }
}

#[tokio::test]
async fn a_full_queue_of_tasks_takes_nothing_from_threads() {
    let (_receiver, path, to) = socket("127.0.0.1:0").await;
    let (sender, _path, _) = socket("127.0.0.1:0").await;
    // More than any kernel keeps, and nobody receives it.
    let flood = vec![packet(to, &[0; 1200]); 64];
    for _ in 0..512 {
        sender.send(&flood).await.unwrap();
    }
    sender.send(&[packet(to, b"ad the flood")]).await.unwrap();
    assert_eq!(receive(&*path, 1)[0].1, b"ad the flood");
}

#[tokio::test]
async fn an_address_with_two_sockets_is_as_taken_as_one_with_one() {
    let (first, _path, address) = socket("127.0.0.1:0").await;
    assert!(first.path(MARK).unwrap().is_none());
    let again = settings(&address.to_string());
    let error = UdpTransport.bind_datagrams(&again).await.err().unwrap();
    assert!(matches!(error, TransportError::Listen { .. }), "{error}");
}

#[tokio::test]
async fn whoever_waits_is_told_of_the_end() {
    let (_keep, path, _) = socket("127.0.0.1:0").await;
    let waits = path.clone();
    let thread = std::thread::spawn(move || waits.receive(&mut DatagramBatch::default()));
    path.close();
    assert_eq!(thread.join().unwrap(), Ok(false));
    assert_eq!(path.receive(&mut DatagramBatch::default()), Ok(false));
}
