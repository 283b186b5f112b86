//! The interface of a node, and which addresses are whose.

use std::net::SocketAddr;

use pqfw_framework::interface::{IpRange, Protocol};
use schemars::JsonSchema;
use serde::Deserialize;

use super::guards;
use crate::peer_id::PeerId;

/// Where packets of this machine come from and go to.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct InterfaceTable {
    /// What it is.
    pub mode: InterfaceMode,
    /// What it is called.
    #[serde(deserialize_with = "guards::interface_name")]
    pub name: String,
    /// Its addresses, each with the range that is reached directly; one of IPv4 at most.
    #[serde(deserialize_with = "guards::ranges")]
    #[schemars(with = "Vec<String>")]
    pub addresses: Vec<IpRange>,
    /// The largest packet.
    #[serde(deserialize_with = "guards::mtu")]
    pub mtu: u16,
    /// Ranges that are routed to it beside those of the peers.
    #[serde(deserialize_with = "guards::ranges")]
    #[schemars(with = "Vec<String>")]
    pub routes: Vec<IpRange>,
    /// Whether everything is routed to it, but what goes to the peers' own addresses.
    pub full_tunnel: bool,
}

impl Default for InterfaceTable {
    fn default() -> Self {
        Self {
            mode: InterfaceMode::default(),
            name: "pqvpn0".into(),
            addresses: Vec::new(),
            mtu: 1420,
            routes: Vec::new(),
            full_tunnel: false,
        }
    }
}

/// What a node's interface is.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum InterfaceMode {
    /// A device of the system.
    Tun,
    /// A stack of this process.
    Userspace,
    /// Nothing: packets of peers are dropped.
    #[default]
    None,
}

/// The addresses of one peer.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PeerRoutes {
    /// Who it is.
    #[serde(deserialize_with = "guards::peer")]
    #[schemars(with = "String")]
    pub peer: PeerId,
    /// Packets to these go to it, and packets from it must be from these.
    #[serde(deserialize_with = "guards::ranges")]
    #[schemars(with = "Vec<String>")]
    pub ranges: Vec<IpRange>,
}

/// A port of this machine that leads to an address in the tunnel.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ForwardTable {
    /// tcp or udp.
    #[serde(default)]
    pub protocol: Protocol,
    /// Where local programs connect to.
    pub listen: SocketAddr,
    /// An address of a peer, and a port that it exposes.
    pub to: SocketAddr,
}

/// A service of this machine that peers may reach.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExposeTable {
    /// tcp or udp.
    #[serde(default)]
    pub protocol: Protocol,
    /// The port at this node's own addresses.
    #[serde(deserialize_with = "guards::port")]
    pub port: u16,
    /// The service.
    pub to: SocketAddr,
}
