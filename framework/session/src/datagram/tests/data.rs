//! Data of open channels: each once, and an end to each channel.

use super::*;

/// What the near end sends of this.
fn sealed(pair: &mut Pair, id: ChannelId, data: &[u8]) -> Packet {
    let now = pair.now();
    pair.near.send(now, id, data).unwrap();
    pair.near_sends().remove(0)
}

#[test]
fn data_goes_both_ways_in_any_order_and_each_once() {
    let (mut pair, near, far) = Pair::opened();
    let packets: Vec<_> = (0..5)
        .map(|number| sealed(&mut pair, near, &[number; 3]))
        .collect();
    for at in [4, 0, 4, 2, 0, 1, 3, 3] {
        assert!(pair.far_answers(&packets[at..=at]).is_empty());
    }
    let order: Vec<u8> = pair.far_told.data.iter().map(|data| data[0]).collect();
    assert_eq!(order, [4, 0, 2, 1, 3]);
    let now = pair.now();
    pair.far.send(now, far, b"").unwrap();
    pair.carry(&mut all);
    assert_eq!(pair.near_told.data, [b""]);
}

#[test]
fn both_counters_begin_at_one() {
    let (mut pair, near, far) = Pair::opened();
    let counter = |packet: &Packet| u64::from_be_bytes(packet.bytes[17..25].try_into().unwrap());
    assert_eq!(counter(&sealed(&mut pair, near, b"x")), 1);
    let now = pair.now();
    pair.far.send(now, far, b"x").unwrap();
    let (packets, _) = drain(&mut pair.far, now, &mut pair.far_told);
    assert_eq!(counter(&packets[0]), 1);
}

#[test]
fn what_was_changed_reflected_or_sent_from_elsewhere_is_dropped() {
    let (mut pair, near, _) = Pair::opened();
    let packet = sealed(&mut pair, near, b"data");
    for at in 0..packet.bytes.len() {
        let mut changed = packet.clone();
        changed.bytes[at] ^= 1;
        pair.far_answers(&[changed]);
    }
    for cut in 0..packet.bytes.len() {
        let mut changed = packet.clone();
        changed.bytes.truncate(cut);
        pair.far_answers(&[changed]);
    }
    let mut zero = packet.clone();
    zero.bytes[17..25].fill(0);
    pair.far_answers(&[zero]);
    let now = pair.now();
    let elsewhere = ([192, 0, 2, 3], 4000).into();
    pair.far.receive(now, elsewhere, &packet.bytes);
    pair.near_answers(std::slice::from_ref(&packet));
    drain(&mut pair.far, now, &mut pair.far_told);
    assert!(pair.far_told.data.is_empty() && pair.near_told.data.is_empty());
    pair.far_answers(&[packet]);
    assert_eq!(pair.far_told.data, [b"data"]);
}

#[test]
fn data_that_overtakes_welcome_is_dropped_and_welcome_is_not() {
    let mut pair = Pair::new();
    pair.begin();
    let mut welcome = Vec::new();
    pair.carry(&mut |_, bytes| {
        if flight_of(&bytes) == 4 {
            welcome.push(bytes);
            return Vec::new();
        }
        vec![bytes]
    });
    let (now, far) = (pair.now(), pair.far_told.opened[0]);
    pair.far.send(now, far, b"too early").unwrap();
    pair.carry(&mut all);
    let peer = far_address();
    let bytes = welcome.remove(0);
    pair.near_answers(&[Packet { peer, bytes }]);
    assert_eq!(pair.near_told.opened.len(), 1);
    pair.far.send(now, far, b"in time").unwrap();
    pair.carry(&mut all);
    assert_eq!(pair.near_told.data, [b"in time"]);
}

