//! The gate of a server: who gets a session, and which messages come through.
//!
//! ```text
//! handshake: verify ▶ listed? ▶ of this time, and after our start? ▶ number new? ▶ a place ▶ session
//! message:   session ▶ its client? ▶ of this time? ▶ verify ▶ number new? ▶ signature new? ▶ through
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pqfw_framework::python_json::{Json, Object};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::store::Store;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Report};
use pqfw_framework::world::Now;

use super::audit::{Audit, AuditEntry, Operation};
use super::error::PqcTransportError;
use super::handshake::{Caller, PqcHandshake};
use super::identity::{Did, Identity};
use super::lenience::Lenience;
use super::message::{self, ENVELOPE, Envelope, MessageSigner, foreign_key};
use super::nonces::Nonces;
use super::replay::ReplayCache;
use super::session::{PqcSession, SessionTimes, Sessions};
use super::trust::Clients;
use crate::config::McpConfig;

/// Handshakes remembered within the time window.
const MAX_HANDSHAKES: usize = 1 << 18;

/// The gate.
pub struct Gate {
    signer: MessageSigner,
    clients: Clients,
    times: SessionTimes,
    sessions: Sessions,
    handshakes: Mutex<Nonces>,
    replay: ReplayCache,
    audit: Audit,
    lenience: Lenience,
    began_unix_micros: u64,
}

/// A message that came through.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    /// The message without its envelope.
    pub message: Object,
    /// Who signed it.
    pub signer: Did,
    /// In which session; none only when lenient.
    pub session: Option<String>,
    /// The signature.
    pub signature: Vec<u8>,
}

/// What became of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    /// It came through.
    Signed(Admitted),
    /// It has no envelope.
    Unsigned(Object),
}

impl Gate {
    /// Opens a gate. Handshakes that were made before `now` are refused, since their numbers are
    /// forgotten.
    ///
    /// # Errors
    /// [`PqcTransportError::Config`].
    pub fn new(
        now: Now,
        identity: Arc<Identity>,
        config: &McpConfig,
        suite: &Suite,
        store: Arc<dyn Store>,
        audit: Audit,
        report: Arc<dyn Report>,
    ) -> Result<Self, PqcTransportError> {
        let times = config.session_times();
        let hash = suite.digest.clone();
        let gate = Self {
            signer: MessageSigner::new(identity),
            clients: Clients::of(config)?,
            times,
            sessions: Sessions::new(usize::try_from(config.max_sessions).unwrap_or(usize::MAX)),
            handshakes: Mutex::new(Nonces::new(MAX_HANDSHAKES, times.window * 2)),
            replay: ReplayCache::new(store, hash, config.replay_cache, config.max_signers),
            audit,
            lenience: if config.lenient {
                Lenience::lenient(report.clone())
            } else {
                Lenience::strict()
            },
            began_unix_micros: now.unix_micros,
        };
        if matches!(gate.clients, Clients::Any) {
            let text = "mcp.allow_any_did = true: whoever comes may call every tool";
            report.event(&Event::Warning(text.into()));
        }
        Ok(gate)
    }

    /// Who the server is.
    #[must_use]
    pub fn identity(&self) -> &Arc<Identity> {
        self.signer.identity()
    }

    /// How many sessions are kept.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// Answers a handshake.
    ///
    /// # Errors
    /// [`PqcTransportError`].
    pub fn handshake(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        request: &Json,
    ) -> Result<Json, PqcTransportError> {
        let algorithms = self.identity().algorithms();
        let entry = AuditEntry::new(now, Operation::Handshake, algorithms.label());
        let caller = PqcHandshake::receive(algorithms, request, &self.lenience);
        let caller = caller.map_err(|error| self.refuse(entry.clone(), error))?;
        let entry = entry.signed(&caller.peer.did, &caller.signature);
        let (response, mut session) = self
            .open(now, rng, &caller)
            .map_err(|error| self.refuse(entry.clone(), error))?;
        let entry = entry.session(session.id()).peer(self.identity().did());
        session.log_operation(entry.clone());
        self.sessions
            .add(now, session)
            .map_err(|error| self.refuse(entry.clone(), error))?;
        self.audit.write(&entry)?;
        Ok(response)
    }

    fn open(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        caller: &Caller,
    ) -> Result<(Json, PqcSession), PqcTransportError> {
        let identity = self.identity();
        let real = identity.algorithms().did(&caller.peer.public_key);
        self.clients.check(&real)?;
        in_time(now, caller.unix_micros, self.times.window)?;
        if caller.unix_micros < self.began_unix_micros {
            let text = "it was made before this server started";
            return Err(PqcTransportError::Handshake(text.into()));
        }
        let mut handshakes = self
            .handshakes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        handshakes.spend(now.since_start, caller.nonce)?;
        drop(handshakes);
        self.replay.admit(&real)?;
        PqcHandshake::respond(identity, now, rng, caller, self.times)
    }

