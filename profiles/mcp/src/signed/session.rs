//! Sessions: an hour with one peer, whose key is known.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pqfw_framework::signature::VerifyingKey;
use pqfw_framework::world::Now;

use super::audit::{AuditEntry, Recent};
use super::error::PqcTransportError;
use super::identity::Did;
use super::message::Nonce;
use super::nonces::Nonces;

/// Messages of one session within the time window. An honest peer would have to send 200 a second.
pub const MAX_NONCES: usize = 1 << 17;

/// Sessions of one client at a time; the oldest gives way.
pub const MAX_SESSIONS_PER_PEER: usize = 16;

/// A peer that has shown that it holds a key.
#[derive(Clone)]
pub struct Peer {
    /// Its name.
    pub did: Did,
    /// Its raw key.
    pub public_key: Vec<u8>,
    /// The same, read.
    pub key: Arc<VerifyingKey>,
}

/// What a session is made with.
#[derive(Clone, Copy, Debug)]
pub struct SessionTimes {
    /// How long it lives.
    pub lifetime: Duration,
    /// How far the peer's clock may be off.
    pub window: Duration,
}

/// One session, at either end.
pub struct PqcSession {
    id: String,
    peer: Peer,
    ends: Duration,
    nonces: Nonces,
    recent: Recent,
}

impl PqcSession {
    pub(crate) fn new(now: Now, id: String, peer: Peer, times: SessionTimes) -> Self {
        Self {
            id,
            peer,
            ends: now.since_start.saturating_add(times.lifetime),
            // A message may come as long before its time as after it.
            nonces: Nonces::new(MAX_NONCES, times.window * 2),
            recent: Recent::default(),
        }
    }

    /// Its number, 32 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// With whom.
    #[must_use]
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Whether it still lives.
    #[must_use]
    pub fn is_valid(&self, now: Now) -> bool {
        now.since_start < self.ends
    }

    /// Uses a nonce.
    ///
    /// # Errors
    /// [`PqcTransportError::ReplayAttack`], [`PqcTransportError::Full`].
    pub fn check_nonce(&mut self, now: Now, nonce: Nonce) -> Result<(), PqcTransportError> {
        self.nonces.spend(now.since_start, nonce)
    }

    /// Remembers what was done; the newest [`Recent::MOST`] entries are kept.
    pub fn log_operation(&mut self, entry: AuditEntry) {
        self.recent.push(entry);
    }

    /// What was done, the oldest first.
    #[must_use]
    pub fn audit_log(&self) -> &Recent {
        &self.recent
    }
}

/// A server's sessions.
pub(crate) struct Sessions {
    most: usize,
    sessions: Mutex<BTreeMap<String, PqcSession>>,
}

impl Sessions {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            sessions: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, PqcSession>> {
        // Nothing panics between two changes of the map.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a session. A client's own oldest gives way to its newest; at the bound newcomers are
    /// refused.
    pub(crate) fn add(&self, now: Now, session: PqcSession) -> Result<(), PqcTransportError> {
        let mut sessions = self.lock();
        sessions.retain(|_, session| session.is_valid(now));
        let own = sessions
            .values()
            .filter(|other| other.peer.did == session.peer.did);
        let own: Vec<_> = own.map(|other| (other.ends, other.id.clone())).collect();
        if own.len() >= MAX_SESSIONS_PER_PEER
            && let Some((_, oldest)) = own.iter().min()
        {
            sessions.remove(oldest);
        }
        if sessions.len() >= self.most {
            let text = format!("{} sessions are open, the limit; try later", self.most);
            return Err(PqcTransportError::Full(text));
        }
        sessions.insert(session.id.clone(), session);
        Ok(())
    }

    /// Uses a session that lives.
    pub(crate) fn with<T>(
        &self,
        now: Now,
        id: &str,
        use_it: impl FnOnce(&mut PqcSession) -> Result<T, PqcTransportError>,
    ) -> Result<T, PqcTransportError> {
        let mut sessions = self.lock();
        let Some(session) = sessions.get_mut(id) else {
            let text = "there is no session of that number".into();
            return Err(PqcTransportError::PeerNotAuthenticated(text));
        };
        if !session.is_valid(now) {
            sessions.remove(id);
            return Err(PqcTransportError::SessionExpired);
        }
        use_it(session)
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }
}
