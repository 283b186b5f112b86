//! The responder's ladder: `hello`, our flight, the initiator's flight, `welcome`.

use std::sync::Arc;

use pqfw_framework::kem::KemError;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::suite::Suite;
use pqfw_framework::transport::Delivery;
use pqfw_framework::wire::Writer;
use pqfw_framework::world::Now;

use super::{
    About, Opened, Result, Role, authenticate, check_finished, check_proof, log, open_message,
};
use crate::alert::Alert;
use crate::config::{Config, Offer};
use crate::error::{ChannelError, refused};
use crate::identity::PeerKey;
use crate::keylog::Log;
use crate::message::{
    Answer, FINISHED, Hello, IDENTITY, PROOF, Retry, Terms, WELCOME, decode_identity, expect,
    frame, write16,
};
use crate::negotiation::{agree, kem_of};
use crate::record::{ALERT, HANDSHAKE, Traffic, parts, plain, plain_alert};
use crate::schedule::{ApplicationSecrets, Exporter, HandshakeSecrets, derive};
use crate::transcript::{Transcript, message_hash};

/// What the responder says to a `hello`.
pub(crate) enum Reply {
    /// It wants another KEM's key and remembers nothing: the records of `retry`.
    Retry(Vec<u8>),
    /// It took the key: the records of its flight.
    Answered(Box<Answered>, Vec<u8>),
}

/// Answers the record of a `hello`. `session` is the name of the new session, empty on a stream.
///
/// # Errors
/// The peer is told of them by an alert in the clear.
pub(crate) fn answer(
    config: &Arc<Config>,
    delivery: Delivery,
    cookie_key: &SecretBytes,
    session: &[u8],
    rng: &mut dyn CryptoRng,
    record: &[u8],
) -> Result<Reply> {
    if let Some(code) = plain_alert(record) {
        let proven = false;
        return Err(ChannelError::RefusedByPeer { code, proven });
    }
    let (head, message) = parts(record, 0)?;
    if head.kind != HANDSHAKE {
        return refused(Alert::UnexpectedMessage, "a record out of its place");
    }
    let hello = Hello::decode(message)?;
    if hello.delivery != delivery {
        return refused(Alert::IllegalParameter, "made for another delivery");
    }
    if hello.protocol != config.protocol() {
        return refused(
            Alert::NoApplicationProtocol,
            "a protocol that is not served here",
        );
    }
    let own = config.names();
    let agreed = agree(&own, &hello.suites).and_then(|(own, _)| config.offers().get(own));
    let Some(offer) = agreed else {
        return refused(Alert::HandshakeFailure, "no suite in common");
    };
    let mut transcript = Transcript::new(&offer.suite.hash);
    let share = hello.suites.get(hello.share);
    let share_fits = share.is_some_and(|share| kem_of(share) == kem_of(&offer.name));
    if hello.cookie.is_empty() {
        if !share_fits {
            let digest = offer.suite.hash.digest(&[message]);
            let retry = retry(cookie_key, offer, &digest)?;
            return Ok(Reply::Retry(plain(HANDSHAKE, &retry)));
        }
    } else {
        let illegal = |reason| refused(Alert::IllegalParameter, reason);
        let Some((digest, _)) = hello
            .cookie
            .split_at_checked(offer.suite.hash.sizes().digest)
        else {
            return illegal("a cookie that is not ours");
        };
        let expected = cookie(cookie_key, offer, digest)?;
        if !expected.constant_time_eq(&hello.cookie) {
            return illegal("a cookie that is not ours");
        }
        if !share_fits {
            return illegal("a second hello with the share of another KEM");
        }
        transcript.add(&message_hash(digest)?);
        transcript.add(&retry(cookie_key, offer, digest)?);
    }
    transcript.add(message);
    take(config, offer, &hello, transcript, session, rng)
}

