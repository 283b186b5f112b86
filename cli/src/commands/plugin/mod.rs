//! `pqfw plugin`: algorithm crates of one's own.

mod check;
mod new;

use pqfw_framework::registry::Registry;

use crate::args::plugin::PluginCommand;
use crate::error::CliError;
use crate::output::Output;

pub(super) fn run(
    command: PluginCommand,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    match command {
        PluginCommand::New(args) => new::run(&args, output),
        PluginCommand::Check { plugin } => check::run(&plugin, registry, output),
    }
}
