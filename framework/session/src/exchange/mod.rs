//! Channels on exchanges: a session of its own, each request under an explicit counter
//! (`docs/protocols/channel.md` section 5).
//!
//! | route | request | response |
//! | --- | --- | --- |
//! | `POST /pqfw/1/hello` | `hello` | the responder's flight, or `retry` |
//! | `POST /pqfw/1/finish` | the initiator's flight | `welcome` |
//! | `POST /pqfw/1/r` | counter ‖ a sealed request | a sealed response |

mod client;
mod gate;
mod sealed;
mod service;
mod sessions;

pub use client::{ChannelExchange, Outcome, Resend};
pub use service::{ChannelService, Peer, SecureService};
pub use sessions::ServiceLimits;

pub(crate) const HELLO: &str = "/pqfw/1/hello";
pub(crate) const FINISH: &str = "/pqfw/1/finish";
pub(crate) const REQUEST: &str = "/pqfw/1/r";
