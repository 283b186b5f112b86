//! Handshakes that succeed.

use std::time::Duration;

use pqfw_pqvpn::node::{Event, Input};
use pqfw_pqvpn::session::Role;
use pqfw_pqvpn::trust::Verdict;

use crate::net::{Net, address, config};
use crate::people::{CHEAP, FAST, HYBRID, LONG_KEYS, LONG_SIGNATURES, SIBLING, shared};

fn kinds(net: &Net) -> Vec<u8> {
    let mut kinds: Vec<_> = net.sent.iter().map(|packet| packet.kind()).collect();
    kinds.dedup();
    kinds
}

#[test]
fn two_nodes_meet_and_talk() {
    let mut net = Net::of(2, &[CHEAP]);
    net.connect(0, 1);
    net.settle();
    // No record is known yet: S0, RETRY, IDREQ, IDREC, S0, RETRY, S1, S2, CONF and its answer.
    assert_eq!(kinds(&net), [0, 0x30, 0x31, 0x32, 0, 0x30, 1, 2, 3]);
    let up = |role, endpoint, peer| Event::Up {
        peer,
        standing: Verdict::Known,
        role,
        endpoint,
    };
    assert_eq!(
        net.places[0].events,
        [up(Role::Initiator, address(1), net.id(1))]
    );
    assert_eq!(
        net.places[1].events,
        [up(Role::Responder, address(0), net.id(0))]
    );
    for number in 0..50 {
        net.send(0, 1, number).unwrap();
        net.send(1, 0, number + 100).unwrap();
    }
    net.settle();
    assert_eq!(net.received(1), (0..50).collect::<Vec<_>>());
    assert_eq!(net.received(0), (100..150).collect::<Vec<_>>());
    assert!(net.places.iter().all(|place| place.refusals.is_empty()));
}

#[test]
fn the_suites_of_the_specification_fit_their_frames() {
    for name in [HYBRID, FAST] {
        let mut net = Net::of(2, &[name]);
        net.connect(0, 1);
        net.settle();
        assert!(net.is_up(0, 1), "{name}: {:?}", net.places[1].refusals);
        assert!(net.sent.iter().all(|packet| packet.bytes.len() <= 1232));
        net.send(0, 1, 7).unwrap();
        net.settle();
        assert_eq!(net.received(1), [7]);
        let fragments = |kind| {
            net.sent
                .iter()
                .filter(|packet| packet.kind() == kind)
                .count()
        };
        let expected = if name == HYBRID { (11, 7) } else { (8, 5) };
        assert_eq!((fragments(1), fragments(2)), expected, "{name}");
    }
}

#[test]
fn suites_with_long_keys_or_signatures_meet_too() {
    for (name, expected) in [(LONG_KEYS, (67, 43)), (LONG_SIGNATURES, (51, 47))] {
        let mut net = Net::of(2, &[name]);
        net.connect(0, 1);
        net.settle();
        assert!(net.is_up(0, 1), "{name}: {:?}", net.places[1].refusals);
        let fragments = |kind| {
            net.sent
                .iter()
                .filter(|packet| packet.kind() == kind)
                .count()
        };
        assert_eq!((fragments(1), fragments(2)), expected, "{name}");
    }
}

#[test]
fn both_ends_export_the_same_and_every_label_another() {
    let mut net = Net::of(2, &[CHEAP]);
    net.connect(0, 1);
    net.settle();
    let export = |at: usize, of: usize, label: &str| {
        let node = &net.places[at].node;
        let secret = node.export(net.id(of), label, 32).unwrap().unwrap();
        secret.expose().to_vec()
    };
    assert_eq!(export(0, 1, "a"), export(1, 0, "a"));
    assert_ne!(export(0, 1, "a"), export(0, 1, "b"));
    assert!(
        net.places[0]
            .node
            .export(net.id(0), "a", 32)
            .unwrap()
            .is_none()
    );
    assert!(net.places[0].node.export(net.id(1), "a", 1 << 20).is_err());
}

