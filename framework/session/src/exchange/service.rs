//! The responder on exchanges.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::{Delivery, ExchangeService, Request, Response};
use pqfw_framework::world::Now;
use zeroize::Zeroizing;

use super::sealed::{
    SessionId, Way, bound_to, decode_request, encode_response, from_header, to_header,
};
use super::sessions::{ServiceLimits, Session, Sessions};
use super::{FINISH, HELLO, REQUEST};
use crate::alert::Alert;
use crate::config::Config;
use crate::error::ChannelError;
use crate::handshake::{FINISH_RECORDS, Reply, answer};
use crate::record::{ALERT, DATA, Records, plain};
use crate::schedule::Exporter;

/// The server's side of a protocol on the channel: a function of the moment, chance, the request
/// and who asks.
pub trait SecureService: Send + Sync {
    /// Answers one request.
    fn respond(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Request,
        peer: &Peer,
    ) -> Response;
}

/// Who asks, as it has proved, and on which channel.
pub struct Peer {
    /// Its key.
    pub fingerprint: Fingerprint,
    /// The names of its policy, as it said them.
    pub policy: String,
    /// The name of the suite.
    pub suite: String,
    /// Secrets bound to the session.
    pub exporter: Arc<Exporter>,
    /// The session's name.
    pub session: [u8; 16],
    /// The counter of this request: none is accepted twice in a session.
    pub counter: u64,
}

/// Serves a [`SecureService`] on the channel, over any transport that delivers exchanges.
pub struct ChannelService {
    config: Arc<Config>,
    inner: Arc<dyn SecureService>,
    cookie_key: SecretBytes,
    sessions: Sessions,
}

/// A refusal: a status, and an alert in the clear.
struct Refusal(u16, Alert);

impl From<ChannelError> for Refusal {
    fn from(error: ChannelError) -> Self {
        let alert = error.alert().unwrap_or(Alert::UnexpectedMessage);
        let status = match alert {
            Alert::UnknownPeer => 403,
            Alert::InternalError => 500,
            _ => 400,
        };
        Self(status, alert)
    }
}

