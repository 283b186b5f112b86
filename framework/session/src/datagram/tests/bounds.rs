//! Memory, whatever is sent.

use super::*;

/// A hello of a stranger's, cut into parts that show their tokens.
struct Stranger {
    address: SocketAddr,
    flight: Vec<u8>,
}

impl Stranger {
    fn new(address: impl Into<SocketAddr>, number: u64, bytes: usize) -> Self {
        let mut flight = vec![3; bytes];
        flight[..8].copy_from_slice(&number.to_be_bytes());
        Self {
            address: address.into(),
            flight,
        }
    }

    /// Shows its address and sends so many parts, the last one never.
    fn sends(&self, far: &mut Endpoint, now: Now, most: usize) {
        let sha256 = crate::people::suite(CHEAP).digest;
        let name = super::super::token::attempt_of(&sha256, &self.flight);
        let first = packet::parts(name, 1, packet::NO_TOKEN, &self.flight).next();
        far.receive(now, self.address, &first.unwrap());
        let (packets, _) = drain(far, now, &mut Told::default());
        let Some(demand) = packets.first() else {
            return;
        };
        let token = demand.bytes[9..25].try_into().unwrap();
        let parts = packet::parts(name, 1, token, &self.flight);
        for part in parts.take(most) {
            far.receive(now, self.address, &part);
        }
    }
}

fn far(limits: Limits) -> Endpoint {
    endpoint(config(2, &[CHEAP]), 1, limits)
}

fn host(number: u16) -> SocketAddr {
    let [a, b] = number.to_be_bytes();
    ([10, 0, a, b], 1000).into()
}

#[test]
fn an_address_has_sixteen_attempts_and_the_oldest_give_way_when_they_are_not_young() {
    let mut far = far(Limits::default());
    for number in 0..20 {
        let port = 1000 + u16::try_from(number).unwrap();
        let stranger = Stranger::new(([192, 0, 2, 7], port), number, 3000);
        stranger.sends(&mut far, at(secs(1)), 1);
        assert_eq!(
            far.held().attempts,
            usize::try_from(number + 1).unwrap().min(16)
        );
    }
    // The sixteen are young, and others have room.
    let newcomer = Stranger::new(([192, 0, 2, 7], 9), 99, 3000);
    newcomer.sends(&mut far, at(Duration::from_millis(2999)), 2);
    assert_eq!(far.held().bytes, 16 * 1100);
    Stranger::new(host(1), 1, 3000).sends(&mut far, at(secs(2)), 1);
    assert_eq!(far.held().attempts, 17);
    newcomer.sends(&mut far, at(secs(3)), 2);
    assert_eq!((far.held().attempts, far.held().bytes), (17, 18 * 1100));
}

#[test]
fn a_network_of_ipv6_is_one_address() {
    let mut far = far(Limits::default());
    for number in 0..30_u16 {
        let address = ([0x2001, 0xdb8, 0, 7, 0, 0, 0, number], 1000);
        let stranger = Stranger::new(address, number.into(), 3000);
        stranger.sends(&mut far, at(secs(1)), 1);
    }
    assert_eq!(far.held().attempts, 16);
    let elsewhere = ([0x2001, 0xdb8, 0, 8, 0, 0, 0, 1], 1000);
    Stranger::new(elsewhere, 1, 3000).sends(&mut far, at(secs(1)), 1);
    assert_eq!(far.held().attempts, 17);
}

#[test]
fn an_address_has_a_mebibyte_of_parts() {
    let mut far = far(Limits::default());
    for number in 0..4 {
        let stranger = Stranger::new(host(1), number, packet::MOST_FLIGHT);
        stranger.sends(&mut far, at(secs(1)), 449);
        assert!(far.held().bytes <= 1 << 20);
    }
    assert!(far.held().bytes > (1 << 20) - 1100);
}

#[test]
fn half_open_hellos_from_everywhere_fill_eight_mebibytes_and_no_more() {
    let mut far = far(Limits::default());
    let mut most = 0;
    for number in 0..3000_u16 {
        // A hundred a second, so that some are young and some are not.
        let now = at(secs(1) + Duration::from_millis(10) * number.into());
        Stranger::new(host(number), number.into(), 60_000).sends(&mut far, now, 51);
        let held = far.held();
        assert!(held.attempts <= 1024 && held.bytes <= 8 << 20);
        most = most.max(held.bytes);
    }
    assert!(most > (8 << 20) - 60_000, "the bound was reached: {most}");
    let now = at(secs(31 + 130));
    drain(&mut far, now, &mut Told::default());
    assert_eq!((far.held().attempts, far.held().bytes), (0, 0));
}

#[test]
fn a_thousand_young_attempts_keep_the_next_out_and_older_ones_do_not() {
    let mut far = far(Limits::default());
    for number in 0..1100 {
        Stranger::new(host(number), number.into(), 3000).sends(&mut far, at(secs(1)), 1);
    }
    assert_eq!((far.held().attempts, far.held().bytes), (1024, 1024 * 1100));
    // After two seconds an honest handshake takes the place of the oldest.
    let mut pair = Pair::new();
    (pair.far, pair.clock) = (far, secs(2));
    pair.begin();
    pair.wait(20, &mut all);
    assert_eq!(pair.near_told.opened.len(), 1);
    assert_eq!(pair.clock, secs(3), "the first time after they were young");
    assert_eq!(pair.far.held().attempts, 1024);
}

