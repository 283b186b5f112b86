//! What is sent when, and how often; and nothing is kept before a token.

use super::*;
use crate::people::OTHER;

#[test]
fn a_handshake_takes_a_token_and_four_flights() {
    let mut pair = Pair::new();
    let id = pair.begin();
    let mut kinds = Vec::new();
    pair.carry(&mut |_, bytes| {
        kinds.push((bytes[0], flight_of(&bytes)));
        vec![bytes]
    });
    assert_eq!(
        kinds,
        [(30, 1), (31, 0), (30, 1), (30, 2), (30, 3), (30, 4)]
    );
    assert_eq!(pair.near_told.opened, [id]);
    assert_eq!(pair.far_told.opened.len(), 1);
    assert_eq!(pair.near.held().connecting, 0);
}

#[test]
fn a_retry_is_followed_by_an_attempt_of_its_own() {
    let mut pair = Pair::of(config(1, &[CHEAP, OTHER]), config(2, &[OTHER]));
    pair.begin();
    let mut kinds = Vec::new();
    pair.carry(&mut |_, bytes| {
        kinds.push((bytes[0], flight_of(&bytes)));
        vec![bytes]
    });
    let hello = [(30, 1), (31, 0), (30, 1), (30, 2)];
    assert_eq!(
        kinds,
        [&hello[..], &hello[..], &[(30, 3), (30, 4)]].concat()
    );
    assert_eq!(pair.near_told.opened.len(), 1);
    assert_eq!(pair.far.held().attempts, 2);
}

#[test]
fn nothing_is_kept_before_a_token() {
    let mut pair = Pair::new();
    pair.begin();
    let first = pair.near_sends();
    assert_eq!(first.len(), 1, "the first part alone");
    let demand = pair.far_answers(&first);
    assert!(demand.len() == 1 && demand[0].bytes.len() < first[0].bytes.len());
    assert_eq!((demand[0].bytes[0], demand[0].peer), (31, near_address()));
    assert_eq!((pair.far.held().attempts, pair.far.held().bytes), (0, 0));
    // The token of another address, of another attempt, or of long ago is none.
    let hello = pair.near_answers(&demand).remove(0).bytes;
    let now = pair.now();
    let mut asks = |now: Now, from: SocketAddr, bytes: &[u8]| {
        pair.far.receive(now, from, bytes);
        let (packets, _) = drain(&mut pair.far, now, &mut pair.far_told);
        let asked = packets.first().is_some_and(|packet| packet.bytes[0] == 31);
        (asked, pair.far.held().attempts)
    };
    let elsewhere = ([192, 0, 2, 1], 4001).into();
    assert_eq!(asks(now, elsewhere, &hello), (true, 0));
    let mut other = hello.clone();
    other[1] ^= 1;
    assert_eq!(asks(now, near_address(), &other), (true, 0));
    assert_eq!(
        asks(at(now.since_start + secs(129)), near_address(), &hello),
        (true, 0)
    );
    // To the other flights of an attempt that it does not know it says nothing.
    let mut finish = hello.clone();
    finish[9] = 3;
    assert_eq!(asks(now, near_address(), &finish), (false, 0));
    assert_eq!(asks(now, near_address(), &hello), (false, 1));
}

#[test]
fn one_demand_is_believed_between_two_sendings() {
    let mut pair = Pair::new();
    pair.begin();
    let demand = |first: &[Packet], token: u8| {
        let name = first[0].bytes[1..9].try_into().unwrap();
        vec![Packet {
            peer: far_address(),
            bytes: packet::demand(name, [token; 16]),
        }]
    };
    let first = pair.near_sends();
    assert_eq!(pair.near_answers(&demand(&first, 1)).len(), 1);
    assert!(pair.near_answers(&demand(&first, 2)).is_empty());
    assert!(pair.near_answers(&demand(&first, 1)).is_empty());
    pair.clock += secs(1);
    let again = pair.near_sends();
    assert_eq!(again[0].bytes[10..26], [1; 16]);
    assert!(
        pair.near_answers(&demand(&first, 1)).is_empty(),
        "it has that one"
    );
    assert_eq!(pair.near_answers(&demand(&first, 2)).len(), 1);
    // Of an attempt that is not ours, and from elsewhere.
    assert!(pair.near_answers(&[]).is_empty());
    let now = pair.now();
    pair.clock += secs(2);
    pair.near_sends();
    let stranger = ([192, 0, 2, 9], 1).into();
    pair.near
        .receive(now, stranger, &demand(&first, 7)[0].bytes);
    assert!(pair.near_sends().is_empty());
}

