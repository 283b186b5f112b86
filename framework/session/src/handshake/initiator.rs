//! The initiator's ladder: `hello`, the responder's flight, our flight, `welcome`.

use std::sync::Arc;

use pqfw_framework::kem::{DecapsulationKey, KemError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::Delivery;
use pqfw_framework::world::Now;

use super::{
    About, Opened, Result, Role, authenticate, check_finished, check_proof, log, open_message,
};
use crate::alert::Alert;
use crate::config::{Config, Offer};
use crate::error::{ChannelError, refused};
use crate::identity::PeerKey;
use crate::message::{
    ANSWER, Answer, FINISHED, Hello, IDENTITY, PROOF, RETRY, Retry, TERMS, Terms, WELCOME,
    decode_empty, decode_identity, expect, split,
};
use crate::negotiation::{agree, kem_of};
use crate::record::{ALERT, HANDSHAKE, Traffic, parts, plain, plain_alert};
use crate::schedule::{ApplicationSecrets, Exporter, HandshakeSecrets, derive};
use crate::transcript::{Transcript, message_hash};

/// A `hello` is under way.
pub(crate) struct Initiator {
    config: Arc<Config>,
    hello: Hello,
    message: Vec<u8>,
    /// Taken by the step that seals with what came of it.
    pub(super) key: Option<DecapsulationKey>,
    pub(super) before: Option<Before>,
}

/// What a `retry` left behind.
pub(super) struct Before {
    suite: String,
    /// The synthetic message and the `retry`.
    pub(super) transcript: Vec<u8>,
}

/// What a record led to.
pub(crate) enum Progress {
    /// More records are to come.
    More,
    /// The responder wants another KEM's key: a new `hello`, and its records.
    Again(Box<Initiator>, Vec<u8>),
    /// The responder is who it says it is: the records of our flight.
    Sent(Box<Sent>, Vec<u8>),
}

impl Initiator {
    /// Begins: the state and the records of `hello`.
    pub(crate) fn start(
        config: &Arc<Config>,
        delivery: Delivery,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Vec<u8>)> {
        let mut random = [0; 32];
        rng.fill_bytes(&mut random);
        let hello = Hello {
            delivery,
            random,
            protocol: config.protocol().into(),
            policy: config.policy().into(),
            suites: config.names(),
            share: 0,
            encapsulation_key: Vec::new(),
            cookie: Vec::new(),
        };
        Self::offer(config, hello, None, rng)
    }

    /// Generates the key of the share and writes the message.
    fn offer(
        config: &Arc<Config>,
        mut hello: Hello,
        before: Option<Before>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Self, Vec<u8>)> {
        let offer = config
            .offers()
            .get(hello.share)
            .ok_or(ChannelError::Closed)?;
        let key = offer.suite.kem.generate(rng)?;
        hello.encapsulation_key = key.encapsulation_key();
        let message = hello.encode()?;
        let records = plain(HANDSHAKE, &message);
        let initiator = Self {
            config: config.clone(),
            hello,
            message,
            key: Some(key),
            before,
        };
        Ok((initiator, records))
    }

    /// Begins to read a flight of the responder's.
    pub(crate) fn read(&mut self) -> AnswerReader<'_> {
        AnswerReader {
            initiator: self,
            flight: None,
        }
    }

    fn share(&self) -> &str {
        let suite = self.hello.suites.get(self.hello.share);
        suite.map_or("", |suite| kem_of(suite))
    }

    fn retry(&self, rng: &mut dyn CryptoRng, message: &[u8], body: &[u8]) -> Result<Progress> {
        if self.before.is_some() {
            return refused(Alert::UnexpectedMessage, "a second retry");
        }
        let retry = Retry::decode(body)?;
        let share = self.hello.suites.iter().position(|s| *s == retry.suite);
        let (Some(share), false) = (share, kem_of(&retry.suite) == self.share()) else {
            return refused(Alert::IllegalParameter, "a retry that changes nothing");
        };
        let offer = self
            .config
            .offers()
            .get(share)
            .ok_or(ChannelError::Closed)?;
        let mut transcript = message_hash(&offer.suite.hash.digest(&[&self.message]))?;
        transcript.extend_from_slice(message);
        let before = Before {
            suite: retry.suite,
            transcript,
        };
        let hello = Hello {
            share,
            cookie: retry.cookie,
            ..self.hello.clone()
        };
        let (next, records) = Self::offer(&self.config, hello, Some(before), rng)?;
        Ok(Progress::Again(Box::new(next), records))
    }

    /// Reads an `answer`: the keys of the rest of the flight.
    fn answer(&self, message: &[u8], body: &[u8]) -> Result<Flight> {
        let answer = Answer::decode(body)?;
        let illegal = |reason| refused(Alert::IllegalParameter, reason);
        let index = self.hello.suites.iter().position(|s| *s == answer.suite);
        let Some((index, offer)) = index.and_then(|i| Some((i, self.config.offers().get(i)?)))
        else {
            return illegal("a suite that was not offered");
        };
        if kem_of(&answer.suite) != self.share() {
            return illegal("an answer to a KEM whose key was not sent");
        }
        if let Some(before) = &self.before
            && before.suite != answer.suite
        {
            return illegal("another suite than that of the retry");
        }
        let session_bytes = match self.hello.delivery {
            Delivery::Stream => 0,
            Delivery::Exchange | Delivery::Datagram => 16,
        };
        if answer.session.len() != session_bytes {
            return illegal("a session of another length");
        }
        let suite = &offer.suite;
        let key = self.key.as_ref().ok_or(ChannelError::Closed)?;
        let shared = match suite.kem.decapsulate(key, &answer.ciphertext) {
            Ok(shared) => shared,
            Err(KemError::CiphertextLength { .. } | KemError::CiphertextInvalid) => {
                return illegal("a ciphertext that its specification rejects");
            }
            Err(error) => return Err(error.into()),
        };
        let mut transcript = Transcript::new(&suite.hash);
        if let Some(before) = &self.before {
            transcript.add(&before.transcript);
        }
        transcript.add(&self.message);
        transcript.add(message);
        let secrets = HandshakeSecrets::new(suite, &shared, &transcript.hash())?;
        let log = log(&self.config, self.hello.random);
        let (c_hs, s_hs) = ("PQFW1_C_HS", "PQFW1_S_HS");
        Ok(Flight {
            offer: index,
            transcript,
            outgoing: Traffic::new(suite, secrets.initiator, c_hs, log.clone())?,
            incoming: Traffic::new(suite, secrets.responder, s_hs, log)?,
            main: secrets.main,
            session: answer.session,
            peer_policy: String::new(),
            step: Step::Terms,
        })
    }

    fn offer_of(&self, flight: &Flight) -> Result<&Offer> {
        let offer = self.config.offers().get(flight.offer);
        offer.ok_or(ChannelError::Closed)
    }
}

