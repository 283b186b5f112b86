//! FrodoKEM and eFrodoKEM for pqfw.

use pqfw_framework::registry::Plugin;

/// Brings nothing yet.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("frodokem")
}

pqfw_framework::register_plugin!(plugin);
