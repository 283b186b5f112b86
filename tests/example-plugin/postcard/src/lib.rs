//! A plugin with a system and its profile, as a third party writes one: `docs/guide/add-a-profile.md`
//! goes through it.
//!
//! ```text
//! client                                            office
//!   ── GET /key ──▶                 ◀── the office's KEM key ──
//!   ── POST /card: encapsulation ‖ sealed card ──▶
//!                                   ◀── sealed answer ──
//! ```
//!
//! It is a toy: nobody is authenticated, and [`Postcard`] says so to whoever runs it. A real system
//! takes the channel (`pqfw-session`). Like any system it names no algorithm: it asks its suite.

mod card;
mod office;
mod system;

use pqfw_framework::registry::Plugin;

pub use system::Postcard;

/// Everything that this crate brings: one system.
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new(env!("CARGO_PKG_NAME")).system(Postcard)
}

// A binary has the plugin as soon as it names this crate: `use this_crate as _;`.
pqfw_framework::register_plugin!(plugin);
