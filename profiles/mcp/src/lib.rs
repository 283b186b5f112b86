//! The Model Context Protocol (MCP) under post-quantum protection.
//!
//! | dialect | what it is | room |
//! | --- | --- | --- |
//! | `bridge` | unmodified hosts and servers, with the channel between them | [`bridge`] |
//! | `pqc-mcp-0.1` | wire-compatible with the published Python package: signed, not sealed | [`signed`] |
//!
//! `docs/protocols/mcp.md` has the bytes and lists what each dialect cannot protect. This crate
//! names no algorithm: it asks its `Suite`.

pub mod bridge;
pub mod config;
pub mod signed;

mod system;

use pqfw_framework::registry::Plugin;

pub use system::Mcp;

/// The plugin: one system.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("mcp").system(Mcp)
}

pqfw_framework::register_plugin!(plugin);
