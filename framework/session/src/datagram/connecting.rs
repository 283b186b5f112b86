//! A handshake of ours under way: hellos in the field, and then the flight that answers the answer.
//!
//! ```text
//!  Asking ── flight 2 that proves who answers ──▶ Answered ── welcome ──▶ Opened
//!    └─ retry ─▶ one hello more                      └── a sealed alert ──▶ over
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::{Delivery, Packet};
use pqfw_framework::world::Now;

use super::assembly::Assembly;
use super::packet::{ANSWER, AttemptName, FINISH, HELLO, NO_TOKEN, Part, Token, WELCOME, parts};
use super::token::attempt_of;
use super::{ATTEMPT, MOST_WRONG_FLIGHTS, SENDINGS};
use crate::alert::Alert;
use crate::config::Config;
use crate::error::{ChannelError, refused};
use crate::handshake::{Initiator, Opened, Progress, Sent};
use crate::record::Records;

type Result<T> = std::result::Result<T, ChannelError>;

/// Waits after the first sending of a flight, and twice as long each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// How many different `retry`s are believed: anybody can write one.
const MOST_RETRIES: usize = 3;

/// `answer`, `terms`, `identity`, `proof`, `finished`.
const ANSWER_RECORDS: usize = 5;

/// A handshake of ours.
pub(super) struct Connecting {
    config: Arc<Config>,
    pub(super) peer: SocketAddr,
    stage: Stage,
    /// The `retry`s that were believed.
    retries: Vec<Vec<u8>>,
    wrong_flights: u32,
    /// Why the last flight was not taken. Anybody could have written it.
    pub(super) refusal: Option<ChannelError>,
}

enum Stage {
    Asking(Vec<Asking>),
    Answered(Box<Answering>),
}

/// A hello in the field.
struct Asking {
    attempt: Attempt,
    initiator: Initiator,
    hello: Flight,
    /// A token was believed since the last sending.
    demanded: bool,
    answer: Assembly,
}

/// Our last flight in the field.
struct Answering {
    attempt: Attempt,
    sent: Sent,
    finish: Flight,
    welcome: Assembly,
}

#[derive(Clone, Copy)]
struct Attempt {
    name: AttemptName,
    token: Token,
    over: Duration,
}

/// A flight that is sent until it is answered.
struct Flight {
    number: u8,
    bytes: Vec<u8>,
    sendings: u32,
    /// When it is sent again.
    due: Option<Duration>,
}

/// What a part led to.
pub(super) enum Outcome {
    Waits,
    Opened(Box<Opened>),
    /// The handshake is over.
    Over(ChannelError),
}

impl Flight {
    fn new(number: u8, bytes: Vec<u8>, now: Now) -> Self {
        Self {
            number,
            bytes,
            sendings: 0,
            due: Some(now.since_start),
        }
    }

    /// Notes a sending, if it is time for one.
    fn is_due(&mut self, now: Now) -> bool {
        let due = self.due.is_some_and(|due| due <= now.since_start);
        if due {
            let wait = FIRST_WAIT.saturating_mul(1 << self.sendings);
            self.sendings += 1;
            let next = now.since_start.saturating_add(wait);
            self.due = (self.sendings < SENDINGS).then_some(next);
        }
        due
    }

    fn send(&self, attempt: &Attempt, peer: SocketAddr, out: &mut Vec<Packet>) {
        let most = if attempt.token == NO_TOKEN {
            1
        } else {
            usize::MAX
        };
        let parts = parts(attempt.name, self.number, attempt.token, &self.bytes).take(most);
        out.extend(parts.map(|bytes| Packet { peer, bytes }));
    }
}

