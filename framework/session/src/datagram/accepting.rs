//! One handshake of somebody else's: its flights as they come, and the answer that is kept.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::Delivery;
use pqfw_framework::world::Now;

use super::assembly::Assembly;
use super::packet::{ANSWER, FINISH, HELLO, Part, SessionId, WELCOME};
use super::token::attempt_of;
use super::{MOST_WRONG_FLIGHTS, SENDINGS};
use crate::config::Config;
use crate::error::ChannelError;
use crate::handshake::{Answered, FINISH_RECORDS, Opened, Reply, answer};
use crate::record::{ALERT, Records, plain};

/// Between two sendings of a flight.
const PAUSE: Duration = Duration::from_millis(500);

/// One handshake of somebody else's.
#[derive(Default)]
pub(super) struct Accepting {
    state: State,
    /// The parts of the flight that is awaited.
    parts: Assembly,
    reply: Option<Kept>,
    wrong_flights: u32,
}

#[derive(Default)]
enum State {
    #[default]
    Hello,
    Finish(Box<Answered>),
    /// It has opened, was answered by `retry`, or was refused: there is only the reply to repeat.
    Over,
}

/// A flight of ours, sealed once, and how often it was sent.
struct Kept {
    number: u8,
    bytes: Vec<u8>,
    sendings: u32,
    last: Duration,
}

/// What a part led to.
pub(super) enum Said {
    Nothing,
    /// The reply is to be sent.
    Reply,
    /// So it is, and the channel is open.
    Opened(Box<Opened>),
}

impl Accepting {
    /// The bytes that are kept of flights.
    pub(super) fn held(&self) -> usize {
        let reply = self.reply.as_ref().map_or(0, |kept| kept.bytes.len());
        self.parts.held() + reply
    }

    /// Whether a part is of the flight that is to come.
    pub(super) fn awaits(&self, part: &Part<'_>) -> bool {
        match self.state {
            State::Hello => part.flight == HELLO,
            State::Finish(_) => part.flight == FINISH,
            State::Over => false,
        }
    }

    /// The number and bytes of the flight that answers the last one.
    pub(super) fn reply(&self) -> Option<(u8, &[u8])> {
        let kept = self.reply.as_ref()?;
        Some((kept.number, &kept.bytes))
    }

    /// Takes a part in.
    pub(super) fn part(
        &mut self,
        now: Now,
        rng: &mut dyn CryptoRng,
        config: &Arc<Config>,
        cookie_key: &SecretBytes,
        part: &Part<'_>,
    ) -> Said {
        if self.repeats(now, part) {
            return Said::Reply;
        }
        if !self.awaits(part) {
            return Said::Nothing;
        }
        let Some(flight) = self.parts.add(part) else {
            return Said::Nothing;
        };
        match part.flight {
            HELLO if attempt_of(config.sha256(), &flight) == part.attempt => {
                self.hello(now, rng, config, cookie_key, &flight)
            }
            HELLO => self.wrong(),
            _ => self.finish(now, &flight),
        }
    }

    /// Whether a part asks for the reply again, and may have it.
    fn repeats(&mut self, now: Now, part: &Part<'_>) -> bool {
        let Some(kept) = &mut self.reply else {
            return false;
        };
        let asks = part.is_first() && part.flight + 1 == kept.number;
        let rested = now.since_start.saturating_sub(kept.last) >= PAUSE;
        if !asks || !rested || kept.sendings >= SENDINGS {
            return false;
        }
        kept.sendings += 1;
        kept.last = now.since_start;
        true
    }

    /// Answers a hello, which the attempt is named after.
    fn hello(
        &mut self,
        now: Now,
        rng: &mut dyn CryptoRng,
        config: &Arc<Config>,
        cookie_key: &SecretBytes,
        flight: &[u8],
    ) -> Said {
        let mut session: SessionId = [0; 16];
        rng.fill_bytes(&mut session);
        let delivery = Delivery::Datagram;
        let (state, reply) = match answer(config, delivery, cookie_key, &session, rng, flight) {
            Ok(Reply::Answered(answered, flight)) => (State::Finish(answered), Some(flight)),
            Ok(Reply::Retry(flight)) => (State::Over, Some(flight)),
            Err(error) => {
                let alert = error.alert().map(|alert| plain(ALERT, &[alert.code()]));
                (State::Over, alert)
            }
        };
        self.state = state;
        self.parts = Assembly::default();
        self.keep(now, ANSWER, reply)
    }

    /// Reads the initiator's last flight.
    fn finish(&mut self, now: Now, flight: &[u8]) -> Said {
        let State::Finish(answered) = &mut self.state else {
            return Said::Nothing;
        };
        match read_finish(answered, now, flight) {
            Ok((opened, welcome)) => {
                self.end();
                self.keep(now, WELCOME, Some(welcome));
                Said::Opened(opened)
            }
            Err(Refusal::NotProven) => self.wrong(),
            Err(Refusal::Proven(alert)) => {
                self.end();
                self.keep(now, WELCOME, alert)
            }
        }
    }

    fn keep(&mut self, now: Now, number: u8, reply: Option<Vec<u8>>) -> Said {
        let Some(bytes) = reply else {
            return Said::Nothing;
        };
        self.reply = Some(Kept {
            number,
            bytes,
            sendings: 1,
            last: now.since_start,
        });
        Said::Reply
    }

    /// Notes a flight that says nothing of its sender.
    fn wrong(&mut self) -> Said {
        self.wrong_flights += 1;
        if self.wrong_flights >= MOST_WRONG_FLIGHTS {
            self.end();
        }
        Said::Nothing
    }

    /// Keeps nothing but the knowledge that there was an attempt.
    pub(super) fn end(&mut self) {
        self.state = State::Over;
        self.parts = Assembly::default();
        self.reply = None;
    }
}

/// Why a flight 3 was not taken.
enum Refusal {
    /// It may be anybody's.
    NotProven,
    /// It was the initiator's own: what it is told.
    Proven(Option<Vec<u8>>),
}

/// Bytes that cannot be read are anybody's.
impl From<ChannelError> for Refusal {
    fn from(_: ChannelError) -> Self {
        Self::NotProven
    }
}

fn read_finish(
    answered: &mut Answered,
    now: Now,
    flight: &[u8],
) -> Result<(Box<Opened>, Vec<u8>), Refusal> {
    let records = Records::of(flight).collect::<Result<Vec<_>, _>>()?;
    if records.len() > FINISH_RECORDS {
        return Err(Refusal::NotProven);
    }
    let mut reader = answered.read()?;
    for record in records {
        let before = reader.proven();
        match reader.record(now, record) {
            Ok(None) => {}
            Ok(Some(opened)) => return Ok(opened),
            Err(_) if reader.proven() == before => break,
            Err(error) => {
                let alert = error.alert().and_then(|alert| reader.alert(alert));
                return Err(Refusal::Proven(alert));
            }
        }
    }
    Err(Refusal::NotProven)
}
