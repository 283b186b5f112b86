//! An endpoint over a transport's datagrams: what it asks for is sent, what comes is handed to it,
//! and its events wait for whoever asks.

use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::transport::{BoxFuture, Datagrams, Packet};
use pqfw_framework::world::{Now, World};

use super::Limits;
use super::endpoint::{ChannelId, Endpoint, Event, Output, Secured};
use super::session::Ending;
use super::waiting::Waiting;
use crate::config::Config;
use crate::error::ChannelError;
use crate::schedule::Exporter;

type Result<T> = std::result::Result<T, ChannelError>;

/// Opens and accepts channels on one datagram socket. Clones are the same node.
#[derive(Clone)]
pub struct Node(Arc<Handle>);

/// The work of a node: whoever has the node spawns it or polls it beside what it does. It ends when
/// the node and its channels are dropped, or with the socket.
pub type Driver = BoxFuture<'static, Result<()>>;

/// An open channel, and who is at its other end.
pub struct Secure {
    /// Data, both ways.
    pub channel: Channel,
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

/// The two directions of an open channel. Dropped, it is closed.
pub struct Channel {
    node: Arc<Handle>,
    id: ChannelId,
}

/// What is received waits in a queue of so many, and so many bytes; more is lost, as on the way.
const MOST_WAITING: usize = 1024;
const MOST_WAITING_BYTES: usize = 1 << 20;

/// In the queues of all channels of a node no more bytes wait than this.
const MOST_WAITING_OF_ALL: usize = 64 << 20;

/// Channels that nobody has accepted yet; more are closed.
const MOST_UNACCEPTED: usize = 128;

/// So many packets are received at once.
const BATCH: usize = 64;

/// Whoever holds one wants the driver to go on.
struct Handle(Arc<Shared>);

struct Shared {
    socket: Arc<dyn Datagrams>,
    world: Arc<dyn World>,
    state: Mutex<State>,
}

struct State {
    endpoint: Endpoint,
    connecting: BTreeMap<ChannelId, Connecting>,
    channels: BTreeMap<ChannelId, Inbox>,
    /// The bytes that wait in them.
    waiting_bytes: usize,
    accepted: VecDeque<Secured>,
    acceptors: Waiting,
    /// What was to be sent by somebody who could not wait.
    unsent: Vec<Packet>,
    driver: Option<Waker>,
    /// The driver has something to do.
    woken: bool,
    /// Until when the driver waits.
    waits: Option<Duration>,
    deserted: bool,
    failure: Option<ChannelError>,
}

#[derive(Default)]
struct Connecting {
    ended: Option<Result<Secured>>,
    waiting: Waiting,
}

#[derive(Default)]
struct Inbox {
    data: VecDeque<Vec<u8>>,
    bytes: usize,
    ended: Option<Ending>,
    waiting: Waiting,
}

impl Node {
    /// Makes a node of a socket, which takes packets of 1 134 bytes at least. Nothing happens before
    /// its driver is polled.
    #[must_use]
    pub fn new(
        config: Arc<Config>,
        socket: Arc<dyn Datagrams>,
        world: Arc<dyn World>,
        limits: Limits,
    ) -> (Self, Driver) {
        let limits = Limits {
            datagram: limits.datagram.min(socket.max_bytes()),
            ..limits
        };
        let endpoint = Endpoint::new(config, world.rng(), limits);
        let shared = Arc::new(Shared {
            socket,
            world,
            state: Mutex::new(State::new(endpoint)),
        });
        let driver = Box::pin(drive(shared.clone()));
        (Self(Arc::new(Handle(shared))), driver)
    }

    /// Opens a channel, and gives up after `within`.
    ///
    /// # Errors
    /// [`ChannelError`]: what the last refusal said, though anybody could have said it, or
    /// [`ChannelError::TimedOut`].
    pub async fn connect(&self, peer: SocketAddr, within: Duration) -> Result<Secure> {
        let shared = &self.0.0;
        let (begun, packets) = shared.act(|state, now| {
            let id = state.endpoint.connect(now, peer)?;
            state.connecting.insert(id, Connecting::default());
            Ok::<_, ChannelError>(id)
        });
        let given_up = GivenUp { shared, id: begun? };
        let id = given_up.id;
        shared.socket.send(&packets).await?;
        let end = shared.world.now().since_start.saturating_add(within);
        let mut limit = shared.world.sleep_until(end);
        let secured = poll_fn(|context| {
            if let Poll::Ready(ended) = shared.lock().poll_connected(id, context) {
                return Poll::Ready(ended);
            }
            limit.as_mut().poll(context).map(|()| {
                let millis = within.as_millis();
                let refusal = shared.lock().endpoint.refusal(id).cloned();
                Err(refusal.unwrap_or(ChannelError::TimedOut { millis }))
            })
        });
        let secured = secured.await?;
        std::mem::forget(given_up);
        shared.lock().connecting.remove(&id);
        Ok(self.secure(secured))
    }

