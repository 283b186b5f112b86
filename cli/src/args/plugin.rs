//! `pqfw plugin`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Begin a crate with a KEM of your own, which builds and passes its tests at once
    #[command(after_help = "Example: pqfw plugin new my-kem && cd my-kem && cargo test")]
    New(New),
    /// Run the admission gate and the conformance kit over a plugin of this binary
    #[command(
        after_help = "Exit codes: 0 it conforms, 1 it does not, 2 it is not linked.\n\n\
                            Example: pqfw plugin check ml-kem"
    )]
    Check {
        /// The plugin's name, which is its crate's as a rule
        plugin: String,
    },
}

#[derive(Debug, Args)]
pub(crate) struct New {
    /// The crate's name: lower-case words joined by `-`
    pub(crate) name: String,
    /// Where it goes; default: a directory of its name
    #[arg(long, value_name = "DIRECTORY")]
    pub(crate) path: Option<PathBuf>,
    /// A checkout of pqfw to build against; default: its repository
    #[arg(long, value_name = "CHECKOUT")]
    pub(crate) framework: Option<PathBuf>,
}
