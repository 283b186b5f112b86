//! Datagrams over UDP (RFC 768), in batches.
//!
//! `quinn-udp` talks to the kernel: many packets are received with one call, and a run of packets
//! of one size to one peer is sent with one call where the kernel cuts it up (UDP_SEGMENT). Packets
//! are not fragmented; one that is larger than the path takes is lost.
//!
//! A UDP socket keeps nobody out: whoever uses it bounds what a packet costs before its sender is
//! known. Of the limits of a profile none has a meaning here.

#[cfg(target_os = "linux")]
mod path;
mod socket;
mod transport;

pub use transport::UdpTransport;

use pqfw_framework::registry::Plugin;

/// The plugin `udp`: a [`UdpTransport`].
#[must_use]
pub fn plugin() -> Plugin {
    Plugin::new("udp").transport(UdpTransport)
}

pqfw_framework::register_plugin!(plugin);
