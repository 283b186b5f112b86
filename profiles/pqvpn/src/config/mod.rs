//! What a profile says of a node: its own tables as they are written, and what follows from them.
//!
//! Keys of parts that this build does not have are read and checked, and refused when they are
//! switched on: a relay that nobody hears of is worse than none.

mod guards;
mod interface;
mod settings;

use schemars::JsonSchema;
use serde::Deserialize;

pub use interface::{ExposeTable, ForwardTable, InterfaceMode, InterfaceTable, PeerRoutes};
pub use settings::{Bootstrap, KeyPlace, Settings};

/// Keys outside `[pqvpn]` that are this system's.
pub(crate) const OWN_KEYS: &[&str] = &[
    "peer",
    "security",
    "network",
    "bootstrap",
    "interface",
    "peer_routes",
    "forward",
    "expose",
    "control",
    "traffic_obfuscation",
    "rekey",
    "relay",
    "metrics",
    "keys.runtime_temp_keys",
    "keys.temp_keys_prefix",
];

/// The system's own keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Table {
    /// Who this node is.
    pub peer: PeerKeys,
    /// Whom it trusts, and how much it bears.
    pub security: Security,
    /// Where it is reached.
    pub network: Network,
    /// Whom it calls.
    pub bootstrap: BootstrapTable,
    /// Where packets of this machine come from and go to.
    pub interface: InterfaceTable,
    /// Which addresses are whose.
    pub peer_routes: Vec<PeerRoutes>,
    /// Ports of this machine that lead into the tunnel, for an interface in user space.
    pub forward: Vec<ForwardTable>,
    /// What peers may reach of this machine, for an interface in user space. They reach nothing else.
    pub expose: Vec<ExposeTable>,
    /// Where operators reach the node.
    pub control: ControlTable,
    /// What its packets look like.
    pub traffic_obfuscation: TrafficObfuscation,
    /// When sessions get new keys.
    pub rekey: Rekey,
    /// Circuits through this node.
    pub relay: Relay,
    /// Numbers for operators.
    pub metrics: Metrics,
    /// Whether keys are made at the start and are gone with the process.
    pub runtime_temp_keys: bool,
    /// What the names of temporary key directories begin with.
    #[serde(deserialize_with = "guards::name")]
    pub temp_keys_prefix: String,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            peer: PeerKeys::default(),
            security: Security::default(),
            network: Network::default(),
            bootstrap: BootstrapTable::default(),
            interface: InterfaceTable::default(),
            peer_routes: Vec::new(),
            forward: Vec::new(),
            expose: Vec::new(),
            control: ControlTable::default(),
            traffic_obfuscation: TrafficObfuscation::default(),
            rekey: Rekey::default(),
            relay: Relay::default(),
            metrics: Metrics::default(),
            runtime_temp_keys: true,
            temp_keys_prefix: "pqvpn_keys_".into(),
        }
    }
}

/// Who this node is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[expect(non_snake_case, reason = "the key is written so in deployed files")]
pub struct PeerKeys {
    /// What it is called in what it tells.
    #[serde(deserialize_with = "guards::name")]
    pub nickname: String,
    /// The file of its KEM key, in the key directory.
    #[serde(deserialize_with = "guards::key_file")]
    pub brainpoolP512r1_sk_file: Option<String>,
    /// The file of its signature key, in the key directory.
    #[serde(deserialize_with = "guards::key_file")]
    pub ed25519_sk_file: Option<String>,
}

impl Default for PeerKeys {
    fn default() -> Self {
        Self {
            nickname: "node".into(),
            brainpoolP512r1_sk_file: None,
            ed25519_sk_file: None,
        }
    }
}

/// Whom a node trusts, and how much it bears.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Security {
    /// Every suite joins classical and post-quantum parts. Only true; the policy `hybrid` sees to it.
    #[serde(deserialize_with = "guards::hybrid")]
    pub require_hybrid_handshake: bool,
    /// Every part of every signature is verified. Only true.
    #[serde(deserialize_with = "guards::signatures")]
    pub strict_sig_verify: bool,
    /// Whether whoever comes first is believed: `peers.mode` under its former name.
    pub tofu: Option<bool>,
    /// The same, but only of those whom this node calls.
    pub strict_tofu: Option<bool>,
    /// The file of known peers: `peers.file` under its former name.
    pub known_peers_file: Option<String>,
    /// Handshakes and records that one address gets in a minute.
    #[serde(deserialize_with = "guards::positive")]
    pub handshake_per_minute_per_ip: u32,
}

