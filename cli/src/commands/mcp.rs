//! `pqfw mcp`: both ends of the bridge, and what hosts are told of it.

use std::path::PathBuf;
use std::sync::Arc;

use pqfw_framework::registry::Registry;
use pqfw_framework::system::{Role, Standard};
use pqfw_mcp::bridge;
use pqfw_mcp::bridge::filter::ANY_PEER;
use pqfw_runtime::OsStandard;
use pqfw_session::compose::{self as channel, End};
use serde_json::json;

use super::Rehearsal;
use super::run::{LAST_WORDS, runtime};
use crate::args::mcp::{Mcp, McpConnect, McpIdentity, McpServe, McpTarget};
use crate::args::{Common, Level, ProfileArgs, Run};
use crate::compose;
use crate::error::CliError;
use crate::output::Output;
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
            let run = as_run(connecting(connect)?, Role::Client, ready_file, &registry)?;
            super::run::run(run, common, registry, rehearsal, output)
        }
        Mcp::Config { name, target } => config(&name, &target, &registry, output),
        Mcp::Identity(McpIdentity::Show(profile)) => {
            rehearsal.decline(output);
            show_identity(profile, common, &registry, output)
        }
        Mcp::DemoServer => {
            let runtime = runtime()?;
            let served = runtime.block_on(bridge::demo_server::run(OsStandard.open()));
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
    if let Some(listen) = serve.listen {
        set("transport.listen", listen);
    }
    if !serve.allow_peer.is_empty() {
        set("peers.mode", "allow-list".into());
        set("peers.allow", list(&serve.allow_peer));
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

fn connecting(connect: McpConnect) -> Result<ProfileArgs, CliError> {
    let mut args = reaching(connect.target);
    if let Some(address) = connect.http_listen {
        args.set.push(("mcp.http_listen".into(), address));
    }
    if !connect.origin.is_empty() {
        args.set.push(("mcp.origins".into(), list(&connect.origin)));
    }
    Ok(args)
}

fn reaching(target: McpTarget) -> ProfileArgs {
    let mut args = target.profile;
    let mut set = |key: &str, value: String| args.set.push((key.into(), value));
    if let Some(url) = target.to {
        if let Some((scheme, _)) = url.split_once(':') {
            set("transport.kind", scheme.into());
        }
        set("transport.connect", url);
    }
    if !target.server.is_empty() {
        set("peers.mode", "allow-list".into());
        set("peers.allow", list(&target.server));
    }
    args
}

/// A list of strings as a profile has it.
fn list(strings: &[impl AsRef<str>]) -> String {
    let strings: Vec<_> = strings.iter().map(AsRef::as_ref).collect();
    json!(strings).to_string()
}

/// `{"mcpServers":{NAME:{"command":…,"args":["mcp","connect",…]}}}`, as hosts read it.
fn config(
    name: &str,
    target: &McpTarget,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    // What a host could not start is not worth pasting.
    let args = reaching(target.clone());
    let profile = target.profile.profile.clone();
    let ours = ours(profile.as_deref().unwrap_or(SYSTEM), &args.set, registry)?;
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

fn show_identity(
    mut args: ProfileArgs,
    common: &Common,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    args.set.push(("role".into(), Role::Client.to_string()));
    let name = args.profile.unwrap_or_else(|| SYSTEM.into());
    let profile = ours(&name, &args.set, registry)?;
    super::start_logging(common, &profile, Level::Warn)?;
    let console = Console {
        output: *output,
        system: SYSTEM.into(),
        dialect: profile.dialect.clone(),
        role: Role::Client,
        ready_file: None,
        doors: Doors::default(),
    };
    let composed = compose::compose(profile, Role::Client, registry, Arc::new(console), output)?;
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