#[test]
fn close_notify_ends_the_session_at_both_ends() {
    let (mut pair, near, far) = Pair::opened();
    let now = pair.now();
    pair.near.close(now, near);
    assert_eq!(pair.near.send(now, near, b"x"), Err(ChannelError::Closed));
    pair.carry(&mut all);
    assert_eq!(pair.far_told.ended, [Ending::Closed]);
    assert_eq!(pair.far.send(now, far, b"x"), Err(ChannelError::Closed));
    assert_eq!(
        (pair.near.held().sessions, pair.far.held().sessions),
        (0, 0)
    );
    assert!(pair.near_told.ended.is_empty());
}

#[test]
fn a_session_that_is_idle_for_an_hour_is_over() {
    let (mut pair, near, far) = Pair::opened();
    pair.clock += secs(3599);
    // What is sent, or comes, is not idleness.
    sealed(&mut pair, near, b"lost");
    pair.clock += secs(1);
    let now = pair.now();
    let (_, until) = drain(&mut pair.far, now, &mut pair.far_told);
    assert_eq!(
        (until, &pair.far_told.ended[..]),
        (None, &[Ending::Idle][..])
    );
    assert_eq!(pair.far.send(now, far, b"x"), Err(ChannelError::Closed));
    let (_, until) = drain(&mut pair.near, now, &mut pair.near_told);
    assert_eq!(until, Some(pair.clock + secs(3599)));
    // Whoever comes before the clock was looked at finds it over, too.
    pair.clock += secs(3599);
    let now = pair.now();
    assert_eq!(pair.near.send(now, near, b"x"), Err(ChannelError::Closed));
    drain(&mut pair.near, now, &mut pair.near_told);
    assert_eq!(pair.near_told.ended, [Ending::Idle]);
}

#[test]
fn data_that_comes_when_a_session_is_over_ends_it() {
    let (mut pair, near, _) = Pair::opened();
    let packet = sealed(&mut pair, near, b"late");
    pair.clock += secs(3600);
    let now = pair.now();
    pair.far.receive(now, near_address(), &packet.bytes);
    drain(&mut pair.far, now, &mut pair.far_told);
    assert_eq!(pair.far_told.ended, [Ending::Idle]);
    assert!(pair.far_told.data.is_empty());
}

#[test]
fn after_a_day_the_initiator_seals_nothing_and_an_hour_later_it_is_over() {
    let (mut pair, near, far) = Pair::opened();
    for _ in 0..47 {
        pair.clock += secs(1800);
        sealed(&mut pair, near, b"x");
        let now = pair.now();
        pair.far.send(now, far, b"y").unwrap();
        pair.carry(&mut all);
    }
    pair.clock += secs(1800);
    let now = pair.now();
    assert_eq!(pair.near.send(now, near, b"x"), Err(ChannelError::Closed));
    pair.far.send(now, far, b"the last").unwrap();
    pair.carry(&mut all);
    assert_eq!(pair.near_told.data.len(), 48);
    pair.clock += secs(1800);
    let now = pair.now();
    pair.far.send(now, far, b"still").unwrap();
    pair.carry(&mut all);
    pair.clock += secs(1800);
    pair.carry(&mut all);
    assert_eq!(pair.near_told.ended, [Ending::Old]);
    assert_eq!(pair.far_told.ended, [Ending::Old]);
}

#[test]
fn data_fits_or_is_refused() {
    let (mut pair, near, _) = Pair::opened();
    assert_eq!(pair.near.most_data(near, 1200), Some(1158));
    let most = pair.near.most_data(near, usize::MAX).unwrap();
    let now = pair.now();
    let (field, got) = ("data of a datagram", most + 1);
    let refused = ChannelError::TooLong {
        field,
        got,
        limit: most,
    };
    assert_eq!(pair.near.send(now, near, &vec![1; most + 1]), Err(refused));
    let packet = sealed(&mut pair, near, &vec![1; most]);
    assert_eq!(packet.bytes.len(), 65_535);
    pair.far_answers(&[packet]);
    assert_eq!(pair.far_told.data[0].len(), most);
}
