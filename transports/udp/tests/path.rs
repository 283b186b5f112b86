//! The way for threads: runs, waiting, and the end.

#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "a scenario that cannot go on has failed"
)]

use std::net::SocketAddr;
use std::sync::Arc;

use pqfw_framework::transport::{
    DatagramBatch, DatagramPath, Datagrams, Packet, Transport, TransportLimits, TransportSettings,
};
use pqfw_udp::UdpTransport;

async fn socket() -> (Arc<dyn Datagrams>, Arc<dyn DatagramPath>, SocketAddr) {
    let settings = TransportSettings {
        listen: "127.0.0.1:0".into(),
        connect: String::new(),
        limits: TransportLimits {
            body_bytes: 0,
            header_bytes: 0,
            connections: 0,
            idle_secs: 0,
            request_secs: 0,
            per_ip_per_minute: 0,
        },
        tls: None,
    };
    let socket = UdpTransport.bind_datagrams(&settings).await.unwrap();
    let path = socket.path().unwrap();
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
    let (_keep, one, from) = socket().await;
    let (other, two, to) = socket().await;
    assert!(one.most_in_run() >= 1);
    let run: Vec<u8> = (0..250_u8).collect();
    one.send(to, &run, 100);
    one.send(to, b"alone", 5);
    let mut expected: Vec<_> = run.chunks(100).map(|part| (from, part.to_vec())).collect();
    expected.push((from, b"alone".to_vec()));
    assert_eq!(receive(&*two, 4), expected);
    // The same socket still sends for tasks.
    let bytes = b"of a task".to_vec();
    let packet = Packet {
        peer: from,
        bytes: bytes.clone(),
    };
    other.send(&[packet]).await.unwrap();
    assert_eq!(receive(&*one, 1), [(to, bytes)]);
}

#[tokio::test]
async fn whoever_waits_is_told_of_the_end() {
    let (_keep, path, _) = socket().await;
    let waits = path.clone();
    let thread = std::thread::spawn(move || waits.receive(&mut DatagramBatch::default()));
    path.close();
    assert_eq!(thread.join().unwrap(), Ok(false));
    assert_eq!(path.receive(&mut DatagramBatch::default()), Ok(false));
}
