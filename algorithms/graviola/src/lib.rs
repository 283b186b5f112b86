//! The algorithms of graviola for pqfw.
#![cfg(feature = "graviola")]

use pqfw_framework::registry::Plugin;

/// Brings nothing yet.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("graviola")
}

pqfw_framework::register_plugin!(plugin);
