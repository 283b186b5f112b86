//! `pqfw keys backup`.

use std::path::Path;

use pqfw_framework::kem::EncapsulationKey;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::keys::backup::{BackupFile, BackupSuite, seal};
use pqfw_framework::policy::Policy;
use pqfw_framework::registry::Registry;
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use serde_json::{Value, json};

use super::audit::Audit;
use super::recovery::Recovery;
use crate::args::keys::Backup;
use crate::compose;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

pub(super) fn backup(args: &Backup, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let inputs = args.files.iter().chain(&args.recipients);
    files::at_most_one_stdin(inputs.map(AsRef::as_ref))?;
    super::stdout_is_free(std::iter::once(args.output.as_ref()), output)?;
    let policies = compose::policies(&args.suite.policy, registry)?;
    let recovery = Recovery {
        registry,
        policies: &policies,
        output,
    };
    let recipients = args.recipients.iter();
    let recipients: Vec<_> = recipients
        .map(|path| recovery.public(path))
        .collect::<Result<_, _>>()?;
    let contents: Vec<_> = args
        .files
        .iter()
        .map(|path| read(path))
        .collect::<Result<_, _>>()?;
    let suite = suite(
        &args.suite.kdf,
        &args.suite.aead,
        registry,
        &policies,
        output,
    )?;
    let audit = Audit::open(args.audit_log.as_deref(), suite.sha256.clone())?;
    let world = OsWorld::new();
    let sealed = seal(
        &suite,
        &contents,
        &recipients,
        args.need.into(),
        &mut *world.rng(),
    )?;
    files::write_secret(output, &args.output, &sealed, args.force)?;
    audit.record(
        "keys.backup",
        &args.output,
        &contents,
        json!({
            "recipients": keepers(&recipients, &suite),
            "need": pqfw_framework::keys::backup::Need::from(args.need).to_string(),
            "kdf": suite.kdf.info().id,
            "aead": suite.aead.info().id,
        }),
        output,
    )
}

/// The algorithms of a backup, by the names in its head or on the command line.
pub(super) fn suite(
    kdf: &str,
    aead: &str,
    registry: &Registry,
    policies: &[Policy],
    output: &Output,
) -> Result<BackupSuite, CliError> {
    super::super::resolve_under(registry, policies, output, |resolver| {
        Ok(BackupSuite {
            kdf: resolver.kdf(kdf)?,
            aead: resolver.aead(aead)?,
            sha256: resolver.hash("SHA-256")?,
        })
    })
}

fn read(path: &Path) -> Result<BackupFile, CliError> {
    let name = path.file_name().and_then(|name| name.to_str());
    let Some(name) = name.filter(|_| path != Path::new("-")) else {
        let what = "a file in a backup needs a name of its own, in UTF-8";
        return Err(CliError::usage(what).during(path.display()));
    };
    Ok(BackupFile {
        name: name.to_owned(),
        bytes: files::read(path)?,
    })
}

fn keepers(recipients: &[EncapsulationKey], suite: &BackupSuite) -> Vec<Value> {
    let keepers = recipients.iter().map(|key| {
        let fingerprint = Fingerprint::of(&suite.sha256, key.info(), &key.to_bytes());
        let fingerprint = fingerprint.ok().map(|fingerprint| fingerprint.to_string());
        json!({ "algorithm": key.info().id, "fingerprint": fingerprint })
    });
    keepers.collect()
}
