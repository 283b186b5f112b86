//! The `[mcp]` table of a profile.

use std::collections::BTreeMap;
use std::time::Duration;

use pqfw_framework::transport::TransportLimits;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::bridge::caller::Bounds;
use crate::signed::session::SessionTimes;

/// The system's own keys.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct McpConfig {
    /// pqc-mcp-0.1, role server: the clients that are let in, `did:pqaid:…`.
    pub allow_dids: Vec<String>,
    /// pqc-mcp-0.1, role server: let anybody in; warned about at every start.
    pub allow_any_did: bool,
    /// pqc-mcp-0.1, role client: the one server that is believed; without it, the first that
    /// answers at this address and from then on no other (`[peers]`).
    pub server_did: Option<String>,
    /// pqc-mcp-0.1: accept what deployed peers accept, with a warning each time.
    pub lenient: bool,
    /// pqc-mcp-0.1: sign with a classical algorithm until the peers can do better; warned about
    /// at every start.
    pub transitional: bool,
    /// pqc-mcp-0.1: what the wire calls a signature algorithm, where that is another name than
    /// its own.
    pub labels: BTreeMap<String, String>,
    /// pqc-mcp-0.1: seconds a session lives after its handshake.
    pub session_ttl_secs: u64,
    /// pqc-mcp-0.1: seconds by which a peer's clock may differ from ours.
    pub window_secs: u64,
    /// pqc-mcp-0.1, role server: sessions at a time; at the bound newcomers are refused.
    pub max_sessions: u32,
    /// pqc-mcp-0.1, role server: signatures remembered of each client, for ever; at the bound the
    /// client is refused.
    pub replay_cache: u64,
    /// pqc-mcp-0.1, role server: clients whose signatures are remembered; at the bound newcomers
    /// are refused.
    pub max_signers: u64,
    /// Both: the audit log, a chained file of JSON Lines in the state directory; empty: none is written.
    pub audit_file: String,
    /// pqc-mcp-0.1, role server: the tools `greet`, `echo` and `fail`.
    pub demo_tools: bool,
    /// Role server: the MCP server on stdio that is put behind this one, as its argument vector.
    pub command: Vec<String>,
    /// pqc-mcp-0.1, role client: the tool to call.
    pub tool: String,
    /// pqc-mcp-0.1, role client: its arguments, a JSON object.
    pub arguments: String,
    /// bridge, role server: the address of an MCP server over HTTP, instead of a command.
    pub upstream: Option<String>,
    /// bridge, role server with an upstream: look at every request; allow-lists need it.
    pub inspect: bool,
    /// bridge, role server: by fingerprint, or `*`, the tools that a peer may call; with any list
    /// here, a peer without one may call none.
    pub tools: BTreeMap<String, Vec<String>>,
    /// bridge, role server: children at a time; at the bound newcomers are refused.
    pub max_children: u32,
    /// bridge, role server: seconds a child has for each step of its end, which get firmer.
    pub grace_secs: u64,
    /// bridge: seconds without a message after which a session ends.
    pub idle_secs: u64,
    /// bridge: bytes of one message; a longer one is refused, and the session goes on.
    pub max_message_bytes: u32,
    /// bridge, role client: listen there for HTTP hosts, instead of talking on stdio; a loopback
    /// address.
    pub http_listen: Option<String>,
    /// bridge, role client that listens for HTTP: what `Origin` of web pages is let in.
    pub origins: Vec<String>,
    /// bridge, role server: numbers for operators, in the profile's own `[metrics]`.
    pub metrics: MetricsTable,
}

/// The `[metrics]` table.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MetricsTable {
    /// Where Prometheus reads them; empty: nowhere.
    pub listen: String,
}

impl McpConfig {
    /// What one session of dialect bridge may take.
    #[must_use]
    pub fn bridge_bounds(&self, limits: &TransportLimits) -> Bounds {
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        Bounds {
            message_bytes: size(self.max_message_bytes),
            idle: Duration::from_secs(self.idle_secs),
            opening: Duration::from_secs(limits.request_secs),
            grace: Duration::from_secs(self.grace_secs),
            children: size(self.max_children),
            header_bytes: limits.header_bytes,
        }
    }
}

impl Default for McpConfig {
    fn default() -> Self {
        Self {
            allow_dids: Vec::new(),
            allow_any_did: false,
            server_did: None,
            lenient: false,
            transitional: false,
            labels: BTreeMap::new(),
            session_ttl_secs: 3600,
            window_secs: 300,
            max_sessions: 10_000,
            replay_cache: 1_000_000,
            max_signers: 10_000,
            audit_file: "audit.jsonl".into(),
            demo_tools: false,
            command: Vec::new(),
            tool: "greet".into(),
            arguments: r#"{"name": "World"}"#.into(),
            upstream: None,
            inspect: false,
            tools: BTreeMap::new(),
            max_children: 64,
            grace_secs: 5,
            idle_secs: 3600,
            max_message_bytes: 64 << 20,
            http_listen: None,
            origins: Vec::new(),
            metrics: MetricsTable::default(),
        }
    }
}

impl McpConfig {
    /// How long sessions live, and how far clocks may be off.
    #[must_use]
    pub fn session_times(&self) -> SessionTimes {
        SessionTimes {
            lifetime: Duration::from_secs(self.session_ttl_secs),
            window: Duration::from_secs(self.window_secs),
        }
    }
}
