//! Sessions over time: keepalives, the dead, new keys, both calling at once, shards, buckets.

use std::sync::Arc;
use std::time::Duration;

use pqfw_pqvpn::Identity;
use pqfw_pqvpn::node::{CallError, Event, Input, Refusal};
use pqfw_pqvpn::session::{Buckets, DataError, Role};
use pqfw_pqvpn::trust::{TrustMode, Verdict};
use pqfw_pqvpn::wire::{DataHead, FLAG_PADDED};

use crate::net::{Net, Packet, address, config, packet, trust};
use crate::people::{CHEAP, identity, rng, shared, suite};
use crate::watched::watched;

fn up(net: &mut Net) {
    net.connect(0, 1);
    net.settle();
    assert!(net.is_up(0, 1));
}

fn is_dead(event: &Event) -> bool {
    matches!(event, Event::Dead { .. })
}

fn is_rekeyed(event: &Event) -> bool {
    matches!(event, Event::Rekeyed { .. })
}

fn is_up(event: &Event) -> bool {
    matches!(event, Event::Up { .. })
}

fn data(net: &Net) -> impl Iterator<Item = &Packet> {
    net.sent.iter().filter(|packet| packet.kind() == 3)
}

#[test]
fn a_quiet_session_is_kept_alive() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    net.sent.clear();
    net.pass_secs(590);
    // Each asks every 25 seconds, and each answers.
    assert_eq!(data(&net).count(), 4 * (590 / 25));
    assert!(net.is_up(0, 1) && net.count(0, is_dead) + net.count(1, is_dead) == 0);
}

#[test]
fn whoever_misses_three_keepalives_is_dead_and_is_called_again_by_whoever_wants_it() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    net.fate = Box::new(|_| Vec::new());
    net.pass_secs(99);
    assert!(net.is_up(0, 1));
    net.pass_secs(1);
    assert_eq!((net.count(0, is_dead), net.count(1, is_dead)), (1, 1));
    assert!(!net.places[0].node.is_up(net.id(1)));
    assert_eq!(net.places[1].node.sessions(), 0);
    net.sent.clear();
    net.pass_secs(1);
    assert!(!net.sent.is_empty() && net.sent.iter().all(|packet| packet.kind() == 0));
    net.fate = Box::new(|packet| vec![packet]);
    net.pass_secs(120);
    assert!(net.is_up(0, 1));
    assert_eq!(net.count(0, is_up), 2);
}

#[test]
fn keys_change_in_time_and_by_wish_and_the_former_session_ends() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    net.pass_secs(599);
    assert_eq!(net.count(0, is_rekeyed), 0);
    net.pass_secs(2);
    assert_eq!((net.count(0, is_rekeyed), net.count(1, is_rekeyed)), (1, 1));
    assert_eq!(net.places[0].node.sessions(), 2);
    net.pass_secs(30);
    assert_eq!(net.places[0].node.sessions(), 1);
    assert_eq!(net.places[1].node.sessions(), 1);
    let wish = Input::Rekey(net.id(0));
    net.tell(1, wish).unwrap();
    net.settle();
    assert_eq!(net.count(1, is_rekeyed), 2);
}

#[test]
fn one_of_two_calls_survives_and_both_ends_agree_which() {
    let mut net = Net::of(2, &[CHEAP]);
    for place in &mut net.places {
        place.holds_jobs = true;
    }
    net.connect(0, 1);
    net.connect(1, 0);
    net.settle();
    // Both read a record, both make S1, then both have the other's.
    for _ in 0..3 {
        net.work(0);
        net.work(1);
        net.settle();
    }
    let (small, large) = if net.id(0) < net.id(1) {
        (0, 1)
    } else {
        (1, 0)
    };
    assert_eq!(net.places[small].refusals, [Refusal::Simultaneous]);
    assert_eq!(net.places[large].refusals, []);
    net.work(small);
    net.settle();
    assert!(net.is_up(0, 1));
    for (number, expected) in [(small, Role::Initiator), (large, Role::Responder)] {
        let events = &net.places[number].events;
        assert!(matches!(&events[..], [Event::Up { role, .. }] if *role == expected));
        assert_eq!(net.places[number].node.sessions(), 1);
    }
    // The one that gave way still wants the other.
    for place in &mut net.places {
        place.holds_jobs = false;
    }
    net.fate = Box::new(|_| Vec::new());
    net.pass_secs(110);
    net.fate = Box::new(|packet| vec![packet]);
    net.pass_secs(120);
    assert!(net.is_up(0, 1));
}

