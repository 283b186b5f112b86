//! The algorithms of libcrux for pqfw.
#![cfg(feature = "libcrux")]

use pqfw_framework::registry::Plugin;

/// Brings nothing yet.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("libcrux")
}

pqfw_framework::register_plugin!(plugin);
