//! Dialect `qu3-2`: the same operations, inside the channel.
//!
//! ```text
//! channel (any exchange transport): mutual authentication, forward secrecy, no replay
//!   GET  /models                     what there is
//!   POST /inference  model, input ▶  policies, model, ◀ output and a signed attestation
//!   POST /policy     text         ▶  ◀ its version, and whether it is enforced
//! ```
//!
//! The client is who the channel says it is, so that nothing in here is signed but the attestation,
//! which is shown to third parties. [`attestation`] says what it binds.

pub mod attestation;
pub mod client;
pub mod demo;
pub mod server;

mod bodies;

pub use client::Client;
pub use server::Server;

/// What speaks inside the channel.
pub const PROTOCOL: &str = "qu3/2";

/// The routes inside the channel.
pub mod route {
    /// The models there are.
    pub const MODELS: &str = "/models";
    /// Runs a model.
    pub const INFERENCE: &str = "/inference";
    /// Sets the client's policy.
    pub const POLICY: &str = "/policy";
}
