//! `pqfw chat`: messages, pipes and forwarded ports over the channel.

use std::path::PathBuf;
use std::sync::Arc;

use pqfw_framework::registry::Registry;
use pqfw_framework::system::Role;
use pqfw_mlkem_tcp::channel::{self, client::Caller};
use pqfw_mlkem_tcp::config::Config;

use super::Rehearsal;
use super::run::{LAST_WORDS, runtime};
use crate::args::chat::{Chat, ChatTarget};
use crate::args::{Common, Level, ProfileArgs, Run};
use crate::compose::{self, Composed};
use crate::error::CliError;
use crate::output::{Output, Tone};
use crate::report::{Console, Doors};

/// The system, and the name of its shipped profile.
const SYSTEM: &str = "mlkem-tcp";

pub(super) fn run(
    chat: Chat,
    common: &Common,
    registry: Registry,
    rehearsal: &Rehearsal,
    output: &Output,
) -> Result<(), CliError> {
    match chat {
        Chat::Serve {
            profile,
            ready_file,
        } => {
            let run = as_run(profile, Role::Server, ready_file, &registry)?;
            super::run::run(run, common, registry, rehearsal, output)
        }
        Chat::Connect(target) => {
            let run = as_run(reaching(target), Role::Client, None, &registry)?;
            super::run::run(run, common, registry, rehearsal, output)
        }
        Chat::Send(target) => {
            rehearsal.decline(output);
            let composed = client(target, None, common, &registry, output)?;
            let caller = caller(&composed)?;
            let runtime = runtime()?;
            let sent = runtime.block_on(async { caller.send(pqfw_runtime::stop_signal()).await });
            runtime.shutdown_timeout(LAST_WORDS);
            Ok(sent?)
        }
        Chat::Forward {
            target,
            local,
            remote,
            ready_file,
        } => {
            rehearsal.decline(output);
            let composed = client(target, ready_file, common, &registry, output)?;
            let caller = caller(&composed)?;
            let transport = registry.transport("tcp")?;
            Ok(runtime()?.block_on(async {
                let stop = pqfw_runtime::stop_signal();
                channel::forward::serve(caller, &**transport, &local, &remote, stop).await
            })?)
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

fn reaching(target: ChatTarget) -> ProfileArgs {
    let mut args = target.profile;
    let to = target.to.map(|url| ("transport.connect".to_owned(), url));
    args.set.extend(to);
    args
}

fn client(
    target: ChatTarget,
    ready_file: Option<PathBuf>,
    common: &Common,
    registry: &Registry,
    output: &Output,
) -> Result<Composed, CliError> {
    let mut args = reaching(target);
    args.set.push(("role".into(), Role::Client.to_string()));
    let name = args.profile.unwrap_or_else(|| SYSTEM.into());
    let profile = ours(&name, &args.set, registry)?;
    if profile.dialect != channel::DIALECT {
        let text = format!(
            "dialect {} only chats; pipes and forwarding need --set dialect={}",
            profile.dialect,
            channel::DIALECT
        );
        return Err(CliError::usage(text));
    }
    super::start_logging(common, &profile, Level::Warn)?;
    let console = Console {
        output: *output,
        system: SYSTEM.into(),
        dialect: profile.dialect.clone(),
        role: Role::Client,
        ready_file,
        doors: Doors::default(),
    };
    let composed = compose::compose(profile, Role::Client, registry, Arc::new(console), output)?;
    for warning in composed.warnings() {
        let warning = format!("warning: {warning}");
        output.line_err(&output.paint_err(Tone::Warning, &warning));
    }
    Ok(composed)
}

fn caller(composed: &Composed) -> Result<Caller, CliError> {
    let config: Config = composed.profile.system_table()?;
    let bounds = config.bounds(&composed.host.settings.limits);
    let host = composed.host.clone();
    Ok(Caller::new(host, &composed.profile, bounds)?)
}
