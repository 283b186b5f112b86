//! The responder's memory: handshakes under way and sessions, both within bounds.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::world::Now;

use super::sealed::SessionId;
use crate::alert::Alert;
use crate::epoch::{EpochKey, EpochKeys, Lookup};
use crate::handshake::{Answered, Opened};
use crate::replay::ReplayWindow;
use crate::schedule::Exporter;

/// What a service remembers at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceLimits {
    /// Handshakes under way; the oldest go first. Were the newest refused, whoever fills the room
    /// would shut it to everybody else; so each is kept for as long as the flood takes to fill it.
    pub handshakes: usize,
    /// How long a handshake may take.
    pub handshake: Duration,
    /// Sessions of all peers; the longest idle go first, those of the newcomer's peer before all
    /// others.
    pub sessions: usize,
    /// Sessions of one peer.
    pub sessions_each: usize,
    /// How old a session may be: a little older than clients let one become.
    pub age: Duration,
}

impl Default for ServiceLimits {
    fn default() -> Self {
        Self {
            handshakes: 1024,
            handshake: Duration::from_secs(10),
            sessions: 4096,
            sessions_each: 64,
            age: Duration::from_secs(11 * 60),
        }
    }
}

/// The responder's memory.
pub(super) struct Sessions {
    limits: ServiceLimits,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// By their number, so that the first is the oldest.
    handshakes: BTreeMap<u64, Handshake>,
    numbers: BTreeMap<SessionId, u64>,
    next: u64,
    sessions: BTreeMap<SessionId, Arc<Session>>,
    /// Nothing is over before this.
    sweep: Option<Duration>,
}

struct Handshake {
    id: SessionId,
    began: Duration,
    answered: Box<Answered>,
}

/// An open session.
pub(super) struct Session {
    pub(super) id: SessionId,
    pub(super) peer: Fingerprint,
    pub(super) peer_policy: String,
    pub(super) suite: String,
    pub(super) exporter: Arc<Exporter>,
    made: Duration,
    state: Mutex<State>,
}

struct State {
    used: Duration,
    window: ReplayWindow,
    incoming: EpochKeys,
    outgoing: EpochKeys,
}

/// Why a counter is not taken.
pub(super) enum NotTaken {
    Used,
    EpochUsedUp,
    /// A primitive refused to work.
    Failed,
}

impl Sessions {
    pub(super) fn new(limits: ServiceLimits) -> Self {
        Self {
            limits,
            memory: Mutex::default(),
        }
    }

    /// Remembers a handshake under way.
    pub(super) fn begin(&self, now: Now, id: SessionId, answered: Box<Answered>) {
        let mut memory = self.lock();
        let now = now.since_start;
        while memory.handshakes.len() >= self.limits.handshakes.max(1) {
            memory.forget_oldest_handshake();
        }
        memory.expect(now.saturating_add(self.limits.handshake));
        let number = memory.next;
        memory.next += 1;
        // Names are random: whoever repeats one has a generator that repeats itself.
        if let Some(before) = memory.numbers.insert(id, number) {
            memory.handshakes.remove(&before);
        }
        let handshake = Handshake {
            id,
            began: now,
            answered,
        };
        memory.handshakes.insert(number, handshake);
    }

    /// Takes a handshake out: it is finished or fails, and there is no second try.
    pub(super) fn take(&self, now: Now, id: &SessionId) -> Option<Box<Answered>> {
        let mut memory = self.lock();
        let number = memory.numbers.remove(id)?;
        let handshake = memory.handshakes.remove(&number)?;
        let age = now.since_start.saturating_sub(handshake.began);
        (age < self.limits.handshake).then_some(handshake.answered)
    }

    /// Remembers a session.
    pub(super) fn open(&self, now: Now, id: SessionId, opened: Opened) {
        let now = now.since_start;
        let session = Session {
            id,
            peer: opened.about.peer.fingerprint().clone(),
            peer_policy: opened.about.peer_policy,
            suite: opened.about.name,
            exporter: Arc::new(opened.about.exporter),
            made: now,
            state: Mutex::new(State {
                used: now,
                window: ReplayWindow::new(),
                incoming: EpochKeys::new(&opened.suite, opened.incoming.into_secret()),
                outgoing: EpochKeys::new(&opened.suite, opened.outgoing.into_secret()),
            }),
        };
        let mut memory = self.lock();
        memory.make_room(&self.limits, &session.peer);
        memory.expect(now.saturating_add(self.limits.age));
        memory.sessions.insert(id, Arc::new(session));
    }

