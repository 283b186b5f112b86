//! Streams over TCP (RFC 9293), and exchanges and datagrams in frames over it.
//!
//! ```text
//!                         ┌▶ stream ───▶ the service, which reads and writes
//!  TcpDoor ─▶ reception ──┼▶ datagram ─▶ one queue of packets of all connections
//!                places   └▶ exchange ─▶ frames ─▶ desk ─▶ the service, on a thread that may block
//! ```
//!
//! Exchanges share one connection: `docs/protocols/exchange-framing.md` has the bytes.
//!
//! | limit | at the limit | file |
//! | --- | --- | --- |
//! | `connections` | further ones wait in the kernel's accept queue | `reception` |
//! | `idle_secs` | nothing asked and nothing under way, or a head not complete: closed | `exchange/server` |
//! | `header_bytes` | 431 | `frame` |
//! | `per_ip_per_minute` | 429 | `rate` |
//! | `body_bytes` | 413 | `frame` |
//! | `request_secs` | from the head on: 408 and closed, 503 for a free worker, 504 for the service | `answer` |
//! | `request_secs` | again, from when the peer stops taking answers: closed | `write_deadline` |
//! | [`IN_FLIGHT`] | requests of one connection at a time: further ones are not read | `exchange/server` |
//! | [`BODIES`] × `body_bytes` | bodies of one connection at a time: further ones are not read | `exchange/server` |
//!
//! `reception`, `rate`, `answer` and `write_deadline` are `pqfw_runtime::desk`. Streams have the
//! first limit alone, datagrams the first two. With `transport.tls` all of it goes under TLS 1.3
//! (`pqfw_tls`), whose handshake `request_secs` bounds. What this crate does not do: name a peer's
//! identity, compress.

mod datagram;
mod exchange;
pub mod frame;
mod probe;
mod socket;
mod stream;
mod transport;

pub use datagram::QUEUE_PACKETS;
pub use exchange::{BODIES, IN_FLIGHT};
pub use probe::ask;
pub use transport::TcpTransport;

use pqfw_framework::registry::Plugin;

/// The plugin `tcp`: a [`TcpTransport`].
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("tcp").transport(TcpTransport)
}

pqfw_framework::register_plugin!(plugin);

/// The scheme of this transport's URLs.
const SCHEME: &str = "tcp://";
