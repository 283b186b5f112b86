//! Packets beside the node: what it hands to the data plane, when, and what it is told.

use std::time::Duration;

use pqfw_pqvpn::PeerId;
use pqfw_pqvpn::limits::MOST_MISSES;
use pqfw_pqvpn::node::{Event, Input, Refusal};
use pqfw_pqvpn::plane::{Heard, Taken};
use pqfw_pqvpn::session::{ContentError, DataError, OVERHEAD};

use crate::net::{Net, address, config, packet};
use crate::people::{CHEAP, shared};

/// Two nodes whose packets are carried beside them, with a session that the first has made.
fn carried() -> Net {
    let people: Vec<_> = (0..2).map(|seed| shared(seed, CHEAP)).collect();
    let ids: Vec<_> = people.iter().map(|identity| identity.id()).collect();
    let configs = people.iter().map(|own| {
        let mut config = config(own, &[CHEAP], &ids);
        (config.carried, config.shards) = (true, 3);
        config
    });
    let mut net = Net::new(configs.collect());
    net.connect(0, 1);
    net.settle();
    assert!(net.is_up(0, 1));
    net
}

/// A frame of a flow, and where it goes.
fn seal(net: &Net, from: usize, flow: usize, plaintext: &[u8]) -> Vec<u8> {
    let to = net.id(1 - from);
    let mut outgoing = net.places[from].plane.outgoing();
    let (sealer, place) = outgoing.to(to, flow).expect("a session");
    assert_eq!(place, address(1 - from));
    let mut frame = vec![0; plaintext.len() + OVERHEAD];
    frame[16..16 + plaintext.len()].copy_from_slice(plaintext);
    sealer.seal(net.at, 0, &mut frame).unwrap();
    frame
}

/// Whose packet a frame holds, or why it holds none.
type Opened = Result<Option<(PeerId, Vec<u8>)>, Refusal>;

/// What an end makes of a frame.
fn open(net: &Net, at: usize, frame: &[u8]) -> (Opened, Option<Heard>) {
    let mut copy = frame.to_vec();
    let mut incoming = net.places[at].plane.incoming();
    let (taken, heard) = incoming.open(net.at, address(1 - at), &mut copy);
    let taken = match taken {
        Taken::Packet(peer, packet) => Ok(Some((peer, packet.to_vec()))),
        Taken::Nothing => Ok(None),
        Taken::Refused(why) => Err(why),
        Taken::Other => Err(Refusal::Stray),
    };
    (taken, heard)
}

fn arrives(net: &mut Net, at: usize, frame: &[u8], packet: &[u8]) {
    let (taken, heard) = open(net, at, frame);
    assert_eq!(taken, Ok(Some((net.id(1 - at), packet.to_vec()))));
    if let Some(heard) = heard {
        net.tell(at, Input::Heard(heard)).unwrap();
        net.settle();
    }
}

#[test]
fn packets_go_beside_the_node_and_none_is_lost_when_keys_change() {
    let mut net = carried();
    for round in 0..5 {
        let packet = packet(round, 64);
        for from in [0, 1] {
            for flow in [0, 1, 7] {
                let frame = seal(&net, from, flow, &packet);
                arrives(&mut net, 1 - from, &frame, &packet);
            }
        }
        // On its way while the keys change.
        let late = seal(&net, 0, 0, &packet);
        let wish = Input::Rekey(net.id(round as usize % 2));
        net.tell(1 - round as usize % 2, wish).unwrap();
        net.settle();
        let new = seal(&net, 0, 0, &packet);
        assert_ne!(late[4..8], new[4..8], "another session");
        arrives(&mut net, 1, &new, &packet);
        arrives(&mut net, 1, &late, &packet);
    }
    assert!(net.places.iter().all(|place| place.refusals.is_empty()));
    // Control goes through the node, and packets never do.
    assert_eq!(
        net.count(0, |event| matches!(event, Event::Packet { .. })),
        0
    );
}