    /// Forgets what is over, and says when the next will be.
    pub(super) fn sweep(&self, now: Now) -> Option<Duration> {
        let (mut memory, limits, now) = (self.lock(), &self.limits, now.since_start);
        if memory.sweep.is_none_or(|sweep| now < sweep) {
            return memory.sweep;
        }
        while let Some((_, oldest)) = memory.handshakes.first_key_value()
            && now.saturating_sub(oldest.began) >= limits.handshake
        {
            memory.forget_oldest_handshake();
        }
        memory.sessions.retain(|_, kept| !kept.is_over(now, limits));
        let oldest = memory.handshakes.first_key_value();
        let oldest = oldest.map(|(_, oldest)| oldest.began.saturating_add(limits.handshake));
        let sessions = memory.sessions.values();
        let sessions = sessions.map(|kept| kept.made.saturating_add(limits.age));
        memory.sweep = sessions.chain(oldest).min();
        memory.sweep
    }

    /// The session of that name.
    pub(super) fn find(&self, now: Now, id: &SessionId) -> Option<Arc<Session>> {
        let mut memory = self.lock();
        let session = memory.sessions.get(id)?.clone();
        if session.is_over(now.since_start, &self.limits) {
            memory.sessions.remove(id);
            return None;
        }
        Some(session)
    }

    /// Forgets a session.
    pub(super) fn close(&self, id: &SessionId) {
        self.lock().sessions.remove(id);
    }

    /// How many handshakes and sessions are remembered.
    pub(super) fn counts(&self) -> (usize, usize) {
        let memory = self.lock();
        (memory.handshakes.len(), memory.sessions.len())
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Makes sure that what is over is looked for at that moment.
    fn expect(&mut self, due: Duration) {
        self.sweep = self.sweep.into_iter().chain([due]).min();
    }

    fn forget_oldest_handshake(&mut self) {
        if let Some((_, oldest)) = self.handshakes.pop_first() {
            self.numbers.remove(&oldest.id);
        }
    }

    /// Makes room for a session of this peer: by one of its own, if it has any.
    fn make_room(&mut self, limits: &ServiceLimits, peer: &Fingerprint) {
        let idlest = |(_, kept): &(&SessionId, &Arc<Session>)| kept.lock().used;
        let own = self.sessions.iter().filter(|(_, kept)| kept.peer == *peer);
        let owns = own.clone().count();
        let own = own.min_by_key(idlest);
        let goes = own.or_else(|| self.sessions.iter().min_by_key(idlest));
        let goes = goes.map(|(id, _)| *id);
        let full = self.sessions.len() >= limits.sessions;
        if (full || owns >= limits.sessions_each)
            && let Some(id) = goes
        {
            self.sessions.remove(&id);
        }
    }
}

impl Session {
    /// The key of a counter that was not used.
    pub(super) fn key(&self, counter: u64) -> Result<Arc<EpochKey>, NotTaken> {
        let mut state = self.lock();
        // `welcome` took 0 of one direction, and no request has it.
        if counter == 0 || !state.window.is_new(counter) {
            return Err(NotTaken::Used);
        }
        match state.incoming.key(counter).map_err(|_| NotTaken::Failed)? {
            Lookup::Key(key) => Ok(key),
            Lookup::OutOfReach => Err(NotTaken::Used),
            Lookup::UsedUp => Err(NotTaken::EpochUsedUp),
        }
    }

    /// Takes a counter whose request was opened, and gives the key of its response.
    pub(super) fn accept(&self, now: Now, counter: u64) -> Result<Arc<EpochKey>, NotTaken> {
        let mut state = self.lock();
        let key = match state.outgoing.key(counter).map_err(|_| NotTaken::Failed)? {
            Lookup::Key(key) => key,
            Lookup::OutOfReach | Lookup::UsedUp => return Err(NotTaken::Used),
        };
        if !state.window.accept(counter) {
            return Err(NotTaken::Used);
        }
        state.incoming.advance(counter);
        state.outgoing.advance(counter);
        state.used = now.since_start;
        Ok(key)
    }

    fn is_over(&self, now: Duration, limits: &ServiceLimits) -> bool {
        now.saturating_sub(self.made) >= limits.age
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl NotTaken {
    /// Status and alert of the refusal.
    pub(super) fn refusal(&self) -> (u16, Alert) {
        match self {
            Self::Used => (409, Alert::IllegalParameter),
            Self::EpochUsedUp => (425, Alert::BadRecordMac),
            Self::Failed => (500, Alert::InternalError),
        }
    }
}
