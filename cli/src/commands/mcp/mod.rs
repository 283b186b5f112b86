//! `pqfw mcp`: servers, clients and identities of both dialects.

mod bridge;
mod signed;

use pqfw_framework::registry::Registry;
use pqfw_framework::system::{Role, Standard};
use pqfw_mcp::bridge::demo_server;
use pqfw_mcp::bridge::filter::ANY_PEER;
use pqfw_runtime::OsStandard;
use serde_json::json;

use super::Rehearsal;
use super::run::{LAST_WORDS, runtime};
use super::system::{self, Asker};
use crate::args::mcp::{Mcp, McpIdentity, McpServe};
use crate::args::{Common, ProfileArgs};
use crate::compose::Composed;
use crate::error::CliError;
use crate::output::Output;

/// The system, and the name of its shipped profile.
const SYSTEM: &str = "mcp";

pub(super) fn run(
    mcp: Mcp,
    common: &Common,
    registry: Registry,
    rehearsal: &Rehearsal,
    output: &Output,
) -> Result<(), CliError> {
    match mcp {
        Mcp::Serve(serve) => {
            let ready_file = serve.ready_file.clone();
            let run = system::as_run(SYSTEM, serving(serve)?, Role::Server, ready_file, &registry)?;
            super::run::run(run, common, registry, rehearsal, output)
        }
        Mcp::Connect(connect) => {
            if output.json {
                let text = "--json would mix with MCP on the standard output; --log-format json \
                            is for the log";
                return Err(CliError::usage(text));
            }
            let ready_file = connect.ready_file.clone();
            let run = system::as_run(
                SYSTEM,
                bridge::connecting(connect)?,
                Role::Client,
                ready_file,
                &registry,
            )?;
            super::run::run(run, common, registry, rehearsal, output)
        }
        Mcp::Config { name, target } => bridge::config(&name, &target, &registry, output),
        Mcp::Identity(McpIdentity::Show(profile)) => {
            rehearsal.decline(output);
            let composed = client(profile, common, &registry, output)?;
            match composed.profile.dialect == pqfw_mcp::signed::DIALECT {
                true => signed::show(&composed, output),
                false => bridge::show(&composed, output),
            }
        }
        Mcp::Identity(McpIdentity::New {
            profile,
            import,
            force,
        }) => {
            rehearsal.decline(output);
            let composed = client(signed::in_dialect(profile), common, &registry, output)?;
            signed::new(&composed, import.as_deref(), force, output)
        }
        Mcp::Signed(command) => {
            rehearsal.decline(output);
            signed::run(command, common, &registry, output)
        }
        Mcp::DemoServer => {
            let runtime = runtime()?;
            let served = runtime.block_on(demo_server::run(OsStandard.open()));
            runtime.shutdown_timeout(LAST_WORDS);
            Ok(served?)
        }
    }
}

fn serving(serve: McpServe) -> Result<ProfileArgs, CliError> {
    let mut args = serve.profile;
    let mut set = |key: &str, value: String| args.set.push((key.into(), value));
    if let Some(dialect) = serve.dialect {
        set("dialect", dialect);
    }
    if let Some(listen) = serve.listen {
        set("transport.listen", listen);
    }
    if !serve.allow_peer.is_empty() {
        set("peers.mode", "allow-list".into());
        set("peers.allow", list(&serve.allow_peer));
    }
    if !serve.allow_did.is_empty() {
        set("mcp.allow_dids", list(&serve.allow_did));
    }
    if !serve.command.is_empty() {
        set("mcp.command", list(&serve.command));
    }
    if let Some(url) = serve.upstream {
        set("mcp.upstream", url);
    }
    if serve.inspect {
        set("mcp.inspect", true.to_string());
    }
    let mut tools = std::collections::BTreeMap::<&str, Vec<&str>>::new();
    for allowed in &serve.allow_tool {
        let (peer, tool) = match allowed.split_once('=') {
            Some((peer, tool)) if peer.starts_with("sha256:") => (peer, tool),
            _ => (ANY_PEER, allowed.as_str()),
        };
        tools.entry(peer).or_default().push(tool);
    }
    for (peer, tools) in tools {
        if peer.contains('.') {
            let text = format!("--allow-tool: `{peer}` is no fingerprint");
            return Err(CliError::usage(text));
        }
        set(&format!("mcp.tools.{peer}"), list(&tools));
    }
    Ok(args)
}

/// A list of strings as a profile has it.
fn list(strings: &[impl AsRef<str>]) -> String {
    let strings: Vec<_> = strings.iter().map(AsRef::as_ref).collect();
    json!(strings).to_string()
}

/// What a client's command needs of a profile.
fn client(
    args: ProfileArgs,
    common: &Common,
    registry: &Registry,
    output: &Output,
) -> Result<Composed, CliError> {
    let mut args = args;
    args.set.push(("role".into(), Role::Client.to_string()));
    let profile = system::profile(SYSTEM, args, registry)?;
    Asker::quiet(Role::Client, output).compose(profile, common, registry, output)
}
