//! A plugin with a transport, as a third party writes one: `docs/guide/add-a-transport.md` goes
//! through it.
//!
//! It is a toy. A pigeon flies between two ends of one process, with one request at a time, and back
//! with the response: nothing leaves the process, and nothing waits.

mod pigeon;

use pqfw_framework::registry::Plugin;

pub use pigeon::Pigeon;

/// Everything that this crate brings: one transport, new for every registry.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new(env!("CARGO_PKG_NAME")).transport(Pigeon::default())
}

// A binary has the plugin as soon as it names this crate: `use this_crate as _;`.
pqfw_framework::register_plugin!(plugin);
