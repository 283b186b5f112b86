//! Exchanges, streams and datagrams over QUIC (RFC 9000, RFC 9221).
//!
//! quinn speaks QUIC; its TLS is `pqfw_tls`, so that key exchange and signatures are the
//! registry's. Bytes and limits are in `docs/protocols/quic.md`.
//!
//! ```text
//!            ┌─ exchange   one bidirectional stream of a shared connection for each exchange
//!  endpoint ─┼─ stream     one bidirectional stream on a connection of its own
//!            └─ datagram   datagrams of one connection for each peer
//! ```
//!
//! What ends without having been ended is reset: see `sending`. What this crate does not do:
//! early data, migration of servers, unidirectional streams, HTTP/3.

mod datagram;
mod endpoint;
mod exchange;
mod probe;
mod sending;
mod stream;
mod transport;

pub use probe::ask;
pub use transport::QuicTransport;

use pqfw_framework::registry::Plugin;

/// The plugin `quic`: a [`QuicTransport`].
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("quic").transport(QuicTransport)
}

pqfw_framework::register_plugin!(plugin);

/// The scheme of this transport's URLs.
const SCHEME: &str = "quic://";
