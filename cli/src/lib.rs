//! The command line of pqfw, as a library.
//!
//! A binary of your own with plugins of your own is ten lines:
//!
//! ```no_run
//! use pqfw_framework::registry::Plugin;
//!
//! fn main() -> std::process::ExitCode {
//!     pqfw::main_with(vec![Plugin::new("my-plugin")])
//! }
//! ```
//!
//! Where to look: `args` for what can be typed, `compose` for how a profile becomes a running
//! system, `commands/` for one file a command, `report` for how a system's events are printed.

mod args;
mod builtin;
mod commands;
mod compose;
mod daemon;
mod error;
mod files;
mod findings;
mod logging;
mod output;
mod prefs;
mod reload;
mod report;
mod tls;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use clap::Parser;
use pqfw_framework::registry::Plugin;
use pqfw_framework::system::Failure;

pub use builtin::registry;

use args::Args;
use error::{CliError, exit_code};
use output::Output;

/// Runs the command line with the built-in plugins and `plugins`, and gives the exit code.
#[must_use]
pub fn main_with(plugins: Vec<Plugin>) -> ExitCode {
    let args = Args::parse();
    let output = Output::new(args.common.json);
    let verbose = args.common.verbose;
    let outcome = catch_unwind(AssertUnwindSafe(|| commands::run(args, plugins, &output)));
    let error = match outcome {
        Ok(Ok(())) => return ExitCode::SUCCESS,
        Ok(Err(error)) => error,
        Err(_) => CliError::new(
            Failure::Internal,
            "this is a bug in pqfw; please report the message above, the command line and the \
             output of `pqfw --version` at https://github.com/pqfw/pqfw/issues",
        ),
    };
    output.error(&error, verbose);
    ExitCode::from(exit_code(error.failure))
}
