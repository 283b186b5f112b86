//! The initiator on exchanges: makes its session when it is first needed, and makes a new one when
//! the old one is gone or has done enough.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::transport::{Delivery, Exchange, Request, Response};
use pqfw_framework::world::World;

use super::gate::Gate;
use super::sealed::{SessionId, Way, bound_to, decode_response, encode_request, to_header};
use super::{FINISH, HELLO, REQUEST};
use crate::alert::Alert;
use crate::channel::FRESH_AFTER_BYTES;
use crate::config::Config;
use crate::epoch::{EpochKey, EpochKeys, Lookup, MOST_EPOCHS_AHEAD, epoch_of, next_epoch};
use crate::error::{ChannelError, refused};
use crate::handshake::{Initiator, Opened, Progress, Sent};
use crate::identity::PeerKey;
use crate::record::{ALERT, DATA, Records, plain_alert};
use crate::schedule::Exporter;

type Result<T> = std::result::Result<T, ChannelError>;

/// Which requests are sent once more when the service says that it knows no such session, or that
/// an epoch is used up. Anybody on the way can say so after the request was carried out: a request
/// that is sent again may be carried out twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Resend {
    /// `GET`, `HEAD` and `OPTIONS`, which change nothing (RFC 9110 section 9.2.1).
    #[default]
    SafeMethods,
    /// All: for protocols whose requests may be repeated or carry a protection of their own.
    Everything,
}

/// After so long a client makes a new session: whoever holds a request back on the way can deliver
/// it for as long as its session lives.
const RENEW_AFTER: Duration = Duration::from_secs(10 * 60);

/// A client of a [`ChannelService`](super::ChannelService), over any exchange.
pub struct ChannelExchange {
    config: Arc<Config>,
    inner: Arc<dyn Exchange>,
    world: Arc<dyn World>,
    resend: Resend,
    current: Mutex<Option<Arc<Session>>>,
    handshake: Gate,
}

/// What an exchange brought.
pub struct Outcome {
    /// The service's response.
    pub response: Response,
    /// The counter that request and response went under.
    pub counter: u64,
    /// Who answered.
    pub peer: Arc<PeerKey>,
    /// Secrets bound to the session.
    pub exporter: Arc<Exporter>,
}

struct Session {
    id: SessionId,
    suite: String,
    peer: Arc<PeerKey>,
    exporter: Arc<Exporter>,
    made: Duration,
    bytes: AtomicU64,
    keys: Mutex<Keys>,
}

struct Keys {
    /// The counter of the last request.
    counter: u64,
    /// The newest epoch in which the service has answered.
    proven: u64,
    outgoing: EpochKeys,
    incoming: EpochKeys,
}

/// A counter that was taken, and the keys of its request and response.
struct Ticket {
    counter: u64,
    outgoing: Arc<EpochKey>,
    incoming: Arc<EpochKey>,
}

impl ChannelExchange {
    /// Makes a client. Nothing is sent before the first request.
    #[must_use]
    pub fn new(config: Arc<Config>, inner: Arc<dyn Exchange>, world: Arc<dyn World>) -> Self {
        Self {
            config,
            inner,
            world,
            resend: Resend::default(),
            current: Mutex::new(None),
            handshake: Gate::default(),
        }
    }

    /// Says which requests may be sent once more.
    #[must_use]
    pub fn resending(mut self, resend: Resend) -> Self {
        self.resend = resend;
        self
    }

    /// Who is at the other end, once there is a session.
    #[must_use]
    pub fn peer(&self) -> Option<Fingerprint> {
        Some(self.lock().as_ref()?.peer.fingerprint().clone())
    }

    /// The name of the suite, once there is a session.
    #[must_use]
    pub fn suite(&self) -> Option<String> {
        Some(self.lock().as_ref()?.suite.clone())
    }

    /// Secrets bound to the session, once there is one.
    #[must_use]
    pub fn exporter(&self) -> Option<Arc<Exporter>> {
        Some(self.lock().as_ref()?.exporter.clone())
    }

