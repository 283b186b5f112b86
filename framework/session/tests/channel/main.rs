//! The channel against `docs/protocols/channel.md`: what it carries, what it refuses, and that
//! nothing an attacker does to the bytes makes it accept what was not said.

#![expect(
    clippy::unwrap_used,
    reason = "a scenario that cannot go on has failed"
)]

mod datagrams;
mod exchanges;
mod hostile_exchanges;
mod limits;
mod lossy;
mod nonces;
mod refusals;
mod streams;
mod support;
