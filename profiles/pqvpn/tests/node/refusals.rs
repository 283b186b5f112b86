//! Every refusal, fired.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use pqfw_framework::machine::Machine;
use pqfw_framework::wire::WireError;
use pqfw_pqvpn::handshake::HandshakeError;
use pqfw_pqvpn::limits::{LEAST_REQUEST, MOST_ANSWERING, MOST_CALLS, MOST_DATAGRAM, MOST_QUEUED};
use pqfw_pqvpn::node::{CallError, Event, Input, Node, Refusal};
use pqfw_pqvpn::session::{ContentError, DataError};
use pqfw_pqvpn::trust::{Distrust, TrustList, TrustMode};
use pqfw_pqvpn::wire::{
    ControlHead, DataHead, Frame, FrameError, Hello, Kind, Retry, SuiteId, Ticket,
};
use pqfw_pqvpn::{PeerId, RecordError, RecordTerms};
use proptest::prelude::*;

use crate::net::{Net, Packet, address, config, moment, packet, trust};
use crate::people::{CHEAP, SIBLING, rng, shared};
use crate::watched::watched;

fn why(net: &Net, number: usize) -> Vec<CallError> {
    let events = net.places[number].events.iter();
    let failed = events.filter_map(|event| match event {
        Event::CallFailed { why, .. } => Some(why.clone()),
        _ => None,
    });
    failed.collect()
}

fn wish(number: usize, peer: Option<PeerId>) -> Input {
    Input::Connect {
        name: format!("name {number}"),
        address: address(1),
        peer,
    }
}

