//! Dilithium round 3.1 for pqfw.

use pqfw_framework::registry::Plugin;

/// Brings nothing yet.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("dilithium")
}

pqfw_framework::register_plugin!(plugin);
