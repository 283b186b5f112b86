//! Handshakes in memory: what completes, what is refused and why.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "tests say what they expect"
)]

mod certificates;
mod damage;
mod groups;
mod probe;
mod settings;
mod streams;
mod support;
mod trust;
