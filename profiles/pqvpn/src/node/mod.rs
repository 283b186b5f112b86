//! The machine of a node: what it is told, what it asks for, and when it wants to be asked again.
//!
//! ```text
//!  call:    S0 ─RETRY▶ (IDREQ ─IDREC▶ S0 ─RETRY▶) job ▶ S1 ─S2▶ job ▶ session, CONF until heard
//!  answer:  S0 ▶ RETRY, no state     S1 whole ▶ job ▶ S2, half open ─first frame▶ session
//!  peer:    previous ◀ current ◀ next;  keepalive, rekey, roaming, dead ▶ call again
//! ```

mod answers;
mod calls;
mod carried;
mod config;
mod error;
mod mtu;
mod paths;
mod peers;
mod records;
mod sessions;
mod targets;
mod tick;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::world::Now;

pub use config::{Config, ConfigError};
pub use error::{CallError, Refusal};

use crate::handshake::{Done, Job};
use crate::limits::FIRST_RETRY;
use crate::peer_id::PeerId;
use crate::plane::{Change, Heard};
use crate::rate::Rate;
use crate::reassembly::Reassembly;
use crate::schedule::Failed;
use crate::session::{Role, SHARD_MASK};
use crate::token::Mint;
use crate::trust::{Distrust, Verdict};
use crate::wire::{Frame, Kind};
use answers::Answers;
use calls::Call;
use carried::Carried;
use sessions::{Peer, Session};
use targets::Target;

/// What a node is told.
pub enum Input {
    /// A datagram. Anybody could have written the sender there.
    Datagram {
        /// Where it says it is from.
        from: SocketAddr,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A job was done.
    Done(Done),
    /// Keep a session with the peer at an address, for good.
    Connect {
        /// What the peer is called: trust on first use remembers it.
        name: String,
        /// Where it is.
        address: SocketAddr,
        /// Who it must be, when that is known.
        peer: Option<PeerId>,
    },
    /// Send an IP packet.
    Send {
        /// To whom.
        peer: PeerId,
        /// On which shard: one flow, one shard.
        shard: usize,
        /// The packet.
        packet: Vec<u8>,
    },
    /// The data plane has opened frames of a session, or has not.
    Heard(Heard),
    /// Make a new session with a peer.
    Rekey(PeerId),
    /// End the sessions with a peer, and call it no more.
    Drop(PeerId),
}

/// What a node asks for.
pub enum Output {
    /// Send a datagram.
    Send {
        /// Where to.
        to: SocketAddr,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// Do this somewhere, and give back what became of it. A job that is dropped is a message that
    /// was lost.
    Job(Job),
    /// Tell the data plane this, before anything that is sent after it.
    Plane(Change),
    /// Know this.
    Event(Event),
}

/// What a node tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// There is a session with a peer where there was none.
    Up {
        /// Who.
        peer: PeerId,
        /// How it is trusted: where [`Verdict::is_first_use`], it gets no addresses.
        standing: Verdict,
        /// Which end this is.
        role: Role,
        /// Where it is.
        endpoint: SocketAddr,
    },
    /// A session has followed another.
    Rekeyed {
        /// Who.
        peer: PeerId,
        /// Which end this is.
        role: Role,
    },
    /// An IP packet from a peer.
    Packet {
        /// From whom.
        peer: PeerId,
        /// The packet.
        packet: Vec<u8>,
    },
    /// A peer has answered at another address.
    Moved {
        /// Who.
        peer: PeerId,
        /// Where it is.
        endpoint: SocketAddr,
    },
    /// The way to a peer carries datagrams of that many bytes, and no more is known.
    Carries {
        /// Who.
        peer: PeerId,
        /// The bytes of a datagram: 32 more than those of the IP packet in it.
        datagram: usize,
    },
    /// A peer has not answered for too long.
    Dead {
        /// Who.
        peer: PeerId,
    },
    /// The sessions with a peer were ended, by it or by us.
    Closed {
        /// Who.
        peer: PeerId,
    },
    /// Somebody has called, and is not trusted. Whether it is who it says was not looked at.
    Refused {
        /// Who it says it is.
        peer: PeerId,
        /// From where.
        endpoint: SocketAddr,
        /// Why.
        why: Distrust,
    },
    /// A call came to nothing. A peer that is wanted is called again.
    CallFailed {
        /// Whom, by name, if it has one.
        name: Option<String>,
        /// Whom, if that was known.
        peer: Option<PeerId>,
        /// Why.
        why: CallError,
    },
}

/// A node.
pub struct Node {
    config: Config,
    rng: Box<dyn CryptoRng + Send>,
    mint: Mint,
    slots: Reassembly,
    rate: Rate,
    answers: Answers,
    calls: BTreeMap<u32, Call>,
    targets: BTreeMap<String, Target>,
    peers: BTreeMap<PeerId, Peer>,
    sessions: BTreeMap<u32, Session>,
    carried: Carried,
    jobs: u64,
    outputs: VecDeque<Output>,
    /// Nothing is due before.
    wake: Option<Duration>,
    /// How often everything was looked at for what is due.
    #[cfg(test)]
    ticks: usize,
}

impl Node {
    /// Makes a node that has talked to nobody.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(config: Config, rng: Box<dyn CryptoRng + Send>) -> Result<Self, ConfigError> {
        let digest = config.check()?;
        Ok(Self {
            mint: Mint::new(digest.clone()),
            slots: Reassembly::default(),
            rate: Rate::new(config.handshakes_per_minute),
            answers: Answers::new(digest, config.identity.id()),
            calls: BTreeMap::new(),
            targets: BTreeMap::new(),
            peers: BTreeMap::new(),
            sessions: BTreeMap::new(),
            carried: Carried::default(),
            jobs: 0,
            outputs: VecDeque::new(),
            wake: None,
            #[cfg(test)]
            ticks: 0,
            config,
            rng,
        })
    }