impl Connecting {
    /// Begins. Nothing is sent before [`Self::tick`].
    pub(super) fn start(
        config: &Arc<Config>,
        peer: SocketAddr,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self> {
        let (initiator, hello) = Initiator::start(config, Delivery::Datagram, rng)?;
        let asking = Asking::new(config, initiator, hello, now);
        Ok(Self {
            config: config.clone(),
            peer,
            stage: Stage::Asking(vec![asking]),
            retries: Vec::new(),
            wrong_flights: 0,
            refusal: None,
        })
    }

    /// Whether an attempt is one of this handshake's.
    pub(super) fn knows(&self, name: &AttemptName) -> bool {
        match &self.stage {
            Stage::Asking(hellos) => hellos.iter().any(|asking| asking.attempt.name == *name),
            Stage::Answered(answering) => answering.attempt.name == *name,
        }
    }

    /// Sends a hello again at once with the token that is demanded: once between two sendings.
    pub(super) fn demand(&mut self, name: &AttemptName, token: Token, out: &mut Vec<Packet>) {
        let Stage::Asking(hellos) = &mut self.stage else {
            return;
        };
        let found = hellos.iter_mut().find(|asking| {
            asking.attempt.name == *name && !asking.demanded && asking.attempt.token != token
        });
        if let Some(asking) = found {
            asking.demanded = true;
            asking.attempt.token = token;
            asking.hello.send(&asking.attempt, self.peer, out);
        }
    }

    /// Takes a part of one of the responder's flights.
    pub(super) fn part(&mut self, now: Now, rng: &mut dyn CryptoRng, part: &Part<'_>) -> Outcome {
        let taken = match (&mut self.stage, part.flight) {
            (Stage::Asking(hellos), ANSWER) => {
                let found = hellos.iter_mut().find(|a| a.attempt.name == part.attempt);
                let Some((asking, flight)) = found.and_then(|a| a.answer.add(part).map(|f| (a, f)))
                else {
                    return Outcome::Waits;
                };
                if self.retries.contains(&flight) {
                    return Outcome::Waits;
                }
                let read = read_answer(&mut asking.initiator, now, rng, &flight);
                let attempt = asking.attempt;
                read.and_then(|progress| self.answered(now, attempt, flight, progress))
            }
            (Stage::Answered(answering), WELCOME) => {
                let Some(flight) = answering.welcome.add(part) else {
                    return Outcome::Waits;
                };
                match read_welcome(&mut answering.sent, &flight) {
                    Ok(opened) => return Outcome::Opened(opened),
                    Err((error, true)) => return Outcome::Over(error),
                    Err((error, false)) => Err(error),
                }
            }
            _ => return Outcome::Waits,
        };
        let Err(error) = taken else {
            return Outcome::Waits;
        };
        self.wrong_flights += 1;
        if self.wrong_flights >= MOST_WRONG_FLIGHTS {
            return Outcome::Over(error);
        }
        self.refusal = Some(error);
        Outcome::Waits
    }

    /// Goes on with what a flight of the responder's led to.
    fn answered(
        &mut self,
        now: Now,
        attempt: Attempt,
        flight: Vec<u8>,
        progress: Progress,
    ) -> Result<()> {
        match (progress, &mut self.stage) {
            (Progress::Again(initiator, hello), Stage::Asking(hellos)) => {
                if self.retries.len() >= MOST_RETRIES {
                    return refused(Alert::UnexpectedMessage, "more retries than are believed");
                }
                hellos.push(Asking::new(&self.config, *initiator, hello, now));
                self.retries.push(flight);
                Ok(())
            }
            (Progress::Sent(sent, flight), _) => {
                self.stage = Stage::Answered(Box::new(Answering {
                    attempt,
                    sent: *sent,
                    finish: Flight::new(FINISH, flight, now),
                    welcome: Assembly::default(),
                }));
                Ok(())
            }
            _ => refused(Alert::DecodeError, "a flight that is cut off"),
        }
    }

    /// Sends what is due; an error says that the handshake is over.
    pub(super) fn tick(&mut self, now: Now, out: &mut Vec<Packet>) -> Result<()> {
        let over = |attempt: &Attempt| attempt.over <= now.since_start;
        let done = match &mut self.stage {
            Stage::Asking(hellos) => {
                hellos.retain(|asking| !over(&asking.attempt));
                for asking in &mut *hellos {
                    if asking.hello.is_due(now) {
                        asking.demanded = false;
                        asking.hello.send(&asking.attempt, self.peer, out);
                    }
                }
                hellos.is_empty()
            }
            Stage::Answered(answering) => {
                if answering.finish.is_due(now) && !over(&answering.attempt) {
                    answering.finish.send(&answering.attempt, self.peer, out);
                }
                over(&answering.attempt)
            }
        };
        if !done {
            return Ok(());
        }
        let millis = ATTEMPT.as_millis();
        Err(self
            .refusal
            .take()
            .unwrap_or(ChannelError::TimedOut { millis }))
    }

    /// When [`Self::tick`] has something to do.
    pub(super) fn due(&self) -> Option<Duration> {
        let of = |attempt: &Attempt, flight: &Flight| {
            flight.due.map_or(attempt.over, |due| due.min(attempt.over))
        };
        match &self.stage {
            Stage::Asking(hellos) => hellos.iter().map(|a| of(&a.attempt, &a.hello)).min(),
            Stage::Answered(answering) => Some(of(&answering.attempt, &answering.finish)),
        }
    }
}

impl Asking {
    fn new(config: &Config, initiator: Initiator, hello: Vec<u8>, now: Now) -> Self {
        Self {
            attempt: Attempt {
                name: attempt_of(config.sha256(), &hello),
                token: NO_TOKEN,
                over: now.since_start.saturating_add(ATTEMPT),
            },
            initiator,
            hello: Flight::new(HELLO, hello, now),
            demanded: false,
            answer: Assembly::default(),
        }
    }
}

/// Reads a whole flight 2. What fails leaves the initiator as it was.
fn read_answer(
    initiator: &mut Initiator,
    now: Now,
    rng: &mut dyn CryptoRng,
    flight: &[u8],
) -> Result<Progress> {
    let records = Records::of(flight).collect::<Result<Vec<_>>>()?;
    if records.len() > ANSWER_RECORDS {
        return refused(Alert::UnexpectedMessage, "records after the flight");
    }
    let mut reader = initiator.read();
    let mut progress = Progress::More;
    for record in records {
        if !matches!(progress, Progress::More) {
            return refused(Alert::UnexpectedMessage, "records after the flight");
        }
        progress = reader.record(now, rng, record)?;
    }
    Ok(progress)
}

/// Reads a whole flight 4; says of an error whether it is the responder's own word.
fn read_welcome(
    sent: &mut Sent,
    flight: &[u8],
) -> std::result::Result<Box<Opened>, (ChannelError, bool)> {
    let mut records = Records::of(flight);
    let (Some(Ok(record)), None) = (records.next(), records.next()) else {
        let reason = "welcome is one record";
        let alert = Alert::DecodeError;
        return Err((ChannelError::Refused { alert, reason }, false));
    };
    let before = sent.proven();
    let opened = sent.welcome(record).map(Box::new);
    opened.map_err(|error| {
        let proven = sent.proven() > before;
        (error, proven)
    })
}
