//! The algorithms of OpenSSL for pqfw.
#![cfg(feature = "openssl")]

use pqfw_framework::registry::Plugin;

/// Brings nothing yet.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("openssl")
}

pqfw_framework::register_plugin!(plugin);