/// Encapsulates to the share and writes the flight.
fn take(
    config: &Arc<Config>,
    offer: &Offer,
    hello: &Hello,
    mut transcript: Transcript,
    session: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Reply> {
    let suite = &offer.suite;
    let (ciphertext, shared) = match encapsulate(suite, &hello.encapsulation_key, rng) {
        Ok(encapsulated) => encapsulated,
        Err(KemError::EncapsulationKeyLength { .. } | KemError::EncapsulationKeyInvalid) => {
            return refused(
                Alert::IllegalParameter,
                "an encapsulation key that is not valid",
            );
        }
        Err(error) => return Err(error.into()),
    };
    let mut random = [0; 32];
    rng.fill_bytes(&mut random);
    let answer = Answer {
        random,
        suite: offer.name.clone(),
        ciphertext,
        session: session.to_vec(),
    };
    let answer = answer.encode()?;
    transcript.add(&answer);
    let secrets = HandshakeSecrets::new(suite, &shared, &transcript.hash())?;
    let log = log(config, hello.random);
    let (c_hs, s_hs) = ("PQFW1_C_HS", "PQFW1_S_HS");
    log.secret(c_hs, &secrets.initiator);
    let mut outgoing = Traffic::new(suite, secrets.responder, s_hs, log.clone())?;
    let mut flight = plain(HANDSHAKE, &answer);
    let terms = Terms {
        policy: config.policy().into(),
        suites: config.names(),
    };
    let terms = terms.encode()?;
    transcript.add(&terms);
    outgoing.seal(&mut flight, HANDSHAKE, &terms)?;
    flight.extend(authenticate(
        config,
        offer,
        Role::Responder,
        rng,
        &mut transcript,
        &mut outgoing,
    )?);
    let hashed = transcript.hash();
    let application = ApplicationSecrets::new(suite, &secrets.main, &hashed)?;
    let (c_ap, s_ap) = ("PQFW1_C_AP", "PQFW1_S_AP");
    let answered = Answered {
        config: config.clone(),
        suite: suite.clone(),
        name: offer.name.clone(),
        transcript,
        base: secrets.initiator,
        main: secrets.main,
        session: session.to_vec(),
        peer_policy: hello.policy.clone(),
        retried: !hello.cookie.is_empty(),
        application: Some(Application {
            outgoing: Traffic::new(suite, application.responder, s_ap, log.clone())?,
            incoming: Traffic::new(suite, application.initiator, c_ap, log)?,
        }),
    };
    Ok(Reply::Answered(Box::new(answered), flight))
}

fn encapsulate(
    suite: &Suite,
    key: &[u8],
    rng: &mut dyn CryptoRng,
) -> std::result::Result<(Vec<u8>, SecretBytes), KemError> {
    suite.kem.import_encapsulation_key(key)?.encapsulate(rng)
}

/// `Hash(hello₁) ‖ tag`: all that there is to remember of a first hello.
fn cookie(key: &SecretBytes, offer: &Offer, digest: &[u8]) -> Result<SecretBytes> {
    let mut text = Writer::new();
    text.bytes(b"pqfw1 retry");
    write16(&mut text, "suite", offer.name.as_bytes())?;
    text.bytes(digest);
    let tag = offer.suite.kdf.extract(key.expose(), &text.finish())?;
    let mut cookie = digest.to_vec();
    cookie.extend(tag.expose().iter().take(32));
    Ok(SecretBytes::own(cookie))
}

fn retry(key: &SecretBytes, offer: &Offer, digest: &[u8]) -> Result<Vec<u8>> {
    let retry = Retry {
        suite: offer.name.clone(),
        cookie: cookie(key, offer, digest)?.expose().to_vec(),
    };
    retry.encode()
}

/// Our flight is on its way, and the initiator's is awaited.
pub(crate) struct Answered {
    config: Arc<Config>,
    suite: Arc<Suite>,
    name: String,
    transcript: Transcript,
    /// The initiator's handshake traffic secret.
    base: SecretBytes,
    main: SecretBytes,
    session: Vec<u8>,
    peer_policy: String,
    /// Its hello answered a `retry`.
    pub(crate) retried: bool,
    /// Taken by the step that seals with it.
    application: Option<Application>,
}

struct Application {
    outgoing: Traffic,
    incoming: Traffic,
}

impl Answered {
    /// Begins to read a flight of the initiator's.
    pub(crate) fn read(&mut self) -> Result<FinishReader<'_>> {
        let base = SecretBytes::copy_of(self.base.expose());
        // It was logged when it was made.
        let silent = Log {
            sink: None,
            random: [0; 32],
        };
        Ok(FinishReader {
            incoming: Traffic::new(&self.suite, base, "", silent)?,
            transcript: self.transcript.fork(),
            answered: self,
            protected: false,
            step: Step::Identity,
        })
    }
}

