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

mod carrier;
mod counts;
mod handle;
mod pool;
mod race;
mod state;
mod work;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::task::Waker;
use std::time::Duration;

use pqfw_framework::transport::{BoxFuture, DatagramPath, Datagrams, Packet, TransportError};
use pqfw_framework::world::World;
use thiserror::Error;

pub use carrier::Carrier;
pub use counts::{Counts, Refused};
pub(crate) use race::{First, race, within};

use counts::Carried;

use crate::handshake::{Done, Job};
use crate::limits::MOST_DATAGRAM;
use crate::node::{Config, ConfigError, Event, Node, Refusal};
use crate::plane::Plane;
use crate::wire::DATA_MARK;
use pool::{Give, Pool};
use work::drive;

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
    /// What carries packets beside the node, and the socket's way for it.
    carries: Option<(Arc<Plane>, Arc<dyn DatagramPath>)>,
    carried: Carried,
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
    plane: Option<Arc<Plane>>,
}

/// Makes a node of a socket. Nothing happens before the driver is polled. A node whose packets are
/// to be [carried](Config::carried) beside it carries them itself where the socket has no way for
/// threads; else frames of data wait apart from those of handshakes, and no flood of these loses any.
///
/// # Errors
/// [`DriverError::Config`], [`DriverError::Small`], [`DriverError::Workers`], and
/// [`DriverError::Transport`] where the socket has such a way and the system refuses it.
pub fn start(
    mut config: Config,
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
    let path = if config.carried {
        socket.path(DATA_MARK)?
    } else {
        None
    };
    config.carried = path.is_some();
    let carries = path.map(|path| (Arc::<Plane>::default(), path));
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
            plane: carries.as_ref().map(|(plane, _)| plane.clone()),
        }),
        carries,
        carried: Carried::default(),
        world: world.clone(),
    });
    let to = shared.clone();
    let give: Give<Done> = Arc::new(move |done| to.done(done));
    let pool = Pool::new(workers.threads, workers.most_jobs, &world, &give);
    let pool = pool.map_err(DriverError::Workers)?;
    let driver = Box::pin(drive(shared.clone(), pool));
    Ok((Handle(Arc::new(Owner(shared))), driver))
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.stop();
    }
}
