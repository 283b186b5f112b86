//! The real binary, over real files and real loopback sockets.

#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod agility;
mod audit;
mod backups;
mod check;
mod errors;
mod keys;
mod listing;
mod matrix;
mod mcp;
mod mcp_signed;
mod mlkem_tcp;
mod pqvpn;
mod primitives;
mod qflare;
mod qflare_middle;
mod required;
mod running;
mod support;
mod tls;
mod together;
mod vectors;
mod vpn;
