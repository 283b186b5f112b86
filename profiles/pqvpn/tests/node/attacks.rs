//! Attacks, each of which worked on the prototype or would on a careless node.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::machine::{Machine, Step, drain};
use pqfw_framework::rand_core::{Rng, TryCryptoRng, TryRng};
use pqfw_pqvpn::node::{CallError, Event, Input, Node, Output, Refusal};
use pqfw_pqvpn::session::DataError;
use pqfw_pqvpn::trust::{Distrust, TrustList, TrustMode};
use pqfw_pqvpn::wire::{ControlHead, DataHead, FrameError, Hello, Kind};
use pqfw_pqvpn::{FragmentError, SlotError, TokenError};

use crate::net::{Net, Packet, address, config, moment};
use crate::people::{CHEAP, FAST, SIBLING, rng, shared, suite};

fn up(net: &mut Net) {
    net.connect(0, 1);
    net.settle();
    assert!(net.is_up(0, 1));
}

fn of_kind(net: &Net, kind: u8) -> Vec<Packet> {
    let packets = net.sent.iter().filter(|packet| packet.kind() == kind);
    packets.cloned().collect()
}

#[test]
fn a_replayed_s1_is_processed_once_and_disturbs_nothing() {
    let mut net = Net::of(2, &[FAST]);
    up(&mut net);
    let (s1, s2) = (of_kind(&net, 1), of_kind(&net, 2));
    let replay = |net: &mut Net| {
        net.sent.clear();
        let told: Vec<_> = s1
            .iter()
            .map(|packet| net.deliver(packet.clone()).unwrap())
            .collect();
        net.settle();
        told
    };
    // At once, whoever has lost the answer: the cached one again, once for all fragments.
    net.pass(Duration::from_millis(200));
    assert!(replay(&mut net).iter().all(Result::is_ok));
    assert_eq!(of_kind(&net, 2), s2);
    net.pass_secs(5);
    let spent = Err(Refusal::Token(TokenError::Spent));
    assert!(replay(&mut net).iter().all(|told| *told == spent));
    net.pass_secs(30);
    let expired = Err(Refusal::Token(TokenError::Expired));
    assert!(replay(&mut net).iter().all(|told| *told == expired));
    // From another address the token is not even one.
    let elsewhere = Packet {
        from: address(9),
        ..s1[0].clone()
    };
    assert!(net.deliver(elsewhere).unwrap().is_err());
    assert_eq!(net.places[1].node.sessions(), 1);
    net.send(0, 1, 1).unwrap();
    net.send(1, 0, 2).unwrap();
    net.settle();
    assert_eq!((net.received(1), net.received(0)), (vec![1], vec![2]));
}

#[test]
fn a_hundred_thousand_spoofed_fragments_allocate_nothing() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    let good = of_kind(&net, 1)[0].clone();
    let mut chance = rng(5);
    let before = net.sent.len();
    for number in 0..100_000_u32 {
        let mut packet = good.clone();
        // The head and the ticket as they were, or not; the rest at random.
        let from = if number % 2 == 0 { 16 } else { 53 };
        chance.fill_bytes(&mut packet.bytes[from..]);
        packet.from = format!("203.0.{}.{}:9", number >> 8 & 255, number & 255)
            .parse()
            .unwrap();
        let refused = net.deliver(packet).unwrap().unwrap_err();
        let expected = matches!(
            refused,
            Refusal::Token(TokenError::Expired | TokenError::Unknown)
                | Refusal::Slot(SlotError::Fragment(FragmentError::Mac))
        );
        assert!(expected, "{refused}");
    }
    net.settle();
    assert_eq!(net.places[1].node.arriving(), 0);
    assert_eq!(net.places[1].node.sessions(), 1);
    assert_eq!(net.sent.len(), before, "nobody was answered");
}

