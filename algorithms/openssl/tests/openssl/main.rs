//! The provider `openssl`, seen as the registry sees it.

#![cfg(feature = "openssl")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should panic"
)]

mod admission;
mod aead;
mod dhkem;
mod ecdsa;
mod ed25519;
mod ml_dsa;
mod ml_kem;
mod slh_dsa;
mod support;
