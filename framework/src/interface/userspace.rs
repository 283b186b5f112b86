//! Interfaces without a device: what is carried between the tunnel and sockets of this machine.

use std::net::SocketAddr;
use std::sync::Arc;

use serde::Deserialize;

use super::{Interface, InterfaceError, IpRange};
use crate::transport::BoxFuture;
use crate::world::World;

/// Which protocol a port is of.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// Connections.
    #[default]
    Tcp,
    /// Datagrams.
    Udp,
}

/// A port of this machine that leads into the tunnel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Of what.
    pub protocol: Protocol,
    /// Where local programs connect to; port 0 picks a free one.
    pub listen: SocketAddr,
    /// Where that leads, in the tunnel.
    pub to: SocketAddr,
}

/// A service of this machine that the other ends of the tunnel may reach. They reach nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expose {
    /// Of what.
    pub protocol: Protocol,
    /// The port at the interface's own addresses.
    pub port: u16,
    /// The service.
    pub to: SocketAddr,
}

/// An interface that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserspaceSettings {
    /// Its addresses, each with the range that is reached directly.
    pub addresses: Vec<IpRange>,
    /// The largest packet.
    pub mtu: u16,
    /// Ports that lead into the tunnel.
    pub forwards: Vec<Forward>,
    /// What may be reached from there.
    pub exposes: Vec<Expose>,
}

/// An interface that was opened.
pub struct OpenUserspace {
    /// It.
    pub interface: Arc<dyn Interface>,
    /// Where its forwards listen, in their order, with the ports that were really bound.
    pub listening: Vec<SocketAddr>,
}

/// Opens interfaces without a device.
pub trait Userspace: Send + Sync {
    /// Opens one. It works in the runtime that this is polled in, until it is closed or dropped.
    ///
    /// # Errors
    /// [`InterfaceError::Open`].
    fn open<'a>(
        &'a self,
        settings: &'a UserspaceSettings,
        world: Arc<dyn World>,
    ) -> BoxFuture<'a, Result<OpenUserspace, InterfaceError>>;
}
