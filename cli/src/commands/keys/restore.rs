//! `pqfw keys restore`.

use std::path::Path;

use pqfw_framework::keys::backup::{Backup, BackupFile};
use pqfw_framework::policy::{self, Policy, Verdict};
use pqfw_framework::registry::Registry;
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use serde_json::json;

use super::audit::Audit;
use super::backup::suite;
use super::recovery::Recovery;
use crate::args::keys::Restore;
use crate::compose;
use crate::error::CliError;
use crate::files;
use crate::output::{Output, Tone};

pub(super) fn restore(
    args: &Restore,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let inputs = args.recovery.iter().chain(&args.passphrase.passphrase_file);
    let inputs = inputs.chain([&args.input]);
    files::at_most_one_stdin(inputs.map(AsRef::as_ref))?;
    let policies = compose::policies(&args.policy, registry)?;
    let file = files::read(&args.input)?;
    let during = |error: CliError| error.during(args.input.display());
    let backup = Backup::parse(file.expose()).map_err(|error| during(error.into()))?;
    let suite = suite(backup.kdf(), backup.aead(), registry, &policies, output).map_err(during)?;
    warn_of_other_recipients(&backup, registry, &policies, output);
    let recovery = Recovery {
        registry,
        policies: &policies,
        output,
    };
    let recovery_keys = args.recovery.iter();
    let recovery_keys: Vec<_> = recovery_keys
        .map(|path| recovery.private(path, &args.passphrase))
        .collect::<Result<_, _>>()?;
    let audit = Audit::open(args.audit_log.as_deref(), suite.sha256.clone())?;
    let contents = backup.open(&suite, &recovery_keys);
    let contents = contents.map_err(|error| during(error.into()))?;
    has_room(&args.out_dir, &contents, args.force)?;
    // No key comes out of a backup without an entry.
    audit.record(
        "keys.restore",
        &args.out_dir,
        &contents,
        json!({ "backup": args.input, "kdf": backup.kdf(), "aead": backup.aead() }),
        output,
    )?;
    for file in &contents {
        let path = args.out_dir.join(&file.name);
        files::write_secret(output, &path, file.bytes.expose(), args.force)?;
    }
    Ok(())
}

/// What any one recipient can open is as safe as the weakest recipient's key.
fn warn_of_other_recipients(
    backup: &Backup<'_>,
    registry: &Registry,
    policies: &[Policy],
    output: &Output,
) {
    let today = OsWorld::new().now().day();
    for recipient in backup.recipients() {
        let refusal = match registry.parts(&recipient.kem) {
            Err(_) => "which nobody here knows".to_owned(),
            Ok(rows) => match policy::verdict(policies, &rows, &today) {
                Verdict::Denied(reason) => format!("which is refused: {reason}"),
                Verdict::Allowed | Verdict::Warned(_) => continue,
            },
        };
        let text = format!("warning: sealed to a key of {}, {refusal}", recipient.kem);
        output.line_err(&output.paint_err(Tone::Warning, &text));
    }
}

/// Nothing is written unless every file has its place.
fn has_room(directory: &Path, contents: &[BackupFile], force: bool) -> Result<(), CliError> {
    files::make_private_directory(directory)?;
    for file in contents {
        let path = directory.join(&file.name);
        if !force && path.symlink_metadata().is_ok() {
            let what = "is there already, so nothing was written; choose another --out-dir, or \
                        replace it with --force";
            return Err(CliError::operation(what).during(path.display()));
        }
    }
    Ok(())
}
