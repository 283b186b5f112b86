//! What `demo-1` reads, refuses and says, each against `docs/protocols/mlkem-tcp.md`: against
//! recordings of deployed peers, CPython's own pickles, and people with bad intentions.

#![expect(
    clippy::unwrap_used,
    reason = "a scenario that cannot go on has failed"
)]

mod boxes;
mod channel;
mod demo;
mod endings;
mod laws;
mod messages;
mod pickles;
mod recordings;
mod refused_pickles;
mod roles;
mod sessions;
mod support;
mod trusting;