#[test]
fn whoever_gave_way_calls_again_when_the_other_call_comes_to_nothing() {
    let mut net = Net::of(2, &[CHEAP]);
    net.connect(0, 1);
    net.connect(1, 0);
    for place in &mut net.places {
        place.holds_jobs = true;
    }
    net.settle();
    for _ in 0..3 {
        net.work(0);
        net.work(1);
        net.settle();
    }
    let large = if net.id(0) < net.id(1) { 1 } else { 0 };
    assert_eq!(net.places[large].node.sessions(), 1, "half open");
    // The other end vanishes.
    let gone = net.places[1 - large].address;
    net.fate = Box::new(move |packet| match packet.from == gone {
        true => Vec::new(),
        false => vec![packet],
    });
    net.places[large].holds_jobs = false;
    net.pass_secs(19);
    net.sent.clear();
    net.pass_secs(2);
    let calls = |packet: &&Packet| packet.to == gone && packet.kind() == 0;
    assert!(net.sent.iter().find(calls).is_some());
}

#[test]
fn the_dead_whom_nobody_wants_are_forgotten() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    net.fate = Box::new(|_| Vec::new());
    net.pass_secs(110);
    let near = net.id(0);
    assert_eq!(net.send(1, 0, 1), Err(Refusal::NoPeer(near)));
    net.send(0, 1, 1).unwrap();
}

#[test]
fn an_unconfirmed_session_gives_way_to_the_one_before() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    let index = |packet: &Packet| DataHead::read(&packet.bytes).unwrap().receiver;
    let known: Vec<_> = data(&net).map(index).collect();
    // Nothing of the new session arrives anywhere.
    net.fate = Box::new(move |packet| match packet.kind() {
        3 if !known.contains(&index(&packet)) => Vec::new(),
        _ => vec![packet],
    });
    net.tell(0, Input::Rekey(net.id(1))).unwrap();
    net.settle();
    net.send(1, 0, 1).unwrap();
    net.settle();
    assert_eq!(
        net.received(0),
        [1],
        "the responder goes on with what it has"
    );
    net.pass_secs(20);
    let peer = Some(net.id(1));
    let failed = |event: &Event| matches!(event, Event::CallFailed { peer: of, why: CallError::Unconfirmed, .. } if *of == peer);
    assert_eq!(net.count(0, failed), 1);
    net.send(0, 1, 2).unwrap();
    net.settle();
    assert_eq!(net.received(1), [2]);
    net.pass_secs(1);
    assert_eq!(
        net.places[1].node.sessions(),
        1,
        "the half-open one has ended"
    );
    // New keys are tried for again soon, and until then the former session goes on.
    net.fate = Box::new(|packet| vec![packet]);
    net.pass_secs(10);
    assert_eq!(net.count(1, is_rekeyed), 1);
    net.pass_secs(60);
    net.send(0, 1, 3).unwrap();
    net.settle();
    assert_eq!(net.received(1), [2, 3]);
    assert_eq!(net.count(0, is_up) + net.count(0, is_dead), 1);
}