    /// Sends a request and waits for its response. Safe to drop at any point.
    ///
    /// # Errors
    /// [`ChannelError`]; [`ChannelError::Unanswered`] when the session was gone and the request
    /// is not one that may be sent again.
    pub async fn request(&self, method: &str, route: &str, body: &[u8]) -> Result<Outcome> {
        let content = encode_request(method, route, body)?;
        let mut again = false;
        loop {
            let session = self.session().await?;
            let (ticket, response) = self.send(&session, DATA, &content).await?;
            match response.status {
                200 => return self.open(&session, &ticket, response),
                401 => self.forget(&session),
                425 => {
                    if !session.next_epoch(ticket.counter) {
                        self.forget(&session);
                    }
                }
                _ => return Err(refusal(&response)),
            }
            let safe = ["GET", "HEAD", "OPTIONS"].contains(&method);
            if again || !(safe || self.resend == Resend::Everything) {
                let status = response.status;
                return Err(ChannelError::Unanswered { status });
            }
            again = true;
        }
    }

    /// Ends the session, if there is one, and tells the service. The next request makes a new one.
    ///
    /// # Errors
    /// [`ChannelError`]; the session is forgotten all the same.
    pub async fn close(&self) -> Result<()> {
        let session = self.lock().take();
        let Some(session) = session else {
            return Ok(());
        };
        let alert = [Alert::CloseNotify.code()];
        let (ticket, response) = self.send(&session, ALERT, &alert).await?;
        if response.status != 200 {
            return Err(refusal(&response));
        }
        match self.open(&session, &ticket, response) {
            Err(ChannelError::Closed) => Ok(()),
            Err(error) => Err(error),
            Ok(_) => refused(Alert::UnexpectedMessage, "data in answer to close_notify"),
        }
    }

    async fn send(
        &self,
        session: &Arc<Session>,
        inner: u8,
        content: &[u8],
    ) -> Result<(Ticket, Response)> {
        let ticket = session.ticket().inspect_err(|_| self.forget(session))?;
        let mut body = ticket.counter.to_be_bytes().to_vec();
        let extra = bound_to(Way::Request, &session.id, ticket.counter);
        let key = &ticket.outgoing.traffic;
        key.seal(ticket.counter, Some(&extra), &mut body, content, inner)?;
        session.count(body.len());
        let request = Request {
            session: Some(to_header(&session.id)),
            ..Request::post(REQUEST, body)
        };
        let response = self.inner.exchange(request).await?;
        session.count(response.body.len());
        Ok((ticket, response))
    }

    fn open(&self, session: &Arc<Session>, ticket: &Ticket, response: Response) -> Result<Outcome> {
        let extra = bound_to(Way::Response, &session.id, ticket.counter);
        let mut body = zeroize::Zeroizing::new(response.body);
        let opened = ticket
            .incoming
            .traffic
            .open(ticket.counter, &extra, &mut body);
        let (inner, length) = opened.inspect_err(|_| ticket.incoming.note_failure())?;
        session.lock().proven(ticket.counter);
        let content = body.get(..length).unwrap_or_default();
        match (inner, content) {
            (DATA, content) => Ok(Outcome {
                response: decode_response(content)?,
                counter: ticket.counter,
                peer: session.peer.clone(),
                exporter: session.exporter.clone(),
            }),
            (ALERT, [code]) => {
                self.forget(session);
                if *code == Alert::CloseNotify.code() {
                    return Err(ChannelError::Closed);
                }
                let (code, proven) = (*code, true);
                Err(ChannelError::RefusedByPeer { code, proven })
            }
            _ => refused(
                Alert::UnexpectedMessage,
                "a response of an unknown inner kind",
            ),
        }
    }

    /// The session in use, or a new one: whoever comes meanwhile waits for it.
    async fn session(&self) -> Result<Arc<Session>> {
        if let Some(session) = self.usable() {
            return Ok(session);
        }
        let _pass = self.handshake.enter().await;
        if let Some(session) = self.usable() {
            return Ok(session);
        }
        let session = Arc::new(self.shake_hands().await?);
        *self.lock() = Some(session.clone());
        Ok(session)
    }

    fn usable(&self) -> Option<Arc<Session>> {
        let now = self.world.now().since_start;
        let mut current = self.lock();
        // Its keys go when it does.
        current.take_if(|session| {
            let old = now.saturating_sub(session.made) >= RENEW_AFTER;
            old || session.bytes.load(Ordering::Relaxed) >= FRESH_AFTER_BYTES
        });
        current.clone()
    }

