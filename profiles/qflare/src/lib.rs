//! QFLARE: federated learning in which devices enrol, send signed updates and take the next model.
//! `docs/protocols/qflare.md` is its specification.
//!
//! | module | what is in it |
//! | --- | --- |
//! | [`aggregate`] | many devices' weights into one model, by rules that some liars cannot move |
//! | [`learning`] | devices that learn digits, and devices that lie: for the demo and the tests |
//! | [`model`] | named tensors, the files that hold them, and their hash |
//! | [`state`] | tokens, devices, rounds, updates, receipts and the audit, on any store |
//! | [`service`] | what both dialects and the operator do with a state |
//! | [`compatible`] | `qflare-1`, both ends: what deployed devices speak |
//! | [`hardened`] | `qflare-2`, both ends, on the channel |
//! | [`admin`] | the operator's side |
//! | [`keys`] | the key files of a device |
//! | [`demo`] | a server, ten devices, three liars, and what is refused |
//!
//! This crate opens no socket, reads no file and names no algorithm.

pub mod admin;
pub mod aggregate;
pub mod aggregator;
pub mod compatible;
pub mod config;
pub mod demo;
pub mod error;
pub mod hardened;
pub mod keys;
pub mod learning;
pub mod model;
pub mod service;
pub mod state;

mod crypto;
mod json;
mod system;

use pqfw_framework::registry::Plugin;

pub use system::{
    COMPATIBLE, HARDENED, Qflare, connect, connect_compatible, identity, open, operator,
};

/// The plugin: one system.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("qflare").system(Qflare)
}

pqfw_framework::register_plugin!(plugin);