    /// Who this node is.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.config.identity.id()
    }

    /// Whether packets to a peer can be sealed.
    #[must_use]
    pub fn is_up(&self, peer: PeerId) -> bool {
        let peer = self.peers.get(&peer);
        peer.is_some_and(|peer| peer.current.is_some())
    }

    /// Where a peer is.
    #[must_use]
    pub fn endpoint(&self, peer: PeerId) -> Option<SocketAddr> {
        self.peers.get(&peer).and_then(|peer| peer.endpoint)
    }

    /// Who is known: there is or was a session, or one is wanted.
    #[must_use]
    pub fn peers(&self) -> Vec<PeerId> {
        self.peers.keys().copied().collect()
    }

    /// How many sessions there are, half-open and former ones too.
    #[must_use]
    pub fn sessions(&self) -> usize {
        self.sessions.len()
    }

    /// How many messages of strangers are being put together.
    #[must_use]
    pub fn arriving(&self) -> usize {
        self.slots.len()
    }

    /// A secret bound to the present session with a peer; `None` when there is none.
    ///
    /// # Errors
    /// [`Failed`].
    pub fn export(
        &self,
        peer: PeerId,
        label: &str,
        length: usize,
    ) -> Result<Option<SecretBytes>, Failed> {
        let current = self.peers.get(&peer).and_then(|peer| peer.current);
        let session = current.and_then(|index| self.sessions.get(&index));
        let secret = session.map(|session| session.exporter.export(label, length));
        secret.transpose()
    }

    fn datagram(&mut self, now: Now, from: SocketAddr, bytes: Vec<u8>) -> Result<(), Refusal> {
        match Frame::read(&bytes)? {
            Frame::Data(head) => self.data(now, from, head, bytes),
            Frame::Control(head, body) => match head.kind {
                Kind::S0 => self.answer_hello(now, from, &head, &bytes, body),
                Kind::S1 => self.answer_opening(now, from, &head, &bytes, body),
                Kind::IdRequest => self.answer_record(now, from, &head, &bytes, body),
                Kind::Retry => self.call_retry(now, from, &head, body),
                Kind::IdRecord => self.call_record(now, from, &head, &bytes),
                Kind::S2 => self.call_reply(now, from, &head, &bytes),
            },
        }
    }

    fn send(&mut self, to: SocketAddr, bytes: Vec<u8>) {
        self.outputs.push_back(Output::Send { to, bytes });
    }

    fn tell(&mut self, event: Event) {
        self.carried.is_stale |= !matches!(event, Event::Packet { .. });
        self.outputs.push_back(Output::Event(event));
    }

    /// The number of the next job.
    fn job_number(&mut self) -> u64 {
        self.jobs += 1;
        self.jobs
    }

    /// An index that nobody here has: random, so that nobody can guess it, with the bits of the
    /// shard empty, and never zero.
    fn fresh_index(&mut self) -> u32 {
        loop {
            let index = self.rng.next_u32() & !SHARD_MASK;
            if self.is_free(index) {
                return index;
            }
        }
    }

    /// Whether an index may be taken: another node may have proposed it.
    fn is_free(&self, index: u32) -> bool {
        index != 0
            && index & SHARD_MASK == 0
            && !self.calls.contains_key(&index)
            && !self.sessions.contains_key(&index)
            && !self.answers.reserves(index)
    }

    /// Something is due then. Whoever sets a timer says so, so that a datagram costs no look at
    /// everybody's; one that is set later wakes too early, which harms nothing.
    fn wake_for(&mut self, moment: Option<Duration>) {
        let sooner = |moment: &Duration| self.wake.is_none_or(|wake| *moment < wake);
        self.wake = moment.filter(sooner).or(self.wake);
    }

    /// When to say something again: later each time, and never in step with others.
    fn retry_at(&mut self, at: Duration, tries: u32) -> Duration {
        let wait = FIRST_RETRY * 2_u32.saturating_pow(tries);
        let jitter = wait.mul_f64(f64::from(self.rng.next_u32() % 256) / 1024.0);
        at + wait + jitter
    }
}

impl Machine for Node {
    type Input = Input;
    type Output = Output;
    type Refusal = Refusal;

    fn handle(&mut self, now: Now, input: Input) -> Result<(), Refusal> {
        match input {
            Input::Datagram { from, bytes } => self.datagram(now, from, bytes),
            Input::Done(done) => {
                self.carried.is_stale = true;
                self.done(now, done)
            }
            Input::Connect {
                name,
                address,
                peer,
            } => self.connect(now, name, address, peer),
            Input::Send {
                peer,
                shard,
                packet,
            } => self.send_packet(now, peer, shard, packet),
            Input::Heard(heard) => {
                self.heard_there(now, &heard);
                Ok(())
            }
            Input::Rekey(peer) => self.rekey(now, peer),
            Input::Drop(peer) => self.drop_peer(now, peer),
        }
    }

    fn poll(&mut self, now: Now) -> Step<Output> {
        let is_due = self.wake.is_some_and(|wake| wake <= now.since_start);
        if is_due && self.outputs.is_empty() {
            self.tick(now);
        }
        if self.outputs.is_empty() {
            self.tell_plane();
        }
        match self.outputs.pop_front() {
            Some(output) => Step::Do(output),
            None => {
                debug_assert!(self.wakes_in_time(), "a timer was set in silence");
                Step::Wait(self.wake)
            }
        }
    }
}
