//! One direction of one shard: epochs, windows, limits.

use pqfw_framework::secret::SecretBytes;

use super::*;
use crate::limits::{
    EPOCH_LIFETIME, EPOCHS_AHEAD, LAST_COUNTER, MOST_OUT_OF_REACH, MOST_PACKET, PREVIOUS_LIFETIME,
};
use crate::people::{CHEAP, SIBLING, suites};
use crate::wire::{DataHead, FrameError, HEAD};

const AT: fn(u64) -> Duration = Duration::from_secs;
const EPOCH: u64 = 1 << 20;

fn ends_of(name: &str, shard: u8) -> (Sealer, Opener) {
    let suites = suites(&[name]);
    let named = suites.first();
    let secret = SecretBytes::copy_of(&[9; 32]);
    let chain = || Chain::new(named, &secret, shard).unwrap();
    (Sealer::new(16, chain()).unwrap(), Opener::new(chain()))
}

fn ends() -> (Sealer, Opener) {
    ends_of(CHEAP, 0)
}

fn frame(sealer: &mut Sealer, at: Duration) -> Vec<u8> {
    let mut frame = vec![0; OVERHEAD + 5];
    frame[HEAD..HEAD + 5].copy_from_slice(b"hello");
    sealer.seal(at, 0, &mut frame).unwrap();
    frame
}

/// A frame of that counter.
fn numbered(sealer: &mut Sealer, counter: u64) -> Vec<u8> {
    sealer.set_counter(counter);
    frame(sealer, AT(0))
}

/// Opens a copy; gives the counter and whether it was the newest.
fn open(opener: &mut Opener, at: Duration, frame: &[u8]) -> Result<(u64, bool), DataError> {
    let mut copy = frame.to_vec();
    let opened = opener.open(at, &mut copy)?;
    assert_eq!(opened.plaintext, b"hello");
    Ok((opened.head.counter, opened.newest))
}

#[test]
fn frames_open_once_in_any_order() {
    for name in [CHEAP, SIBLING] {
        let shared = suites(&[name]);
        let prk = shared.first().suite.kdf.sizes().prk;
        let secret = SecretBytes::zeroed(prk);
        let chain = || Chain::new(shared.first(), &secret, 0).unwrap();
        let mut sealer = Sealer::new(16, chain()).unwrap();
        let mut opener = Opener::new(chain());
        let frames: Vec<_> = (0..4).map(|_| frame(&mut sealer, AT(0))).collect();
        let order = [2, 0, 3, 1].map(|at| open(&mut opener, AT(0), &frames[at]));
        assert_eq!(
            order,
            [Ok((2, true)), Ok((0, false)), Ok((3, true)), Ok((1, false))]
        );
        for (number, frame) in (0..).zip(&frames) {
            let again = open(&mut opener, AT(0), frame);
            assert_eq!(again, Err(DataError::Replayed(number)));
        }
        assert_eq!(frames[0].len(), 5 + 32, "32 bytes more than the plaintext");
    }
}

#[test]
fn every_byte_of_a_frame_is_authenticated_and_a_refused_frame_is_wiped() {
    let (mut sealer, mut opener) = ends();
    let good = frame(&mut sealer, AT(0));
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        let refused = opener.open(AT(0), &mut bad).unwrap_err();
        let expected = match at {
            0..=3 => matches!(refused, DataError::Frame(_)) || refused == DataError::Forged,
            8..=12 => matches!(refused, DataError::OutOfReach(_)),
            _ => refused == DataError::Forged,
        };
        assert!(expected, "{at}: {refused}");
        if refused == DataError::Forged {
            assert!(bad[HEAD..HEAD + 5].iter().all(|byte| *byte == 0), "{at}");
        }
    }
    assert_eq!(open(&mut opener, AT(0), &good), Ok((0, true)));
    let (_, mut other) = ends_of(CHEAP, 1);
    let foreign = open(&mut other, AT(0), &good);
    assert_eq!(
        foreign,
        Err(DataError::Forged),
        "shards have their own keys"
    );
    let mut short = good[..OVERHEAD - 1].to_vec();
    let refused = opener.open(AT(0), &mut short).unwrap_err();
    assert_eq!(refused, DataError::Length(OVERHEAD - 1));
    let refused = opener.open(AT(0), &mut short[..7]).unwrap_err();
    assert_eq!(refused, DataError::Frame(FrameError::Short(7)));
}

#[test]
fn a_forged_counter_costs_a_few_keys_and_kills_nothing() {
    let (mut sealer, mut opener) = ends();
    open(&mut opener, AT(0), &frame(&mut sealer, AT(0))).unwrap();
    let reach = (1 + EPOCHS_AHEAD) * EPOCH;
    for counter in [u64::MAX, reach, u64::MAX / 2, EPOCH, reach - 1] {
        let head = DataHead {
            flags: 0,
            receiver: 16,
            counter,
        };
        let mut forged = [&head.write()[..], &[0; 21]].concat();
        let expected = match counter {
            counter if counter < reach => DataError::Forged,
            counter => DataError::OutOfReach(counter),
        };
        assert_eq!(opener.open(AT(0), &mut forged), Err(expected));
    }
    assert_eq!(
        open(&mut opener, AT(0), &frame(&mut sealer, AT(0))),
        Ok((1, true))
    );
}

