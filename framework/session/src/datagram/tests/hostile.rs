//! What an attacker who sees everything and can add to it does: a handshake of two honest ends
//! finishes all the same, and whoever is refused learns it only from the one who refuses.

use super::*;
use crate::alert::Alert;
use crate::message::Retry;
use crate::people::{OTHER, pinned};
use crate::record::{ALERT, HANDSHAKE, plain};

/// A packet with a byte changed, from the end.
fn flipped(bytes: &[u8], from_end: usize) -> Vec<u8> {
    let mut forged = bytes.to_vec();
    let at = forged.len().saturating_sub(from_end);
    forged[at] ^= 1;
    forged
}

/// A flight in the place of another one's.
fn instead(bytes: &[u8], flight: &[u8]) -> Vec<Vec<u8>> {
    let (name, token) = (bytes[1..9].try_into().unwrap(), bytes[10..26].try_into());
    packet::parts(name, bytes[9], token.unwrap(), flight).collect()
}

/// Forges what comes before the first true part of each flight; asserts that the channel opens.
fn opens_though(mut forge: impl FnMut(&[u8]) -> Vec<Vec<u8>>) {
    for attacked in 1..=4 {
        let mut pair = Pair::new();
        pair.begin();
        let mut done = false;
        let mut fate = |_, bytes: Vec<u8>| {
            // A first hello without a token changes nothing anyway.
            let token = attacked != 1 || bytes.get(10..26) != Some(&packet::NO_TOKEN);
            if flight_of(&bytes) != attacked || done || !token {
                return vec![bytes];
            }
            done = true;
            let mut forged = forge(&bytes);
            forged.push(bytes);
            forged
        };
        pair.wait(20, &mut fate);
        assert!(done, "{attacked}");
        assert_eq!(pair.near_told.opened.len(), 1, "{attacked}");
        assert_eq!(pair.far_told.opened.len(), 1, "{attacked}");
    }
}

#[test]
fn a_forged_part_before_a_true_one_stops_no_handshake() {
    opens_though(|bytes| vec![flipped(bytes, 1)]);
    opens_though(|bytes| vec![flipped(bytes, 20)]);
    // Parts of flights of other lengths.
    opens_though(|bytes| {
        let long = instead(bytes, &[7; 50_000]);
        long[3..9].to_vec()
    });
    // A whole flight of junk, of records that do not open, of an alert.
    opens_though(|bytes| instead(bytes, b"junk"));
    opens_though(|bytes| instead(bytes, &plain(23, &[0; 40]).repeat(3)));
    opens_though(|bytes| instead(bytes, &plain(23, &[0; 40]).repeat(6)));
    opens_though(|bytes| instead(bytes, &plain(ALERT, &[40])));
}

#[test]
fn any_changed_byte_of_a_flight_stops_no_handshake() {
    for from_end in 1..100 {
        opens_though(|bytes| vec![flipped(bytes, from_end)]);
    }
}

#[test]
fn a_forged_retry_stops_no_handshake_and_a_fourth_is_not_believed() {
    for wanted in [CHEAP, OTHER] {
        let mut pair = Pair::of(config(1, &[CHEAP, OTHER]), config(2, &[wanted]));
        pair.begin();
        let (mut forged, mut hellos) = (0_u8, 0);
        let mut fate = |there: bool, bytes: Vec<u8>| {
            hellos += usize::from(there && flight_of(&bytes) == 1);
            // Two before the responder's own; four, if that is none.
            let most = if wanted == CHEAP { 4 } else { 2 };
            if flight_of(&bytes) != 2 || forged == most {
                return vec![bytes];
            }
            let mut packets = Vec::new();
            while forged < most {
                forged += 1;
                let (suite, cookie) = (OTHER.into(), vec![forged; 40]);
                let retry = Retry { suite, cookie }.encode().unwrap();
                let parts = instead(&bytes, &plain(HANDSHAKE, &retry));
                // And once more: one that is known is not another.
                packets.extend(parts.iter().chain(&parts).cloned());
            }
            packets.push(bytes);
            packets
        };
        pair.wait(20, &mut fate);
        assert_eq!(pair.near_told.opened.len(), 1, "{wanted}");
        assert_eq!(pair.far_told.opened.len(), 1, "{wanted}");
        // The first without a token and with one, and of each that came of a retry as much.
        assert!(hellos <= 2 + 3 * 2, "{hellos}");
    }
}