#[test]
fn what_is_no_frame_is_refused() {
    let mut net = Net::of(1, &[CHEAP]);
    let mut tell = |bytes: &[u8]| {
        let packet = Packet {
            from: address(5),
            to: address(0),
            bytes: bytes.to_vec(),
        };
        match net.deliver(packet).unwrap() {
            Err(Refusal::Frame(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    let head = ControlHead {
        kind: Kind::S0,
        sender: 1,
        receiver: 0,
        fragment: 0,
        fragments: 1,
    };
    let frame = |body: usize| [&head.write(body)[..], &vec![0; body]].concat();
    assert_eq!(tell(&[]), FrameError::Short(0));
    assert_eq!(tell(&[2; 15]), FrameError::Short(15));
    assert_eq!(tell(&[1; 16]), FrameError::Version(1));
    assert_eq!(tell(&[2; 16]).to_string(), "a head that contradicts itself");
    let kind = [&[2, 0x77][..], &[0; 14]].concat();
    assert_eq!(tell(&kind), FrameError::Kind(0x77));
    let long = frame(MOST_DATAGRAM - 15);
    assert_eq!(tell(&long), FrameError::Long(MOST_DATAGRAM + 1));
    assert_eq!(tell(&frame(100)), FrameError::Short(116));
    for (at, bit) in [(2, 1), (3, 1), (13, 1), (14, 1)] {
        let mut bad = frame(LEAST_REQUEST - 16);
        bad[at] ^= bit;
        assert_eq!(tell(&bad), FrameError::Head, "{at}");
    }
    // What is never in fragments has no numbers of them.
    for kind in [0x00, 0x30, 0x31] {
        let mut bad = frame(LEAST_REQUEST - 16);
        (bad[1], bad[15]) = (kind, 2);
        assert_eq!(tell(&bad), FrameError::Head, "{kind}");
    }
    for (at, value) in [(2, 2), (2, 0x80), (3, 1)] {
        let mut bad = DataHead {
            flags: 0,
            receiver: 1,
            counter: 1,
        }
        .write();
        bad[at] = value;
        assert_eq!(tell(&bad), FrameError::Head, "{at}");
    }
    let mut retry = frame(20);
    retry[1] = 0x30;
    assert!(matches!(
        tell(&retry),
        FrameError::Body(WireError::Truncated { .. })
    ));
    let mut request = frame(LEAST_REQUEST - 17);
    request[1] = 0x31;
    assert_eq!(tell(&request), FrameError::Short(LEAST_REQUEST - 1));
}

#[test]
fn an_offer_has_a_limit_and_zeros_behind_it() {
    let nonce = [1; 32];
    for (count, is_ok) in [(0, true), (16, true), (17, false)] {
        let offer = vec![SuiteId([1; 4]); count];
        let hello = Hello { nonce, offer };
        let read = Hello::read(&hello.write());
        assert_eq!(read.is_ok(), is_ok, "{count}");
        if !is_ok {
            assert!(matches!(
                read,
                Err(FrameError::Body(WireError::TooLong { .. }))
            ));
        }
    }
    let hello = Hello {
        nonce,
        offer: Vec::new(),
    };
    let mut body = hello.write();
    *body.last_mut().unwrap() = 1;
    assert_eq!(Hello::read(&body), Err(FrameError::Head));
    body.pop();
    assert_eq!(
        Hello::read(&body),
        Err(FrameError::Short(LEAST_REQUEST - 1))
    );
}

#[test]
fn whoever_does_not_know_whom_it_calls_gets_nothing() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let mut quiet = config(&far, &[CHEAP], &[]);
    quiet.answers_strangers = false;
    let mut net = Net::new(vec![config(&near, &[CHEAP], &[]), quiet]);
    net.connect(0, 1);
    net.pass_secs(20);
    assert!(
        net.places[1]
            .refusals
            .iter()
            .all(|why| *why == Refusal::Mac1)
    );
    assert_eq!(net.places[1].refusals.len(), 6, "five repetitions");
    assert_eq!(why(&net, 0), [CallError::Silence]);
    assert!(net.sent.iter().all(|packet| packet.from == address(0)));
}

#[test]
fn without_a_suite_in_common_there_is_silence() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let configs = vec![config(&near, &[CHEAP], &[]), config(&far, &[SIBLING], &[])];
    let mut net = Net::new(configs);
    net.connect(0, 1);
    net.settle();
    assert_eq!(net.places[1].refusals, [Refusal::NoSuite]);
}

#[test]
fn an_address_has_its_rate() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let mut slow = config(&far, &[CHEAP], &[]);
    // The record and one handshake.
    slow.handshakes_per_minute = 2;
    let mut net = Net::new(vec![config(&near, &[CHEAP], &[]), slow]);
    net.connect(0, 1);
    net.settle();
    assert!(net.is_up(0, 1));
    net.tell(0, Input::Rekey(net.id(1))).unwrap();
    net.settle();
    assert_eq!(net.places[1].refusals, [Refusal::Rate]);
    // What was refused was not spent, and the minute ends.
    net.pass_secs(61);
    net.tell(0, Input::Rekey(net.id(1))).unwrap();
    net.settle();
    assert!(net.count(0, |event| matches!(event, Event::Rekeyed { .. })) >= 1);
}

#[test]
fn as_many_answers_as_the_limit_are_computed_and_the_rest_come_again() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let mut eager = config(&far, &[CHEAP], &[]);
    eager.handshakes_per_minute = 10_000;
    let mut net = Net::new(vec![config(&near, &[CHEAP], &[]), eager]);
    net.places[1].holds_jobs = true;
    for number in 0..=MOST_ANSWERING {
        net.tell(0, wish(number, Some(far.id()))).unwrap();
    }
    net.settle();
    assert_eq!(net.places[1].refusals, [Refusal::Busy]);
    assert_eq!(net.places[1].jobs.len(), MOST_ANSWERING);
    // Done too late, they are for nobody; and there is room again.
    net.pass_secs(10);
    let done = net.work(1);
    assert!(done.contains(&Err(Refusal::Stray)));
    net.places[1].holds_jobs = false;
    net.pass_secs(60);
    assert!(net.is_up(0, 1));
}

#[test]
fn there_are_as_many_peers_as_may_be() {
    let ids: Vec<_> = (0..3).map(|seed| shared(seed, CHEAP)).collect();
    let small = |number: usize| {
        let mut config = config(&ids[number], &[CHEAP], &[]);
        config.most_peers = if number == 1 { 1 } else { 9 };
        config
    };
    let mut net = Net::new((0..3).map(small).collect());
    net.connect(0, 1);
    net.settle();
    net.connect(2, 1);
    net.settle();
    assert!(net.is_up(0, 1) && !net.is_up(2, 1));
    assert_eq!(net.places[1].refusals, [Refusal::ManyPeers]);
    net.connect(1, 2);
    net.settle();
    assert_eq!(net.places[1].refusals[1..], [Refusal::ManyPeers]);
    assert_eq!(why(&net, 1), [CallError::ManyPeers]);
}