impl Default for Security {
    fn default() -> Self {
        Self {
            require_hybrid_handshake: true,
            strict_sig_verify: true,
            tofu: None,
            strict_tofu: None,
            known_peers_file: None,
            handshake_per_minute_per_ip: 30,
        }
    }
}

/// Where a node is reached.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Network {
    /// The address of `transport.listen` under its former name.
    pub bind_host: Option<std::net::IpAddr>,
    /// The port of `transport.listen` under its former name.
    pub listen_port: Option<u16>,
    /// Handshake messages that are worked at or wait to be; more are dropped.
    #[serde(deserialize_with = "guards::positive")]
    pub max_concurrent_datagrams: u32,
    /// Bytes that the system is asked to keep while the node is busy; 0: the transport's choice.
    pub udp_recv_buffer_size: u32,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            bind_host: None,
            listen_port: None,
            max_concurrent_datagrams: 64,
            udp_recv_buffer_size: 0,
        }
    }
}

/// Whom a node calls.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BootstrapTable {
    /// `host:port` or `host:port#peer-id`.
    #[serde(deserialize_with = "guards::bootstrap")]
    pub peers: Vec<String>,
}

/// What packets look like.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TrafficObfuscation {
    /// Whether packets are padded to the next size.
    pub enabled: bool,
    /// The sizes, in bytes.
    #[serde(deserialize_with = "guards::buckets")]
    pub buckets: Vec<u32>,
}

impl Default for TrafficObfuscation {
    fn default() -> Self {
        Self {
            enabled: false,
            buckets: vec![128, 256, 512, 1024, 1400],
        }
    }
}

/// When sessions get new keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rekey {
    /// The age at which the end that has made a session makes the next.
    #[serde(deserialize_with = "guards::positive")]
    pub interval_seconds: u32,
    /// How much later the other end makes it, when the first has not.
    pub threshold_seconds: u32,
}

impl Default for Rekey {
    fn default() -> Self {
        Self {
            interval_seconds: 600,
            threshold_seconds: 60,
        }
    }
}

/// Circuits through a node.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Relay {
    /// Whether it is a relay.
    #[serde(deserialize_with = "guards::no_relay")]
    pub enabled: bool,
    /// Whether others may build circuits through it.
    #[serde(deserialize_with = "guards::no_relay")]
    pub accept_circuits: bool,
    /// Where circuits may leave it.
    #[serde(deserialize_with = "guards::no_exit")]
    pub exit_policy: ExitPolicy,
}

/// Where circuits may leave a node.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum ExitPolicy {
    /// Everywhere.
    AllowAll,
    /// Nowhere.
    #[default]
    DenyAll,
    /// To what most people use.
    Reduced,
    /// Where the rules say.
    Rules,
}

/// Numbers for operators.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Whether they are served.
    pub prometheus: bool,
    /// The address.
    pub bind_host: std::net::IpAddr,
    /// The port.
    pub bind_port: u16,
}

impl Default for Metrics {
    fn default() -> Self {
        Self {
            prometheus: false,
            bind_host: std::net::Ipv4Addr::LOCALHOST.into(),
            bind_port: 9001,
        }
    }
}

/// Where operators reach a node.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub struct ControlTable {
    /// A Unix socket that the owner of the process alone may open, below the state directory; empty
    /// for none.
    pub socket: String,
    /// A port of this machine for those who show the token.
    pub listen: Option<std::net::SocketAddr>,
    /// The file of that token in the key directory; made on first start.
    pub token_file: String,
}

impl Default for ControlTable {
    fn default() -> Self {
        Self {
            socket: "control.sock".into(),
            listen: None,
            token_file: "control-token.sec".into(),
        }
    }
}
