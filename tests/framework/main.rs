//! The framework's promises, shown with real algorithms and with plugins that break them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on may end"
)]

mod broken;
mod gate;
mod handles;
mod hybrids;
mod key_files;
mod profile;
mod registry;
