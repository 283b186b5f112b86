//! `pqfw run`.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::registry::Registry;
use pqfw_framework::system::{Failure, Role};

use tokio::runtime::{Builder, Runtime};

use super::Rehearsal;
use crate::args::{Common, Level, Run};
use crate::compose;
use crate::daemon::{self, PidFile};
use crate::error::CliError;
use crate::output::Output;
use crate::reload::{Hangups, Signals};
use crate::report::{Console, Doors};

pub(super) fn run(
    run: Run,
    common: &Common,
    mut registry: Registry,
    rehearsal: &Rehearsal,
    output: &Output,
) -> Result<(), CliError> {
    let mut set = run.set;
    if run.no_temp_keys {
        set.push(("keys.runtime_temp_keys".into(), "false".into()));
    }
    // The option is the stronger: it is applied last.
    set.extend(run.role.map(|role| ("role".to_owned(), role)));
    let (profile, place) = compose::resolve(&run.profile, &set, &registry)?;
    if run.daemonize {
        return daemon::run_again(&profile, output);
    }
    let level = super::start_logging(common, &profile, Level::Info)?;
    let _pid_file = run.pid_file.as_deref().map(PidFile::write).transpose()?;
    let role = profile.common.role;
    let system = registry.system(&profile.common.system)?.info();
    if !system.roles.contains(&role) {
        return Err(system.has_no(role).into());
    }
    if run.rehearse || role == Role::Demo {
        rehearsal.apply(&mut registry)?;
    } else {
        rehearsal.decline(output);
    }
    let console = Console {
        output: *output,
        system: profile.common.system.clone(),
        dialect: profile.dialect.clone(),
        role,
        ready_file: run.ready_file,
        doors: Doors::default(),
    };
    let mut composed = compose::compose(profile, role, &registry, Arc::new(console), output)?;
    composed.announce(output, &place);
    composed.host.outside.reloads = Arc::new(Hangups {
        profile: run.profile,
        set,
        registry: Arc::new(registry),
        level,
        signals: Signals::default(),
    });
    let runtime = match role {
        Role::Node => frugal_runtime()?,
        Role::Demo | Role::Server | Role::Client => runtime()?,
    };
    let outcome = runtime.block_on(async {
        let stop = pqfw_runtime::stop_signal();
        composed
            .system
            .run(role, &composed.profile, composed.host.clone(), stop)
            .await
    });
    // A thread that waits for somebody to type cannot be told to stop.
    runtime.shutdown_timeout(LAST_WORDS);
    Ok(outcome?)
}

/// How long work that cannot be interrupted may go on when the system has ended.
pub(super) const LAST_WORDS: Duration = Duration::from_millis(200);

/// The runtime of every command that talks to a network.
pub(super) fn runtime() -> Result<Runtime, CliError> {
    built(Builder::new_multi_thread().enable_all())
}

/// The runtime of a node. Its threads begin with the privileges that an open interface needs; the
/// one that opens it gives the others up itself.
fn frugal_runtime() -> Result<Runtime, CliError> {
    let give_up = || {
        if let Err(error) = pqfw_tun::keep_net_admin() {
            tracing::error!("{error}");
        }
    };
    built(
        Builder::new_multi_thread()
            .enable_all()
            .on_thread_start(give_up),
    )
}

fn built(builder: &mut Builder) -> Result<Runtime, CliError> {
    builder.build().map_err(|error| {
        CliError::new(
            Failure::Operation,
            format!("cannot start the runtime: {error}"),
        )
    })
}
