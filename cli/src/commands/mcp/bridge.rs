//! The commands of dialect `bridge`: the host's end, and what hosts are told of it.

use pqfw_framework::registry::Registry;
use pqfw_mcp::bridge;
use pqfw_session::compose::{self as channel, End};
use serde_json::json;

use super::{SYSTEM, list};
use crate::args::ProfileArgs;
use crate::args::mcp::{McpConnect, McpTarget};
use crate::commands::system;
use crate::compose::Composed;
use crate::error::CliError;
use crate::output::Output;

pub(super) fn connecting(connect: McpConnect) -> Result<ProfileArgs, CliError> {
    let mut args = reaching(connect.target)?;
    if let Some(address) = connect.http_listen {
        args.set.push(("mcp.http_listen".into(), address));
    }
    if !connect.origin.is_empty() {
        args.set.push(("mcp.origins".into(), list(&connect.origin)));
    }
    Ok(args)
}

fn reaching(target: McpTarget) -> Result<ProfileArgs, CliError> {
    let mut args = target.profile;
    let mut set = |key: &str, value: String| args.set.push((key.into(), value));
    if let Some(url) = target.to {
        let Some((scheme, _)) = url.split_once("://") else {
            return Err(CliError::usage(format!(
                "--to: `{url}` does not say over which transport; write tcp://HOST:PORT or \
                 quic://HOST:PORT"
            )));
        };
        set("transport.kind", scheme.into());
        set("transport.connect", url);
    }
    if !target.server.is_empty() {
        set("peers.mode", "allow-list".into());
        set("peers.allow", list(&target.server));
    }
    Ok(args)
}

/// `{"mcpServers":{NAME:{"command":…,"args":["mcp","connect",…]}}}`, as hosts read it.
pub(super) fn config(
    name: &str,
    target: &McpTarget,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    // What a host could not start is not worth pasting.
    let args = reaching(target.clone())?;
    let profile = target.profile.profile.clone();
    let ours = system::profile(SYSTEM, args.clone(), registry)?;
    registry.transport(&ours.common.transport.kind)?;
    let mut words = vec!["mcp".to_owned(), "connect".into()];
    let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
    if let Some(profile) = profile {
        option("profile", profile);
    }
    for (key, value) in &target.profile.set {
        option("set", format!("{key}={value}"));
    }
    if let Some(url) = &target.to {
        option("to", url.clone());
    }
    for server in &target.server {
        option("server", server.clone());
    }
    let command = std::env::current_exe().ok();
    let command = command.map(|path| path.to_string_lossy().into_owned());
    let server = json!({ "command": command.unwrap_or_else(|| "pqfw".into()), "args": words });
    output.document(&json!({ "mcpServers": { name: server } }));
    Ok(())
}

/// Prints the fingerprint of the host's end.
pub(super) fn show(composed: &Composed, output: &Output) -> Result<(), CliError> {
    let end = channel::config(
        bridge::PROTOCOL,
        End::Initiator,
        &composed.profile,
        &composed.host,
    )?;
    for identity in end.identities() {
        let fingerprint = identity.fingerprint().to_string();
        if output.json {
            let algorithm = identity.algorithm();
            output.document(&json!({ "fingerprint": fingerprint, "algorithm": algorithm }));
        } else {
            output.line(&fingerprint);
        }
    }
    Ok(())
}
