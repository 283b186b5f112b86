//! Exchanges over HTTP/1.1 (RFC 9110, RFC 9112), in the clear or under TLS 1.3.
//!
//! The protocols above protect themselves; this crate moves their requests and keeps a peer from
//! taking more than its share. hyper parses and frames, tokio waits.
//!
//! ```text
//!  TcpListener ─▶ server ─▶ connection ─▶ desk ─▶ the service, on a thread that may block
//!                 places    head, idle,   rate, body, time, panics
//!                           stop, linger
//! ```
//!
//! | limit | at the limit | file |
//! | --- | --- | --- |
//! | `connections` | further ones wait in the kernel's accept queue | `reception` |
//! | `idle_secs` | a head not complete by then, from the first byte or the last answer: closed | `connection` |
//! | `header_bytes` | 431, closed | `connection` |
//! | `per_ip_per_minute` | 429 with `retry-after`, closed | `rate` |
//! | `body_bytes` | 413, closed: by `content-length` before the body, or while it streams | `body` |
//! | `request_secs` | from the head on: 408 for the body, 503 for a free worker, 504 for the service | `answer` |
//! | `request_secs` | again, from when the peer stops taking the answer: closed | `write_deadline` |
//!
//! `reception`, `rate`, `write_deadline` and the times of a request are `pqfw_runtime::desk`, as for
//! every transport.
//!
//! With `transport.tls` URLs begin with `https://`; `request_secs` bounds the handshake.
//!
//! Refusals of this crate are JSON, `{"detail":"…"}`. The two that hyper gives before there is a
//! request (400 for no HTTP, 431) have no body. What this crate does not do: HTTP/2,
//! upgrades, compression, proxies, redirects.

mod address;
mod body;
mod client;
mod connection;
mod connector;
mod desk;
mod refusal;
mod server;
mod transport;

pub use transport::HttpTransport;

use pqfw_framework::registry::Plugin;

/// The plugin `http`: an [`HttpTransport`].
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("http").transport(HttpTransport)
}

pqfw_framework::register_plugin!(plugin);