#[test]
fn the_responders_order_decides_and_offers_need_not_be_equal() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let configs = vec![
        config(&near, &[CHEAP, SIBLING], &[far.id()]),
        config(&far, &[SIBLING], &[near.id()]),
    ];
    let mut net = Net::new(configs);
    net.connect(0, 1);
    net.settle();
    assert!(net.is_up(0, 1));
}

#[test]
fn a_known_peer_is_called_without_asking_for_its_record_and_a_token_saves_the_first_round() {
    let mut net = Net::of(2, &[CHEAP]);
    net.connect(0, 1);
    net.settle();
    let rekey = |net: &mut Net| {
        net.sent.clear();
        net.tell(0, Input::Rekey(net.id(1))).unwrap();
        net.settle();
        kinds(net)
    };
    assert_eq!(rekey(&mut net), [1, 2, 3], "the token of S2 was used");
    net.pass(Duration::from_secs(31));
    assert_eq!(rekey(&mut net), [0, 0x30, 1, 2, 3], "the token has expired");
    assert!(net.is_up(0, 1));
    let rekeyed = |event: &Event| matches!(event, Event::Rekeyed { .. });
    assert_eq!((net.count(0, rekeyed), net.count(1, rekeyed)), (2, 2));
}

#[test]
fn packets_that_come_too_early_wait_for_the_session() {
    let mut net = Net::of(2, &[CHEAP]);
    net.connect(0, 1);
    net.settle();
    // Dead, and called again: what is sent meanwhile waits.
    net.fate = Box::new(|_| Vec::new());
    net.pass_secs(110);
    assert!(!net.places[0].node.is_up(net.id(1)));
    for number in 0..3 {
        net.send(0, 1, number).unwrap();
    }
    net.fate = Box::new(|packet| vec![packet]);
    net.pass_secs(90);
    assert!(net.is_up(0, 1));
    assert_eq!(net.received(1), [0, 1, 2]);
}

/// What becomes of one datagram of a handshake.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Lost,
    Doubled,
    /// It comes after the one that follows it.
    Late,
}

#[test]
fn each_datagram_of_a_handshake_may_be_lost_doubled_or_late() {
    let usual = {
        let mut net = Net::of(2, &[FAST]);
        net.connect(0, 1);
        net.settle();
        net.sent.len()
    };
    for number in 0..usual {
        for fate in [Fate::Lost, Fate::Doubled, Fate::Late] {
            let mut net = Net::of(2, &[FAST]);
            let (mut count, mut held) = (0, None);
            net.fate = Box::new(move |packet| {
                count += 1;
                let this = count == number + 1;
                let before: Option<_> = held.take();
                match fate {
                    _ if !this => std::iter::once(packet).chain(before).collect(),
                    Fate::Lost => Vec::new(),
                    Fate::Doubled => vec![packet.clone(), packet],
                    Fate::Late => {
                        held = Some(packet);
                        Vec::new()
                    }
                }
            });
            net.connect(0, 1);
            net.pass_secs(3);
            assert!(net.is_up(0, 1), "{fate:?}: datagram {number} of {usual}");
            net.send(0, 1, 1).unwrap();
            net.send(1, 0, 2).unwrap();
            net.settle();
            assert_eq!((net.received(1), net.received(0)), (vec![1], vec![2]));
            let sessions = net.places.iter().map(|place| place.node.sessions());
            assert!(sessions.eq([1, 1]), "{fate:?}: datagram {number}");
        }
    }
}

#[test]
fn a_job_has_its_time_however_soon_s1_was_to_be_said_again() {
    for (secs, up) in [(9, true), (11, false)] {
        let mut net = Net::of(2, &[CHEAP]);
        net.connect(0, 1);
        net.places[0].holds_jobs = true;
        net.settle();
        for job in ["the record", "S1"] {
            assert!(net.work(0).iter().all(Result::is_ok), "{job}");
            net.settle();
        }
        net.pass_secs(secs);
        let done = net.work(0);
        net.settle();
        assert_eq!(done.iter().all(Result::is_ok), up, "S2");
        assert_eq!(net.is_up(0, 1), up, "after {secs} s");
    }
}
