//! The framework's promises, shown with real algorithms and with plugins that break them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on may end"
)]

mod backup;
mod broken;
mod gate;
mod handles;
mod hybrids;
mod identity;
mod key_encryption;
mod key_files;
mod key_identify;
mod key_import;
mod key_support;
mod profile;
mod registry;
