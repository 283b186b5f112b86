//! The server's memory of its clients: pending and confirmed sessions, and what was accepted.
//!
//! ```text
//!             handshake                first request that decrypts AND verifies
//!  nothing ──────────────▶ pending ───────────────────────────────────────────▶ confirmed
//!                             │ 30 s, or 4 newer for this key                     │ 1 h, 2^24 messages,
//!                             ▼                                                   ▼ or a newer promotion
//!                          forgotten                                            expired
//! ```
//!
//! Anyone who has seen a client's public keys can repeat its handshake, so a handshake changes
//! nothing confirmed: the victim's session lives on beside the attacker's pending one, which the
//! attacker, without the KEM's private key, can never promote.
//!
//! The machine is pure: no clock, no lock, no input or output. Every map is bounded.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::aead::AeadKey;
use pqfw_framework::world::Now;

use crate::error::Refusal;

/// The bounds of [`Sessions`].
#[derive(Clone, Copy, Debug)]
pub struct SessionLimits {
    /// How long a confirmed session lives.
    pub lifetime: Duration,
    /// How long a pending session waits for its first request.
    pub pending_lifetime: Duration,
    /// Pending sessions of one KEM key; the oldest gives way.
    pub pending_per_key: usize,
    /// Pending sessions in all; the oldest gives way, since it had the most time.
    pub pending: usize,
    /// Confirmed sessions in all; the oldest gives way and its client makes a new handshake.
    pub sessions: usize,
    /// Messages under one key, both directions together. Random 96-bit nonces allow 2^32 (SP
    /// 800-38D section 8.3); deployed peers bring a generator of unknown quality, hence the margin.
    pub messages: u64,
    /// Accepted messages remembered in all, about 100 bytes each.
    pub replay_records: usize,
    /// Of which one session may have so many, so that none uses up everybody's.
    pub replay_records_per_session: usize,
}

impl Default for SessionLimits {
    fn default() -> Self {
        Self {
            lifetime: Duration::from_secs(3600),
            pending_lifetime: Duration::from_secs(30),
            pending_per_key: 4,
            pending: 4096,
            sessions: 10_000,
            messages: 1 << 24,
            replay_records: 1 << 22,
            replay_records_per_session: 1 << 18,
        }
    }
}

/// A key under which a request may open, with the sign key that must have signed it.
#[derive(Clone)]
pub struct Candidate {
    id: u64,
    /// The session's key.
    pub key: Arc<AeadKey>,
    /// The client's public sign key, as the handshake gave it.
    pub sign_key: Arc<[u8]>,
}

/// What an accepted request changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Accepted {
    /// The session was confirmed before.
    Confirmed,
    /// The request promoted its session.
    Promoted,
}

/// All sessions of a server.
pub struct Sessions {
    limits: SessionLimits,
    clients: BTreeMap<Vec<u8>, Client>,
    /// Age order, for expiry and for giving way: session id to KEM key.
    pending: BTreeMap<u64, Vec<u8>>,
    confirmed: BTreeMap<u64, Vec<u8>>,
    /// Clients that are told "expired" rather than "no session", in the order in which they did.
    expired: BTreeMap<u64, Vec<u8>>,
    replay_records: usize,
    next_id: u64,
}

#[derive(Default)]
struct Client {
    confirmed: Option<Session>,
    pending: VecDeque<Session>,
    /// Its place among the expired, until it is in session again.
    expired: Option<u64>,
}

struct Session {
    candidate: Candidate,
    /// What the handshake answered, for the same handshake once more.
    ciphertext: Vec<u8>,
    born: Duration,
    messages: u64,
    accepted: BTreeSet<[u8; 32]>,
}

impl Sessions {
    /// Begins without sessions.
    #[must_use]
    pub fn new(limits: SessionLimits) -> Self {
        Self {
            limits,
            clients: BTreeMap::new(),
            pending: BTreeMap::new(),
            confirmed: BTreeMap::new(),
            expired: BTreeMap::new(),
            replay_records: 0,
            next_id: 0,
        }
    }