#[test]
fn new_keys_wait_until_those_before_are_confirmed_and_no_packet_is_lost() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    // The confirmation is lost; packets to the initiator arrive.
    let far = net.places[1].address;
    net.fate = Box::new(move |packet| match packet.kind() {
        3 if packet.from != far => Vec::new(),
        _ => vec![packet],
    });
    for number in 0..3 {
        // Either end may want new keys: there are new ones that have only to be confirmed.
        for end in [0, 1] {
            let wish = Input::Rekey(net.id(1 - end));
            net.tell(end, wish).unwrap();
        }
        net.settle();
        let sessions = net.places.iter().map(|place| place.node.sessions());
        assert!(sessions.eq([2, 2]), "one of them half open");
        net.send(1, 0, number).unwrap();
        net.settle();
    }
    assert_eq!(net.received(0), [0, 1, 2]);
    let s1 = |packet: &&Packet| packet.kind() == 1;
    assert_eq!(
        net.sent.iter().filter(s1).count(),
        2,
        "one call and one rekey"
    );
    net.fate = Box::new(|packet| vec![packet]);
    net.pass_secs(40);
    let failed = |event: &Event| matches!(event, Event::CallFailed { .. });
    assert_eq!(net.count(0, failed), 0);
    assert_eq!((net.count(0, is_rekeyed), net.count(1, is_rekeyed)), (1, 1));
    net.tell(1, Input::Rekey(net.id(0))).unwrap();
    net.settle();
    assert_eq!((net.count(0, is_rekeyed), net.count(1, is_rekeyed)), (2, 2));
}

#[test]
fn a_direction_that_was_lost_after_new_keys_costs_no_more_than_it_was_lost_for() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    let far = net.places[1].address;
    let lost = move |packet: Packet| match packet.kind() {
        3 if packet.from == far => Vec::new(),
        _ => vec![packet],
    };
    net.fate = Box::new(lost);
    net.tell(0, Input::Rekey(net.id(1))).unwrap();
    net.settle();
    assert_eq!(
        net.count(1, is_rekeyed),
        1,
        "the responder is in the new session"
    );
    net.pass_secs(20);
    let unconfirmed = |event: &Event| {
        let why = CallError::Unconfirmed;
        matches!(event, Event::CallFailed { why: of, .. } if *of == why)
    };
    assert_eq!(net.count(0, unconfirmed), 1, "the initiator is not");
    // The way is open again: what the responder says arrives, and so does the answer.
    net.fate = Box::new(|packet| vec![packet]);
    for number in 0..100 {
        net.send(1, 0, number).unwrap();
        net.settle();
        net.send(0, 1, 1000 + number).unwrap();
        net.settle();
        net.pass_secs(1);
    }
    assert_eq!(net.received(0), (0..100).collect::<Vec<_>>());
    assert_eq!(net.received(1), (1000..1100).collect::<Vec<_>>());
    assert_eq!(net.count(0, is_dead) + net.count(1, is_dead), 0);
}

#[test]
fn an_unwanted_peer_whose_first_session_is_never_confirmed_is_forgotten() {
    let mut net = Net::of(2, &[CHEAP]);
    net.fate = Box::new(|packet| match packet.kind() {
        3 => Vec::new(),
        _ => vec![packet],
    });
    net.connect(0, 1);
    net.settle();
    let far = net.id(1);
    assert!(net.places[0].node.is_up(far));
    // It is wanted under its name no more: another is.
    let elsewhere = Input::Connect {
        name: "node 1".into(),
        address: address(7),
        peer: Some(net.id(0)),
    };
    net.tell(0, elsewhere).unwrap();
    net.pass_secs(21);
    assert_eq!(net.send(0, 1, 1), Err(Refusal::NoPeer(far)));
}

