//! X-Wing and LAMPS composite ML-DSA for pqfw.

use pqfw_framework::registry::Plugin;

/// Brings nothing yet.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("composite")
}

pqfw_framework::register_plugin!(plugin);
