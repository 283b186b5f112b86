//! The machine: handshakes and channels of one socket, without the socket.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::transport::Packet;
use pqfw_framework::world::Now;

use super::attempts::Attempts;
use super::connecting::{Connecting, Outcome};
use super::packet::{ANSWER, Datagram, FINISH, HELLO, Part, Sealed, SessionId, WELCOME};
use super::session::{Ending, Received, Session};
use super::{ATTEMPT, Limits};
use crate::alert::Alert;
use crate::config::Config;
use crate::error::{ChannelError, refused};
use crate::handshake::Opened;
use crate::schedule::Exporter;

type Result<T> = std::result::Result<T, ChannelError>;

/// The machine of one socket's channels.
///
/// After each call [`Machine::poll`] is asked until it says how long to wait.
pub struct Endpoint {
    config: Arc<Config>,
    limits: Limits,
    rng: Box<dyn CryptoRng + Send>,
    attempts: Attempts,
    connecting: BTreeMap<ChannelId, Connecting>,
    sessions: BTreeMap<ChannelId, Session>,
    names: BTreeMap<(SocketAddr, SessionId), ChannelId>,
    next: u64,
    /// What the last call led to: [`Machine::poll`] takes it out.
    outputs: VecDeque<Output>,
    /// Nothing is over before this.
    sweep: Option<Duration>,
}

/// A channel of an endpoint, from the first hello on. None is given twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChannelId(u64);

/// What an endpoint asks to be done.
pub enum Output {
    /// Send this.
    Send(Packet),
    /// Tell the application.
    Tell(Event),
}

/// What an application learns.
pub enum Event {
    /// A channel is open: one of ours, or somebody else's.
    Opened(Box<Secured>),
    /// Data came, once.
    Data(ChannelId, Vec<u8>),
    /// A handshake of ours has failed.
    Failed(ChannelId, ChannelError),
    /// An open channel is over.
    Ended(ChannelId, Ending),
}

/// An open channel, and who is at its other end.
pub struct Secured {
    /// Its number.
    pub id: ChannelId,
    /// Where the peer is.
    pub address: SocketAddr,
    /// Who it has proved to be.
    pub peer: Fingerprint,
    /// The names of the peer's policy, as it said them.
    pub peer_policy: String,
    /// The name of the suite.
    pub suite: String,
    /// Secrets bound to this channel.
    pub exporter: Exporter,
}

/// How much an endpoint remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Handshakes of others.
    pub attempts: usize,
    /// Bytes of their flights.
    pub bytes: usize,
    /// Handshakes of ours.
    pub connecting: usize,
    /// Open channels.
    pub sessions: usize,
}

impl Endpoint {
    /// Makes an endpoint that remembers no more than this. All its randomness is `rng`'s.
    #[must_use]
    pub fn new(config: Arc<Config>, mut rng: Box<dyn CryptoRng + Send>, limits: Limits) -> Self {
        Self {
            attempts: Attempts::new(&config, limits, &mut *rng),
            config,
            limits,
            rng,
            connecting: BTreeMap::new(),
            sessions: BTreeMap::new(),
            names: BTreeMap::new(),
            next: 0,
            outputs: VecDeque::new(),
            sweep: None,
        }
    }

    /// Begins a handshake. [`Event::Opened`] or [`Event::Failed`] tells how it ended.
    ///
    /// # Errors
    /// [`ChannelError::Primitive`].
    pub fn connect(&mut self, now: Now, peer: SocketAddr) -> Result<ChannelId> {
        let connecting = Connecting::start(&self.config, peer, now, &mut *self.rng)?;
        let id = self.number();
        self.connecting.insert(id, connecting);
        Ok(id)
    }

    /// Why a handshake that is under way has got nowhere yet, as far as anybody said. Anybody
    /// could have said it.
    #[must_use]
    pub fn refusal(&self, id: ChannelId) -> Option<&ChannelError> {
        self.connecting.get(&id)?.refusal.as_ref()
    }

    /// Sends data: at most once, and perhaps never, it arrives.
    ///
    /// # Errors
    /// [`ChannelError::Closed`] when the channel is over, or is one of ours and so old that a new
    /// one is to be made; [`ChannelError::TooLong`].
    pub fn send(&mut self, now: Now, id: ChannelId, data: &[u8]) -> Result<()> {
        let session = self.sessions.get_mut(&id).ok_or(ChannelError::Closed)?;
        if session.ending(now, &self.limits).is_some() {
            return Err(ChannelError::Closed);
        }
        let (field, got) = ("data of a datagram", data.len());
        let limit = session.most_content(self.limits.datagram);
        if got > limit {
            return Err(ChannelError::TooLong { field, got, limit });
        }
        let packet = session.data(now, data)?;
        self.outputs.push_back(Output::Send(packet));
        Ok(())
    }