/// Goes through one flight of the responder's.
pub(crate) struct AnswerReader<'a> {
    initiator: &'a mut Initiator,
    flight: Option<Flight>,
}

/// Under handshake keys.
struct Flight {
    offer: usize,
    transcript: Transcript,
    outgoing: Traffic,
    incoming: Traffic,
    main: SecretBytes,
    session: Vec<u8>,
    peer_policy: String,
    step: Step,
}

/// Which message is expected.
enum Step {
    Terms,
    Identity,
    Proof(PeerKey),
    Finished(PeerKey),
    Nothing,
}

impl AnswerReader<'_> {
    /// The tag of the records to come.
    pub(crate) fn tag(&self) -> usize {
        self.flight
            .as_ref()
            .map_or(0, |flight| flight.incoming.tag())
    }

    /// Takes one record.
    pub(crate) fn record(
        &mut self,
        now: Now,
        rng: &mut dyn CryptoRng,
        record: &[u8],
    ) -> Result<Progress> {
        let Some(flight) = &mut self.flight else {
            return self.first(rng, record);
        };
        let message = open_message(&mut flight.incoming, record)?;
        let offer = self.initiator.offer_of(flight)?;
        flight.message(&self.initiator.hello.suites, offer, &message)?;
        let Step::Finished(_) = &flight.step else {
            return Ok(Progress::More);
        };
        if split(&message)?.0 != FINISHED {
            return Ok(Progress::More);
        }
        self.last(now, rng)
    }

    /// What the peer is told of an error, under the newest keys there are.
    pub(crate) fn alert(&mut self, alert: Alert) -> Option<Vec<u8>> {
        let Some(flight) = &mut self.flight else {
            return Some(plain(ALERT, &[alert.code()]));
        };
        self.initiator.key.take()?;
        let mut record = Vec::new();
        let sealed = flight.outgoing.seal(&mut record, ALERT, &[alert.code()]);
        sealed.is_ok().then_some(record)
    }

    /// `answer` or `retry`, in the clear.
    fn first(&mut self, rng: &mut dyn CryptoRng, record: &[u8]) -> Result<Progress> {
        if let Some(code) = plain_alert(record) {
            let proven = false;
            return Err(ChannelError::RefusedByPeer { code, proven });
        }
        let (head, message) = parts(record, 0)?;
        let (kind, body) = match head.kind {
            HANDSHAKE => split(message)?,
            _ => return refused(Alert::UnexpectedMessage, "a record out of its place"),
        };
        match kind {
            RETRY => self.initiator.retry(rng, message, body),
            ANSWER => {
                self.flight = Some(self.initiator.answer(message, body)?);
                Ok(Progress::More)
            }
            _ => refused(
                Alert::UnexpectedMessage,
                "a handshake message out of its place",
            ),
        }
    }

    /// The responder's `finished` is in order: asks the peer list and speaks.
    fn last(&mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<Progress> {
        let (Some(flight), config) = (&mut self.flight, &self.initiator.config) else {
            return Err(ChannelError::Closed);
        };
        let Step::Finished(peer) = std::mem::replace(&mut flight.step, Step::Nothing) else {
            return Err(ChannelError::Closed);
        };
        config.accept(now, &peer.fingerprint)?;
        let offer = self.initiator.offer_of(flight)?;
        let suite = &offer.suite;
        let transcript = flight.transcript.hash();
        let secrets = ApplicationSecrets::new(suite, &flight.main, &transcript)?;
        let records = authenticate(
            config,
            offer,
            Role::Initiator,
            rng,
            &mut flight.transcript,
            &mut flight.outgoing,
        )?;
        let transcript = flight.transcript.hash();
        let exporter = derive(suite, &flight.main, "exp master", &transcript)?;
        let log = log(config, self.initiator.hello.random);
        let (c_ap, s_ap) = ("PQFW1_C_AP", "PQFW1_S_AP");
        let opened = Opened {
            role: Role::Initiator,
            outgoing: Traffic::new(suite, secrets.initiator, c_ap, log.clone())?,
            incoming: Traffic::new(suite, secrets.responder, s_ap, log)?,
            next: derive(suite, &flight.main, "fresh", &transcript)?,
            transcript,
            suite: suite.clone(),
            about: About {
                name: offer.name.clone(),
                exporter: Exporter::new(suite.clone(), exporter),
                peer: Arc::new(peer),
                peer_policy: std::mem::take(&mut flight.peer_policy),
                session: std::mem::take(&mut flight.session),
            },
        };
        self.initiator.key.take().ok_or(ChannelError::Closed)?;
        let sent = Sent {
            config: self.initiator.config.clone(),
            met: now,
            opened: Some(opened),
        };
        Ok(Progress::Sent(Box::new(sent), records))
    }
}

