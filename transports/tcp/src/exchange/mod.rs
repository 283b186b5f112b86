//! Exchanges in frames, many at a time over one connection.

mod client;
mod link;
mod server;
#[cfg(test)]
mod tests;

pub(crate) use client::connect;
pub(crate) use server::serve;
pub use server::{BODIES, IN_FLIGHT};
