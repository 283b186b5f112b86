//! QU3: quantum-safe inference, client and server.
//!
//! ```text
//! client                                            server
//!   GET /keys                ───────────────────▶   its long-term public keys (trust on first use)
//!   POST /kem-handshake      ── KEM and sign key ▶  encapsulates: a *pending* session
//!   POST /inference          ── sealed, signed ──▶  opens, verifies, promotes, runs the model,
//!                            ◀─ sealed, attested ─  signs what it did
//!   POST /policy-update      ── sealed, signed ──▶  stores a version and enforces it
//! ```
//!
//! Dialect `qu3-1` is what deployed Python peers speak; `docs/protocols/qu3.md` has the bytes and
//! lists what it cannot protect. This crate names no algorithm: it asks its `Suite`.
//!
//! Where to look: [`wire`] for the bodies, [`session`] for the server's memory, [`server`] and
//! [`client`] for the two ends, [`policy`] for the access policies' language and [`policies`] for those
//! in force, [`demo`] for the scenario.

pub mod agent;
pub mod client;
pub mod config;
pub mod demo;
pub mod error;
pub mod governed;
pub mod hardened;
pub mod inference;
pub mod keys;
pub mod models;
pub mod policies;
pub mod policy;
pub mod server;
pub mod session;
pub mod wire;

mod crypto;
mod scene;
mod system;

use pqfw_framework::registry::Plugin;

pub use client::Qu3Client;
pub use server::Qu3Server;
pub use system::{Qu3, connect, connect_compatible};

/// The plugin: one system.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("qu3").system(Qu3)
}

pqfw_framework::register_plugin!(plugin);