#[test]
fn a_hello_that_nobody_answers_is_sent_seven_times() {
    let mut pair = Pair::new();
    pair.begin();
    let began = pair.clock;
    let mut sent = Vec::new();
    while pair.near_told.failed.is_empty() {
        let now = pair.now();
        let (packets, until) = drain(&mut pair.near, now, &mut pair.near_told);
        let passed = pair.clock - began;
        sent.extend(packets.iter().map(|_| passed.as_secs()));
        pair.clock = until.unwrap_or(pair.clock);
    }
    assert_eq!(sent, [0, 1, 3, 7, 15, 31, 63]);
    assert_eq!(pair.clock - began, secs(130));
    let millis = 130_000;
    assert_eq!(pair.near_told.failed, [ChannelError::TimedOut { millis }]);
    assert_eq!(pair.near.held().connecting, 0);
}

/// The parts of both ends' flights, up to the one that is asked for.
fn up_to(pair: &mut Pair, flight: u8) -> Vec<Packet> {
    pair.begin();
    let mut packets = pair.near_sends();
    packets = pair.far_answers(&packets);
    packets = pair.near_answers(&packets);
    let mut present = 1;
    while present < flight {
        present += 1;
        packets = match present % 2 {
            0 => pair.far_answers(&packets),
            _ => pair.near_answers(&packets),
        };
    }
    packets
}

#[test]
fn the_responder_repeats_the_same_bytes_when_it_is_asked_and_not_for_ever() {
    for flight in [1, 3] {
        let mut pair = Pair::new();
        let asked = up_to(&mut pair, flight);
        let first = pair.far_answers(&asked);
        assert_eq!(flight_of(&first[0].bytes), flight + 1);
        pair.clock += Duration::from_millis(499);
        assert!(pair.far_answers(&asked).is_empty());
        for sending in 2..20 {
            pair.clock += Duration::from_millis(500);
            let again = pair.far_answers(&asked);
            if sending <= 7 {
                assert_eq!(again, first);
            } else {
                assert!(again.is_empty(), "sending {sending}");
            }
        }
    }
}

#[test]
fn an_attempt_outlives_its_token_so_that_a_recorded_one_opens_it_once() {
    let mut pair = Pair::new();
    let hello = up_to(&mut pair, 1);
    pair.far_answers(&hello);
    assert_eq!(pair.far.held().attempts, 1);
    pair.clock += secs(129);
    let now = pair.now();
    let (packets, until) = drain(&mut pair.far, now, &mut pair.far_told);
    assert!(packets.is_empty() && pair.far.held().attempts == 1);
    assert_eq!(until, Some(pair.clock + secs(1)));
    pair.clock += secs(1);
    let demand = pair.far_answers(&hello);
    assert_eq!(demand[0].bytes[0], 31, "the token is no longer one");
    assert_eq!(pair.far.held().attempts, 0);
}

#[test]
fn a_welcome_that_is_lost_is_sent_again_for_a_minute() {
    let mut pair = Pair::new();
    let hello = up_to(&mut pair, 1);
    let answer = pair.far_answers(&hello);
    let finish = pair.near_answers(&answer);
    pair.clock += secs(129);
    let welcome = pair.far_answers(&finish);
    assert_eq!(flight_of(&welcome[0].bytes), 4);
    assert_eq!(pair.far_told.opened.len(), 1);
    pair.clock += secs(59);
    assert_eq!(pair.far_answers(&finish), welcome);
    pair.clock += secs(1);
    assert!(pair.far_answers(&finish).is_empty());
    assert_eq!(pair.far.held().attempts, 0);
    assert_eq!(pair.far.held().sessions, 1);
}

#[test]
fn a_handshake_that_is_given_up_sends_nothing_more() {
    let mut pair = Pair::new();
    let id = pair.begin();
    pair.near_sends();
    let now = pair.now();
    pair.near.close(now, id);
    pair.clock += secs(10);
    assert!(pair.near_sends().is_empty());
    assert!(pair.near_told.failed.is_empty());
}