#[test]
fn a_session_that_ended_is_gone_with_its_keys() {
    let mut net = carried();
    let frame = seal(&net, 0, 0, &packet(1, 64));
    net.tell(0, Input::Rekey(net.id(1))).unwrap();
    net.settle();
    net.pass_secs(31);
    assert_eq!(open(&net, 1, &frame), (Err(Refusal::Stray), None));
    // By the end that has called: the other would be called again.
    net.tell(0, Input::Drop(net.id(1))).unwrap();
    net.settle();
    for at in [0, 1] {
        let to = net.id(1 - at);
        assert!(net.places[at].plane.outgoing().to(to, 0).is_none());
    }
}

#[test]
fn the_node_is_told_at_first_and_then_each_second_or_when_something_happens() {
    let mut net = carried();
    let frames: Vec<_> = (0..4)
        .map(|number| seal(&net, 0, 0, &packet(number, 64)))
        .collect();
    let told = |net: &Net, frame: &[u8]| open(net, 1, frame).1;
    let first = told(&net, &frames[0]).unwrap();
    assert!(first.newest && !first.worn && first.from == address(0));
    assert_eq!(first.bytes, 96);
    assert_eq!(told(&net, &frames[1]), None);
    net.at += Duration::from_secs(1);
    let again = told(&net, &frames[2]).unwrap();
    assert_eq!(again.bytes, 192, "two frames");
    let mut copy = frames[3].clone();
    let elsewhere = "192.0.2.9:9".parse().unwrap();
    let mut incoming = net.places[1].plane.incoming();
    let (_, moved) = incoming.open(net.at, elsewhere, &mut copy);
    assert_eq!(moved.unwrap().from, elsewhere);
}

#[test]
fn what_is_heard_there_keeps_a_peer_alive() {
    let mut net = carried();
    // Nothing but packets of the data plane gets through.
    net.fate = Box::new(|_| Vec::new());
    let count = 3 * MOST_MISSES;
    let frames: Vec<_> = (0..count)
        .map(|number| seal(&net, 0, 0, &packet(number, 64)))
        .collect();
    for (number, frame) in (0..).zip(&frames) {
        arrives(&mut net, 1, frame, &packet(number, 64));
        net.pass_secs(20);
    }
    let is_dead = |event: &Event| matches!(event, Event::Dead { .. });
    assert_eq!((net.count(0, is_dead), net.count(1, is_dead)), (1, 0));
}

#[test]
fn what_is_no_packet_is_refused_or_goes_to_the_node() {
    let net = carried();
    let good = seal(&net, 0, 0, &packet(1, 64));
    for at in [8, 16, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let (taken, _) = open(&net, 1, &bad);
        assert!(matches!(taken, Err(Refusal::Data(_))), "{taken:?}");
    }
    let mut stray = good.clone();
    stray[7] |= 0x0f;
    let short = good[..15].to_vec();
    for other in [stray, short, vec![2, 0x30]] {
        assert_eq!(open(&net, 1, &other), (Err(Refusal::Stray), None));
    }
    assert!(open(&net, 1, &good).0.is_ok());
    let again = open(&net, 1, &good).0;
    assert!(matches!(again, Err(Refusal::Data(DataError::Replayed(_)))));
    let cell = seal(&net, 0, 0, &[2, 0, 0]);
    assert_eq!(
        open(&net, 1, &cell).0,
        Err(Refusal::Content(ContentError::Cell))
    );
    let padding = seal(&net, 0, 0, &[0, 0]);
    assert_eq!(open(&net, 1, &padding).0, Ok(None));
    let close = seal(&net, 0, 0, b"\x01{\"type\":\"CLOSE\"}");
    let (taken, heard) = open(&net, 1, &close);
    assert_eq!(taken, Ok(None));
    let mut net = net;
    net.tell(1, Input::Heard(heard.unwrap())).unwrap();
    net.settle();
    assert!(!net.places[1].node.is_up(net.id(0)));
}