#[test]
fn both_ends_want_new_keys_at_once_and_agree_on_one() {
    for held in [false, true] {
        let mut net = Net::of(2, &[CHEAP]);
        up(&mut net);
        // With tokens both say S1 at once, without them S0.
        if held {
            net.pass_secs(31);
        }
        for place in &mut net.places {
            place.holds_jobs = true;
        }
        for end in [0, 1] {
            let wish = Input::Rekey(net.id(1 - end));
            net.tell(end, wish).unwrap();
        }
        for number in 0..6 {
            net.settle();
            net.send(0, 1, number).unwrap();
            net.send(1, 0, number).unwrap();
            net.work(0);
            net.work(1);
        }
        net.settle();
        for place in &mut net.places {
            place.holds_jobs = false;
        }
        net.pass_secs(40);
        assert_eq!((net.count(0, is_rekeyed), net.count(1, is_rekeyed)), (1, 1));
        for end in [0, 1] {
            assert_eq!(net.places[end].node.sessions(), 1);
            assert_eq!(net.received(end), (0..6).collect::<Vec<_>>());
        }
        let export = |at: usize, of: usize| {
            let node = &net.places[at].node;
            let secret = node.export(net.id(of), "a", 32).unwrap().unwrap();
            secret.expose().to_vec()
        };
        assert_eq!(export(0, 1), export(1, 0));
    }
}

#[test]
fn a_close_that_was_held_back_does_not_end_the_session_that_came_after() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    net.fate = Box::new(|_| Vec::new());
    net.tell(0, Input::Drop(net.id(1))).unwrap();
    net.settle();
    let close = net.sent.pop().unwrap();
    net.fate = Box::new(|packet| vec![packet]);
    // The peer comes again before the word of its going.
    net.connect(0, 1);
    net.settle();
    assert_eq!(net.places[1].node.sessions(), 2);
    net.deliver(close).unwrap().unwrap();
    assert_eq!(net.places[1].node.sessions(), 1);
    assert!(net.is_up(0, 1));
    net.send(1, 0, 5).unwrap();
    net.settle();
    assert_eq!(net.received(0), [5]);
}

#[test]
fn whoever_was_never_reached_is_given_up_by_a_word() {
    let mut net = Net::of(2, &[CHEAP]);
    net.fate = Box::new(|_| Vec::new());
    net.connect(0, 1);
    net.pass_secs(1);
    let far = net.id(1);
    net.tell(0, Input::Drop(far)).unwrap();
    net.sent.clear();
    net.pass_secs(300);
    assert!(net.sent.is_empty());
    assert_eq!(net.tell(0, Input::Drop(far)), Err(Refusal::NoPeer(far)));
}

#[test]
fn a_token_whose_owner_has_moved_costs_a_second_and_not_a_call() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    net.pass_secs(1);
    // The token is bound to the address that it was given to.
    net.places[0].address = address(5);
    net.tell(0, Input::Rekey(net.id(1))).unwrap();
    net.pass_secs(2);
    assert_eq!(net.count(0, is_rekeyed), 1);
    let failed = |event: &Event| matches!(event, Event::CallFailed { .. });
    assert_eq!(net.count(0, failed), 0);
}

#[test]
fn a_token_that_would_die_on_its_way_is_not_tried() {
    for (millis, kind) in [(29_700, 1), (29_800, 0)] {
        let mut net = Net::of(2, &[CHEAP]);
        up(&mut net);
        net.pass(Duration::from_millis(millis));
        net.sent.clear();
        net.tell(0, Input::Rekey(net.id(1))).unwrap();
        net.settle();
        assert_eq!(net.sent[0].kind(), kind, "{millis}");
    }
}

#[test]
fn who_does_not_answer_is_called_less_and_less() {
    let mut net = Net::of(2, &[CHEAP]);
    net.fate = Box::new(|_| Vec::new());
    net.connect(0, 1);
    net.pass_secs(600);
    let failed = |event: &Event| matches!(event, Event::CallFailed { .. });
    // Each takes 16 to 20 seconds, and the waits are 5, 10, 20, 40 and then 60.
    let calls = net.count(0, failed);
    assert!((9..=10).contains(&calls), "{calls}");
}

