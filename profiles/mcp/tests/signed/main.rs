//! Dialect `pqc-mcp-0.1`: golden vectors, every refusal, restarts, the layer and the roles.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agility;
mod answers;
mod audit;
mod bounds;
mod gateway;
mod golden;
mod handshakes;
mod http;
mod layer;
mod messages;
mod restart;
mod roles;
mod support;