#[test]
fn strangers_leave_room_for_the_known() {
    let ids: Vec<_> = (0..6).map(|seed| shared(seed, CHEAP)).collect();
    let mut hub = config(&ids[0], &[CHEAP], &[]);
    let pinned = [(ids[5].id(), None)];
    let list = Arc::new(TrustList::new(TrustMode::Tofu, pinned));
    (hub.trust, hub.most_peers) = (list.clone(), 4);
    let others = ids[1..].iter().map(|own| config(own, &[CHEAP], &[]));
    let mut net = Net::new([hub].into_iter().chain(others).collect());
    for number in 1..=5 {
        net.connect(number, 0);
        net.settle();
        assert_eq!(net.is_up(number, 0), number != 4, "{number}");
    }
    assert_eq!(net.places[0].refusals, [Refusal::ManyPeers]);
    assert!(!list.known().contains_key(&ids[4].id()), "nor remembered");
}

#[test]
fn there_are_as_many_calls_as_may_be() {
    let mut net = Net::of(1, &[CHEAP]);
    for number in 0..MOST_CALLS {
        net.tell(0, wish(number, None)).unwrap();
    }
    let refused = net.tell(0, wish(MOST_CALLS, None));
    assert_eq!(refused, Err(Refusal::ManyCalls));
    net.tell(0, wish(0, None)).unwrap();
}

#[test]
fn a_record_that_has_expired_is_as_good_as_lost() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let mut old = config(&far, &[CHEAP], &[]);
    let terms = RecordTerms {
        expires_unix_secs: 1,
        ..RecordTerms::default()
    };
    old.record = far.record(terms, &mut rng(1)).unwrap();
    let mut net = Net::new(vec![config(&near, &[CHEAP], &[]), old]);
    net.connect(0, 1);
    net.pass_secs(20);
    let expired = Refusal::Record(RecordError::Expired);
    assert_eq!(net.places[0].refusals, vec![expired; 6]);
    assert_eq!(why(&net, 0), [CallError::Silence]);
}

#[test]
fn a_stranger_is_refused_by_those_who_know_whom_they_want() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let mut strict = config(&far, &[CHEAP], &[]);
    strict.trust = trust(TrustMode::StrictTofu, &[]);
    let mut net = Net::new(vec![config(&near, &[CHEAP], &[]), strict]);
    net.connect(0, 1);
    net.settle();
    let (peer, why) = (net.id(0), Distrust::Unknown);
    let untrusted = HandshakeError::Untrusted { peer, why };
    assert_eq!(net.places[1].refusals, [Refusal::Handshake(untrusted)]);
    let told = Event::Refused {
        peer,
        endpoint: address(0),
        why,
    };
    assert_eq!(net.places[1].events, [told]);
    assert!(!net.is_up(0, 1));
}

#[test]
fn packets_are_packets_and_wait_in_a_queue_with_a_limit() {
    let mut net = Net::of(2, &[CHEAP]);
    let nobody = net.send(0, 1, 1);
    assert_eq!(nobody, Err(Refusal::NoPeer(net.id(1))));
    assert_eq!(
        net.tell(0, Input::Rekey(net.id(1))),
        Err(Refusal::NoPeer(net.id(1)))
    );
    assert_eq!(
        net.tell(0, Input::Drop(net.id(1))),
        Err(Refusal::NoPeer(net.id(1)))
    );
    net.connect(0, 1);
    net.settle();
    let peer = net.id(1);
    for bad in [vec![], vec![0; 40], packet(1, 64)[..63].to_vec()] {
        let send = Input::Send {
            peer,
            shard: 0,
            packet: bad,
        };
        let refused = net.tell(0, send);
        assert_eq!(refused, Err(Refusal::Content(ContentError::Packet)));
    }
    net.fate = Box::new(|_| Vec::new());
    net.pass_secs(110);
    for number in 0..u32::try_from(MOST_QUEUED).unwrap() {
        net.send(0, 1, number).unwrap();
    }
    assert_eq!(net.send(0, 1, 99), Err(Refusal::Queue));
}