    /// Forgets a session, unless another has taken its place.
    fn forget(&self, session: &Arc<Session>) {
        let mut current = self.lock();
        if current.as_ref().is_some_and(|c| Arc::ptr_eq(c, session)) {
            *current = None;
        }
    }

    async fn shake_hands(&self) -> Result<Session> {
        let mut rng = self.world.rng();
        let (mut initiator, mut hello) =
            Initiator::start(&self.config, Delivery::Exchange, &mut *rng)?;
        loop {
            let response = self.inner.exchange(Request::post(HELLO, hello)).await?;
            if response.status != 200 {
                return Err(refusal(&response));
            }
            let mut reader = initiator.read();
            let mut next = None;
            for record in Records::of(&response.body) {
                if next.is_some() {
                    return refused(Alert::UnexpectedMessage, "records after the flight");
                }
                let now = self.world.now();
                match record.and_then(|record| reader.record(now, &mut *rng, record)) {
                    Ok(Progress::More) => {}
                    Ok(progress) => next = Some(progress),
                    Err(error) => return Err(error),
                }
            }
            match next {
                Some(Progress::Again(again, records)) => (initiator, hello) = (*again, records),
                Some(Progress::Sent(sent, flight)) => return self.finish(*sent, flight).await,
                Some(Progress::More) | None => {
                    return refused(Alert::DecodeError, "a flight that is cut off");
                }
            }
        }
    }

    async fn finish(&self, mut sent: Sent, flight: Vec<u8>) -> Result<Session> {
        let id: SessionId = match sent.session().try_into() {
            Ok(id) => id,
            Err(_) => return refused(Alert::IllegalParameter, "a session of another length"),
        };
        let request = Request {
            session: Some(to_header(&id)),
            ..Request::post(FINISH, flight)
        };
        let response = self.inner.exchange(request).await?;
        match response.status {
            200 => {}
            401 => return Err(ChannelError::HandshakeGone),
            _ => return Err(refusal(&response)),
        }
        let Opened {
            suite,
            outgoing,
            incoming,
            about,
            ..
        } = sent.welcome(&response.body)?;
        Ok(Session {
            id,
            suite: about.name,
            peer: about.peer,
            exporter: Arc::new(about.exporter),
            made: self.world.now().since_start,
            bytes: AtomicU64::new(0),
            keys: Mutex::new(Keys {
                counter: 0,
                proven: 0,
                outgoing: EpochKeys::new(&suite, outgoing.into_secret()),
                incoming: EpochKeys::new(&suite, incoming.into_secret()),
            }),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Option<Arc<Session>>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn refusal(response: &Response) -> ChannelError {
    ChannelError::RefusedExchange {
        status: response.status,
        code: plain_alert(&response.body),
    }
}

impl Session {
    /// Takes the next counter. None is ever taken twice.
    fn ticket(&self) -> Result<Ticket> {
        let mut keys = self.lock();
        let counter = keys.counter.checked_add(1).ok_or(ChannelError::Closed)?;
        let (outgoing, incoming) = (keys.outgoing.key(counter)?, keys.incoming.key(counter)?);
        let (Lookup::Key(outgoing), Lookup::Key(incoming)) = (outgoing, incoming) else {
            return Err(ChannelError::Closed);
        };
        keys.counter = counter;
        keys.outgoing.advance(counter);
        keys.incoming.advance(counter);
        Ok(Ticket {
            counter,
            outgoing,
            incoming,
        })
    }

    /// Goes on with the epoch after this counter's. False when the service has not answered for so
    /// many epochs that it would not follow.
    fn next_epoch(&self, counter: u64) -> bool {
        let mut keys = self.lock();
        let Some(first) = next_epoch(counter) else {
            return false;
        };
        // The next ticket adds one: the first counter of an epoch is its own.
        keys.counter = keys.counter.max(first - 1);
        epoch_of(first) <= keys.proven + MOST_EPOCHS_AHEAD
    }

    fn count(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, Keys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Keys {
    fn proven(&mut self, counter: u64) {
        self.proven = self.proven.max(epoch_of(counter));
    }
}

#[cfg(test)]
mod tests;
