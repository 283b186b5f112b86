//! Channels on datagrams: handshakes whose flights travel in parts, and data that may be lost,
//! doubled or late but is accepted once (`docs/protocols/channel.md` section 6).
//!
//! ```text
//!                 handle(now, packet)                        poll(now)
//!  socket ────────────────────────────▶ Endpoint ──────────────────────▶ packets, events
//!                 connect, send, close     │  │                          or how long to wait
//!  application ────────────────────────────┘  └─ Connecting   handshakes of ours
//!                                             └─ Attempts     handshakes of others
//!                                             └─ Session      open channels
//! ```
//!
//! [`Endpoint`] is the machine, without input, output, clock or tasks. [`Node`] runs one over a
//! transport's datagrams, and whoever makes it polls its [`Driver`]:
//!
//! ```
//! # use std::{net::SocketAddr, sync::Arc, time::Duration};
//! # use pqfw_framework::{transport::Datagrams, world::World};
//! # use pqfw_session::{ChannelError, Config, datagram::{Limits, Node}};
//! async fn ask(
//!     config: Arc<Config>,
//!     socket: Arc<dyn Datagrams>,
//!     world: Arc<dyn World>,
//!     peer: SocketAddr,
//! ) -> Result<Option<Vec<u8>>, ChannelError> {
//!     let (node, driver) = Node::new(config, socket, world, Limits::initiator());
//!     tokio::spawn(driver);
//!     let opened = node.connect(peer, Duration::from_secs(10)).await?;
//!     // It may be lost, and so may the answer: what must arrive is sent until it has.
//!     opened.channel.send(b"how are you?").await?;
//!     opened.channel.receive().await
//! }
//! ```

mod accepting;
mod assembly;
mod attempts;
mod connecting;
mod endpoint;
mod node;
mod packet;
mod session;
#[cfg(test)]
mod tests;
mod token;
mod waiting;

use std::time::Duration;

pub use endpoint::{ChannelId, Endpoint, Event, Held, Output, Secured};
pub use node::{Channel, Driver, Node, Secure};
pub use session::Ending;

/// How long an attempt lives, at either end: longer than its tokens.
const ATTEMPT: Duration = Duration::from_secs(130);

/// How often a flight is sent altogether.
const SENDINGS: u32 = 7;

/// After so many whole flights that are wrong, an attempt is over.
const MOST_WRONG_FLIGHTS: u32 = 1 << 10;

/// What an end remembers at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Handshakes of others under way; 0 for an end that only connects.
    pub attempts: usize,
    /// Of them, from one address (of IPv6, from one network of 64 bits).
    pub attempts_per_address: usize,
    /// Bytes of their flights, coming and going.
    pub bytes: usize,
    /// Of them, of one address.
    pub bytes_per_address: usize,
    /// Open channels. For a new one the longest idle of the same peer goes, or the longest idle of
    /// all if that has none; a channel that somebody else began never takes the place of one of ours.
    pub sessions: usize,
    /// Of them, begun by one peer.
    pub sessions_each: usize,
    /// How long a channel may be idle.
    pub idle: Duration,
    /// How old a channel may be.
    pub age: Duration,
    /// Bytes of one datagram of data.
    pub datagram: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            attempts: 1024,
            attempts_per_address: 16,
            bytes: 8 << 20,
            bytes_per_address: 1 << 20,
            sessions: 4096,
            sessions_each: 64,
            idle: Duration::from_secs(60 * 60),
            age: Duration::from_secs(25 * 60 * 60),
            datagram: 65_535,
        }
    }
}

impl Limits {
    /// For an end that only connects: it answers nobody's handshake.
    #[must_use]
    pub fn initiator() -> Self {
        Self {
            attempts: 0,
            ..Self::default()
        }
    }
}
