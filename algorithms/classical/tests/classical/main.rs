//! The algorithms of this crate, seen as the registry sees them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should panic"
)]

mod admission;
mod dhkem;
mod ecdsa;
mod ed25519;
mod laws;
mod points;
mod support;
mod x25519;