impl Flight {
    fn message(&mut self, offered: &[String], offer: &Offer, message: &[u8]) -> Result<()> {
        let before = self.transcript.hash();
        self.step = match std::mem::replace(&mut self.step, Step::Nothing) {
            Step::Terms => {
                let terms = Terms::decode(expect(TERMS, message)?)?;
                let agreed = agree(&terms.suites, offered);
                if agreed.and_then(|(own, _)| terms.suites.get(own)) != Some(&offer.name) {
                    let reason = "another suite than the responder's own list gives";
                    return refused(Alert::IllegalParameter, reason);
                }
                self.peer_policy = terms.policy;
                Step::Identity
            }
            Step::Identity => {
                let spki = decode_identity(expect(IDENTITY, message)?)?;
                let suite = &offer.suite;
                Step::Proof(PeerKey::read(&suite.signature, &suite.digest, spki)?)
            }
            Step::Proof(claimed) => {
                let body = expect(PROOF, message)?;
                check_proof(&claimed, Role::Responder, &before, body)?;
                Step::Finished(claimed)
            }
            Step::Finished(claimed) => {
                let body = expect(FINISHED, message)?;
                check_finished(&offer.suite, self.incoming.secret(), &before, body)?;
                Step::Finished(claimed)
            }
            Step::Nothing => return Err(ChannelError::Closed),
        };
        self.transcript.add(message);
        Ok(())
    }
}

/// Our flight is on its way, and the responder's word is awaited.
pub(crate) struct Sent {
    config: Arc<Config>,
    /// When the responder proved who it is.
    met: Now,
    opened: Option<Opened>,
}

impl Sent {
    /// The tag of the record to come.
    pub(crate) fn tag(&self) -> usize {
        self.opened
            .as_ref()
            .map_or(0, |opened| opened.incoming.tag())
    }

    /// How many of the responder's records have opened: what they held is its own word.
    pub(crate) fn proven(&self) -> u64 {
        self.opened
            .as_ref()
            .map_or(0, |opened| opened.incoming.number())
    }

    /// The session that the responder chose.
    pub(crate) fn session(&self) -> &[u8] {
        self.opened
            .as_ref()
            .map_or(&[], |opened| &opened.about.session)
    }

    /// Takes the record of `welcome`. A record that does not open changes nothing.
    pub(crate) fn welcome(&mut self, record: &[u8]) -> Result<Opened> {
        let opened = self.opened.as_mut().ok_or(ChannelError::Closed)?;
        let message = open_message(&mut opened.incoming, record)?;
        decode_empty(expect(WELCOME, &message)?)?;
        let peer = opened.about.peer.fingerprint();
        self.config.opened(self.met, peer)?;
        self.opened.take().ok_or(ChannelError::Closed)
    }

    /// What the peer is told of an error.
    pub(crate) fn alert(&mut self, alert: Alert) -> Option<Vec<u8>> {
        let mut opened = self.opened.take()?;
        let mut record = Vec::new();
        let sealed = opened.outgoing.seal(&mut record, ALERT, &[alert.code()]);
        sealed.is_ok().then_some(record)
    }
}
