//! `pqfw mcp`: servers, clients and identities of both dialects.

mod bridge;
mod signed;

use std::path::PathBuf;
use std::sync::Arc;

use pqfw_framework::registry::Registry;
use pqfw_framework::system::{Role, Standard};
use pqfw_mcp::bridge::demo_server;
use pqfw_mcp::bridge::filter::ANY_PEER;
use pqfw_runtime::OsStandard;
use serde_json::json;

use super::Rehearsal;
use super::run::{LAST_WORDS, runtime};
use crate::args::mcp::{Mcp, McpIdentity, McpServe};
use crate::args::{Common, Level, ProfileArgs, Run};
use crate::compose::{self, Composed};
use crate::error::CliError;
use crate::output::{Output, Tone};
use crate::report::{Console, Doors};

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
            let run = as_run(serving(serve)?, Role::Server, ready_file, &registry)?;
            super::run::run(run, common, registry, rehearsal, output)
        }
        Mcp::Connect(connect) => {
            if output.json {
                let text = "--json would mix with MCP on the standard output; --log-format json \
                            is for the log";
                return Err(CliError::usage(text));
            }
            let ready_file = connect.ready_file.clone();
            let run = as_run(
                bridge::connecting(connect),
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

/// The same as `pqfw run`, with a profile of this system.
fn as_run(
    args: ProfileArgs,
    role: Role,
    ready_file: Option<PathBuf>,
    registry: &Registry,
) -> Result<Run, CliError> {
    let profile = args.profile.unwrap_or_else(|| SYSTEM.into());
    ours(&profile, &args.set, registry)?;
    Ok(Run {
        profile,
        role: Some(role.to_string()),
        set: args.set,
        ready_file,
        rehearse: false,
        no_temp_keys: false,
        pid_file: None,
        daemonize: false,
    })
}

fn ours(
    name: &str,
    set: &[(String, String)],
    registry: &Registry,
) -> Result<pqfw_framework::profile::Profile, CliError> {
    let (profile, _) = compose::resolve(name, set, registry)?;
    if profile.common.system != SYSTEM {
        let system = &profile.common.system;
        let text = format!("{name} is a profile of {system}, not of {SYSTEM}");
        return Err(CliError::usage(text));
    }
    Ok(profile)
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
    let mut set = args.set;
    set.push(("role".into(), Role::Client.to_string()));
    let name = args.profile.unwrap_or_else(|| SYSTEM.into());
    let profile = ours(&name, &set, registry)?;
    super::start_logging(common, &profile, Level::Warn)?;
    let console = Console {
        output: output.for_people(),
        system: SYSTEM.into(),
        dialect: profile.dialect.clone(),
        role: Role::Client,
        ready_file: None,
        doors: Doors::default(),
    };
    let composed = compose::compose(profile, Role::Client, registry, Arc::new(console), output)?;
    for warning in composed.warnings() {
        let warning = format!("warning: {warning}");
        output.line_err(&output.paint_err(Tone::Warning, &warning));
    }
    Ok(composed)
}
