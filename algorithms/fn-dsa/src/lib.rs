//! FN-DSA for pqfw.

use pqfw_framework::registry::Plugin;

/// Brings nothing yet.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("fn-dsa")
}

pqfw_framework::register_plugin!(plugin);
