//! The `[mcp]` table of a profile.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

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
    /// pqc-mcp-0.1, role server: the tools `greet`, `echo` and `fail`.
    pub demo_tools: bool,
    /// pqc-mcp-0.1, role client: the tool to call.
    pub tool: String,
    /// pqc-mcp-0.1, role client: its arguments, a JSON object.
    pub arguments: String,
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
            demo_tools: false,
            tool: "greet".into(),
            arguments: r#"{"name": "World"}"#.into(),
        }
    }
}
