//! `pqfw chat`: messages, pipes and forwarded ports over the channel.

use std::path::PathBuf;

use pqfw_framework::registry::Registry;
use pqfw_framework::system::Role;
use pqfw_mlkem_tcp::channel::{self, client::Caller};
use pqfw_mlkem_tcp::config::Config;

use super::Rehearsal;
use super::run::{LAST_WORDS, runtime};
use super::system::{self, Asker};
use crate::args::chat::{Chat, ChatTarget};
use crate::args::{Common, ProfileArgs};
use crate::compose::Composed;
use crate::error::CliError;
use crate::output::Output;

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
            let run = system::as_run(SYSTEM, profile, Role::Server, ready_file, &registry)?;
            super::run::run(run, common, registry, rehearsal, output)
        }
        Chat::Connect(target) => {
            let run = system::as_run(SYSTEM, reaching(target), Role::Client, None, &registry)?;
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
    let profile = system::profile(SYSTEM, args, registry)?;
    if profile.dialect != channel::DIALECT {
        let text = format!(
            "dialect {} only chats; pipes and forwarding need --set dialect={}",
            profile.dialect,
            channel::DIALECT
        );
        return Err(CliError::usage(text));
    }
    let asker = Asker {
        role: Role::Client,
        console: *output,
        ready_file,
    };
    asker.compose(profile, common, registry, output)
}

fn caller(composed: &Composed) -> Result<Caller, CliError> {
    let config: Config = composed.profile.system_table()?;
    let bounds = config.bounds(&composed.host.settings.limits);
    let host = composed.host.clone();
    Ok(Caller::new(host, &composed.profile, bounds)?)
}
