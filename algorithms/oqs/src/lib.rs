//! The algorithms of liboqs for pqfw.
#![cfg(feature = "liboqs")]

use pqfw_framework::registry::Plugin;

/// Brings nothing yet.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("oqs")
}

pqfw_framework::register_plugin!(plugin);
