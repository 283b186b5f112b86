//! `pqfw matrix`.

use clap::{Args as ClapArgs, ValueEnum};

use super::key_value;

/// The options of `pqfw matrix`.
#[derive(Debug, ClapArgs)]
pub(crate) struct Matrix {
    /// Files, or names of shipped profiles; default: every system of this binary, as shipped
    #[arg(value_name = "PROFILE")]
    pub(crate) profiles: Vec<String>,
    /// Override any key of the profiles, typed and checked
    #[arg(long, value_name = "KEY=VALUE", value_parser = key_value)]
    pub(crate) set: Vec<(String, String)>,
    /// Change this line alone; may be repeated; default: all four
    #[arg(long, value_enum)]
    pub(crate) only: Vec<Line>,
    /// Also run every pair of standards that work, in as few combinations as can be found
    #[arg(long, conflicts_with = "all")]
    pub(crate) pairs: bool,
    /// Also run signatures that take long, which some scenarios make hundreds of
    #[arg(long)]
    pub(crate) slow: bool,
    /// Also run every combination of standards that work
    #[arg(long)]
    pub(crate) all: bool,
    /// Print tables in Markdown
    #[arg(long)]
    pub(crate) markdown: bool,
}

/// A line of a profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Line {
    /// suite.kem
    Kem,
    /// suite.signature
    Signature,
    /// suite.aead
    Aead,
    /// transport.kind
    Transport,
}
