//! TLS 1.3 (RFC 8446) made of the registry's algorithms.
//!
//! rustls runs the protocol. Its key exchange and its signatures come from [`TlsSettings`], which
//! hold admitted KEMs and signatures; its clock and its randomness from their world. Record
//! protection and key schedule (AES-GCM, ChaCha20-Poly1305, HKDF) are AWS-LC's, as rustls ships
//! them.
//!
//! ```text
//!  TlsSettings ─▶ provider ─▶ group    a KEM, or several, as a key-exchange group
//!        │                 └▶ scheme   signatures, verified
//!        ├─────▶ identity              certificates or a bare key, and signatures made
//!        ├─────▶ trust                 authorities, pins, or anybody
//!        └─────▶ TlsClient, TlsServer ─▶ a stream, or a `Connection`
//! ```
//!
//! Names, numbers and bytes are in `docs/protocols/tls.md`. What this crate does not do: TLS 1.2,
//! resumption and early data (each connection is a fresh key exchange), revocation lists, secrets
//! in a key log.
//!
//! [`TlsSettings`]: pqfw_framework::transport::TlsSettings

mod ends;
mod files;
mod group;
mod identity;
mod leak;
mod probe;
mod provider;
mod scheme;
mod stream;
mod trust;
mod wire;
mod world;

pub use ends::{TlsClient, TlsServer};
pub use files::certificates;
pub use probe::{Answered, Probe};
pub use provider::crypto_provider;
pub use scheme::scheme;
pub use stream::connection;
pub use wire::Wire;

pub use rustls;
pub use tokio_rustls;
