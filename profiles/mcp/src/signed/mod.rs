//! Dialect `pqc-mcp-0.1`: JSON-RPC messages with a signature each, as the published Python package
//! sends them.
//!
//! ```text
//! client                                       server
//!   POST /handshake  ── signed key and nonce ──▶  checks who it is, makes a session
//!                    ◀── signed answer ─────────
//!   POST /mcp        ── signed message ────────▶  checks, calls the tool
//!                    ◀── signed message ────────
//! ```

use pqfw_framework::profile::Profile;
use pqfw_framework::system::{Failure, Host, Role, RunError};
use pqfw_framework::transport::BoxFuture;

use crate::config::McpConfig;

/// The dialect's name in profiles.
pub const DIALECT: &str = "pqc-mcp-0.1";

/// What no implementation of the dialect can give.
pub const CANNOT_PROTECT: [(&str, &str); 4] = [
    (
        "MCP-1",
        "no confidentiality: whoever sits in between reads every message",
    ),
    (
        "MCP-2",
        "the client's handshake names no server: whoever it is shown to can show it to another",
    ),
    (
        "MCP-3",
        "time, nonce and session of a message are not signed: one that never arrived can arrive \
         later, in another session",
    ),
    (
        "MCP-4",
        "an answer is bound to its request by a number that the client chose, and to nothing else",
    ),
];

/// Runs one role.
///
/// # Errors
/// [`RunError`].
#[expect(clippy::unused_async, reason = "the roles wait for the network")]
pub async fn run(
    role: Role,
    _config: &McpConfig,
    _profile: &Profile,
    _host: Host,
    _stop: BoxFuture<'static, ()>,
) -> Result<(), RunError> {
    let text = format!("{DIALECT} has no role `{role}`");
    Err(RunError::new(Failure::Usage, text))
}
