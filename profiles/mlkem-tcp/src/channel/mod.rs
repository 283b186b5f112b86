//! Dialect `channel`: chat, pipes and forwarded connections inside the channel.
//!
//! ```text
//! client                                   server
//!   channel: mutual authentication, forward secrecy, order, no replay, an end that is proved
//!   "chat\n"                       ▶        lines both ways
//!   "pipe\n"                       ▶ ◀ "ok\n" | "refused: …\n"   bytes to the server's output
//!   "forward tcp://HOST:PORT\n"    ▶ ◀ "ok\n" | "refused: …\n"   bytes both ways, half by half
//! ```
//!
//! [`purpose`] has the first line, [`server`] and [`client`] the two ends, [`forward`] the door that
//! local programs connect to, [`demo`] the scenario.

pub mod client;
pub mod demo;
pub mod error;
pub mod forward;
mod heard;
pub mod purpose;
pub mod server;

mod mailbox;
mod text;

/// The dialect's name in a profile.
pub const DIALECT: &str = "channel";

/// What speaks inside the channel.
pub const PROTOCOL: &str = "chat/1";