    /// Waits for a channel that somebody else has opened.
    ///
    /// # Errors
    /// [`ChannelError::Transport`] when the socket is no more, [`ChannelError::Closed`] when the
    /// driver is gone.
    pub async fn accept(&self) -> Result<Secure> {
        let secured = poll_fn(|context| {
            let mut state = self.0.0.lock();
            if let Some(secured) = state.accepted.pop_front() {
                return Poll::Ready(Ok(secured));
            }
            if let Some(failure) = &state.failure {
                return Poll::Ready(Err(failure.clone()));
            }
            state.acceptors.add(context);
            Poll::Pending
        });
        secured.await.map(|secured| self.secure(secured))
    }

    fn secure(&self, secured: Secured) -> Secure {
        Secure {
            channel: Channel {
                node: self.0.clone(),
                id: secured.id,
            },
            address: secured.address,
            peer: secured.peer,
            peer_policy: secured.peer_policy,
            suite: secured.suite,
            exporter: secured.exporter,
        }
    }
}

impl Channel {
    /// Sends data: at most once, and perhaps never, it arrives.
    ///
    /// # Errors
    /// [`ChannelError::Closed`] when the channel is over, or a day old and to be made anew;
    /// [`ChannelError::TooLong`]; [`ChannelError::Transport`].
    pub async fn send(&self, data: &[u8]) -> Result<()> {
        let shared = &self.node.0;
        let (sealed, packets) = shared.act(|state, now| state.endpoint.send(now, self.id, data));
        shared.socket.send(&packets).await?;
        sealed
    }

    /// Waits for data; `None` when the peer has closed the channel.
    ///
    /// # Errors
    /// [`ChannelError`]: why the channel is over.
    pub async fn receive(&self) -> Result<Option<Vec<u8>>> {
        poll_fn(|context| {
            let mut state = self.node.0.lock();
            let state = &mut *state;
            let failure = state.failure.clone();
            let Some(inbox) = state.channels.get_mut(&self.id) else {
                return Poll::Ready(Err(ChannelError::Closed));
            };
            if let Some(data) = inbox.data.pop_front() {
                inbox.bytes -= data.len();
                state.waiting_bytes -= data.len();
                return Poll::Ready(Ok(Some(data)));
            }
            match (&inbox.ended, failure) {
                (Some(Ending::Closed), _) => return Poll::Ready(Ok(None)),
                (Some(Ending::Failed(error)), _) => return Poll::Ready(Err(error.clone())),
                (Some(_), _) => return Poll::Ready(Err(ChannelError::Closed)),
                (None, Some(failure)) => return Poll::Ready(Err(failure)),
                (None, None) => {}
            }
            inbox.waiting.add(context);
            Poll::Pending
        })
        .await
    }

    /// How much data fits into one datagram of that size; 1 200 bytes pass everywhere.
    #[must_use]
    pub fn most_data(&self, datagram: usize) -> usize {
        let state = self.node.0.lock();
        state.endpoint.most_data(self.id, datagram).unwrap_or(0)
    }

    /// Ends the channel and tells the peer, who may not hear it.
    ///
    /// # Errors
    /// [`ChannelError::Transport`]; the channel is over all the same.
    pub async fn close(self) -> Result<()> {
        let shared = self.node.0.clone();
        let ((), packets) = shared.act(|state, now| state.close(now, self.id));
        shared.socket.send(&packets).await?;
        Ok(())
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.node
            .0
            .act_later(|state, now| state.close(now, self.id));
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.act_later(|state, _| state.deserted = true);
    }
}

/// A handshake whose caller went away.
struct GivenUp<'a> {
    shared: &'a Shared,
    id: ChannelId,
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        self.shared.act_later(|state, now| {
            state.connecting.remove(&self.id);
            state.close(now, self.id);
        });
    }
}

/// Does the work until nobody wants it or the socket is no more.
async fn drive(shared: Arc<Shared>) -> Result<()> {
    let gone = Gone(&shared);
    let ended: Result<()> = loop {
        let ((), packets) = shared.act(|state, _| state.woken = false);
        if !packets.is_empty() {
            if let Err(error) = shared.socket.send(&packets).await {
                break Err(error.into());
            }
            continue;
        }
        let (deserted, waits) = {
            let state = shared.lock();
            (state.deserted, state.waits)
        };
        if deserted {
            break Ok(());
        }
        let mut receive = shared.socket.receive(BATCH);
        let mut timer = waits.map(|moment| shared.world.sleep_until(moment));
        let received = poll_fn(|context| {
            if let Poll::Ready(received) = receive.as_mut().poll(context) {
                return Poll::Ready(received);
            }
            let timer = timer.as_mut().map(|timer| timer.as_mut().poll(context));
            let mut state = shared.lock();
            state.driver = Some(context.waker().clone());
            if state.woken || timer.is_some_and(|timer| timer.is_ready()) {
                return Poll::Ready(Ok(Vec::new()));
            }
            Poll::Pending
        });
        match received.await {
            Ok(packets) => {
                let mut state = shared.lock();
                let now = shared.world.now();
                for packet in packets {
                    let Ok(()) = state.endpoint.handle(now, packet);
                }
            }
            Err(error) => break Err(error.into()),
        }
    };
    if let Err(error) = &ended {
        shared.lock().fail(error.clone());
    }
    drop(gone);
    ended
}

