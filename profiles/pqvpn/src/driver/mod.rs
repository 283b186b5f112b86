//! A node at work over a transport's datagrams, on any runtime: what it asks for is sent, what comes
//! is handed to it, its jobs go to a bounded pool of threads, and its events wait for whoever asks.
//!
//! ```text
//!  Handle: connect, send, rekey, stop ─▶ ┌──────┐ ─▶ Datagrams: udp, tcp, memory
//!  Datagrams, the time, Done          ─▶ │ Node │ ─▶ Pool of threads ─▶ Done
//!                                        └──────┘ ─▶ events, one after the other
//! ```
//!
//! Nothing here grows without a limit: what finds no room is dropped and counted.

mod counts;
mod pool;
mod race;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::transport::{BoxFuture, Datagrams, Packet, TransportError};
use pqfw_framework::world::{Now, World};
use thiserror::Error;

pub use counts::{Counts, Refused};
pub(crate) use race::{First, race, within};

use crate::handshake::{Done, Job};
use crate::limits::{MOST_DATAGRAM, MOST_INBOX, MOST_WISHED_PACKETS};
use crate::node::{Config, ConfigError, Event, Input, Node, Output, Refusal};
use crate::peer_id::PeerId;
use pool::{Give, Pool};

/// So many datagrams are received at once.
const BATCH: usize = 64;

/// What a node needs of this process.
#[derive(Clone, Copy, Debug)]
pub struct Workers {
    /// Threads for handshakes.
    pub threads: usize,
    /// Handshake messages that wait for a thread or have one; more are dropped.
    pub most_jobs: usize,
}

/// A node that does not start, or does not do what it is asked.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DriverError {
    /// The operator's fault.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The operator's fault: a transport whose datagrams are too small for a handshake.
    #[error(
        "{url} carries {most} bytes at most, and a handshake needs {MOST_DATAGRAM}: take another transport"
    )]
    Small {
        /// The socket.
        url: String,
        /// What it carries.
        most: usize,
    },
    /// The machine's fault, or the operator's, who gave it no threads.
    #[error("no thread for handshakes could be started: {0}")]
    Workers(String),
    /// The node does not do that now.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The network's fault.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The node has stopped.
    #[error("the node has stopped")]
    Stopped,
}

/// A node at work. Clones are the same; when the last is dropped, it stops.
#[derive(Clone)]
pub struct Handle(Arc<Owner>);

/// The work itself: whoever starts a node spawns it, or polls it beside what it does. It ends when
/// the node is stopped or its socket is no more.
pub type Driver = BoxFuture<'static, Result<(), DriverError>>;

struct Owner(Arc<Shared>);

struct Shared {
    socket: Arc<dyn Datagrams>,
    world: Arc<dyn World>,
    state: Mutex<State>,
}

struct State {
    node: Node,
    counts: Counts,
    most_bytes: usize,
    inbox: VecDeque<Event>,
    reader: Option<Waker>,
    /// Jobs that no thread has yet, and those that are done.
    jobs: Vec<Job>,
    done: Vec<Done>,
    /// What was to be sent by somebody who could not wait.
    unsent: Vec<Packet>,
    driver: Option<Waker>,
    /// The driver has something to do.
    woken: bool,
    /// Until when the driver waits.
    waits: Option<Duration>,
    stopping: bool,
    ended: bool,
}

/// Makes a node of a socket. Nothing happens before the driver is polled.
///
/// # Errors
/// [`DriverError::Config`], [`DriverError::Small`], [`DriverError::Workers`].
pub fn start(
    config: Config,
    workers: Workers,
    socket: Arc<dyn Datagrams>,
    world: Arc<dyn World>,
) -> Result<(Handle, Driver), DriverError> {
    let most_bytes = socket.max_bytes();
    if most_bytes < MOST_DATAGRAM {
        let url = socket.url().to_owned();
        return Err(DriverError::Small {
            url,
            most: most_bytes,
        });
    }
    let shared = Arc::new(Shared {
        socket,
        state: Mutex::new(State {
            node: Node::new(config, world.rng())?,
            counts: Counts::default(),
            most_bytes,
            inbox: VecDeque::new(),
            reader: None,
            jobs: Vec::new(),
            done: Vec::new(),
            unsent: Vec::new(),
            driver: None,
            woken: false,
            waits: None,
            stopping: false,
            ended: false,
        }),
        world: world.clone(),
    });
    let to = shared.clone();
    let give: Give<Done> = Arc::new(move |done| to.done(done));
    let pool = Pool::new(workers.threads, workers.most_jobs, &world, &give);
    let pool = pool.map_err(DriverError::Workers)?;
    let driver = Box::pin(drive(shared.clone(), pool));
    Ok((Handle(Arc::new(Owner(shared))), driver))
}

