//! An open stream channel without its stream: data and control messages in and out, new keys by
//! `key_update` and by a fresh exchange (`docs/protocols/channel.md` section 4).
//!
//! The two directions live apart, since the halves of a stream do. What a control message does to
//! the other direction goes through [`Sealer::control`].

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::kem::{DecapsulationKey, KemError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::suite::Suite;
use pqfw_framework::world::Now;

use crate::alert::Alert;
use crate::error::{ChannelError, refused};
use crate::handshake::{About, Opened, Role};
use crate::message::{
    FRESH_ANSWER, FRESH_DONE, FRESH_OFFER, KEY_UPDATE, decode_empty, decode_field,
    decode_key_update, encode_field, frame, split,
};
use crate::record::{ALERT, DATA, HANDSHAKE, HEAD, Head, MOST_CONTENT, Traffic};
use crate::schedule::{ApplicationSecrets, derive, next_stage};

type Result<T> = std::result::Result<T, ChannelError>;

/// After so long a channel gets new secrets from a new KEM key.
pub(crate) const FRESH_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// After so many bytes in a direction, too.
pub(crate) const FRESH_AFTER_BYTES: u64 = 1 << 36;

/// Fresh exchanges that an initiator begins at once; after them it has one more each minute.
const OFFERS_MADE: u64 = 8;

/// Those that a responder answers: more, since the clocks of two ends differ.
const OFFERS_TAKEN: u64 = 16;

/// Records in a row without data after which a channel that only keeps busy is ended.
const MOST_IDLE_HEARD: u32 = 32;

/// Changes of key on demand in a row without data: half as many, since one that crosses a request
/// is taken for its answer.
const MOST_IDLE_SAID: u32 = 16;

/// Splits a finished handshake into the two directions. `fresh_after_bytes` is
/// [`FRESH_AFTER_BYTES`], or less.
pub(crate) fn split_opened(
    now: Now,
    opened: Opened,
    fresh_after_bytes: u64,
) -> (Opener, Sealer, About) {
    let opener = Opener {
        traffic: opened.incoming,
        bytes: 0,
        closed: false,
    };
    let sealer = Sealer {
        role: opened.role,
        suite: opened.suite,
        traffic: opened.outgoing,
        bytes: 0,
        next: opened.next,
        transcript: opened.transcript,
        fresh: Fresh::Rests,
        fresh_after_bytes,
        offers: 0,
        opened: now.since_start,
        since: now.since_start,
        update_wanted: false,
        idle_heard: 0,
        idle_said: 0,
    };
    (opener, sealer, opened.about)
}

/// What a record held.
pub(crate) enum Received {
    /// Data, at this place in the record.
    Data(Range<usize>),
    /// A control message, to be given to [`Sealer::control`].
    Control(Control),
    /// The peer's direction has ended.
    Closed,
}

/// A control message, read.
pub(crate) enum Control {
    /// The peer has changed its key and perhaps asks for the same.
    KeyUpdate { wants_answer: bool },
    /// The message and the key in it.
    FreshOffer(Vec<u8>),
    /// The message and the ciphertext in it.
    FreshAnswer(Vec<u8>),
    /// The initiator has the new secrets.
    FreshDone,
}

/// The incoming direction.
pub(crate) struct Opener {
    traffic: Traffic,
    bytes: u64,
    closed: bool,
}

impl Opener {
    pub(crate) fn tag(&self) -> usize {
        self.traffic.tag()
    }

    /// How many bytes of data came since the last fresh exchange.
    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Opens one whole record in place.
    pub(crate) fn open(&mut self, head: Head, record: &mut [u8]) -> Result<Received> {
        if self.closed {
            return refused(Alert::UnexpectedMessage, "a record after close_notify");
        }
        let body = record.get_mut(HEAD..).unwrap_or_default();
        let (inner, length) = self.traffic.open(head, body)?;
        let content = body.get(..length).unwrap_or_default();
        match (inner, content) {
            (DATA, _) => {
                self.bytes = self
                    .bytes
                    .saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
                Ok(Received::Data(HEAD..HEAD + length))
            }
            (HANDSHAKE, message) => {
                let control = Control::read(message)?;
                if let Control::KeyUpdate { .. } = control {
                    self.traffic.update()?;
                }
                Ok(Received::Control(control))
            }
            (ALERT, [code]) if *code == Alert::CloseNotify.code() => {
                self.closed = true;
                Ok(Received::Closed)
            }
            (ALERT, [code]) => Err(ChannelError::RefusedByPeer {
                code: *code,
                proven: true,
            }),
            (ALERT, _) => refused(Alert::DecodeError, "an alert of another length than one"),
            _ => refused(
                Alert::UnexpectedMessage,
                "a record of an unknown inner kind",
            ),
        }
    }

    /// Goes on under the secret that [`Sealer::control`] gave.
    pub(crate) fn replace(&mut self, secret: SecretBytes) -> Result<()> {
        self.bytes = 0;
        self.traffic.replace(secret)
    }
}

impl Control {
    fn read(message: &[u8]) -> Result<Self> {
        let (kind, body) = split(message)?;
        match kind {
            KEY_UPDATE => Ok(Self::KeyUpdate {
                wants_answer: decode_key_update(body)?,
            }),
            FRESH_OFFER => Ok(Self::FreshOffer(message.to_vec())),
            FRESH_ANSWER => Ok(Self::FreshAnswer(message.to_vec())),
            FRESH_DONE => decode_empty(body).map(|()| Self::FreshDone),
            _ => refused(
                Alert::UnexpectedMessage,
                "a handshake message out of its place",
            ),
        }
    }
}

/// How far a fresh exchange is.
enum Fresh {
    Rests,
    /// The initiator's: the key, and the message that offered it.
    Offered(DecapsulationKey, Vec<u8>),
    /// The responder's: what the initiator's direction goes on under.
    Answered(SecretBytes),
}

/// The outgoing direction, and what control messages do.
pub(crate) struct Sealer {
    role: Role,
    suite: Arc<Suite>,
    traffic: Traffic,
    bytes: u64,
    next: SecretBytes,
    /// TH(hello … initiator's finished), or FH of the last fresh exchange.
    transcript: Vec<u8>,
    fresh: Fresh,
    fresh_after_bytes: u64,
    /// How many fresh exchanges were begun.
    offers: u64,
    opened: Duration,
    /// When the present secrets were made.
    since: Duration,
    /// A `key_update` that wants an answer was sent and not answered.
    update_wanted: bool,
    /// Records without data that came in a row, but answers.
    idle_heard: u32,
    /// Changes of key on demand since the last data.
    idle_said: u32,
}

impl Sealer {
    /// By how much a record of data is longer than the data.
    pub(crate) fn overhead(&self) -> usize {
        HEAD + 1 + self.traffic.tag()
    }

    /// Appends the next record of `data` to `out` and says how much of it went in.
    pub(crate) fn data(&mut self, out: &mut Vec<u8>, data: &[u8]) -> Result<usize> {
        if self.traffic.number() >= self.traffic.most_records() {
            self.key_update(out, false)?;
        }
        let length = data.len().min(MOST_CONTENT);
        let content = data.get(..length).unwrap_or_default();
        self.traffic.seal(out, DATA, content)?;
        self.bytes = self
            .bytes
            .saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        self.idle_said = 0;
        Ok(length)
    }

    /// Counts a record of so much data that came. A peer may not keep us busy with nothing.
    pub(crate) fn heard(&mut self, length: usize) -> Result<()> {
        if length == 0 {
            return self.heard_nothing();
        }
        self.idle_heard = 0;
        Ok(())
    }

    fn heard_nothing(&mut self) -> Result<()> {
        self.idle_heard += 1;
        if self.idle_heard > MOST_IDLE_HEARD {
            return refused(
                Alert::UnexpectedMessage,
                "too many records without data in a row",
            );
        }
        Ok(())
    }

    /// Appends an alert.
    pub(crate) fn alert(&mut self, out: &mut Vec<u8>, alert: Alert) -> Result<()> {
        self.traffic.seal(out, ALERT, &[alert.code()])
    }

    /// Appends a `key_update` that somebody wishes for, and says whether it did: the peer takes no
    /// number of them without data.
    pub(crate) fn key_update_on_demand(
        &mut self,
        out: &mut Vec<u8>,
        wants_answer: bool,
    ) -> Result<bool> {
        if self.idle_said >= MOST_IDLE_SAID {
            return Ok(false);
        }
        self.idle_said += 1;
        self.key_update(out, wants_answer)?;
        Ok(true)
    }

    /// Appends a `key_update` and goes on to the next key. A second request while the first is
    /// not answered asks nothing.
    fn key_update(&mut self, out: &mut Vec<u8>, wants_answer: bool) -> Result<()> {
        let asks = wants_answer && !self.update_wanted;
        self.update_wanted |= asks;
        let message = frame(KEY_UPDATE, &[asks.into()])?;
        self.traffic.seal(out, HANDSHAKE, &message)?;
        self.traffic.update()
    }

    /// Whether it is time for a fresh exchange, which the initiator begins. `received` is what the
    /// other direction counted.
    pub(crate) fn fresh_is_due(&self, now: Now, received: u64) -> bool {
        let age = now.since_start.saturating_sub(self.since);
        self.role == Role::Initiator
            && matches!(self.fresh, Fresh::Rests)
            && (age >= FRESH_AFTER || self.bytes.max(received) >= self.fresh_after_bytes)
    }

    /// Appends a `fresh_offer`, unless one is under way or there were too many; says whether it
    /// did.
    pub(crate) fn fresh_offer(
        &mut self,
        now: Now,
        rng: &mut dyn CryptoRng,
        out: &mut Vec<u8>,
    ) -> Result<bool> {
        let may = self.role == Role::Initiator && matches!(self.fresh, Fresh::Rests);
        if !may || self.offers >= OFFERS_MADE + self.minutes(now) {
            return Ok(false);
        }
        self.offers += 1;
        let key = self.suite.kem.generate(rng)?;
        let message = encode_field(FRESH_OFFER, &key.encapsulation_key())?;
        self.traffic.seal(out, HANDSHAKE, &message)?;
        self.fresh = Fresh::Offered(key, message);
        Ok(true)
    }

    /// Does what a control message asks for: appends answers to `out`, and gives the secret that
    /// the incoming direction goes on under, if it changes.
    pub(crate) fn control(
        &mut self,
        now: Now,
        rng: &mut dyn CryptoRng,
        control: Control,
        answer_update: bool,
        out: &mut Vec<u8>,
    ) -> Result<Option<SecretBytes>> {
        match (
            control,
            std::mem::replace(&mut self.fresh, Fresh::Rests),
            self.role,
        ) {
            (Control::KeyUpdate { wants_answer }, fresh, _) => {
                self.fresh = fresh;
                if !std::mem::take(&mut self.update_wanted) {
                    self.heard_nothing()?;
                }
                if wants_answer && answer_update {
                    self.key_update(out, false)?;
                }
                Ok(None)
            }
            (Control::FreshOffer(offer), Fresh::Rests, Role::Responder) => {
                self.fresh_answer(now, rng, &offer, out)?;
                Ok(None)
            }
            (Control::FreshAnswer(answer), Fresh::Offered(key, offer), Role::Initiator) => {
                self.fresh_done(now, &key, &offer, &answer, out).map(Some)
            }
            (Control::FreshDone, Fresh::Answered(secret), Role::Responder) => Ok(Some(secret)),
            _ => refused(
                Alert::UnexpectedMessage,
                "a step of a fresh exchange out of its place",
            ),
        }
    }

    fn fresh_answer(
        &mut self,
        now: Now,
        rng: &mut dyn CryptoRng,
        offer: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<()> {
        if self.offers >= OFFERS_TAKEN + self.minutes(now) {
            let reason = "more fresh exchanges than are taken";
            return refused(Alert::UnexpectedMessage, reason);
        }
        self.offers += 1;
        let key = decode_field("encapsulation key", split(offer)?.1)?;
        let kem = &self.suite.kem;
        let encapsulated = kem
            .import_encapsulation_key(key)
            .and_then(|key| key.encapsulate(rng));
        let (ciphertext, shared) = match encapsulated {
            Ok(encapsulated) => encapsulated,
            Err(KemError::EncapsulationKeyLength { .. } | KemError::EncapsulationKeyInvalid) => {
                let reason = "an encapsulation key that is not valid";
                return refused(Alert::IllegalParameter, reason);
            }
            Err(error) => return Err(error.into()),
        };
        let answer = encode_field(FRESH_ANSWER, &ciphertext)?;
        self.traffic.seal(out, HANDSHAKE, &answer)?;
        let secrets = self.step(now, &shared, offer, &answer)?;
        self.traffic.replace(secrets.responder)?;
        self.fresh = Fresh::Answered(secrets.initiator);
        Ok(())
    }

    fn fresh_done(
        &mut self,
        now: Now,
        key: &DecapsulationKey,
        offer: &[u8],
        answer: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<SecretBytes> {
        let ciphertext = decode_field("ciphertext", split(answer)?.1)?;
        let shared = match self.suite.kem.decapsulate(key, ciphertext) {
            Ok(shared) => shared,
            Err(KemError::CiphertextLength { .. } | KemError::CiphertextInvalid) => {
                let reason = "a ciphertext that its specification rejects";
                return refused(Alert::IllegalParameter, reason);
            }
            Err(error) => return Err(error.into()),
        };
        self.traffic
            .seal(out, HANDSHAKE, &frame(FRESH_DONE, &[])?)?;
        let secrets = self.step(now, &shared, offer, answer)?;
        self.traffic.replace(secrets.initiator)?;
        Ok(secrets.responder)
    }

    fn minutes(&self, now: Now) -> u64 {
        now.since_start.saturating_sub(self.opened).as_secs() / 60
    }

    /// main', and what follows from it.
    fn step(
        &mut self,
        now: Now,
        shared: &SecretBytes,
        offer: &[u8],
        answer: &[u8],
    ) -> Result<ApplicationSecrets> {
        let suite = &self.suite;
        let main = next_stage(suite, &self.next, shared.expose())?;
        self.transcript = suite.hash.digest(&[&self.transcript, offer, answer]);
        self.next = derive(suite, &main, "fresh", &self.transcript)?;
        self.bytes = 0;
        self.since = now.since_start;
        ApplicationSecrets::new(suite, &main, &self.transcript)
    }
}

#[cfg(test)]
mod tests;