#[test]
fn a_sender_changes_its_epoch_by_number_and_by_time_and_nothing_in_flight_is_lost() {
    let (mut sealer, mut opener) = ends();
    let last = numbered(&mut sealer, EPOCH - 1);
    let first = frame(&mut sealer, AT(0));
    assert_eq!(open(&mut opener, AT(0), &first), Ok((EPOCH, true)));
    assert_eq!(open(&mut opener, AT(0), &last), Ok((EPOCH - 1, false)));

    let before = frame(&mut sealer, AT(1));
    let edge = frame(&mut sealer, EPOCH_LIFETIME - AT(1));
    let after = frame(&mut sealer, EPOCH_LIFETIME);
    assert_eq!(open(&mut opener, AT(121), &edge).unwrap().0, EPOCH + 2);
    assert_eq!(open(&mut opener, AT(121), &after), Ok((2 * EPOCH, true)));
    assert_eq!(open(&mut opener, AT(121), &before), Ok((EPOCH + 1, false)));
    // An epoch that was never used begins when it is.
    let much_later = frame(&mut sealer, AT(10_000));
    assert_eq!(
        open(&mut opener, AT(10_000), &much_later).unwrap().0,
        3 * EPOCH
    );
}

#[test]
fn a_silence_of_many_epochs_is_caught_up_and_a_longer_one_asks_for_a_new_session() {
    let (mut sealer, mut opener) = ends();
    open(&mut opener, AT(0), &frame(&mut sealer, AT(0))).unwrap();
    let reach = numbered(&mut sealer, EPOCHS_AHEAD * EPOCH);
    assert_eq!(open(&mut opener, AT(0), &reach).unwrap().0, 8 * EPOCH);
    let beyond = numbered(&mut sealer, 17 * EPOCH);
    let refused = Err(DataError::OutOfReach(17 * EPOCH));
    for _ in 1..MOST_OUT_OF_REACH {
        assert_eq!(open(&mut opener, AT(0), &beyond), refused);
    }
    assert!(!opener.is_wearing_out());
    assert_eq!(open(&mut opener, AT(0), &beyond), refused);
    assert!(opener.is_wearing_out());
    // One that opens shows that the shard is not black.
    let (mut other, _) = ends();
    let near = numbered(&mut other, 8 * EPOCH + 1);
    open(&mut opener, AT(0), &near).unwrap();
    assert!(!opener.is_wearing_out());
}

#[test]
fn the_epoch_before_is_kept_for_a_while_and_the_one_before_it_is_not() {
    let (mut sealer, mut opener) = ends();
    let old: Vec<_> = (0..3).map(|_| frame(&mut sealer, AT(0))).collect();
    let next = numbered(&mut sealer, EPOCH);
    let last = numbered(&mut sealer, 2 * EPOCH);
    open(&mut opener, AT(0), &next).unwrap();
    let in_time = PREVIOUS_LIFETIME - Duration::from_millis(1);
    assert!(open(&mut opener, in_time, &old[0]).is_ok());
    let late = open(&mut opener, PREVIOUS_LIFETIME, &old[1]);
    assert_eq!(late, Err(DataError::OutOfReach(1)));
    open(&mut opener, PREVIOUS_LIFETIME, &last).unwrap();
    let gone = open(&mut opener, PREVIOUS_LIFETIME, &old[2]);
    assert_eq!(gone, Err(DataError::OutOfReach(2)));

    // Two changes in one moment: the first epoch is gone, whatever the time.
    let (_, mut opener) = ends();
    for frame in [&old[0], &next, &last] {
        open(&mut opener, AT(0), frame).unwrap();
    }
    let gone = open(&mut opener, AT(0), &old[1]);
    assert_eq!(gone, Err(DataError::OutOfReach(1)));
}

#[test]
fn a_thread_can_have_a_shard_for_itself() {
    let (mut sealer, mut opener) = ends();
    std::thread::scope(|scope| {
        let (send, receive) = std::sync::mpsc::channel();
        scope.spawn(move || {
            for _ in 0..100 {
                send.send(frame(&mut sealer, AT(0))).unwrap();
            }
        });
        let opened = receive.iter().map(|frame| open(&mut opener, AT(0), &frame));
        assert_eq!(opened.filter(Result::is_ok).count(), 100);
    });
}

#[test]
fn counters_end_before_they_begin_again() {
    let (mut sealer, _) = ends();
    let mut frame = vec![0; OVERHEAD];
    sealer.set_counter(LAST_COUNTER);
    let refused = sealer.seal(AT(0), 0, &mut frame);
    assert_eq!(refused, Err(DataError::Exhausted));
    assert_eq!(sealer.counter(), LAST_COUNTER);
}

#[test]
fn a_frame_has_a_length() {
    let (mut sealer, _) = ends();
    let mut seal = |length: usize| sealer.seal(AT(0), 0, &mut vec![0; length]);
    assert_eq!(seal(OVERHEAD - 1), Err(DataError::Length(OVERHEAD - 1)));
    assert_eq!(seal(OVERHEAD), Ok(0));
    let most = OVERHEAD + MOST_PACKET;
    assert_eq!(seal(most), Ok(1));
    assert_eq!(seal(most + 1), Err(DataError::Length(most + 1)));
}
