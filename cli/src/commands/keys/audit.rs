//! The audit log of key escrow: an entry for each backup and each restore, in a chain
//! (`pqfw_framework::audit`). Nothing in it is secret.

use std::fs::File;
use std::path::{Path, absolute};

use pqfw_framework::audit::{AuditLog, Journals};
use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::keys::backup::BackupFile;
use pqfw_framework::world::World;
use pqfw_runtime::{DirectoryJournals, OsWorld};
use serde_json::{Value, json};

use crate::compose;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

/// The log in the state directory, when none is named.
const NAME: &str = "keys.audit.jsonl";

/// A log that is checked to its end, and that nobody else writes on meanwhile.
pub(super) struct Audit {
    log: AuditLog,
    _lock: File,
}

impl Audit {
    /// Opens the log that is named, or the one in the state directory.
    pub(super) fn open(named: Option<&Path>, sha256: AdmittedHash) -> Result<Self, CliError> {
        let path = match named {
            Some(path) => path.to_owned(),
            None => compose::state_home()?.join(NAME),
        };
        let failed = |error: std::io::Error| {
            CliError::operation(format!("audit log {}: {error}", path.display()))
        };
        let path = absolute(&path).map_err(failed)?;
        let directory = path.parent().unwrap_or(&path);
        files::make_private_directory(directory)?;
        // Its own file, so that the log is opened, and its last line mended, under the lock.
        let mut beside = path.clone().into_os_string();
        beside.push(".lock");
        let mut options = File::options();
        let options = options.write(true).create(true).truncate(false);
        let lock = options.open(beside).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let journals = DirectoryJournals::new(directory);
        let journal = journals.open(&path.to_string_lossy());
        let journal = journal.map_err(CliError::operation)?;
        let log = AuditLog::open(journal, sha256).map_err(CliError::operation)?;
        Ok(Self { log, _lock: lock })
    }

    /// Adds what was done with which files, and says so.
    pub(super) fn record(
        &self,
        event: &str,
        place: &Path,
        contents: &[BackupFile],
        more: Value,
        output: &Output,
    ) -> Result<(), CliError> {
        let files = contents.iter();
        let files: Vec<_> = files
            .map(|file| json!({ "name": file.name, "bytes": file.bytes.len() }))
            .collect();
        let mut record = json!({
            "event": event,
            "time": OsWorld::new().now().iso8601(),
            "place": place,
            "files": files,
        });
        if let (Value::Object(record), Value::Object(more)) = (&mut record, more) {
            record.extend(more);
        }
        let entry = record.to_string();
        self.log.append(&entry).map_err(CliError::operation)?;
        if output.json {
            output.document(&record);
        } else {
            output.line_err(&format!("audit {entry}"));
        }
        Ok(())
    }
}
