//! A handshake between two ends in one place, through an attacker's hands.

use std::sync::Arc;
use std::time::Duration;

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::Delivery;
use pqfw_framework::world::Now;

use super::{Initiator, Opened, Progress, Reply, answer};
use crate::config::Config;
use crate::error::ChannelError;
use crate::message::{ANSWER, Answer, Hello, RETRY, Retry, split};
use crate::record::{HANDSHAKE, HEAD, Records, plain};

pub(crate) const NOW: Now = Now {
    since_start: Duration::ZERO,
    unix_micros: 0,
};

/// Changes a flight: its number (1 and 5 hellos, 2 and 6 their answers, 3, 4) and its bytes.
pub(crate) type Attacker<'a> = &'a mut dyn FnMut(u8, &mut Vec<u8>);

pub(crate) struct Ends {
    pub(crate) near: Opened,
    pub(crate) far: Opened,
}

/// Runs a handshake through the attacker's hands.
pub(crate) fn shake(
    near: &Arc<Config>,
    far: &Arc<Config>,
    seed: u64,
    attacker: Attacker<'_>,
) -> Result<Ends, ChannelError> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let cookie_key = SecretBytes::copy_of(&[7; 32]);
    let (mut initiator, mut hello) = Initiator::start(near, Delivery::Stream, &mut rng)?;
    let mut round = 0;
    loop {
        attacker(1 + round, &mut hello);
        let hello_record = first(&hello)?;
        let (mut answered, mut flight) = match answer(
            far,
            Delivery::Stream,
            &cookie_key,
            &[],
            &mut rng,
            hello_record,
        )? {
            Reply::Retry(records) => (None, records),
            Reply::Answered(answered, flight) => (Some(answered), flight),
        };
        attacker(2 + round, &mut flight);
        let (mut sent, mut flight) = match read(&mut initiator, &mut rng, &flight)? {
            Progress::Again(next, records) => {
                (initiator, hello) = (*next, records);
                round = 4;
                continue;
            }
            Progress::Sent(sent, flight) => (sent, flight),
            Progress::More => return cut_off(),
        };
        attacker(3, &mut flight);
        let answered = answered.as_mut().ok_or(ChannelError::Closed)?;
        let mut reader = answered.read()?;
        let mut opened = None;
        for record in Records::of(&flight) {
            opened = reader.record(NOW, record?)?;
        }
        let Some((far, mut welcome)) = opened else {
            return cut_off();
        };
        attacker(4, &mut welcome);
        let near = sent.welcome(first(&welcome)?)?;
        return Ok(Ends { near, far: *far });
    }
}

fn cut_off<T>() -> Result<T, ChannelError> {
    Err(ChannelError::Truncated(None))
}

fn first(flight: &[u8]) -> Result<&[u8], ChannelError> {
    Records::of(flight).next().unwrap_or_else(cut_off)
}

pub(crate) fn read(
    initiator: &mut Initiator,
    rng: &mut ChaCha20Rng,
    flight: &[u8],
) -> Result<Progress, ChannelError> {
    let mut reader = initiator.read();
    for record in Records::of(flight) {
        match reader.record(NOW, rng, record?)? {
            Progress::More => {}
            progress => return Ok(progress),
        }
    }
    Ok(Progress::More)
}

pub(crate) fn honest(_: u8, _: &mut Vec<u8>) {}

/// Rewrites the hello in a flight.
pub(crate) fn edit_hello(flight: &mut Vec<u8>, edit: impl FnOnce(&mut Hello)) {
    let mut hello = Hello::decode(&flight[HEAD..]).unwrap();
    edit(&mut hello);
    if let Ok(message) = hello.encode() {
        *flight = plain(HANDSHAKE, &message);
    }
}

/// Rewrites the suite that a responder's first message names.
pub(crate) fn edit_suite(flight: &mut Vec<u8>, suite: &str) {
    let record = first(flight).unwrap().to_vec();
    let (kind, body) = split(&record[HEAD..]).unwrap();
    let message = match kind {
        ANSWER => {
            let mut answer = Answer::decode(body).unwrap();
            answer.suite = suite.into();
            answer.encode().unwrap()
        }
        RETRY => {
            let mut retry = Retry::decode(body).unwrap();
            retry.suite = suite.into();
            retry.encode().unwrap()
        }
        _ => unreachable!("a responder begins with neither"),
    };
    let rest = flight.split_off(record.len());
    *flight = plain(HANDSHAKE, &message);
    flight.extend(rest);
}