impl ChannelService {
    /// Makes a service, with a cookie key from `rng`.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        inner: Arc<dyn SecureService>,
        rng: &mut dyn CryptoRng,
    ) -> Self {
        Self::with_limits(config, inner, rng, ServiceLimits::default())
    }

    /// Makes a service that remembers no more than this.
    #[must_use]
    pub fn with_limits(
        config: Arc<Config>,
        inner: Arc<dyn SecureService>,
        rng: &mut dyn CryptoRng,
        limits: ServiceLimits,
    ) -> Self {
        let mut cookie_key = SecretBytes::zeroed(32);
        rng.fill_bytes(cookie_key.expose_mut());
        Self {
            config,
            inner,
            cookie_key,
            sessions: Sessions::new(limits),
        }
    }

    /// How many handshakes under way and how many sessions are remembered.
    #[must_use]
    pub fn counts(&self) -> (usize, usize) {
        self.sessions.counts()
    }

    /// Forgets the keys of what is over, and says when the next will be. Every request does so, too;
    /// whoever serves seldom calls it at that time.
    pub fn sweep(&self, now: Now) -> Option<Duration> {
        self.sessions.sweep(now)
    }

    fn hello(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Request,
    ) -> Result<Vec<u8>, Refusal> {
        let mut session: SessionId = [0; 16];
        rng.fill_bytes(&mut session);
        let (config, key) = (&self.config, &self.cookie_key);
        let delivery = Delivery::Exchange;
        match answer(config, delivery, key, &session, rng, &request.body)? {
            Reply::Retry(records) => Ok(records),
            Reply::Answered(answered, flight) => {
                self.sessions.begin(now, session, answered);
                Ok(flight)
            }
        }
    }

    fn finish(&self, now: Now, request: &Request) -> Result<Vec<u8>, Refusal> {
        let gone = Refusal(401, Alert::UnexpectedMessage);
        let Some(id) = from_header(request.session.as_deref()) else {
            return Err(gone);
        };
        let Some(mut answered) = self.sessions.take(now, &id) else {
            return Err(gone);
        };
        let mut reader = answered.read()?;
        let mut opened = None;
        let records = Records::of(&request.body).collect::<Result<Vec<_>, _>>()?;
        if records.len() > FINISH_RECORDS {
            return Err(Refusal(400, Alert::UnexpectedMessage));
        }
        for record in records {
            opened = reader.record(now, record)?;
        }
        let Some((opened, welcome)) = opened else {
            return Err(Refusal(400, Alert::DecodeError));
        };
        self.sessions.open(now, id, *opened);
        Ok(welcome)
    }

    fn request(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Request,
    ) -> Result<Vec<u8>, Refusal> {
        let found = from_header(request.session.as_deref());
        let found = found.and_then(|id| self.sessions.find(now, &id));
        let Some(session) = found else {
            return Err(Refusal(401, Alert::UnexpectedMessage));
        };
        let Some((counter, sealed)) = request.body.split_first_chunk() else {
            return Err(Refusal(400, Alert::DecodeError));
        };
        let counter = u64::from_be_bytes(*counter);
        let not_taken = |why: super::sessions::NotTaken| {
            let (status, alert) = why.refusal();
            Refusal(status, alert)
        };
        let key = session.key(counter).map_err(not_taken)?;
        let extra = bound_to(Way::Request, &session.id, counter);
        let mut body = Zeroizing::new(sealed.to_vec());
        let opened = key.traffic.open(counter, &extra, &mut body);
        let (inner, length) = opened.inspect_err(|_| key.note_failure())?;
        let key = session.accept(now, counter).map_err(not_taken)?;
        let content = body.get(..length).unwrap_or_default();
        let (inner, content) = match (inner, content) {
            (DATA, content) => {
                let asked = decode_request(content)?;
                let response = self.carry_out(now, rng, request, asked, &session, counter);
                (DATA, encode_response(&response)?)
            }
            (ALERT, [code]) => {
                self.sessions.close(&session.id);
                if *code != Alert::CloseNotify.code() {
                    return Err(Refusal(400, Alert::UnexpectedMessage));
                }
                (ALERT, Zeroizing::new(vec![*code]))
            }
            _ => return Err(Refusal(400, Alert::UnexpectedMessage)),
        };
        let extra = bound_to(Way::Response, &session.id, counter);
        let mut sealed = Vec::new();
        key.traffic
            .seal(counter, Some(&extra), &mut sealed, &content, inner)?;
        Ok(sealed)
    }

    fn carry_out(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        outer: &Request,
        asked: Request,
        session: &Session,
        counter: u64,
    ) -> Response {
        let asked = Request {
            session: Some(to_header(&session.id)),
            peer: outer.peer,
            ..asked
        };
        let peer = Peer {
            fingerprint: session.peer.clone(),
            policy: session.peer_policy.clone(),
            suite: session.suite.clone(),
            exporter: session.exporter.clone(),
            session: session.id,
            counter,
        };
        self.inner.respond(now, rng, &asked, &peer)
    }
}

impl ExchangeService for ChannelService {
    fn respond(&self, now: Now, rng: &mut dyn CryptoRng, request: &Request) -> Response {
        self.sessions.sweep(now);
        let answered = match (request.method.as_str(), request.route.as_str()) {
            ("POST", HELLO) => self.hello(now, rng, request),
            ("POST", FINISH) => self.finish(now, request),
            ("POST", REQUEST) => self.request(now, rng, request),
            _ => Err(Refusal(404, Alert::UnexpectedMessage)),
        };
        match answered {
            Ok(body) => Response { status: 200, body },
            Err(Refusal(status, alert)) => Response {
                status,
                body: plain(ALERT, &[alert.code()]),
            },
        }
    }
}
