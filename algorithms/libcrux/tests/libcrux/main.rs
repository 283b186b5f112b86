//! The provider `libcrux`, seen as the registry sees it.

#![cfg(feature = "libcrux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should panic"
)]

mod admission;
mod kyber;
mod ml_dsa;
mod ml_kem;
mod support;