#[test]
fn what_is_answered_is_counted_too_and_dropped_where_there_is_no_room() {
    let (near, far) = (config(1, &[CHEAP]), config(2, &[CHEAP]));
    let mut pair = Pair::with(
        near,
        far,
        Limits {
            bytes: 300,
            ..Limits::default()
        },
    );
    pair.begin();
    // The hello is smaller than that, its answer is not: it is made once, and never again.
    let mut answers = 0;
    pair.wait(20, &mut |_, bytes| {
        answers += usize::from(flight_of(&bytes) == 2);
        vec![bytes]
    });
    assert_eq!((answers, pair.far.held().attempts), (0, 1));
    pair.begin();
    pair.wait(20, &mut all);
    assert_eq!(
        pair.far.held().attempts,
        1,
        "there is no room for an answer"
    );
    let (mut pair, ..) = Pair::opened();
    pair.begin();
    let first = pair.near_sends();
    let demand = pair.far_answers(&first);
    let hello = pair.near_answers(&demand);
    let before = pair.far.held().bytes;
    let answer = pair.far_answers(&hello);
    let bytes: usize = answer.iter().map(|packet| packet.bytes.len() - 34).sum();
    assert_eq!(pair.far.held().bytes, before + bytes);
}

#[test]
fn an_end_that_only_connects_answers_nobody() {
    let mut pair = Pair::new();
    pair.far = far(Limits::initiator());
    pair.begin();
    let first = pair.near_sends();
    assert!(pair.far_answers(&first).is_empty());
}

#[test]
fn of_too_many_sessions_the_idlest_goes() {
    let limits = Limits {
        sessions: 2,
        ..Limits::default()
    };
    let mut pair = Pair::new();
    pair.far = far(limits);
    for _ in 0..2 {
        pair.begin();
        pair.carry(&mut all);
        pair.clock += secs(5);
    }
    let first = pair.near_told.opened[0];
    let now = pair.now();
    pair.near.send(now, first, b"still here").unwrap();
    pair.carry(&mut all);
    pair.begin();
    pair.carry(&mut all);
    assert_eq!(pair.far_told.ended, [Ending::Displaced]);
    assert_eq!(pair.near_told.ended, [Ending::Closed], "it was told");
    assert_eq!(pair.far.held().sessions, 2);
    let now = pair.now();
    pair.near.send(now, first, b"and here").unwrap();
    pair.carry(&mut all);
    assert_eq!(pair.far_told.data.len(), 2);
}

#[test]
fn a_peer_with_many_sessions_loses_its_own_and_nobody_elses() {
    let limits = Limits {
        sessions: 3,
        sessions_each: 2,
        ..Limits::default()
    };
    let mut pair = Pair::new();
    pair.far = far(limits);
    let mut quiet = endpoint(config(3, &[CHEAP]), 21, Limits::default());
    std::mem::swap(&mut pair.near, &mut quiet);
    pair.begin();
    pair.carry(&mut all);
    std::mem::swap(&mut pair.near, &mut quiet);
    for _ in 0..4 {
        pair.clock += secs(1);
        pair.begin();
        pair.carry(&mut all);
    }
    assert_eq!(pair.far_told.opened.len(), 5);
    assert_eq!(pair.far_told.ended, [Ending::Displaced, Ending::Displaced]);
    assert!(!pair.far_told.over.contains(&pair.far_told.opened[0]));
    assert_eq!(pair.far.held().sessions, 3);
}

#[test]
fn nobody_who_comes_takes_the_place_of_one_whom_we_went_to() {
    let limits = Limits {
        sessions: 1,
        ..Limits::default()
    };
    let mut pair = Pair::new();
    pair.near = endpoint(config(1, &[CHEAP]), 11, limits);
    let ours = pair.begin();
    pair.carry(&mut all);
    assert_eq!(pair.near_told.opened, [ours]);
    let now = pair.now();
    pair.far.connect(now, near_address()).unwrap();
    pair.wait(20, &mut all);
    assert_eq!(pair.near_told.opened, [ours]);
    assert!(pair.near_told.ended.is_empty());
    let next = pair.begin();
    pair.carry(&mut all);
    assert_eq!(pair.near_told.opened, [ours, next]);
    assert_eq!(pair.near_told.ended, [Ending::Displaced]);
}

#[test]
fn who_goes_away_says_so() {
    let (mut pair, ..) = Pair::opened();
    let now = at(pair.clock + Limits::default().idle);
    let (packets, _) = drain(&mut pair.far, now, &mut pair.far_told);
    assert_eq!(pair.far_told.ended, [Ending::Idle]);
    for packet in packets {
        pair.near.receive(now, far_address(), &packet.bytes);
    }
    drain(&mut pair.near, at(pair.clock), &mut pair.near_told);
    assert_eq!(pair.near_told.ended.len(), 1);
}
