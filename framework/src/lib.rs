//! The framework of pqfw: change any algorithm, provider or transport of a running security
//! system by editing one line of TOML, and be told what that line did to your security.
//!
//! ```text
//!  profile (TOML) ─▶ Policy ─▶ Resolver ─▶ admission gate ─▶ Suite ─▶ a System's protocol
//!                                  ▲                                        │
//!        Catalogue (rows) ─▶ Registry ◀─ plugins (code)                  Exchange ─▶ Transport
//! ```
//!
//! This crate knows no algorithm's code, no socket, no clock and no operating system's generator.
//! Plugins bring code and are measured at the [admission gate](registry); protocols ask their
//! [`Suite`](suite::Suite) for a KEM and never learn its name.
//!
//! Where to look: [`catalogue`] for what algorithms are, [`registry`] for who computes them,
//! [`kem`], [`signature`], [`aead`], [`kdf`] and [`hash`] for the traits, [`profile`] for the file
//! format, [`policy`] for what is allowed, [`system`] for what runs. With the feature
//! `conformance`, the module of that name holds the kit that tests providers.

pub mod aead;
pub mod audit;
pub mod blobs;
pub mod catalogue;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod control;
pub mod hash;
pub(crate) mod hybrid;
pub mod interface;
pub mod kdf;
pub mod kem;
pub mod keys;
pub mod lines;
pub mod machine;
pub mod metrics;
pub mod peers;
pub mod policy;
pub mod process;
pub mod profile;
pub mod provider;
pub mod python_json;
pub mod registry;
pub mod scene;
pub mod secret;
pub mod signature;
pub mod splice;
pub mod store;
pub mod suite;
pub mod system;
pub mod transport;
#[cfg(feature = "vectors")]
pub mod vectors;
pub mod waiting;
pub mod wire;
pub mod world;

// What the traits speak of, in the version that they mean: a plugin needs no other crate for it.
pub use rand_core;
pub use schemars;
pub use serde;
pub use serde_json;
