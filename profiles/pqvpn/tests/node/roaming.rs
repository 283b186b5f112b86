//! Peers that move, and those who pretend that one has.

use std::time::Duration;

use pqfw_pqvpn::node::Event;
use pqfw_pqvpn::session::Buckets;

use crate::net::{Net, Packet, address, config};
use crate::people::{CHEAP, shared};

fn up() -> Net {
    let mut net = Net::of(2, &[CHEAP]);
    net.connect(0, 1);
    net.settle();
    assert!(net.is_up(0, 1));
    net.sent.clear();
    net
}

fn bytes_to(net: &Net, to: std::net::SocketAddr) -> usize {
    let packets = net.sent.iter().filter(|packet| packet.to == to);
    packets.map(|packet| packet.bytes.len()).sum()
}

#[test]
fn a_peer_that_moves_is_asked_and_followed() {
    let mut net = up();
    net.places[0].address = address(5);
    net.send(0, 1, 1).unwrap();
    net.pass(Duration::from_millis(499));
    let (near, endpoint) = (net.id(0), address(5));
    assert_eq!(net.places[1].node.endpoint(near), Some(address(0)));
    net.pass(Duration::from_millis(1));
    let moved = Event::Moved {
        peer: near,
        endpoint,
    };
    assert_eq!(
        net.places[1]
            .events
            .iter()
            .filter(|event| **event == moved)
            .count(),
        1
    );
    assert_eq!(net.places[1].node.endpoint(near), Some(endpoint));
    net.sent.clear();
    net.send(1, 0, 2).unwrap();
    net.settle();
    assert_eq!(net.received(0), [2]);
    assert_eq!(bytes_to(&net, address(0)), 0, "nothing goes where it was");
}

#[test]
fn a_copied_frame_from_elsewhere_diverts_nothing() {
    let mut net = up();
    // An observer is faster than the network.
    let spy = address(66);
    net.fate = Box::new(move |packet| match packet.from == address(0) {
        true => vec![
            Packet {
                from: spy,
                ..packet.clone()
            },
            packet,
        ],
        false => vec![packet],
    });
    for number in 0..20 {
        net.send(0, 1, number).unwrap();
        net.settle();
        net.send(1, 0, number).unwrap();
        net.settle();
    }
    let near = net.id(0);
    assert_eq!(net.places[1].node.endpoint(near), Some(address(0)));
    assert_eq!(net.received(0).len(), 20);
    let copied: usize = net
        .sent
        .iter()
        .filter(|packet| packet.from == address(0))
        .map(|packet| packet.bytes.len())
        .sum();
    let to_spy = bytes_to(&net, spy);
    assert!(to_spy > 0 && to_spy <= 3 * copied, "{to_spy} for {copied}");
    let packets: Vec<_> = net.sent.iter().filter(|packet| packet.to == spy).collect();
    assert!(packets.len() < 20, "the question alone");
    // A frame from where the peer is ends it.
    net.fate = Box::new(|packet| vec![packet]);
    net.send(0, 1, 99).unwrap();
    net.settle();
    net.sent.clear();
    net.pass_secs(4);
    assert_eq!(bytes_to(&net, spy), 0);
}

#[test]
fn whoever_copies_and_carries_every_frame_moves_nobody() {
    let mut net = up();
    // Faster than the network, it copies what each end sends, and carries what is sent to itself.
    let spy = address(66);
    net.fate = Box::new(move |packet| {
        let (near, far) = (address(0), address(1));
        let other = if packet.from == near { far } else { near };
        let copy = Packet {
            from: spy,
            to: other,
            bytes: packet.bytes.clone(),
        };
        match packet.to == spy {
            true => vec![copy],
            false => vec![copy, packet],
        }
    });
    for number in 0..40 {
        net.send(0, 1, number).unwrap();
        net.send(1, 0, number).unwrap();
        net.pass(Duration::from_millis(100));
    }
    for (end, other) in [(0, 1), (1, 0)] {
        let peer = net.id(other);
        assert_eq!(net.places[end].node.endpoint(peer), Some(address(other)));
        assert_eq!(
            net.count(end, |event| matches!(event, Event::Moved { .. })),
            0
        );
        assert_eq!(net.received(end).len(), 40);
        let from = net.places[end].address;
        let asked = net.sent.iter();
        let asked = asked.filter(|packet| packet.from == from && packet.to == spy);
        // A question every 250 ms, and an answer to each of the other end's two.
        let asked = asked.count();
        assert!((4..=51).contains(&asked), "{asked} in four seconds");
    }
}

