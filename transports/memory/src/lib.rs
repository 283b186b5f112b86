//! A world inside one process: exchanges, streams and datagrams without sockets, an attacker on the wire, a clock that
//! moves when it is told to, and chance that a seed repeats.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `transport` | [`MemoryTransport`]: named endpoints that live inside one value |
//! | `network` | who listens under which name |
//! | `exchange` | exchanges, answered on the thread that asks |
//! | `stream`, `pipe` | streams: two bounded pipes, and a queue before the door |
//! | `interceptor` | [`Interceptor`]: passes, changes, drops, duplicates, forges and records |
//! | `datagram` | datagrams, in a queue for each endpoint |
//! | [`simulation`] | machines on a simulated network with a clock of its own, from one seed |
//! | `outside` | [`empty_outside`]: a machine without commands, and nobody at the keyboard |
//! | `seeded` | [`SeededWorld`]: a manual clock and a seeded generator, never for production |

mod datagram;
mod exchange;
mod interceptor;
mod network;
mod outside;
mod pipe;
mod seeded;
pub mod simulation;
mod stream;
mod transport;

pub use datagram::QUEUE_PACKETS;
pub use interceptor::{Crossing, Interceptor, RECORDED_CROSSINGS, RequestFate, ResponseFate};
pub use outside::empty_outside;
pub use pipe::PIPE_BYTES;
pub use seeded::SeededWorld;
pub use transport::MemoryTransport;

use pqfw_framework::registry::Plugin;

/// The plugin `memory`: a [`MemoryTransport`] of its own for every registry.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("memory").transport(MemoryTransport::new())
}

pqfw_framework::register_plugin!(plugin);