#[test]
fn who_was_never_confirmed_is_forgotten() {
    let mut net = Net::of(2, &[CHEAP]);
    net.fate = Box::new(|packet| match packet.kind() {
        3 => Vec::new(),
        _ => vec![packet],
    });
    net.connect(0, 1);
    net.settle();
    assert_eq!(net.places[1].node.sessions(), 1);
    net.fate = Box::new(|_| Vec::new());
    net.pass_secs(20);
    assert_eq!(net.places[1].node.sessions(), 0);
    let near = net.id(0);
    assert_eq!(net.send(1, 0, 1), Err(Refusal::NoPeer(near)));
}

#[test]
fn the_end_of_a_session_is_told_and_a_wanted_peer_comes_again() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    net.tell(1, Input::Drop(net.id(0))).unwrap();
    net.settle();
    let closed = |event: &Event| matches!(event, Event::Closed { .. });
    assert_eq!((net.count(0, closed), net.count(1, closed)), (1, 1));
    assert!(net.is_up(0, 1), "the other end calls again");
    net.tell(0, Input::Drop(net.id(1))).unwrap();
    net.pass_secs(300);
    assert!(!net.places[0].node.is_up(net.id(1)));
    assert_eq!(
        net.places[0].node.sessions() + net.places[1].node.sessions(),
        0
    );
}

#[test]
fn failed_openings_bring_new_keys_and_never_an_end() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let (suites, _) = watched(CHEAP, 8);
    let configs = [(&near, &far), (&far, &near)].map(|(own, other)| {
        let mut config = config(own, &[CHEAP], &[other.id()]);
        config.suites = suites.clone();
        config
    });
    let mut net = Net::new(configs.into());
    up(&mut net);
    let good = data(&net).next().unwrap().clone();
    let mut forged = good.clone();
    forged.bytes[15] ^= 9;
    let forge = |net: &mut Net| match net.deliver(forged.clone()) {
        Some(Err(Refusal::Data(why))) => why,
        other => panic!("{other:?}"),
    };
    for _ in 0..3 {
        assert_eq!(forge(&mut net), DataError::Forged);
    }
    net.settle();
    assert_eq!(net.count(1, is_rekeyed), 0);
    // With the fourth of eight a new session begins; the old key still opens.
    assert_eq!(forge(&mut net), DataError::Forged);
    for _ in 0..4 {
        assert_eq!(forge(&mut net), DataError::Forged);
    }
    assert_eq!(forge(&mut net), DataError::WornOut);
    net.settle();
    assert_eq!((net.count(0, is_rekeyed), net.count(1, is_rekeyed)), (1, 1));
    net.send(0, 1, 1).unwrap();
    net.settle();
    assert_eq!(net.received(1), [1]);
}

#[test]
fn a_flow_stays_on_its_shard() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let mut wide = config(&near, &[CHEAP], &[far.id()]);
    wide.shards = 16;
    let mut net = Net::new(vec![wide, config(&far, &[CHEAP], &[near.id()])]);
    up(&mut net);
    net.sent.clear();
    let peer = net.id(1);
    for number in 0..32 {
        let send = Input::Send {
            peer,
            shard: number,
            packet: packet(number as u32, 64),
        };
        net.tell(0, send).unwrap();
    }
    net.settle();
    assert_eq!(net.received(1).len(), 32);
    let heads: Vec<_> = data(&net)
        .map(|p| DataHead::read(&p.bytes).unwrap())
        .collect();
    for (number, head) in (0_u32..).zip(&heads) {
        assert_eq!(head.receiver & 15, number % 16);
        let counter = u64::from(number / 16) + u64::from(number % 16 == 0);
        assert_eq!(head.counter, counter, "CONF was the first of shard 0");
    }
    // A shard that was not agreed on is for nobody.
    let mut bytes = data(&net).next().unwrap().bytes.clone();
    bytes[7] |= 15;
    let back = Packet {
        from: net.places[1].address,
        to: net.places[0].address,
        bytes,
    };
    assert_eq!(net.deliver(back), Some(Err(Refusal::Stray)));
}

