//! What the commands of one system have in common: its profile, and one end of it, composed.

use std::path::PathBuf;
use std::sync::Arc;

use pqfw_framework::profile::Profile;
use pqfw_framework::registry::Registry;
use pqfw_framework::system::Role;

use crate::args::{Common, Level, ProfileArgs, Run};
use crate::compose::{self, Composed};
use crate::error::CliError;
use crate::output::{Output, Tone};
use crate::report::{Console, Doors};

/// The profile that is named, or the system's shipped one; it must be of that system.
pub(super) fn profile(
    system: &str,
    args: ProfileArgs,
    registry: &Registry,
) -> Result<Profile, CliError> {
    let name = args.profile.unwrap_or_else(|| system.into());
    let (profile, _) = compose::resolve(&name, &args.set, registry)?;
    let found = &profile.common.system;
    if found != system {
        let text = format!("{name} is a profile of {found}, not of {system}");
        return Err(CliError::usage(text));
    }
    Ok(profile)
}

/// The same as `pqfw run` with such a profile.
pub(super) fn as_run(
    system: &str,
    args: ProfileArgs,
    role: Role,
    ready_file: Option<PathBuf>,
    registry: &Registry,
) -> Result<Run, CliError> {
    profile(system, args.clone(), registry)?;
    Ok(Run {
        profile: args.profile.unwrap_or_else(|| system.into()),
        role: Some(role.to_string()),
        set: args.set,
        ready_file,
        rehearse: false,
        no_temp_keys: false,
        pid_file: None,
        daemonize: false,
    })
}

/// One end of the system, for a command that asks or looks something up.
pub(super) struct Asker {
    /// Which.
    pub(super) role: Role,
    /// Where what the end tells goes.
    pub(super) console: Output,
    /// The file that says that it is ready.
    pub(super) ready_file: Option<PathBuf>,
}

impl Asker {
    /// An end whose own words are for people.
    pub(super) fn quiet(role: Role, output: &Output) -> Self {
        Self {
            role,
            console: output.for_people(),
            ready_file: None,
        }
    }

    /// Makes everything that the profile names, and warns of what is to be warned of.
    pub(super) fn compose(
        self,
        profile: Profile,
        common: &Common,
        registry: &Registry,
        output: &Output,
    ) -> Result<Composed, CliError> {
        super::start_logging(common, &profile, Level::Warn)?;
        let console = Console {
            output: self.console,
            system: profile.common.system.clone(),
            dialect: profile.dialect.clone(),
            role: self.role,
            ready_file: self.ready_file,
            doors: Doors::default(),
        };
        let composed = compose::compose(profile, self.role, registry, Arc::new(console), output)?;
        for warning in composed.warnings() {
            let warning = format!("warning: {warning}");
            output.line_err(&output.paint_err(Tone::Warning, &warning));
        }
        Ok(composed)
    }
}