impl Handle {
    /// Who this node is.
    #[must_use]
    pub fn id(&self) -> PeerId {
        self.shared().lock().node.id()
    }

    /// Where others reach it.
    #[must_use]
    pub fn url(&self) -> &str {
        self.shared().socket.url()
    }

    /// What it has done, and what it has dropped.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared().lock().counts.clone()
    }

    /// Whether packets to a peer can be sealed.
    #[must_use]
    pub fn is_up(&self, peer: PeerId) -> bool {
        self.shared().lock().node.is_up(peer)
    }

    /// Keeps a session with the peer at an address, for good.
    ///
    /// # Errors
    /// [`DriverError::Refused`], [`DriverError::Stopped`].
    pub fn connect(
        &self,
        name: &str,
        address: SocketAddr,
        peer: Option<PeerId>,
    ) -> Result<(), DriverError> {
        self.wish(Input::Connect {
            name: name.to_owned(),
            address,
            peer,
        })
    }

    /// Makes a new session with a peer.
    ///
    /// # Errors
    /// [`DriverError::Refused`], [`DriverError::Stopped`].
    pub fn rekey(&self, peer: PeerId) -> Result<(), DriverError> {
        self.wish(Input::Rekey(peer))
    }

    /// Ends the sessions with a peer, and calls it no more.
    ///
    /// # Errors
    /// [`DriverError::Refused`], [`DriverError::Stopped`].
    pub fn hang_up(&self, peer: PeerId) -> Result<(), DriverError> {
        self.wish(Input::Drop(peer))
    }

    /// Sends IP packets to a peer on a shard, and waits until the socket has them. On the way they
    /// may be lost.
    ///
    /// # Errors
    /// [`DriverError::Refused`] at the first that cannot be sealed, those before are sent;
    /// [`DriverError::Transport`], [`DriverError::Stopped`].
    pub async fn send(
        &self,
        peer: PeerId,
        shard: usize,
        packets: Vec<Vec<u8>>,
    ) -> Result<(), DriverError> {
        let shared = self.shared();
        let (refused, frames) = {
            let mut state = shared.lock();
            let now = state.begin(&*shared.world)?;
            let inputs = packets.into_iter().map(|packet| Input::Send {
                peer,
                shard,
                packet,
            });
            let mut frames = Vec::new();
            let mut refused = None;
            for input in inputs {
                if let Err(why) = state.tell(now, input, &mut frames) {
                    refused = Some(why);
                    break;
                }
            }
            state.wake_for_jobs();
            (refused, frames)
        };
        shared.socket.send(&frames).await?;
        refused.map_or(Ok(()), |why| Err(why.into()))
    }

    /// Waits for the next event; `None` when the node has stopped and everything was told.
    pub async fn next(&self) -> Option<Event> {
        poll_fn(|context| {
            let mut state = self.shared().lock();
            if let Some(event) = state.inbox.pop_front() {
                return Poll::Ready(Some(event));
            }
            if state.ended {
                return Poll::Ready(None);
            }
            state.reader = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Waits for the next events, and gives as many as are there and as are wanted; `None` when the
    /// node has stopped and everything was told.
    pub async fn next_events(&self, most: usize) -> Option<Vec<Event>> {
        let mut events = vec![self.next().await?];
        let inbox = &mut self.shared().lock().inbox;
        let more = inbox.len().min(most.saturating_sub(1));
        events.extend(inbox.drain(..more));
        Some(events)
    }

    /// Ends every session, tells the peers, and stops.
    pub fn stop(&self) {
        self.shared().stop();
    }

    fn wish(&self, input: Input) -> Result<(), DriverError> {
        let shared = self.shared();
        let mut state = shared.lock();
        let now = state.begin(&*shared.world)?;
        if state.unsent.len() >= MOST_WISHED_PACKETS {
            return Err(Refusal::Queue.into());
        }
        let mut frames = Vec::new();
        let told = state.tell(now, input, &mut frames);
        state.unsent.append(&mut frames);
        state.wake();
        told.map_err(Into::into)
    }

    fn shared(&self) -> &Shared {
        let Owner(shared) = &*self.0;
        shared
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Does the work until the node is stopped or the socket is no more.
async fn drive(shared: Arc<Shared>, pool: Pool<Done>) -> Result<(), DriverError> {
    let ended = loop {
        let (frames, stopping, waits) = shared.turn(&pool);
        if !frames.is_empty() {
            if let Err(error) = shared.socket.send(&frames).await {
                break Err(error.into());
            }
            continue;
        }
        if stopping {
            break Ok(());
        }
        match shared.wait(waits).await {
            Ok(packets) => shared.received(packets),
            Err(error) => break Err(error.into()),
        }
    };
    let mut state = shared.lock();
    state.ended = true;
    state.reader.take().into_iter().for_each(Waker::wake);
    ended
}

impl Shared {
    /// Hands the node what is done, and the pool what is to be done; gives what is to be sent.
    fn turn(&self, pool: &Pool<Done>) -> (Vec<Packet>, bool, Option<Duration>) {
        let mut state = self.lock();
        state.woken = false;
        let now = self.world.now();
        let mut frames = std::mem::take(&mut state.unsent);
        for done in std::mem::take(&mut state.done) {
            // The refusal of a result is counted.
            let _ = state.tell(now, Input::Done(done), &mut frames);
        }
        state.drain(now, &mut frames);
        for job in std::mem::take(&mut state.jobs) {
            if !pool.submit(Box::new(move |rng| job.run(rng))) {
                state.counts.jobs_dropped += 1;
            }
        }
        (frames, state.stopping, state.waits)
    }

    /// Waits for datagrams, for the time, or until somebody wants something.
    async fn wait(&self, waits: Option<Duration>) -> Result<Vec<Packet>, TransportError> {
        let mut receive = self.socket.receive(BATCH);
        let mut timer = waits.map(|moment| self.world.sleep_until(moment));
        poll_fn(|context| {
            if let Poll::Ready(received) = receive.as_mut().poll(context) {
                return Poll::Ready(received);
            }
            let timer = timer.as_mut().map(|timer| timer.as_mut().poll(context));
            let mut state = self.lock();
            state.driver = Some(context.waker().clone());
            if state.woken || timer.is_some_and(|timer| timer.is_ready()) {
                return Poll::Ready(Ok(Vec::new()));
            }
            Poll::Pending
        })
        .await
    }

    fn received(&self, packets: Vec<Packet>) {
        let mut state = self.lock();
        let now = self.world.now();
        let mut frames = Vec::new();
        for Packet { peer, bytes } in packets {
            state.counts.packets_received += 1;
            state.counts.bytes_received += count(bytes.len());
            let input = Input::Datagram { from: peer, bytes };
            // To the network a refusal is silence; it is counted.
            let _ = state.tell(now, input, &mut frames);
        }
        state.unsent.append(&mut frames);
    }

    /// A job was done, or has panicked.
    fn done(&self, done: Option<Done>) {
        let mut state = self.lock();
        match done {
            Some(done) => state.done.push(done),
            None => state.counts.jobs_panicked += 1,
        }
        state.wake();
    }

    fn stop(&self) {
        let mut state = self.lock();
        let now = self.world.now();
        let mut frames = Vec::new();
        for peer in state.node.peers() {
            let _ = state.tell(now, Input::Drop(peer), &mut frames);
        }
        state.unsent.append(&mut frames);
        state.stopping = true;
        state.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked held nothing half changed: every step ends in a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn begin(&self, world: &dyn World) -> Result<Now, DriverError> {
        match self.stopping || self.ended {
            true => Err(DriverError::Stopped),
            false => Ok(world.now()),
        }
    }

    /// Tells the node something, and takes everything that it says to it.
    fn tell(&mut self, now: Now, input: Input, frames: &mut Vec<Packet>) -> Result<(), Refusal> {
        let told = self.node.handle(now, input);
        if let Err(why) = &told {
            self.counts.refuse(why);
        }
        self.drain(now, frames);
        told
    }

    fn drain(&mut self, now: Now, frames: &mut Vec<Packet>) {
        loop {
            match self.node.poll(now) {
                Step::Do(Output::Send { to, bytes }) if bytes.len() <= self.most_bytes => {
                    self.counts.packets_sent += 1;
                    self.counts.bytes_sent += count(bytes.len());
                    frames.push(Packet { peer: to, bytes });
                }
                Step::Do(Output::Send { .. }) => self.counts.too_large += 1,
                Step::Do(Output::Job(job)) => self.jobs.push(job),
                Step::Do(Output::Event(event)) => self.note(event),
                Step::Wait(until) => {
                    let sooner = |until| self.waits.is_none_or(|waits| until < waits);
                    if until.is_some_and(sooner) {
                        self.wake();
                    }
                    self.waits = until;
                    return;
                }
            }
        }
    }

    /// Keeps an event for whoever asks. Packets leave room for what else there is to tell.
    fn note(&mut self, event: Event) {
        let room = match &event {
            Event::Packet { .. } => MOST_INBOX / 2,
            _ => MOST_INBOX,
        };
        if matches!(event, Event::Rekeyed { .. }) {
            self.counts.rekeys += 1;
        }
        if self.inbox.len() >= room {
            self.counts.untaken += 1;
            return;
        }
        self.inbox.push_back(event);
        self.reader.take().into_iter().for_each(Waker::wake);
    }

    fn wake_for_jobs(&mut self) {
        if !self.jobs.is_empty() {
            self.wake();
        }
    }

    fn wake(&mut self) {
        self.woken = true;
        self.driver.take().into_iter().for_each(Waker::wake);
    }
}

fn count(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}