#[test]
fn a_fourth_retry_is_not_believed() {
    let mut pair = Pair::of(config(1, &[CHEAP, OTHER]), config(2, &[OTHER]));
    let id = pair.begin();
    let hello = pair.near_sends().remove(0).bytes;
    for number in 1..=4 {
        let (suite, cookie) = (OTHER.into(), vec![number; 40]);
        let retry = plain(HANDSHAKE, &Retry { suite, cookie }.encode().unwrap());
        let name = hello[1..9].try_into().unwrap();
        let parts = packet::parts(name, 2, packet::NO_TOKEN, &retry);
        let peer = far_address();
        let packets: Vec<_> = parts.map(|bytes| Packet { peer, bytes }).collect();
        let sent = pair.near_answers(&packets);
        assert_eq!(sent.len(), usize::from(number <= 3));
    }
    let refusal = pair.near.refusal(id).cloned();
    assert_eq!(
        refusal.and_then(|error| error.alert()),
        Some(Alert::UnexpectedMessage)
    );
}

#[test]
fn two_to_the_ten_wrong_flights_are_the_end_of_an_attempt() {
    for (there, flight) in [(false, 2), (true, 3), (false, 4)] {
        let mut pair = Pair::new();
        let id = pair.begin();
        // The honest part never comes; junk does in its place.
        let mut junk = 0;
        for round in 0..1025 {
            let mut fate = |to_far, bytes: Vec<u8>| {
                if to_far != there || flight_of(&bytes) != flight {
                    return vec![bytes];
                }
                let forged = instead(&bytes, &plain(23, &[7; 30]));
                let most = 1023 - junk.min(1023);
                junk += most;
                forged.iter().cycle().take(most).cloned().collect()
            };
            if round == 0 {
                pair.carry(&mut fate);
            }
        }
        assert_eq!(junk, 1023, "flight {flight}");
        assert!(pair.near_told.opened.is_empty() && pair.near_told.failed.is_empty());
        if there {
            // One more, and not even the true one is taken.
            let last_but_one = pair.far.held().bytes;
            assert!(last_but_one > 0, "its answer is kept");
            let mut fate = |to_far: bool, bytes: Vec<u8>| {
                let forged = to_far && flight_of(&bytes) == 3;
                let junk = forged.then(|| instead(&bytes, &plain(23, &[7; 30])));
                junk.into_iter().flatten().chain([bytes]).collect()
            };
            pair.wait(20, &mut fate);
            assert!(pair.far_told.opened.is_empty());
            assert_eq!(pair.far.held().bytes, 0);
        } else {
            let mut fate = |to_far: bool, bytes: Vec<u8>| {
                let forged = !to_far && flight_of(&bytes) == flight;
                let junk = forged.then(|| instead(&bytes, &plain(23, &[7; 30])));
                junk.into_iter().flatten().chain([bytes]).collect()
            };
            pair.wait(20, &mut fate);
            assert!(pair.near_told.opened.is_empty());
            assert_eq!(pair.near_told.failed.len(), 1, "flight {flight}");
            assert!(pair.near.refusal(id).is_none());
        }
    }
}

#[test]
fn two_to_the_ten_wrong_hellos_are_the_end_of_an_attempt() {
    for (wrong, answers) in [(1023, 1), (1024, 0)] {
        let mut pair = Pair::new();
        pair.begin();
        let first = pair.near_sends();
        let demand = pair.far_answers(&first);
        let hello = pair.near_answers(&demand);
        let (peer, bytes) = (far_address(), flipped(&hello[0].bytes, 40));
        let forged = vec![Packet { peer, bytes }; wrong];
        assert!(pair.far_answers(&forged).is_empty());
        assert_eq!((pair.far.held().attempts, pair.far.held().bytes), (1, 0));
        assert_eq!(pair.far_answers(&hello).len(), answers);
    }
}

#[test]
fn an_alert_in_the_clear_is_a_hint_that_is_told_in_the_end() {
    let mut pair = Pair::of(config(1, &[CHEAP]), config(2, &[OTHER]));
    let id = pair.begin();
    pair.carry(&mut all);
    let code = Alert::HandshakeFailure.code();
    let proven = false;
    let hint = ChannelError::RefusedByPeer { code, proven };
    assert_eq!(pair.near.refusal(id), Some(&hint));
    pair.wait(300, &mut all);
    assert_eq!(pair.near_told.failed, [hint]);
}

#[test]
fn whom_the_responder_does_not_accept_is_told_under_keys() {
    let nobody = config(9, &[CHEAP]).identities()[0].fingerprint().clone();
    let mut pair = Pair::of(config(1, &[CHEAP]), pinned(2, &[CHEAP], &nobody));
    pair.begin();
    let mut lost = false;
    // The refusal is repeated as a welcome would be.
    pair.wait(20, &mut |_, bytes| {
        if flight_of(&bytes) == 4 && !lost {
            lost = true;
            return Vec::new();
        }
        vec![bytes]
    });
    let (code, proven) = (Alert::UnknownPeer.code(), true);
    let refused = ChannelError::RefusedByPeer { code, proven };
    assert_eq!(pair.near_told.failed, [refused]);
    assert!(lost && pair.far_told.opened.is_empty());
}

