//! A profile's `[transport]`, as a transport needs it.

use std::sync::Arc;

use super::TlsSettings;

/// A profile's `[transport]`, as a transport needs it. By default what a profile says that names nothing:
/// no address, its limits, no TLS.
#[derive(Clone, Debug, Default)]
pub struct TransportSettings {
    /// Where to listen.
    pub listen: String,
    /// Where to connect.
    pub connect: String,
    /// What to allow.
    pub limits: TransportLimits,
    /// TLS, where it is spoken.
    pub tls: Option<Arc<TlsSettings>>,
}

/// What a transport allows a peer. Each limit has a refusal of its own. By default what a profile without
/// `transport.limits` allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportLimits {
    /// Bytes of one body; more is refused before it is buffered.
    pub body_bytes: usize,
    /// Bytes of one head.
    pub header_bytes: usize,
    /// Connections at a time.
    pub connections: usize,
    /// Seconds a connection may be silent.
    pub idle_secs: u64,
    /// Seconds one request may take, from its first byte to the end of its response.
    pub request_secs: u64,
    /// Requests per minute from one address; 0 for no limit.
    pub per_ip_per_minute: u32,
}