    /// The answer to a handshake that was made with these keys a moment ago and is still pending.
    /// Giving it again costs nothing, and keeps a flood of copied handshakes from pushing out the
    /// client's own: only *other* sign keys make other pending sessions, and a pin refuses those.
    pub fn answered(&mut self, now: Now, kem_key: &[u8], sign_key: &[u8]) -> Option<Vec<u8>> {
        self.sweep(now);
        // Half its life must be left, so that its client still has time to use it.
        let fresh = self.limits.pending_lifetime / 2;
        let pending = self.clients.get(kem_key)?.pending.iter();
        let mut same = pending.filter(|session| {
            *session.candidate.sign_key == *sign_key
                && now.since_start.saturating_sub(session.born) <= fresh
        });
        same.next_back().map(|session| session.ciphertext.clone())
    }

    /// Remembers a handshake, which proves nothing yet.
    pub fn handshake(
        &mut self,
        now: Now,
        kem_key: &[u8],
        key: AeadKey,
        sign_key: &[u8],
        ciphertext: &[u8],
    ) {
        self.sweep(now);
        let id = self.next_id;
        self.next_id += 1;
        let candidate = Candidate {
            id,
            key: Arc::new(key),
            sign_key: sign_key.into(),
        };
        let session = Session {
            candidate,
            ciphertext: ciphertext.to_vec(),
            born: now.since_start,
            messages: 0,
            accepted: BTreeSet::new(),
        };
        let client = self.clients.entry(kem_key.to_vec()).or_default();
        client.pending.push_back(session);
        self.pending.insert(id, kem_key.to_vec());
        if client.pending.len() > self.limits.pending_per_key
            && let Some(oldest) = client.pending.pop_front()
        {
            self.pending.remove(&oldest.candidate.id);
        }
        // Last, so that whoever exceeds a bound of its own pushes out nobody else.
        if self.pending.len() > self.limits.pending
            && let Some((oldest, owner)) = self.pending.pop_first()
        {
            self.drop_pending(&owner, oldest);
        }
    }

    /// The keys under which a request of this client may open: the confirmed one first.
    ///
    /// # Errors
    /// [`Refusal::NoSession`], [`Refusal::SessionExpired`].
    pub fn candidates(&mut self, now: Now, kem_key: &[u8]) -> Result<Vec<Candidate>, Refusal> {
        self.sweep(now);
        let client = self.clients.get(kem_key).ok_or(Refusal::NoSession)?;
        let all = client.confirmed.iter().chain(&client.pending);
        let candidates: Vec<_> = all.map(|session| session.candidate.clone()).collect();
        match (candidates.is_empty(), client.expired.is_some()) {
            (false, _) => Ok(candidates),
            (true, true) => Err(Refusal::SessionExpired),
            (true, false) => Err(Refusal::NoSession),
        }
    }

    /// Accepts a request that opened under `candidate` and whose signature verified: once.
    ///
    /// # Errors
    /// [`Refusal::Replayed`]; [`Refusal::SessionExpired`] when the session ended meanwhile.
    pub fn accept(
        &mut self,
        now: Now,
        kem_key: &[u8],
        candidate: &Candidate,
        message: [u8; 32],
    ) -> Result<Accepted, Refusal> {
        self.sweep(now);
        let client = self
            .clients
            .get_mut(kem_key)
            .ok_or(Refusal::SessionExpired)?;
        let mut accepted = Accepted::Confirmed;
        if let Some(at) = client
            .pending
            .iter()
            .position(|s| s.candidate.id == candidate.id)
            && let Some(promoted) = client.pending.remove(at)
        {
            accepted = Accepted::Promoted;
            self.pending.remove(&candidate.id);
            self.confirmed.insert(candidate.id, kem_key.to_vec());
            if let Some(place) = client.expired.take() {
                self.expired.remove(&place);
            }
            if let Some(old) = client.confirmed.replace(promoted) {
                self.confirmed.remove(&old.candidate.id);
                self.replay_records -= old.accepted.len();
            }
        }
        let session = client
            .confirmed
            .as_mut()
            .filter(|s| s.candidate.id == candidate.id);
        let session = session.ok_or(Refusal::SessionExpired)?;
        if session.accepted.contains(&message) {
            return Err(Refusal::Replayed);
        }
        // A request and its response: two messages under the one key.
        session.messages += 2;
        let used_up = session.messages > self.limits.messages
            || session.accepted.len() >= self.limits.replay_records_per_session
            || self.replay_records >= self.limits.replay_records;
        if used_up {
            self.confirmed.remove(&candidate.id);
            self.expire(kem_key);
            return Err(Refusal::SessionExpired);
        }
        session.accepted.insert(message);
        self.replay_records += 1;
        self.bound_confirmed();
        Ok(accepted)
    }