#[test]
fn s0_leaves_no_state_and_its_answer_is_smaller() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    let s0 = of_kind(&net, 0).pop().unwrap();
    let sessions = net.places[1].node.sessions();
    net.sent.clear();
    for number in 0..1000_u32 {
        let from = format!("203.0.{}.{}:9", number >> 8, number & 255)
            .parse()
            .unwrap();
        net.deliver(Packet { from, ..s0.clone() }).unwrap().unwrap();
    }
    net.settle();
    assert_eq!(net.sent.len(), 1000);
    assert!(net.sent.iter().all(|packet| packet.bytes.len() <= 128));
    assert_eq!(net.places[1].node.arriving(), 0);
    assert_eq!(net.places[1].node.sessions(), sessions);
}

/// S0 again with another offer: its MAC is no secret to whoever knows the responder.
fn with_offer(packet: &Packet, net_id: [u8; 32], offer: Vec<pqfw_pqvpn::wire::SuiteId>) -> Packet {
    let own = suite(CHEAP);
    let hello = Hello::read(&packet.bytes[32..]).unwrap();
    let rest = Hello { offer, ..hello }.write();
    let head = &packet.bytes[..16];
    let key = own.digest.digest(&[b"pqvpn/2 mac1", &net_id]);
    // Extract of HKDF-SHA256 is HMAC-SHA256.
    let message = [head, &rest].concat();
    let mac = own.kdf.extract(&key, &message).unwrap();
    let bytes = [head, &mac.expose()[..16], &rest].concat();
    Packet {
        bytes,
        ..packet.clone()
    }
}

#[test]
fn a_request_for_a_record_is_zeros_though_its_sender_has_the_token() {
    let mut net = Net::of(2, &[CHEAP]);
    net.fate = Box::new(|packet| match packet.kind() {
        0x31 => Vec::new(),
        _ => vec![packet],
    });
    net.connect(0, 1);
    net.settle();
    let retry = of_kind(&net, 0x30).pop().unwrap();
    let request = of_kind(&net, 0x31).pop().unwrap();
    let token = &retry.bytes[retry.bytes.len() - 32..];
    let signed = |mut bytes: Vec<u8>| {
        let end = bytes.len() - 16;
        let mac = suite(CHEAP).kdf.extract(token, &bytes[..end]).unwrap();
        bytes[end..].copy_from_slice(&mac.expose()[..16]);
        bytes
    };
    assert_eq!(signed(request.bytes.clone()), request.bytes);
    let mut other = request.bytes.clone();
    other[1000] = 1;
    let bytes = signed(other);
    let packet = Packet {
        bytes,
        ..request.clone()
    };
    let refused = Err(Refusal::Frame(FrameError::Head));
    assert_eq!(net.deliver(packet), Some(refused));
    assert_eq!(net.deliver(request), Some(Ok(())));
}

#[test]
fn whoever_strips_the_offer_gets_no_handshake() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let both = [SIBLING, CHEAP];
    let configs = vec![
        config(&near, &both, &[far.id()]),
        config(&far, &both, &[near.id()]),
    ];
    let weaker = configs[0].suites.offer()[1];
    let target = far.id().0;
    let mut net = Net::new(configs);
    net.fate = Box::new(move |packet| match packet.kind() {
        0 => {
            let knows = with_offer(&packet, target, Vec::new()).bytes.len() == packet.bytes.len();
            assert!(knows);
            let original = Hello::read(&packet.bytes[32..]).unwrap().offer;
            let same = with_offer(&packet, target, original);
            // Only an S0 that names the responder can be forged so; the others pass.
            match same == packet {
                true => vec![with_offer(&packet, target, vec![weaker])],
                false => vec![packet],
            }
        }
        _ => vec![packet],
    });
    net.connect(0, 1);
    net.settle();
    assert!(!net.is_up(0, 1));
    let stripped = pqfw_pqvpn::handshake::HandshakeError::Stripped;
    assert_eq!(net.places[1].refusals, [Refusal::Handshake(stripped)]);
}

