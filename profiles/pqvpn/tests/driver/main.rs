//! Nodes at work over real transports and over those of one process: what they drop, when they
//! repeat, and how they end.

#![expect(
    clippy::unwrap_used,
    reason = "a scenario that cannot go on has failed"
)]

#[path = "../node/people.rs"]
mod people;
mod sockets;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::transport::{Datagrams, Transport};
use pqfw_framework::world::World;
use pqfw_memory::{MemoryTransport, SeededWorld};
use pqfw_pqvpn::driver::{DriverError, Handle, Workers, start};
use pqfw_pqvpn::limits::{MOST_DATAGRAM, MOST_INBOX, MOST_WISHED_PACKETS};
use pqfw_pqvpn::node::{Config, ConfigError, Event, Refusal};
use pqfw_pqvpn::trust::{TrustList, TrustMode};
use pqfw_pqvpn::{Identity, PeerId, RecordTerms};
use pqfw_runtime::OsWorld;
use pqfw_tcp::TcpTransport;
use pqfw_udp::UdpTransport;
use tokio::task::JoinHandle;

use people::{CHEAP, rng, shared, suites};
use sockets::{Broken, Narrow, address, settings};

const WORKERS: Workers = Workers {
    threads: 1,
    most_jobs: 8,
};

/// A node that knows some, and is called by itself.
fn config(own: &Arc<Identity>, known: &[PeerId]) -> Config {
    let terms = RecordTerms {
        expires_unix_secs: 4_102_444_800,
        ..RecordTerms::default()
    };
    let record = own.record(terms, &mut rng(77)).unwrap();
    let known = known.iter().map(|id| (*id, None));
    let trust = TrustList::new(TrustMode::Pinned, known);
    Config::new(suites(&[CHEAP]), own.clone(), record, Arc::new(trust))
}

type Work = JoinHandle<Result<(), DriverError>>;

fn begin(
    config: Config,
    workers: Workers,
    socket: Arc<dyn Datagrams>,
    world: Arc<dyn World>,
) -> (Handle, Work) {
    let (handle, driver) = start(config, workers, socket, world).unwrap();
    (handle, tokio::spawn(driver))
}

/// Two nodes that know each other on a transport; the first has called the second.
async fn pair(transport: &dyn Transport, world: Arc<dyn World>) -> [(Handle, Work); 2] {
    let (one, other) = (shared(0, CHEAP), shared(1, CHEAP));
    let ids = [one.id(), other.id()];
    let settings = settings(transport.loopback());
    let mut nodes = Vec::new();
    for own in [&one, &other] {
        let socket = transport.bind_datagrams(&settings).await.unwrap();
        nodes.push(begin(config(own, &ids), WORKERS, socket, world.clone()));
    }
    let nodes: [(Handle, Work); 2] = nodes.try_into().ok().unwrap();
    let [(caller, _), (called, _)] = &nodes;
    let to = address(called.url());
    caller.connect("other", to, Some(called.id())).unwrap();
    for (node, peer) in [(caller, called), (called, caller)] {
        let up = node.next().await.unwrap();
        assert!(matches!(up, Event::Up { peer: id, .. } if id == peer.id()));
    }
    nodes
}

/// An IPv4 packet of a length with a number in it.
fn packet(number: u32, length: u16) -> Vec<u8> {
    let mut packet = vec![0; length.into()];
    packet[0] = 0x45;
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet[20..24].copy_from_slice(&number.to_be_bytes());
    packet
}

async fn packets(node: &Handle, count: usize) -> Vec<Vec<u8>> {
    let mut packets = Vec::new();
    while packets.len() < count {
        if let Event::Packet { packet, .. } = node.next().await.unwrap() {
            packets.push(packet);
        }
    }
    packets
}