    /// Lets a message through, or not.
    ///
    /// # Errors
    /// [`PqcTransportError`].
    pub fn admit(&self, now: Now, message: &Json) -> Result<Admission, PqcTransportError> {
        let Some(message) = message.as_object() else {
            let text = "it is no JSON object; batches are not of the dialect";
            return Err(PqcTransportError::Malformed(text.into()));
        };
        if message.get(ENVELOPE).is_none() {
            return Ok(Admission::Unsigned(message.clone()));
        }
        self.admit_signed(now, message).map(Admission::Signed)
    }

    fn admit_signed(&self, now: Now, message: &Object) -> Result<Admitted, PqcTransportError> {
        let algorithms = self.identity().algorithms();
        let envelope = Envelope::read(algorithms, message)?;
        let in_session = match &envelope.session {
            None => Err(PqcTransportError::PeerNotAuthenticated(
                "the message names no session".into(),
            )),
            Some(id) => self
                .sessions
                .with(now, id, |session| Ok(session.peer().clone())),
        };
        let peer = match in_session {
            Ok(peer) if peer.did == envelope.signer && peer.public_key == envelope.public_key => {
                Some(peer)
            }
            Ok(_) => {
                let text = "the signer is not the client of the session".into();
                let error = PqcTransportError::PeerNotAuthenticated(text);
                self.lenience.forgive(error)?;
                None
            }
            Err(error @ PqcTransportError::PeerNotAuthenticated(_)) => {
                self.lenience.forgive(error)?;
                None
            }
            Err(error) => return Err(error),
        };
        in_time(now, envelope.unix_micros, self.times.window)?;
        let real = algorithms.did(&envelope.public_key);
        let verified = match &peer {
            Some(peer) => message::verify(algorithms, &peer.key, message, envelope)?,
            None => {
                if real != envelope.signer {
                    self.lenience.forgive(foreign_key())?;
                }
                self.clients.check(&real)?;
                let key = algorithms.import(&envelope.public_key)?;
                let verified = message::verify(algorithms, &key, message, envelope)?;
                self.replay.admit(&real)?;
                verified
            }
        };
        let envelope = verified.envelope;
        // A session that is not the signer's must not be spoilt by the signer.
        if let (Some(_), Some(id)) = (&peer, &envelope.session) {
            let spent = self
                .sessions
                .with(now, id, |session| session.check_nonce(now, envelope.nonce));
            match spent {
                Err(error @ PqcTransportError::ReplayAttack(_)) => self.lenience.forgive(error)?,
                other => other?,
            }
        }
        self.replay.spend(&real, &envelope.signature)?;
        Ok(Admitted {
            message: verified.message,
            signer: envelope.signer,
            session: envelope.session.filter(|_| peer.is_some()),
            signature: envelope.signature,
        })
    }

    /// Signs an answer. It names no session: none of the deployed servers' does.
    ///
    /// # Errors
    /// [`PqcTransportError::Internal`].
    pub fn sign(
        &self,
        now: Now,
        rng: &mut dyn CryptoRng,
        answer: &Object,
    ) -> Result<Object, PqcTransportError> {
        self.signer.sign_message(now, rng, answer, None)
    }

    /// Begins an entry on an admitted message.
    pub(crate) fn entry(
        &self,
        now: Now,
        operation: Operation,
        admitted: &Admitted,
        method: &str,
    ) -> AuditEntry {
        let label = self.identity().algorithms().label();
        let entry = AuditEntry::new(now, operation, label).method(method);
        match &admitted.session {
            Some(session) => entry.session(session),
            None => entry,
        }
    }

    /// Writes an entry, into the log and the session.
    pub(crate) fn log(&self, now: Now, entry: AuditEntry) -> Result<(), PqcTransportError> {
        self.audit.write(&entry)?;
        let Some(id) = entry.session.clone() else {
            return Ok(());
        };
        let logged = self.sessions.with(now, &id, |session| {
            session.log_operation(entry);
            Ok(())
        });
        match logged {
            // It ended meanwhile; the log has the entry.
            Err(PqcTransportError::SessionExpired | PqcTransportError::PeerNotAuthenticated(_)) => {
                Ok(())
            }
            other => other,
        }
    }

    /// Writes down a refusal, and gives its cause.
    pub(crate) fn refuse(&self, entry: AuditEntry, error: PqcTransportError) -> PqcTransportError {
        match self.audit.write(&entry.refused(&error)) {
            Ok(()) => error,
            Err(unwritten) => unwritten,
        }
    }
}

/// Whether a time is no further from ours than the window.
pub(crate) fn in_time(
    now: Now,
    unix_micros: u64,
    window: Duration,
) -> Result<(), PqcTransportError> {
    let off = Duration::from_micros(now.unix_micros.abs_diff(unix_micros));
    if off <= window {
        return Ok(());
    }
    let secs = off.as_secs();
    let text = format!("its time is {secs} s off; check both clocks, or raise mcp.window_secs");
    Err(PqcTransportError::Handshake(text))
}
