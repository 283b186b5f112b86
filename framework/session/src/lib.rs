//! The channel: one mutually authenticated handshake and record layer for any KEM, signature, AEAD
//! and KDF, over streams, exchanges or datagrams. `docs/protocols/channel.md` is its specification.
//!
//! ```text
//!  Config ─▶ stream::connect / accept      ─▶ Secure { connection, peer, suite, exporter }
//!         ─▶ exchange::ChannelExchange     ─▶ Outcome { response, counter, peer, exporter }
//!         ─▶ exchange::ChannelService      ◀─ SecureService
//!         ─▶ datagram::Node                ─▶ Secure { channel, peer, suite, exporter }
//! ```
//!
//! | file | what is in it |
//! | --- | --- |
//! | `negotiation` | which suite two ends speak |
//! | `message`, `alert` | what travels, to the byte |
//! | `transcript`, `schedule` | what is signed, and which keys follow |
//! | `handshake` | the two ladders from `hello` to `welcome` |
//! | `record`, `channel` | an open stream: sealing, opening, new keys |
//! | `epoch`, `replay` | keys and windows by explicit counters |
//! | `stream`, `exchange` | the drivers of two deliveries |
//! | `datagram` | the machine of the third, and its driver |
//! | `compose` | from a profile to one end |
//! | `identity`, `peers`, `config`, `keylog` | who, whom, what, and a look inside |
//!
//! There is no socket, clock or generator here: they come in as arguments or as a
//! [`World`](pqfw_framework::world::World).

// The tests inside and outside share their people.
#[cfg(test)]
extern crate self as pqfw_session;

pub mod alert;
mod channel;
pub mod compose;
mod config;
pub mod datagram;
mod epoch;
mod error;
pub mod exchange;
mod handshake;
mod identity;
mod keylog;
mod message;
pub mod negotiation;
mod peers;
#[cfg(test)]
#[path = "../tests/channel/support/people.rs"]
mod people;
mod record;
pub mod replay;
mod schedule;
pub mod stream;
mod transcript;

pub use alert::Alert;
pub use config::{Config, ConfigError};
pub use error::ChannelError;
pub use identity::{Identity, PeerKey};
pub use keylog::KeyLog;
pub use peers::{InsecureAnybody, PeerCheck, PeerRefused, PinnedPeers};
pub use schedule::Exporter;