    /// Whether this client's confirmed session has ended and it has had none since. Handshakes
    /// change nothing about it: anyone can make them.
    #[must_use]
    pub fn has_expired(&self, kem_key: &[u8]) -> bool {
        let client = self.clients.get(kem_key);
        client.is_some_and(|client| client.expired.is_some())
    }

    /// Confirmed and pending sessions, and remembered messages: for metrics and tests.
    #[must_use]
    pub fn counts(&self) -> (usize, usize, usize) {
        (
            self.confirmed.len(),
            self.pending.len(),
            self.replay_records,
        )
    }

    /// Clients of which anything is remembered, expired ones included.
    #[must_use]
    pub fn clients(&self) -> usize {
        self.clients.len()
    }

    fn bound_confirmed(&mut self) {
        while self.confirmed.len() > self.limits.sessions
            && let Some((_, owner)) = self.confirmed.pop_first()
        {
            self.expire(&owner);
        }
    }

    /// Ends what is too old. Ids grow with time, so the oldest stands first.
    fn sweep(&mut self, now: Now) {
        let old = |born: Option<Duration>, lifetime| {
            born.is_none_or(|born| now.since_start.saturating_sub(born) > lifetime)
        };
        while let Some((&id, owner)) = self.pending.first_key_value() {
            let client = self.clients.get(owner);
            let session = client.and_then(|c| c.pending.iter().find(|s| s.candidate.id == id));
            if !old(
                session.map(|session| session.born),
                self.limits.pending_lifetime,
            ) {
                break;
            }
            if let Some((id, owner)) = self.pending.pop_first() {
                self.drop_pending(&owner, id);
            }
        }
        while let Some((_, owner)) = self.confirmed.first_key_value() {
            let session = self
                .clients
                .get(owner)
                .and_then(|client| client.confirmed.as_ref());
            if !old(session.map(|session| session.born), self.limits.lifetime) {
                break;
            }
            if let Some((_, owner)) = self.confirmed.pop_first() {
                self.expire(&owner);
            }
        }
    }

    fn drop_pending(&mut self, owner: &[u8], id: u64) {
        if let Some(client) = self.clients.get_mut(owner) {
            client.pending.retain(|session| session.candidate.id != id);
        }
        self.forget_if_empty(owner);
    }

    /// Wipes a confirmed session and remembers only that there was one.
    fn expire(&mut self, owner: &[u8]) {
        let Some(client) = self.clients.get_mut(owner) else {
            return;
        };
        let Some(session) = client.confirmed.take() else {
            return;
        };
        self.replay_records -= session.accepted.len();
        let place = self.next_id;
        self.next_id += 1;
        client.expired = Some(place);
        self.expired.insert(place, owner.to_vec());
        if self.expired.len() > self.limits.sessions
            && let Some((_, oldest)) = self.expired.pop_first()
        {
            if let Some(client) = self.clients.get_mut(&oldest) {
                client.expired = None;
            }
            self.forget_if_empty(&oldest);
        }
    }

    fn forget_if_empty(&mut self, owner: &[u8]) {
        let empty = |client: &Client| {
            client.confirmed.is_none() && client.pending.is_empty() && client.expired.is_none()
        };
        if self.clients.get(owner).is_some_and(empty) {
            self.clients.remove(owner);
        }
    }
}