async fn talk(transport: &dyn Transport, world: Arc<dyn World>) {
    let [(one, one_works), (other, other_works)] = pair(transport, world).await;
    let all: Vec<_> = (0..50).map(|number| packet(number, 1200)).collect();
    for (from, to) in [(&one, &other), (&other, &one)] {
        from.send(to.id(), 0, all.clone()).await.unwrap();
        assert_eq!(packets(to, all.len()).await, all);
    }
    one.rekey(other.id()).unwrap();
    for node in [&one, &other] {
        let event = node.next().await.unwrap();
        assert!(matches!(event, Event::Rekeyed { .. }), "{event:?}");
    }
    one.send(other.id(), 0, all.clone()).await.unwrap();
    assert_eq!(packets(&other, all.len()).await, all);
    let counts = one.counts();
    assert!(counts.packets_sent > 100 && counts.bytes_sent > 100 * 1200);
    assert!(counts.packets_received > 50 && counts.bytes_received > 50 * 1200);

    one.stop();
    assert_eq!(one_works.await.unwrap(), Ok(()));
    for (node, peer) in [(&one, &other), (&other, &one)] {
        let closed = node.next().await;
        assert_eq!(closed, Some(Event::Closed { peer: peer.id() }));
    }
    assert_eq!(one.next().await, None);
    assert_eq!(one.rekey(other.id()), Err(DriverError::Stopped));
    let sent = one.send(other.id(), 0, vec![packet(0, 100)]).await;
    assert_eq!(sent, Err(DriverError::Stopped));
    // Whoever holds it no more has stopped it.
    drop(other);
    assert_eq!(other_works.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn two_nodes_talk_within_one_process() {
    talk(&MemoryTransport::default(), Arc::new(SeededWorld::new(1))).await;
}

#[tokio::test]
async fn two_nodes_talk_over_udp() {
    talk(&UdpTransport, Arc::new(OsWorld::new())).await;
}

#[tokio::test]
async fn two_nodes_talk_over_framed_tcp() {
    talk(&TcpTransport, Arc::new(OsWorld::new())).await;
}

#[tokio::test]
async fn what_is_not_answered_is_said_again_when_its_time_has_come() {
    let (memory, world) = (MemoryTransport::default(), Arc::new(SeededWorld::new(1)));
    let bind = || async { memory.bind_datagrams(&settings("memory:")).await.unwrap() };
    let (socket, silent) = (bind().await, bind().await);
    let own = shared(0, CHEAP);
    let (node, work) = begin(config(&own, &[]), WORKERS, socket, world.clone());
    node.connect("silent", address(silent.url()), None).unwrap();
    let first = silent.receive(64).await.unwrap();
    assert_eq!(first.len(), 1);
    world.advance(Duration::from_secs(1));
    assert_eq!(silent.receive(64).await.unwrap(), first);
    // A stop does not wait for whoever is silent.
    node.stop();
    assert_eq!(work.await.unwrap(), Ok(()));
}

#[tokio::test]
async fn a_message_for_which_no_thread_is_free_is_dropped_and_comes_again() {
    let (memory, world) = (MemoryTransport::default(), Arc::new(SeededWorld::new(1)));
    let bind = || async { memory.bind_datagrams(&settings("memory:")).await.unwrap() };
    let (one, other) = (shared(0, CHEAP), shared(1, CHEAP));
    let ids = [one.id(), other.id()];
    let full = Workers {
        threads: 1,
        most_jobs: 0,
    };
    let (caller, _caller_works) = begin(config(&one, &ids), full, bind().await, world.clone());
    let (called, _called_works) = begin(config(&other, &ids), WORKERS, bind().await, world.clone());
    let to = address(called.url());
    caller.connect("other", to, Some(other.id())).unwrap();
    while caller.counts().jobs_dropped == 0 {
        tokio::task::yield_now().await;
    }
    // The job counts as lost after its time, and the call is made anew.
    let mut failed = false;
    while caller.counts().jobs_dropped < 2 {
        world.advance(Duration::from_millis(100));
        tokio::task::yield_now().await;
    }
    while let Some(event) = caller.next().await {
        failed = matches!(event, Event::CallFailed { .. });
        if failed {
            break;
        }
    }
    assert!(failed);
}

#[tokio::test]
async fn what_nobody_takes_is_dropped_and_counted() {
    let world = Arc::new(SeededWorld::new(1));
    let [(one, _one_works), (other, _other_works)] = pair(&MemoryTransport::default(), world).await;
    let room = MOST_INBOX / 2;
    let mut sent = 0;
    while sent < room + 3 {
        let number = u32::try_from(sent).unwrap();
        one.send(other.id(), 0, vec![packet(number, 64)])
            .await
            .unwrap();
        sent += 1;
        let expected = u64::try_from(sent).unwrap();
        while other.counts().packets_received < expected {
            tokio::task::yield_now().await;
        }
    }
    while other.counts().untaken == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(packets(&other, room).await.len(), room);
}

#[tokio::test]
async fn what_a_node_does_not_do_is_said_and_counted() {
    let world = Arc::new(SeededWorld::new(1));
    let [(one, _one_works), (other, _other_works)] = pair(&MemoryTransport::default(), world).await;
    let nobody = PeerId([9; 32]);
    let refused = DriverError::Refused(Refusal::NoPeer(nobody));
    assert_eq!(one.rekey(nobody), Err(refused.clone()));
    assert_eq!(one.hang_up(nobody), Err(refused.clone()));
    let sent = one.send(nobody, 0, vec![packet(0, 64)]).await;
    assert_eq!(sent, Err(refused));
    let counts = one.counts();
    assert_eq!(counts.refused("no_peer"), 3);
    assert_eq!(counts.refused["no_peer"].last, Refusal::NoPeer(nobody));
    assert!(one.is_up(other.id()));
    one.hang_up(other.id()).unwrap();
    assert!(!one.is_up(other.id()));
}

#[tokio::test]
async fn wishes_wait_in_a_queue_with_an_end() {
    let own = shared(0, CHEAP);
    let world = Arc::new(SeededWorld::new(1));
    let socket = Arc::new(Narrow(MOST_DATAGRAM));
    // Its driver is never polled, so that nothing is sent.
    let (node, _driver) = start(config(&own, &[]), WORKERS, socket, world.clone()).unwrap();
    let to: SocketAddr = "10.0.0.9:1".parse().unwrap();
    node.connect("silent", to, None).unwrap();
    let mut said = 1;
    let full = loop {
        // Each wish makes the node say again what is due.
        world.advance(Duration::from_secs(60));
        if let Err(error) = node.connect("silent", to, None) {
            break error;
        }
        said += 1;
    };
    assert_eq!(full, DriverError::Refused(Refusal::Queue));
    assert!(said >= MOST_WISHED_PACKETS, "{said}");
}

#[tokio::test]
async fn a_socket_that_is_no_more_ends_the_node() {
    let own = shared(0, CHEAP);
    let world = Arc::new(SeededWorld::new(1));
    let (node, work) = begin(config(&own, &[]), WORKERS, Arc::new(Broken), world);
    let ended = work.await.unwrap();
    assert_eq!(ended, Err(DriverError::Transport(Broken::error())));
    assert_eq!(node.next().await, None);
}

#[tokio::test]
async fn a_way_for_threads_that_the_system_refuses_is_not_gone_without() {
    let own = shared(0, CHEAP);
    let mut config = config(&own, &[]);
    config.carried = true;
    let world = Arc::new(SeededWorld::new(1));
    let error = start(config, WORKERS, Arc::new(Broken), world).err();
    assert_eq!(error, Some(DriverError::Transport(Broken::error())));
}

#[tokio::test]
async fn a_node_needs_threads_sockets_and_a_configuration_that_fit() {
    let own = shared(0, CHEAP);
    let error = |workers, most, change: fn(&mut Config)| {
        let mut config = config(&own, &[]);
        change(&mut config);
        let world = Arc::new(SeededWorld::new(1));
        start(config, workers, Arc::new(Narrow(most)), world).err()
    };
    let none = Workers {
        threads: 0,
        most_jobs: 1,
    };
    let workers = error(none, MOST_DATAGRAM, |_| ());
    assert!(matches!(workers, Some(DriverError::Workers(_))));
    assert_eq!(error(WORKERS, MOST_DATAGRAM, |_| ()), None);
    let small = DriverError::Small {
        url: "narrow:".into(),
        most: MOST_DATAGRAM - 1,
    };
    assert_eq!(error(WORKERS, MOST_DATAGRAM - 1, |_| ()), Some(small));
    let shards = error(WORKERS, MOST_DATAGRAM, |config| config.shards = 0);
    let expected = DriverError::Config(ConfigError::Shards(0));
    assert_eq!(shards, Some(expected));
}

#[tokio::test]
async fn a_datagram_that_the_transport_does_not_carry_is_dropped_and_counted() {
    let (memory, world) = (MemoryTransport::default(), Arc::new(SeededWorld::new(1)));
    let (one, other) = (shared(0, CHEAP), shared(1, CHEAP));
    let ids = [one.id(), other.id()];
    let mut nodes = Vec::new();
    for own in [&one, &other] {
        let socket = memory.bind_datagrams(&settings("memory:")).await.unwrap();
        let socket = Arc::new(sockets::Capped(socket));
        nodes.push(begin(config(own, &ids), WORKERS, socket, world.clone()));
    }
    let to = address(nodes[1].0.url());
    nodes[0].0.connect("other", to, Some(other.id())).unwrap();
    nodes[0].0.next().await.unwrap();
    let large = packet(0, u16::try_from(MOST_DATAGRAM).unwrap());
    let small = packet(1, 100);
    let both = vec![large, small.clone()];
    nodes[0].0.send(other.id(), 0, both).await.unwrap();
    assert_eq!(packets(&nodes[1].0, 1).await, [small]);
    assert_eq!(nodes[0].0.counts().too_large, 1);
}