/// Tells everybody that the driver has ended, by itself or by being dropped.
struct Gone<'a>(&'a Shared);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        self.0.lock().fail(ChannelError::Closed);
    }
}

impl Shared {
    /// Does something with the endpoint, and gives what is to be sent.
    fn act<T>(&self, act: impl FnOnce(&mut State, Now) -> T) -> (T, Vec<Packet>) {
        let mut state = self.lock();
        let now = self.world.now();
        let done = act(&mut state, now);
        (done, state.drain(now))
    }

    /// Does something whose packets the driver sends.
    fn act_later(&self, act: impl FnOnce(&mut State, Now)) {
        let mut state = self.lock();
        let now = self.world.now();
        act(&mut state, now);
        let packets = state.drain(now);
        state.unsent.extend(packets);
        state.wake();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whoever panicked held nothing half changed: every step ends in a whole state.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            connecting: BTreeMap::new(),
            channels: BTreeMap::new(),
            waiting_bytes: 0,
            accepted: VecDeque::new(),
            acceptors: Waiting::default(),
            unsent: Vec::new(),
            driver: None,
            woken: false,
            waits: None,
            deserted: false,
            failure: None,
        }
    }

    /// Hands events to those who wait for them, and gives what is to be sent.
    fn drain(&mut self, now: Now) -> Vec<Packet> {
        let mut packets = std::mem::take(&mut self.unsent);
        loop {
            match self.endpoint.poll(now) {
                Step::Do(Output::Send(packet)) => packets.push(packet),
                Step::Do(Output::Tell(event)) => self.tell(now, event),
                Step::Wait(until) => {
                    let sooner = |until| self.waits.is_none_or(|waits| until < waits);
                    if until.is_some_and(sooner) {
                        self.wake();
                    }
                    self.waits = until;
                    return packets;
                }
            }
        }
    }

    fn tell(&mut self, now: Now, event: Event) {
        match event {
            Event::Opened(secured) => self.opened(now, *secured),
            Event::Failed(id, error) => self.connected(id, Err(error)),
            Event::Data(id, data) => {
                if let Some(inbox) = self.channels.get_mut(&id)
                    && inbox.data.len() < MOST_WAITING
                    && inbox.bytes + data.len() <= MOST_WAITING_BYTES
                    && self.waiting_bytes + data.len() <= MOST_WAITING_OF_ALL
                {
                    inbox.bytes += data.len();
                    self.waiting_bytes += data.len();
                    inbox.data.push_back(data);
                    inbox.waiting.wake();
                }
            }
            Event::Ended(id, ending) => {
                if let Some(inbox) = self.channels.get_mut(&id) {
                    inbox.ended = Some(ending);
                    inbox.waiting.wake();
                }
            }
        }
    }

    fn opened(&mut self, now: Now, secured: Secured) {
        let id = secured.id;
        self.channels.insert(id, Inbox::default());
        if self.connecting.contains_key(&id) {
            self.connected(id, Ok(secured));
        } else if self.accepted.len() < MOST_UNACCEPTED {
            self.accepted.push_back(secured);
            self.acceptors.wake();
        } else {
            self.close(now, id);
        }
    }

    fn connected(&mut self, id: ChannelId, ended: Result<Secured>) {
        if let Some(connecting) = self.connecting.get_mut(&id) {
            connecting.ended = Some(ended);
            connecting.waiting.wake();
        }
    }

    fn poll_connected(&mut self, id: ChannelId, context: &Context<'_>) -> Poll<Result<Secured>> {
        let Some(connecting) = self.connecting.get_mut(&id) else {
            return Poll::Ready(Err(ChannelError::Closed));
        };
        if let Some(ended) = connecting.ended.take() {
            return Poll::Ready(ended);
        }
        if let Some(failure) = &self.failure {
            return Poll::Ready(Err(failure.clone()));
        }
        connecting.waiting.add(context);
        Poll::Pending
    }

    fn close(&mut self, now: Now, id: ChannelId) {
        if let Some(inbox) = self.channels.remove(&id) {
            self.waiting_bytes -= inbox.bytes;
        }
        self.endpoint.close(now, id);
    }

    fn wake(&mut self) {
        self.woken = true;
        self.driver.take().into_iter().for_each(Waker::wake);
    }

    /// Tells everybody that the driver is gone.
    fn fail(&mut self, failure: ChannelError) {
        self.failure.get_or_insert(failure);
        self.acceptors.wake();
        for inbox in self.channels.values_mut() {
            inbox.waiting.wake();
        }
        for connecting in self.connecting.values_mut() {
            connecting.waiting.wake();
        }
    }
}