#[test]
fn another_node_under_a_known_address_is_refused() {
    let (near, known, impostor) = (shared(0, CHEAP), shared(1, CHEAP), shared(2, CHEAP));
    let called = |mode, peer| {
        let mut own = config(&near, &[CHEAP], &[]);
        let pins = [(known.id(), Some("hub".to_owned()))];
        own.trust = Arc::new(TrustList::new(mode, pins));
        let mut net = Net::new(vec![own, config(&impostor, &[CHEAP], &[])]);
        let wish = Input::Connect {
            name: "hub".into(),
            address: address(1),
            peer,
        };
        net.tell(0, wish).unwrap();
        net.settle();
        assert!(!net.is_up(0, 1));
        assert!(of_kind(&net, 1).is_empty(), "it is not even told who calls");
        match net.places[0].events.pop() {
            Some(Event::CallFailed { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    };
    for mode in [
        TrustMode::Tofu,
        TrustMode::StrictTofu,
        TrustMode::Pinned,
        TrustMode::AllowList,
    ] {
        let changed = CallError::Untrusted(Distrust::Changed);
        assert_eq!(called(mode, None), changed, "{mode:?}");
    }
    let other = CallError::OtherPeer(impostor.id());
    assert_eq!(called(TrustMode::Tofu, Some(known.id())), other);
}

#[test]
fn a_forged_counter_does_not_kill_a_session() {
    let mut net = Net::of(2, &[CHEAP]);
    up(&mut net);
    let data = of_kind(&net, 3)[0].clone();
    let head = DataHead::read(&data.bytes).unwrap();
    for (counter, is_far) in [
        (u64::MAX, true),
        (u64::MAX - 1, true),
        (1 << 40, true),
        (1 << 21, false),
        (5, false),
    ] {
        let forged = DataHead { counter, ..head };
        let bytes = [&forged.write()[..], &data.bytes[16..]].concat();
        let refused = net
            .deliver(Packet {
                bytes,
                ..data.clone()
            })
            .unwrap();
        let why = match is_far {
            true => DataError::OutOfReach(counter),
            false => DataError::Forged,
        };
        assert_eq!(refused, Err(Refusal::Data(why)), "{counter}");
    }
    let again = net.deliver(data).unwrap();
    assert_eq!(again, Err(Refusal::Data(DataError::Replayed(0))));
    net.send(0, 1, 1).unwrap();
    net.settle();
    assert_eq!(net.received(1), [1]);
}

/// A generator that gives the same index several times.
struct Stuck(u32);

impl TryRng for Stuck {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.0 += 1;
        // Zero, twice the same, bits where the shard goes, and then others.
        Ok(match self.0 {
            1 => 7,
            2..=6 => 0x1237,
            other => other << 8,
        })
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.try_next_u32().map(u64::from)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(1);
        Ok(())
    }
}

impl TryCryptoRng for Stuck {}

#[test]
fn no_two_sessions_have_one_index() {
    let (near, far) = (shared(0, CHEAP), shared(1, CHEAP));
    let mut node = Node::new(config(&near, &[CHEAP], &[]), Box::new(Stuck(0))).unwrap();
    let now = moment(Duration::ZERO);
    for name in ["a", "b", "c"] {
        let wish = Input::Connect {
            name: name.into(),
            address: address(1),
            peer: Some(far.id()),
        };
        node.handle(now, wish).unwrap();
    }
    let (outputs, _) = drain(&mut node, now);
    let mut indices: Vec<u32> = outputs
        .iter()
        .filter_map(|output| match output {
            Output::Send { bytes, .. } => Some(u32::from_be_bytes(bytes[4..8].try_into().unwrap())),
            _ => None,
        })
        .collect();
    assert!(indices.iter().all(|index| *index != 0 && index & 15 == 0));
    assert_eq!(indices[0], 0x1230);
    indices.sort_unstable();
    indices.dedup();
    assert_eq!(indices.len(), 3);
}

#[test]
fn frames_of_others_are_for_nobody() {
    let mut net = Net::of(2, &[CHEAP]);
    net.fate = Box::new(|_| Vec::new());
    net.connect(0, 1);
    net.settle();
    let s0 = net.sent[0].clone();
    let index = u32::from_be_bytes(s0.bytes[4..8].try_into().unwrap());
    let stray = |net: &mut Net, kind, from, receiver, body: &[u8]| {
        let head = ControlHead {
            kind,
            sender: 0,
            receiver,
            fragment: 0,
            fragments: 1,
        };
        let bytes = [&head.write(body.len())[..], body].concat();
        let packet = Packet {
            from: address(from),
            to: address(0),
            bytes,
        };
        assert_eq!(net.deliver(packet), Some(Err(Refusal::Stray)), "{kind:?}");
    };
    let offer = Hello::read(&s0.bytes[32..]).unwrap();
    let retry = |suite: [u8; 4], echo: &[u8]| [&suite[..], &[0; 37], echo, &[0; 32]].concat();
    let (suite, echo) = (offer.offer[0].0, &offer.nonce[..16]);
    stray(&mut net, Kind::Retry, 1, index ^ 16, &retry(suite, echo));
    stray(&mut net, Kind::Retry, 2, index, &retry(suite, echo));
    stray(&mut net, Kind::Retry, 1, index, &retry(suite, &[0; 16]));
    stray(&mut net, Kind::Retry, 1, index, &retry([0; 4], echo));
    stray(&mut net, Kind::S2, 1, index, &[0; 16]);
    stray(&mut net, Kind::IdRecord, 1, index, &[0; 16]);
    let head = DataHead {
        flags: 0,
        receiver: index,
        counter: 0,
    };
    let packet = Packet {
        from: address(1),
        to: address(0),
        bytes: [&head.write()[..], &[0; 32]].concat(),
    };
    assert_eq!(net.deliver(packet), Some(Err(Refusal::Stray)));
    // The call goes on.
    net.fate = Box::new(|packet| vec![packet]);
    net.pass_secs(2);
    assert!(net.is_up(0, 1));
    assert!(matches!(
        net.places[0].node.poll(moment(net.at)),
        Step::Wait(Some(_))
    ));
}

#[test]
fn an_answer_from_elsewhere_is_for_nobody() {
    for kind in [0x32, 2] {
        let mut net = Net::of(2, &[CHEAP]);
        net.fate = Box::new(move |packet| match packet.kind() == kind {
            true => Vec::new(),
            false => vec![packet],
        });
        net.connect(0, 1);
        net.settle();
        let answer = of_kind(&net, kind)[0].clone();
        let elsewhere = Packet {
            from: address(7),
            ..answer.clone()
        };
        assert_eq!(net.deliver(elsewhere), Some(Err(Refusal::Stray)));
        assert_eq!(net.deliver(answer), Some(Ok(())), "{kind}");
    }
}

#[test]
fn a_responder_is_silent_before_the_first_frame_and_stays_where_it_was() {
    let mut net = Net::of(2, &[CHEAP]);
    // CONF is lost: the responder has a session and does not use it.
    net.fate = Box::new(|packet| match packet.kind() {
        3 => Vec::new(),
        _ => vec![packet],
    });
    net.connect(0, 1);
    net.settle();
    let (near, far) = (net.id(0), net.id(1));
    assert!(net.places[0].node.is_up(far) && !net.places[1].node.is_up(near));
    assert_eq!(net.places[1].node.endpoint(near), None);
    net.send(1, 0, 5).unwrap();
    net.settle();
    assert!(
        net.sent
            .iter()
            .all(|packet| packet.from != address(1) || packet.kind() != 3)
    );
    // It waits until then.
    net.fate = Box::new(|packet| vec![packet]);
    net.pass_secs(1);
    assert!(net.is_up(0, 1));
    assert_eq!(net.received(0), [5]);
}
