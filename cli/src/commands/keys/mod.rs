//! `pqfw keys`: one file a command.

mod algorithm;
mod audit;
mod backup;
mod convert;
mod generate;
pub(super) mod inspect;
pub(super) mod mcp_identity;
mod packing;
mod recovery;
mod restore;

use std::path::Path;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::registry::Registry;

use crate::args::keys::Keys;
use crate::error::CliError;
use crate::output::Output;

pub(super) fn run(keys: Keys, registry: &Registry, output: &Output) -> Result<(), CliError> {
    match keys {
        Keys::Generate(args) => generate::generate(&args, registry, output),
        Keys::Inspect(args) => inspect::inspect(&args, registry, output),
        Keys::Convert(args) => convert::convert(&args, registry, output),
        Keys::Backup(args) => backup::backup(&args, registry, output),
        Keys::Restore(args) => restore::restore(&args, registry, output),
    }
}

/// The hash of fingerprints.
fn sha256(registry: &Registry, output: &Output) -> Result<AdmittedHash, CliError> {
    super::resolve(registry, output, |resolver| resolver.hash("SHA-256"))
}

/// A key and a JSON document cannot share stdout.
fn stdout_is_free<'a>(
    mut paths: impl Iterator<Item = &'a Path>,
    output: &Output,
) -> Result<(), CliError> {
    if output.json && paths.any(|path| path == Path::new("-")) {
        let what = "with --json, stdout is for the JSON: give the key a file";
        return Err(CliError::usage(what));
    }
    Ok(())
}