#[test]
fn buckets_hide_the_lengths() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let configs = [(&near, &far), (&far, &near)].map(|(own, other)| {
        let mut config = config(own, &[CHEAP], &[other.id()]);
        config.buckets = Buckets::new(vec![512, 1280]);
        config
    });
    let mut net = Net::new(configs.into());
    up(&mut net);
    let peer = net.id(1);
    for length in [64, 511, 512, 513, 1280, 1281] {
        let packet = packet(u32::from(length), length);
        let shard = 0;
        net.tell(
            0,
            Input::Send {
                peer,
                shard,
                packet,
            },
        )
        .unwrap();
    }
    net.settle();
    let sizes: Vec<_> = data(&net)
        .map(|p| (p.bytes.len() - 32, p.bytes[2]))
        .collect();
    let padded = FLAG_PADDED;
    let expected = [
        (512, padded),
        (512, padded),
        (512, padded),
        (512, padded),
        (512, 0),
        (1280, padded),
        (1280, 0),
        (1281, 0),
    ];
    assert_eq!(sizes, expected, "CONF, its answer, and six packets");
    assert_eq!(net.received(1), [64, 511, 512, 513, 1280, 1281]);
}

#[test]
fn a_job_that_is_never_done_is_a_message_that_was_lost() {
    let mut net = Net::of(2, &[CHEAP]);
    net.places[0].holds_jobs = true;
    net.connect(0, 1);
    net.pass_secs(11);
    let silence = |event: &Event| {
        matches!(
            event,
            Event::CallFailed {
                why: CallError::Silence,
                ..
            }
        )
    };
    assert_eq!(net.count(0, silence), 1);
    net.places[0].holds_jobs = false;
    net.pass(Duration::from_secs(10));
    assert!(net.is_up(0, 1));
}

#[test]
fn a_successor_is_known_by_its_predecessors_word_from_either_side() {
    for initiates in [true, false] {
        let (former, far) = (shared(0, CHEAP), shared(1, CHEAP));
        let heir = heir(&former);
        let mut knows = config(&far, &[CHEAP], &[]);
        let list = trust(TrustMode::Pinned, &[former.id()]);
        knows.trust = list.clone();
        let mut net = Net::new(vec![config(&heir, &[CHEAP], &[far.id()]), knows]);
        if initiates {
            net.connect(0, 1);
        } else {
            // It calls the one that it knows.
            let wish = Input::Connect {
                name: "node 0".into(),
                address: net.places[0].address,
                peer: Some(former.id()),
            };
            net.tell(1, wish).unwrap();
        }
        net.settle();
        assert!(net.is_up(0, 1), "{initiates}");
        let standing = |event: &Event| match event {
            Event::Up { standing, .. } => Some(*standing),
            _ => None,
        };
        let standings: Vec<_> = net.places[1].events.iter().filter_map(standing).collect();
        let follows = Verdict::Follows {
            former: former.id(),
            first_use: false,
        };
        assert_eq!(standings, [follows]);
        assert!(list.known().keys().eq([&heir.id()]));
    }
}