/// Goes through one flight of the initiator's.
pub(crate) struct FinishReader<'a> {
    answered: &'a mut Answered,
    incoming: Traffic,
    transcript: Transcript,
    /// Whether the initiator has shown that it has keys.
    protected: bool,
    step: Step,
}

/// Which message is expected.
enum Step {
    Identity,
    Proof(PeerKey),
    Finished(PeerKey),
    Nothing,
}

impl FinishReader<'_> {
    /// The tag of the records to come.
    pub(crate) fn tag(&self) -> usize {
        self.incoming.tag()
    }

    /// How many of the initiator's records have opened: what they held is its own word.
    pub(crate) fn proven(&self) -> u64 {
        self.incoming.number()
    }

    /// Takes one record; with the last one the channel is open, and the records are `welcome`.
    pub(crate) fn record(
        &mut self,
        now: Now,
        record: &[u8],
    ) -> Result<Option<(Box<Opened>, Vec<u8>)>> {
        if let (Some(code), false) = (plain_alert(record), self.protected) {
            let proven = false;
            return Err(ChannelError::RefusedByPeer { code, proven });
        }
        let message = open_message(&mut self.incoming, record)?;
        self.protected = true;
        let before = self.transcript.hash();
        let suite = &self.answered.suite;
        self.step = match std::mem::replace(&mut self.step, Step::Nothing) {
            Step::Identity => {
                let spki = decode_identity(expect(IDENTITY, &message)?)?;
                Step::Proof(PeerKey::read(&suite.signature, &suite.digest, spki)?)
            }
            Step::Proof(claimed) => {
                let body = expect(PROOF, &message)?;
                check_proof(&claimed, Role::Initiator, &before, body)?;
                Step::Finished(claimed)
            }
            Step::Finished(claimed) => {
                let body = expect(FINISHED, &message)?;
                check_finished(suite, &self.answered.base, &before, body)?;
                self.transcript.add(&message);
                return self.last(now, claimed).map(Some);
            }
            Step::Nothing => return Err(ChannelError::Closed),
        };
        self.transcript.add(&message);
        Ok(None)
    }

    /// What the peer is told of an error, under the newest keys there are.
    pub(crate) fn alert(&mut self, alert: Alert) -> Option<Vec<u8>> {
        let mut application = self.answered.application.take()?;
        let mut record = Vec::new();
        let outgoing = &mut application.outgoing;
        let sealed = outgoing.seal(&mut record, ALERT, &[alert.code()]);
        sealed.is_ok().then_some(record)
    }

    /// The initiator's `finished` is in order: asks the peer list and opens.
    fn last(&mut self, now: Now, peer: PeerKey) -> Result<(Box<Opened>, Vec<u8>)> {
        let answered = &mut *self.answered;
        answered.config.accept(now, &peer.fingerprint)?;
        answered.config.opened(now, &peer.fingerprint)?;
        let transcript = self.transcript.hash();
        let (suite, main) = (&answered.suite, &answered.main);
        let next = derive(suite, main, "fresh", &transcript)?;
        let exporter = derive(suite, main, "exp master", &transcript)?;
        let application = answered.application.take().ok_or(ChannelError::Closed)?;
        let mut opened = Opened {
            role: Role::Responder,
            suite: answered.suite.clone(),
            outgoing: application.outgoing,
            incoming: application.incoming,
            next,
            transcript,
            about: About {
                name: answered.name.clone(),
                exporter: Exporter::new(answered.suite.clone(), exporter),
                peer: Arc::new(peer),
                peer_policy: answered.peer_policy.clone(),
                session: answered.session.clone(),
            },
        };
        let mut welcome = Vec::new();
        let message = frame(WELCOME, &[])?;
        opened.outgoing.seal(&mut welcome, HANDSHAKE, &message)?;
        Ok((Box::new(opened), welcome))
    }
}
