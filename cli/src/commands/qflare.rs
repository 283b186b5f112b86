//! `pqfw qflare`: one file a command.

mod aggregate;

use pqfw_framework::registry::Registry;

use crate::args::qflare::Qflare;
use crate::error::CliError;
use crate::output::Output;

pub(super) fn run(qflare: Qflare, registry: &Registry, output: &Output) -> Result<(), CliError> {
    match qflare {
        Qflare::Aggregate(args) => aggregate::run(&args, registry, output),
    }
}
