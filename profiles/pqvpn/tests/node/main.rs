//! Nodes talking to each other: on a network that does what a test says, and on one that does what
//! a seed says.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a scenario that cannot go on has failed"
)]

mod attacks;
mod carried;
mod handshakes;
mod mtu;
mod net;
mod people;
mod refusals;
mod roaming;
mod sessions;
mod simulation;
mod suites;
mod watched;