#[test]
fn a_responder_that_is_not_accepted_may_be_anybody() {
    let nobody = config(9, &[CHEAP]).identities()[0].fingerprint().clone();
    let mut pair = Pair::of(pinned(1, &[CHEAP], &nobody), config(2, &[CHEAP]));
    let id = pair.begin();
    pair.carry(&mut all);
    let refusal = pair.near.refusal(id).cloned();
    assert!(
        matches!(refusal, Some(ChannelError::UnknownPeer(_))),
        "{refusal:?}"
    );
    pair.wait(300, &mut all);
    assert!(matches!(
        pair.near_told.failed[..],
        [ChannelError::UnknownPeer(_)]
    ));
    assert!(pair.far_told.opened.is_empty());
}

#[test]
fn the_true_responder_is_taken_after_one_that_is_not_accepted() {
    let true_one = config(2, &[CHEAP]);
    let peer = true_one.identities()[0].fingerprint().clone();
    let mut pair = Pair::of(pinned(1, &[CHEAP], &peer), true_one);
    pair.begin();
    let mut impostor = endpoint(config(7, &[CHEAP]), 70, Limits::default());
    let mut told = Told::default();
    let now = pair.now();
    let mut done = false;
    pair.wait(20, &mut |there, bytes| {
        // It sees the hello, and is the first to answer.
        if there && flight_of(&bytes) == 1 && bytes[10..26] != packet::NO_TOKEN && !done {
            done = true;
            impostor.receive(now, near_address(), &bytes);
            let demand = drain(&mut impostor, now, &mut told).0.remove(0).bytes;
            let mut shown = bytes.clone();
            shown[10..26].copy_from_slice(&demand[9..25]);
            impostor.receive(now, near_address(), &shown);
            assert_eq!(impostor.held().attempts, 1);
        }
        let forged = (!there && flight_of(&bytes) == 2)
            .then(|| drain(&mut impostor, now, &mut told).0)
            .into_iter()
            .flatten();
        let mut packets: Vec<_> = forged.map(|packet| packet.bytes).collect();
        packets.push(bytes);
        packets
    });
    assert!(done);
    assert_eq!(pair.near_told.opened.len(), 1);
    assert_eq!(pair.far_told.opened.len(), 1);
}

#[test]
fn a_sealed_alert_of_the_initiator_ends_the_attempt() {
    use crate::handshake::{Initiator, Progress};
    use crate::record::Records;
    let mut pair = Pair::new();
    let config = config(1, &[CHEAP]);
    let mut rng = ChaCha20Rng::seed_from_u64(5);
    let delivery = pqfw_framework::transport::Delivery::Datagram;
    let (mut initiator, hello) = Initiator::start(&config, delivery, &mut rng).unwrap();
    let name = super::super::token::attempt_of(config.sha256(), &hello);
    let packets = |flight, token, bytes: &[u8]| -> Vec<Packet> {
        let parts = packet::parts(name, flight, token, bytes);
        let peer = near_address();
        parts.map(|bytes| Packet { peer, bytes }).collect()
    };
    let demand = pair.far_answers(&packets(1, packet::NO_TOKEN, &hello));
    let token = demand[0].bytes[9..25].try_into().unwrap();
    let answer = pair.far_answers(&packets(1, token, &hello));
    let flight: Vec<u8> = answer.iter().flat_map(|p| p.bytes[34..].to_vec()).collect();
    let now = pair.now();
    let mut reader = initiator.read();
    let first = Records::of(&flight).next().unwrap().unwrap();
    assert!(matches!(
        reader.record(now, &mut rng, first),
        Ok(Progress::More)
    ));
    let alert = reader.alert(Alert::UnknownPeer).unwrap();
    assert!(pair.far_answers(&packets(3, token, &alert)).is_empty());
    assert_eq!(pair.far.held().bytes, 0, "there is nothing left to say");
    assert_eq!(pair.far.held().attempts, 1);
    pair.clock += secs(1);
    assert!(pair.far_answers(&packets(1, token, &hello)).is_empty());
}

#[test]
fn a_session_that_is_open_is_not_opened_twice() {
    let mut pair = Pair::new();
    pair.begin();
    pair.carry(&mut all);
    // The same responder again, with the same chances: it names its session as before.
    pair.far = endpoint(config(2, &[CHEAP]), 12, Limits::default());
    pair.begin();
    pair.carry(&mut all);
    assert_eq!(pair.near_told.opened.len(), 1);
    let failed = pair.near_told.failed.first();
    assert_eq!(
        failed.and_then(ChannelError::alert),
        Some(Alert::IllegalParameter)
    );
}