#[test]
fn an_old_frame_from_elsewhere_is_not_even_a_question() {
    let mut net = up();
    net.fate = Box::new(|_| Vec::new());
    net.send(0, 1, 1).unwrap();
    net.settle();
    let held = net.sent.pop().unwrap();
    net.fate = Box::new(|packet| vec![packet]);
    net.send(0, 1, 2).unwrap();
    net.settle();
    net.sent.clear();
    let from = address(66);
    net.deliver(Packet { from, ..held }).unwrap().unwrap();
    net.pass_secs(4);
    assert_eq!(net.received(1), [2, 1], "it is a packet like any other");
    assert_eq!(bytes_to(&net, from), 0);
}

#[test]
fn no_more_than_three_times_what_came_goes_to_a_new_address() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let mut padded = config(&far, &[CHEAP], &[near.id()]);
    padded.buckets = Buckets::new(vec![1400]);
    let mut net = Net::new(vec![config(&near, &[CHEAP], &[far.id()]), padded]);
    net.connect(0, 1);
    net.settle();
    net.sent.clear();
    net.places[0].address = address(5);
    // Each packet weighs 96 bytes, the question 1432: the fifth is enough.
    for number in 0..4 {
        net.send(0, 1, number).unwrap();
        net.pass(Duration::from_millis(300));
        assert_eq!(bytes_to(&net, address(5)), 0, "{number}");
    }
    net.send(0, 1, 4).unwrap();
    net.pass(Duration::from_millis(300));
    assert_eq!(bytes_to(&net, address(5)), 1432);
    assert_eq!(net.places[1].node.endpoint(near.id()), Some(address(5)));
}

#[test]
fn the_answer_to_a_copied_question_is_not_padded_to_many_times_its_size() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let mut padded = config(&near, &[CHEAP], &[far.id()]);
    padded.buckets = Buckets::new(vec![1400]);
    let mut net = Net::new(vec![padded, config(&far, &[CHEAP], &[near.id()])]);
    net.connect(0, 1);
    net.settle();
    net.sent.clear();
    net.places[0].address = address(5);
    // What the node is asked where it is now seems to come from a victim.
    let victim = address(66);
    net.fate = Box::new(move |packet| match packet.to == address(5) {
        true => vec![Packet {
            from: victim,
            ..packet
        }],
        false => vec![packet],
    });
    net.send(0, 1, 1).unwrap();
    net.settle();
    let question = bytes_to(&net, address(5));
    let answers = net.sent.iter().filter(|packet| packet.to == victim);
    let most = answers.map(|packet| packet.bytes.len()).max().unwrap();
    assert!(most <= 3 * question, "{most} for {question}");
}

#[test]
fn an_address_that_does_not_answer_is_given_up() {
    let mut net = up();
    net.places[0].address = address(5);
    net.fate = Box::new(|packet| match packet.to == address(5) {
        true => Vec::new(),
        false => vec![packet],
    });
    net.send(0, 1, 1).unwrap();
    net.pass_secs(10);
    let near = net.id(0);
    assert_eq!(net.places[1].node.endpoint(near), Some(address(0)));
    let asked = net
        .sent
        .iter()
        .filter(|packet| packet.to == address(5))
        .count();
    assert!((1..=12).contains(&asked), "{asked}");
    let budget = 3 * net
        .sent
        .iter()
        .filter(|packet| packet.from == address(5))
        .map(|packet| packet.bytes.len())
        .sum::<usize>();
    assert!(bytes_to(&net, address(5)) <= budget);
}
