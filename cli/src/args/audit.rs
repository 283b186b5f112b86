//! What can be typed after `pqfw audit`.

use std::path::PathBuf;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum Audit {
    /// Find the first line of a log that is not the one that was written there
    #[command(
        after_help = "An edit, a deletion within and a reorder are found; exit code 3, and the line. Lines cut \
                      off the end, and a whole log made anew, are found by a digest that was kept elsewhere.\n\n\
                      Example: pqfw audit verify ~/.local/state/pqfw/mcp/audit.jsonl"
    )]
    Verify {
        /// The log: JSON Lines with a digest each, such as mcp's audit.jsonl
        file: PathBuf,
        /// The end that an earlier check told, all 64 digits: the log must still hold it
        #[arg(long, value_name = "DIGEST")]
        kept: Option<String>,
    },
}
