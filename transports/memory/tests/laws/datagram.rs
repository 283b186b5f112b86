//! The laws of datagrams. Packets may be lost: every law asks again until it is answered.

use std::net::SocketAddr;
use std::sync::Arc;

use pqfw_framework::transport::{Datagrams, Packet, TransportError};

use super::{NONSENSE, Subject, address_in, settings};

impl Subject {
    async fn bind(&self) -> Arc<dyn Datagrams> {
        let settings = settings(self.listen);
        self.transport.bind_datagrams(&settings).await.unwrap()
    }
}

fn address(socket: &dyn Datagrams) -> SocketAddr {
    let url = socket.url();
    let address = url.strip_prefix("memory:").unwrap_or(address_in(url));
    address.parse().unwrap()
}

fn packet(peer: SocketAddr, bytes: &[u8]) -> Packet {
    let bytes = bytes.to_vec();
    Packet { peer, bytes }
}

/// Sends packets until one of them arrives, and gives it.
async fn until_received(
    from: &dyn Datagrams,
    packets: &[Packet],
    to: &dyn Datagrams,
    wanted: impl Fn(&Packet) -> bool,
) -> Packet {
    loop {
        from.send(packets).await.unwrap();
        for _ in 0..100 {
            let received = tokio::select! {
                biased;
                received = to.receive(10) => received.unwrap(),
                () = tokio::task::yield_now() => continue,
            };
            if let Some(found) = received.into_iter().find(|packet| wanted(packet)) {
                return found;
            }
        }
    }
}

pub(crate) async fn a_packet_arrives_whole_and_is_answered(subject: &Subject) {
    let (one, other) = (subject.bind().await, subject.bind().await);
    assert_ne!(one.url(), other.url());
    let to_other = address(&*other);
    for length in [0, 1, 1200, 9000, one.max_bytes()] {
        let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        let sent = [packet(to_other, &bytes)];
        let same = |packet: &Packet| packet.bytes == bytes;
        let arrived = until_received(&*one, &sent, &*other, same).await;
        let answer = [packet(arrived.peer, b"answer")];
        let same = |packet: &Packet| packet.bytes == b"answer" && packet.peer == to_other;
        until_received(&*other, &answer, &*one, same).await;
    }
}

pub(crate) async fn a_packet_is_refused_above_the_limit_alone(subject: &Subject) {
    let (one, other) = (subject.bind().await, subject.bind().await);
    let small = packet(address(&*other), b"small");
    let limit = one.max_bytes();
    let large = packet(address(&*other), &vec![7; limit + 1]);
    let address = large.peer.to_string();
    let too_large = TransportError::TooLarge { address, limit };
    assert_eq!(one.send(&[small.clone(), large]).await, Err(too_large));
    // Nothing was sent of that, so that this is the first to arrive.
    let marker = [packet(small.peer, b"marker")];
    let first = until_received(&*one, &marker, &*other, |_| true).await;
    assert_eq!(first.bytes, b"marker");
}

pub(crate) async fn batches_arrive_and_no_receipt_is_larger_than_its_limit(subject: &Subject) {
    let (one, other) = (subject.bind().await, subject.bind().await);
    let to_other = address(&*other);
    // Runs of one size, and others.
    let batch: Vec<_> = (0..40_u8)
        .map(|number| packet(to_other, &vec![number; 100 + usize::from(number / 10)]))
        .collect();
    let mut missing: std::collections::BTreeSet<u8> = (0..40).collect();
    while !missing.is_empty() {
        one.send(&batch).await.unwrap();
        for _ in 0..200 {
            let received = tokio::select! {
                biased;
                received = other.receive(7) => received.unwrap(),
                () = tokio::task::yield_now() => continue,
            };
            assert!((1..=7).contains(&received.len()), "{}", received.len());
            for packet in received {
                let number = packet.bytes[0];
                assert_eq!(packet.bytes, vec![number; 100 + usize::from(number / 10)]);
                missing.remove(&number);
            }
        }
    }
}

pub(crate) async fn many_peers_are_told_apart(subject: &Subject) {
    let server = subject.bind().await;
    let to_server = address(&*server);
    let mut clients = Vec::new();
    for _ in 0..20 {
        clients.push(subject.bind().await);
    }
    let served = server.clone();
    let echo = tokio::spawn(async move {
        while let Ok(packets) = served.receive(16).await {
            served.send(&packets).await.unwrap();
        }
    });
    for (number, client) in (0_u8..).zip(&clients) {
        let sent = [packet(to_server, &[number; 50])];
        let same = |packet: &Packet| packet.peer == to_server;
        let arrived = until_received(&**client, &sent, &**client, same).await;
        assert_eq!(arrived.bytes, [number; 50]);
    }
    echo.abort();
}

pub(crate) async fn a_packet_to_nobody_is_lost(subject: &Subject) {
    let (one, other) = (subject.bind().await, subject.bind().await);
    let gone = {
        let third = subject.bind().await;
        address(&*third)
    };
    let sent = [
        packet(gone, b"lost"),
        packet(address(&*other), b"arrives"),
        packet(gone, b"lost"),
    ];
    for _ in 0..3 {
        let any = |_: &Packet| true;
        let arrived = until_received(&*one, &sent, &*other, any).await;
        assert_eq!(arrived.bytes, b"arrives");
    }
}

pub(crate) async fn a_receipt_that_is_dropped_loses_nothing(subject: &Subject) {
    let (one, other) = (subject.bind().await, subject.bind().await);
    let to_other = address(&*other);
    let any = |_: &Packet| true;
    until_received(&*one, &[packet(to_other, b"first")], &*other, any).await;
    // Waits of no length at all, one of which finds the packet.
    for round in 0..20_u8 {
        let same = move |packet: &Packet| packet.bytes == [round];
        until_received(&*one, &[packet(to_other, &[round])], &*other, same).await;
    }
}

pub(crate) async fn an_address_is_taken_once_and_free_again(subject: &Subject) {
    let one = subject.bind().await;
    let url = one.url().to_owned();
    let listen = match url.strip_prefix("memory:") {
        Some(_) => url.clone(),
        None => address_in(&url).to_owned(),
    };
    let again = settings(&listen);
    let taken = subject.transport.bind_datagrams(&again).await.map(drop);
    assert!(
        matches!(taken, Err(TransportError::Listen { .. })),
        "{taken:?}"
    );
    drop(one);
    // A task may have to end first.
    while subject.transport.bind_datagrams(&again).await.is_err() {
        super::many_turns().await;
    }
}

pub(crate) async fn nonsense_is_no_address_of_a_socket(subject: &Subject) {
    for nonsense in NONSENSE {
        let settings = settings(nonsense);
        let bound = subject.transport.bind_datagrams(&settings).await.map(drop);
        assert!(
            matches!(bound, Err(TransportError::Address { .. })),
            "{nonsense}: {bound:?}"
        );
    }
}
