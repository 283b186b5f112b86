//! What one end takes of the other: no endless talk without data, and no fresh exchanges at will.

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::SeedableRng;

use super::*;
use crate::handshake::harness::{NOW, honest, shake};
use crate::people::{CHEAP, config};
use crate::record::Records;

struct End {
    opener: Opener,
    sealer: Sealer,
}

fn ends() -> (End, End) {
    let (near, far) = (config(1, &[CHEAP]), config(2, &[CHEAP]));
    let ends = shake(&near, &far, 1, &mut honest).unwrap_or_else(|error| panic!("{error}"));
    let end = |opened| {
        let (opener, sealer, _) = split_opened(NOW, opened, FRESH_AFTER_BYTES);
        End { opener, sealer }
    };
    (end(ends.near), end(ends.far))
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(2)
}

fn at(seconds: u64) -> Now {
    Now {
        since_start: Duration::from_secs(seconds),
        ..NOW
    }
}

impl End {
    /// Takes records, and gives those that answer them.
    fn take(&mut self, now: Now, records: &[u8]) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        for record in Records::of(records) {
            let mut record = record?.to_vec();
            let head = Head::first(&record, self.opener.tag())?.unwrap();
            match self.opener.open(head, &mut record)? {
                Received::Data(range) => self.sealer.heard(range.len())?,
                Received::Control(message) => {
                    let (sealer, rng) = (&mut self.sealer, &mut rng());
                    if let Some(secret) = sealer.control(now, rng, message, true, &mut out)? {
                        self.opener.replace(secret)?;
                    }
                }
                Received::Closed => {}
            }
        }
        Ok(out)
    }

    fn say(&mut self, data: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        self.sealer.data(&mut out, data).unwrap();
        out
    }

    fn update(&mut self, wants_answer: bool) -> Vec<u8> {
        let mut out = Vec::new();
        self.sealer.key_update(&mut out, wants_answer).unwrap();
        out
    }

    /// An offer, however many there were.
    fn offer(&mut self, now: Now) -> Vec<u8> {
        let mut out = Vec::new();
        self.sealer.offers = 0;
        assert!(self.sealer.fresh_offer(now, &mut rng(), &mut out).unwrap());
        out
    }
}

fn is_unexpected(taken: Result<Vec<u8>>) -> bool {
    taken.err().and_then(|error| error.alert()) == Some(Alert::UnexpectedMessage)
}

#[test]
fn records_without_data_are_taken_for_a_while() {
    for updates in [false, true] {
        let (mut near, mut far) = ends();
        let empty = |near: &mut End| {
            if updates {
                near.update(false)
            } else {
                near.say(b"")
            }
        };
        for _ in 0..2 {
            for _ in 0..MOST_IDLE_HEARD {
                let record = empty(&mut near);
                far.take(NOW, &record).unwrap();
            }
            let data = near.say(b"x");
            far.take(NOW, &data).unwrap();
        }
        for _ in 0..MOST_IDLE_HEARD {
            let record = empty(&mut near);
            far.take(NOW, &record).unwrap();
        }
        let record = empty(&mut near);
        assert!(is_unexpected(far.take(NOW, &record)), "{updates}");
    }
}

#[test]
fn whoever_only_answers_may_do_so_for_ever() {
    let (mut near, mut far) = ends();
    for _ in 0..3 * MOST_IDLE_HEARD {
        let question = [near.say(b"data"), near.update(true)].concat();
        let answer = far.take(NOW, &question).unwrap();
        assert!(near.take(NOW, &answer).unwrap().is_empty());
    }
}

#[test]
fn changes_on_demand_stop_before_a_peer_has_enough_of_them() {
    let (mut near, mut far) = ends();
    let mut out = Vec::new();
    for round in 0..3 {
        for _ in 0..MOST_IDLE_SAID {
            assert!(near.sealer.key_update_on_demand(&mut out, false).unwrap());
        }
        assert!(!near.sealer.key_update_on_demand(&mut out, true).unwrap());
        out.extend(near.say(&[round]));
    }
    far.take(NOW, &out).unwrap();
}

#[test]
fn fresh_exchanges_are_begun_and_taken_at_a_rate() {
    let (mut near, mut far) = ends();
    let mut round = |now, near: &mut End, offer: Vec<u8>| {
        let answer = far.take(now, &offer)?;
        let done = near.take(now, &answer)?;
        far.take(now, &done)
    };
    for _ in 0..OFFERS_MADE {
        let mut offer = Vec::new();
        let began = near.sealer.fresh_offer(at(59), &mut rng(), &mut offer);
        assert_eq!(began, Ok(true));
        round(at(59), &mut near, offer).unwrap();
    }
    let mut none = Vec::new();
    let began = near.sealer.fresh_offer(at(59), &mut rng(), &mut none);
    assert_eq!((began, none.len()), (Ok(false), 0));
    assert!(
        near.sealer
            .fresh_offer(at(60), &mut rng(), &mut none)
            .unwrap()
    );
    round(at(60), &mut near, none).unwrap();

    for _ in 9..OFFERS_TAKEN {
        let offer = near.offer(at(59));
        round(at(59), &mut near, offer).unwrap();
    }
    let offer = near.offer(at(60));
    round(at(60), &mut near, offer).unwrap();
    let offer = near.offer(at(60));
    assert!(is_unexpected(round(at(60), &mut near, offer)));
}

#[test]
fn what_no_open_channel_takes_has_its_alert() {
    let message = |kind, body: &[u8]| frame(kind, body).unwrap();
    for (inner, content, alert) in [
        (
            HANDSHAKE,
            message(KEY_UPDATE, &[2]),
            Alert::IllegalParameter,
        ),
        (HANDSHAKE, message(KEY_UPDATE, &[]), Alert::DecodeError),
        (
            HANDSHAKE,
            message(FRESH_DONE, &[]),
            Alert::UnexpectedMessage,
        ),
        (HANDSHAKE, message(13, &[]), Alert::UnexpectedMessage),
        (ALERT, vec![0, 0], Alert::DecodeError),
        (24, vec![1], Alert::UnexpectedMessage),
        (0, vec![], Alert::UnexpectedMessage),
        (DATA, vec![1; MOST_CONTENT + 1], Alert::RecordOverflow),
    ] {
        let (mut near, mut far) = ends();
        let mut record = Vec::new();
        let sealed = near.sealer.traffic.seal(&mut record, inner, &content);
        sealed.unwrap();
        let refused = far.take(NOW, &record).unwrap_err();
        assert_eq!(refused.alert(), Some(alert), "{inner}: {refused}");
    }
}