#[test]
fn a_successor_that_is_never_confirmed_ends_nothing_and_what_waited_is_not_lost() {
    let (former, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let heir = heir(&former);
    let configs = vec![
        config(&former, &[CHEAP], &[far.id()]),
        config(&far, &[CHEAP], &[former.id()]),
        config(&heir, &[CHEAP], &[far.id()]),
    ];
    let mut net = Net::new(configs);
    net.connect(1, 0);
    net.settle();
    let s2_is_lost = |packet: Packet| match packet.kind() {
        2 => Vec::new(),
        _ => vec![packet],
    };
    net.fate = Box::new(s2_is_lost);
    net.connect(2, 1);
    net.settle();
    net.send(0, 1, 1).unwrap();
    net.send(1, 0, 2).unwrap();
    net.settle();
    assert_eq!((net.received(1), net.received(0)), (vec![1], vec![2]));
    // The former falls silent, and what is sent to it goes to whoever has followed it.
    net.fate = Box::new(|_| Vec::new());
    net.pass_secs(110);
    assert!(!net.places[1].node.is_up(former.id()));
    net.send(1, 0, 3).unwrap();
    let gone = net.places[0].address;
    net.fate = Box::new(
        move |packet| match packet.from == gone || packet.to == gone {
            true => Vec::new(),
            false => vec![packet],
        },
    );
    net.pass_secs(90);
    assert!(net.is_up(2, 1));
    assert_eq!(net.received(2), [3]);
}

#[test]
fn whoever_follows_a_stranger_has_no_more_standing_than_it() {
    let (former, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let heir = heir(&former);
    let everybody = |own: &Arc<Identity>| config(own, &[CHEAP], &[]);
    let mut net = Net::new(vec![everybody(&former), everybody(&far), everybody(&heir)]);
    for stranger in [0, 2] {
        net.connect(stranger, 1);
        net.settle();
    }
    let standing = |event: &Event| match event {
        Event::Up { standing, .. } => Some(*standing),
        _ => None,
    };
    let standings: Vec<_> = net.places[1].events.iter().filter_map(standing).collect();
    let follows = Verdict::Follows {
        former: former.id(),
        first_use: true,
    };
    assert_eq!(standings, [Verdict::FirstUse, follows]);
    assert!(standings.iter().all(Verdict::is_first_use));
}

/// Who follows the first, with its word.
fn heir(former: &Identity) -> Arc<Identity> {
    let heir = identity(7, CHEAP);
    let statement = former.rotate_to(&suite(CHEAP), heir.id(), &mut rng(1));
    Arc::new(heir.following(statement.unwrap()).unwrap())
}

#[test]
fn what_the_former_has_ends_when_its_successor_comes() {
    let (former, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let heir = heir(&former);
    let configs = vec![
        config(&former, &[CHEAP], &[far.id()]),
        config(&far, &[CHEAP], &[former.id()]),
        config(&heir, &[CHEAP], &[far.id()]),
    ];
    let mut net = Net::new(configs);
    net.connect(1, 0);
    net.settle();
    assert!(net.is_up(0, 1));
    net.connect(2, 1);
    net.settle();
    assert!(net.is_up(2, 1) && !net.places[1].node.is_up(former.id()));
    let closed = Event::Closed { peer: former.id() };
    assert_eq!(net.places[1].events[1], closed);
    assert_eq!(net.places[1].node.sessions(), 1);
    // It is wanted like the one before: not forgotten when it is dead.
    net.fate = Box::new(|_| Vec::new());
    net.pass_secs(110);
    assert!(!net.places[1].node.is_up(heir.id()));
    net.send(1, 2, 1).unwrap();
}

#[test]
fn a_wanted_peer_that_has_another_identity_by_now_is_asked_for_its_record() {
    let (former, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let heir = heir(&former);
    let configs = vec![
        config(&former, &[CHEAP], &[far.id()]),
        config(&far, &[CHEAP], &[former.id()]),
        config(&heir, &[CHEAP], &[far.id()]),
    ];
    let mut net = Net::new(configs);
    net.connect(1, 0);
    net.settle();
    assert!(net.is_up(0, 1));
    // The successor takes its place, and it falls silent.
    (net.places[2].address, net.places[0].address) = (address(0), address(2));
    net.fate = Box::new(|packet| match packet.from == address(2) {
        true => Vec::new(),
        false => vec![packet],
    });
    net.pass_secs(160);
    assert!(net.is_up(2, 1));
    let closed = |event: &Event| *event == Event::Closed { peer: former.id() };
    assert_eq!(net.count(1, closed), 1);
    // It is wanted like the one before.
    net.fate = Box::new(|_| Vec::new());
    net.pass_secs(110);
    net.fate = Box::new(|packet| vec![packet]);
    net.pass_secs(90);
    assert!(net.is_up(2, 1));
}
