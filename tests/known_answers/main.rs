//! Vectors made by other implementations, over every provider of each algorithm.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on may end"
)]

mod liboqs;
mod qu3_transcript;
mod support;
