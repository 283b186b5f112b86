//! The conformance kit: every provider of this build passes it, and every mutant fails.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on may end"
)]

mod acvp;
mod mutants;
mod providers;