    /// How much data fits into a datagram of that size.
    #[must_use]
    pub fn most_data(&self, id: ChannelId, datagram: usize) -> Option<usize> {
        let datagram = datagram.min(self.limits.datagram);
        Some(self.sessions.get(&id)?.most_content(datagram))
    }

    /// Ends a channel and tells the peer, who may not hear it, or gives a handshake up. There is
    /// no event.
    pub fn close(&mut self, now: Now, id: ChannelId) {
        self.connecting.remove(&id);
        if let Some(mut session) = self.forget(id)
            && let Ok(packet) = session.close_notify(now)
        {
            self.outputs.push_back(Output::Send(packet));
        }
    }

    /// Takes a datagram. What is not as it should be is dropped.
    pub fn receive(&mut self, now: Now, from: SocketAddr, bytes: &[u8]) {
        let mut out = Vec::new();
        match Datagram::read(bytes) {
            Some(Datagram::Part(part)) if matches!(part.flight, HELLO | FINISH) => {
                let rng = &mut *self.rng;
                let opened = self.attempts.part(now, rng, from, &part, &mut out);
                if self.attempts.held().0 > 0 {
                    self.expect(Some(now.since_start.saturating_add(ATTEMPT)));
                }
                if let Some(opened) = opened {
                    let id = self.number();
                    // A session's name is random: one that is known has been drawn twice.
                    let _ = self.open(now, id, from, *opened);
                }
            }
            Some(Datagram::Part(part)) if matches!(part.flight, ANSWER | WELCOME) => {
                self.answer(now, from, &part);
            }
            Some(Datagram::Demand(name, token)) => {
                let ours = self.connecting.values_mut();
                for connecting in ours.filter(|c| c.peer == from && c.knows(&name)) {
                    connecting.demand(&name, token, &mut out);
                }
            }
            Some(Datagram::Sealed(sealed)) => self.data(now, from, &sealed),
            Some(Datagram::Part(_)) | None => {}
        }
        self.outputs.extend(out.into_iter().map(Output::Send));
    }

    /// How much is remembered.
    #[must_use]
    pub fn held(&self) -> Held {
        let (attempts, bytes) = self.attempts.held();
        Held {
            attempts,
            bytes,
            connecting: self.connecting.len(),
            sessions: self.sessions.len(),
        }
    }

    fn number(&mut self) -> ChannelId {
        self.next += 1;
        ChannelId(self.next)
    }

    fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Tell(event));
    }

    /// A part of a flight that answers one of ours.
    fn answer(&mut self, now: Now, from: SocketAddr, part: &Part<'_>) {
        let mut ours = self.connecting.iter_mut();
        let found = ours.find(|(_, c)| c.peer == from && c.knows(&part.attempt));
        let Some((&id, connecting)) = found else {
            return;
        };
        let ended = match connecting.part(now, &mut *self.rng, part) {
            Outcome::Waits => return,
            Outcome::Opened(opened) => self.open(now, id, from, *opened),
            Outcome::Over(error) => Err(error),
        };
        self.connecting.remove(&id);
        if let Err(error) = ended {
            self.tell(Event::Failed(id, error));
        }
    }

    /// Goes on with a handshake that has finished.
    fn open(&mut self, now: Now, id: ChannelId, from: SocketAddr, opened: Opened) -> Result<()> {
        let Some((session, about)) = Session::new(opened, from, now) else {
            return refused(Alert::IllegalParameter, "a session of another length");
        };
        let name = (from, session.id);
        if self.names.contains_key(&name) {
            return refused(Alert::IllegalParameter, "a session that is open already");
        }
        if !self.make_room(now, &session) {
            return refused(Alert::InternalError, "no room for another session");
        }
        self.expect(Some(session.due(&self.limits)));
        self.names.insert(name, id);
        self.sessions.insert(id, session);
        self.tell(Event::Opened(Box::new(Secured {
            id,
            address: from,
            peer: about.peer.fingerprint().clone(),
            peer_policy: about.peer_policy,
            suite: about.name,
            exporter: about.exporter,
        })));
        Ok(())
    }

    fn data(&mut self, now: Now, from: SocketAddr, sealed: &Sealed<'_>) {
        let Some(&id) = self.names.get(&(from, sealed.session)) else {
            return;
        };
        let Some(session) = self.sessions.get_mut(&id) else {
            return;
        };
        let received = match session.ending(now, &self.limits) {
            Some(ending) => Some(Received::Ended(ending)),
            None => session.open(now, sealed),
        };
        match received {
            Some(Received::Data(data)) => self.tell(Event::Data(id, data)),
            Some(Received::Ended(ending)) => self.end(now, id, ending),
            None => {}
        }
    }

    /// Makes room for a session: for one that somebody else began, in the place of another of the
    /// same peer if it has as many as it may, or has any and there is no room at all. Nobody who came
    /// to us takes the place of one whom we went to.
    fn make_room(&mut self, now: Now, session: &Session) -> bool {
        let kept = self.sessions.iter();
        let kept = kept.filter(|(_, s)| s.is_accepted() || !session.is_accepted());
        let own = kept.clone().filter(|(_, s)| s.identity == session.identity);
        let crowded = session.is_accepted() && own.clone().count() >= self.limits.sessions_each;
        if !crowded && self.sessions.len() < self.limits.sessions.max(1) {
            return true;
        }
        let idlest = |(_, s): &(&ChannelId, &Session)| s.used();
        let goes = own.min_by_key(idlest).or_else(|| kept.min_by_key(idlest));
        let Some(id) = goes.map(|(id, _)| *id) else {
            return false;
        };
        self.end(now, id, Ending::Displaced);
        true
    }

    /// Forgets a session, and tells the application and, unless it knows, the peer.
    fn end(&mut self, now: Now, id: ChannelId, ending: Ending) {
        let Some(mut session) = self.forget(id) else {
            return;
        };
        let knows = match &ending {
            Ending::Closed | Ending::Failed(ChannelError::RefusedByPeer { .. }) => true,
            Ending::Failed(_) | Ending::Idle | Ending::Old | Ending::Displaced => false,
        };
        // Without a key to say it with, nothing is said.
        if !knows && let Ok(packet) = session.close_notify(now) {
            self.outputs.push_back(Output::Send(packet));
        }
        self.tell(Event::Ended(id, ending));
    }

    fn forget(&mut self, id: ChannelId) -> Option<Session> {
        let session = self.sessions.remove(&id)?;
        self.names.remove(&(session.peer, session.id));
        Some(session)
    }

    /// Makes sure that what is over is looked for at that moment.
    fn expect(&mut self, due: Option<Duration>) {
        self.sweep = self.sweep.into_iter().chain(due).min();
    }

    /// Does what time asks for.
    fn tick(&mut self, now: Now) {
        let mut out = Vec::new();
        let mut over = Vec::new();
        for (id, connecting) in &mut self.connecting {
            let due = connecting.due();
            if due.is_some_and(|due| due <= now.since_start)
                && let Err(error) = connecting.tick(now, &mut out)
            {
                over.push((*id, error));
            }
        }
        self.outputs.extend(out.into_iter().map(Output::Send));
        for (id, error) in over {
            self.connecting.remove(&id);
            self.tell(Event::Failed(id, error));
        }
        if self.sweep.is_some_and(|sweep| sweep <= now.since_start) {
            self.sweep(now);
        }
    }

    /// Forgets what is over, and sees when the next will be.
    fn sweep(&mut self, now: Now) {
        self.attempts.sweep(now);
        let limits = &self.limits;
        let ended = self.sessions.iter().filter_map(|(id, session)| {
            let ending = session.ending(now, limits)?;
            Some((*id, ending))
        });
        for (id, ending) in ended.collect::<Vec<_>>() {
            self.end(now, id, ending);
        }
        let dues = self
            .sessions
            .values()
            .map(|session| session.due(&self.limits));
        self.sweep = dues.chain(self.attempts.due()).min();
    }
}

/// Packets in, packets and events out; what the application wants are calls of their own.
impl Machine for Endpoint {
    type Input = Packet;
    type Output = Output;
    type Refusal = Infallible;

    fn handle(&mut self, now: Now, packet: Packet) -> std::result::Result<(), Infallible> {
        self.receive(now, packet.peer, &packet.bytes);
        Ok(())
    }

    fn poll(&mut self, now: Now) -> Step<Output> {
        if self.outputs.is_empty() {
            self.tick(now);
        }
        match self.outputs.pop_front() {
            Some(output) => Step::Do(output),
            None => {
                let dues = self.connecting.values().filter_map(Connecting::due);
                Step::Wait(dues.chain(self.sweep).min())
            }
        }
    }
}