#[test]
fn a_provider_that_fails_ends_the_handshake_or_loses_the_frame() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let mut own = config(&near, &[CHEAP], &[]);
    let mut other = config(&far, &[CHEAP], &[]);
    let (suites, provider) = watched(CHEAP, 1 << 36);
    (own.suites, other.suites) = (suites, watched(CHEAP, 1 << 36).0);
    let mut net = Net::new(vec![own, other]);
    provider.fails.store(true, Ordering::Relaxed);
    net.connect(0, 1);
    net.settle();
    let failed = |why: &CallError| matches!(why, CallError::Handshake(HandshakeError::Failed(_)));
    assert!(why(&net, 0).iter().all(failed) && why(&net, 0).len() == 1);
    provider.fails.store(false, Ordering::Relaxed);
    net.pass_secs(10);
    assert!(net.is_up(0, 1));
    provider.fails.store(true, Ordering::Relaxed);
    let refused = net.send(0, 1, 1).unwrap_err();
    assert!(
        matches!(refused, Refusal::Data(DataError::Aead(_))),
        "{refused}"
    );
    provider.fails.store(false, Ordering::Relaxed);
    net.send(0, 1, 2).unwrap();
    net.settle();
    assert_eq!(net.received(1), [2]);
    // The key of the next epoch cannot be made; the keepalives before it need none.
    net.pass_secs(118);
    provider.fails.store(true, Ordering::Relaxed);
    let refused = net.send(0, 1, 3).unwrap_err();
    assert!(
        matches!(refused, Refusal::Data(DataError::Failed(_))),
        "{refused}"
    );
    provider.fails.store(false, Ordering::Relaxed);
    net.send(0, 1, 4).unwrap();
    net.settle();
    assert_eq!(net.received(1), [2, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_datagram_makes_a_node_panic(
        kind in prop::sample::select(vec![0_u8, 1, 2, 3, 0x30, 0x31, 0x32, 0x77]),
        head: [u8; 10],
        fragments in (0..4_u8, 0..4_u8),
        body in prop::collection::vec(any::<u8>(), 0..1300),
        padded: bool,
    ) {
        let own = shared(0, CHEAP);
        let mut node = Node::new(config(&own, &[CHEAP], &[]), Box::new(rng(1))).unwrap();
        let mut body = body;
        if padded {
            body.resize(1190, 0);
        }
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        let bytes = [
            &[2, kind, 0, 0][..], &head[2..], &length, &[fragments.0, fragments.1], &body,
        ].concat();
        let now = moment(std::time::Duration::ZERO);
        let input = Input::Datagram { from: address(1), bytes };
        prop_assert!(node.handle(now, input).is_err());
    }

    #[test]
    fn what_is_read_is_written_again(bytes in prop::collection::vec(any::<u8>(), 0..200), data: bool) {
        let mut bytes = bytes;
        if bytes.len() >= 16 {
            (bytes[0], bytes[2], bytes[3]) = (2, 0, 0);
            bytes[1] = if data { 3 } else { bytes[1] % 3 };
            let length = u16::try_from(bytes.len() - 16).unwrap().to_be_bytes();
            if !data {
                bytes[12..14].copy_from_slice(&length);
            }
        }
        match Frame::read(&bytes) {
            Ok(Frame::Control(head, body)) => {
                let again = [&head.write(body.len())[..], body].concat();
                prop_assert_eq!(again, bytes.clone());
            }
            Ok(Frame::Data(head)) => prop_assert_eq!(&head.write()[..], &bytes[..16]),
            Err(_) => {}
        }
        if let Ok(retry) = Retry::read(&bytes) {
            prop_assert_eq!(retry.write(), bytes);
        }
    }

    #[test]
    fn what_is_written_is_read(
        nonce: [u8; 32], epoch: u8, expiry: u32, echo: [u8; 16], key: [u8; 32], suite: [u8; 4],
        count in 0..16_usize,
    ) {
        let ticket = Ticket { nonce, epoch, expiry };
        let retry = Retry { suite: SuiteId(suite), ticket, echo, key };
        prop_assert_eq!(Retry::read(&retry.write()), Ok(retry));
        let hello = Hello { nonce, offer: vec![SuiteId(suite); count] };
        prop_assert_eq!(Hello::read(&hello.write()), Ok(hello));
    }
}
