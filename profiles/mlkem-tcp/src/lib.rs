//! Secure messaging over a stream: a server that listens, clients that type.
//!
//! ```text
//! client                                       server
//!        ◀── frame(pickle: KEM key, perhaps signed) ──
//!        ── frame(pickle: encapsulation, nonce, ciphertext, aad) ──▶   one a message
//!        ── … "exit" ──▶                                               the end
//! ```
//!
//! Dialect `demo-1` is what deployed Python peers speak; `docs/protocols/mlkem-tcp.md` has the bytes
//! and lists what it cannot protect. This crate names no algorithm: it asks its `Suite`.
//!
//! Where to look: [`pickle`] for the closed-subset reader, [`frame`] and [`wire`] for the messages,
//! [`public_box`] for sealing without a connection, [`trust`] for whose key it is, [`session`] for
//! the two ends without the world, [`server`] and [`client`] for their drivers, [`demo`] for the
//! scenario.

pub mod channel;
pub mod client;
pub mod config;
pub mod console;
pub mod demo;
pub mod frame;
pub mod lines;
pub mod pickle;
pub mod public_box;
pub mod server;
pub mod session;
pub mod trust;
pub mod wire;

mod system;

use pqfw_framework::registry::Plugin;

pub use system::MlkemTcp;

/// The plugin: one system.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("mlkem-tcp").system(MlkemTcp)
}

pqfw_framework::register_plugin!(plugin);
