//! `pqfw audit`: logs whose lines are chained, checked without the process that wrote them.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use pqfw_framework::audit::{AuditEnd, AuditError, Journal, JournalError, verify};
use pqfw_framework::registry::Registry;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::system::Failure;
use serde_json::json;

use crate::args::audit::Audit;
use crate::error::CliError;
use crate::files;
use crate::output::{Output, Tone};

pub(super) fn run(audit: &Audit, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let Audit::Verify { file, kept } = audit;
    let hash = super::resolve(registry, output, |resolver| resolver.hash("SHA-256"))?;
    let digest_bytes = hash.sizes().digest;
    let kept = kept.as_ref().map(|hex| whole_digest(hex, digest_bytes));
    let kept = kept.transpose()?;
    let log = LogFile {
        path: file.clone(),
        unfinished: AtomicU64::new(0),
    };
    let mut found = None;
    let checked = verify(&log, &hash, |end, _| {
        if kept
            .as_ref()
            .is_some_and(|kept| kept.expose() == end.digest)
        {
            found = Some(end.entries);
        }
    });
    let end = checked.map_err(|error| {
        let failure = match error {
            AuditError::Changed { .. } => Failure::Authentication,
            AuditError::Journal(_) => Failure::Operation,
        };
        CliError::new(failure, error)
    })?;
    if kept.is_some() && found.is_none() {
        let text = format!(
            "{}: none of its {} entries has the digest that was kept: lines were cut off its end, or it \
             is another log",
            file.display(),
            end.entries
        );
        return Err(CliError::new(Failure::Authentication, text));
    }
    let unfinished = log.unfinished.load(Ordering::Relaxed);
    tell(file, &end, unfinished, output);
    Ok(())
}

/// A digest that was kept. Part of one would be found in no log, which would look like tampering.
fn whole_digest(hex: &str, bytes: usize) -> Result<SecretBytes, CliError> {
    let digest = files::hex("--kept", hex).ok();
    digest.filter(|digest| digest.len() == bytes).ok_or_else(|| {
        let digits = 2 * bytes;
        CliError::usage(format!(
            "--kept: give all {digits} hexadecimal digits of a digest, as an earlier check told it"
        ))
    })
}

fn tell(file: &Path, end: &AuditEnd, unfinished: u64, output: &Output) {
    if unfinished > 0 {
        let text = format!(
            "warning: the last {unfinished} bytes are no whole line, as a crash leaves them; whoever \
             writes the log takes them away"
        );
        output.line_err(&output.paint_err(Tone::Warning, &text));
    }
    let digest: String = end
        .digest
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let entries = end.entries;
    if output.json {
        output.document(&json!({
            "file": file,
            "entries": entries,
            "digest": digest,
            "unfinished_bytes": unfinished,
        }));
        return;
    }
    let noun = if entries == 1 { "entry" } else { "entries" };
    output.line(&format!(
        "{entries} {noun}, as they were written; the end is {digest}"
    ));
}

/// A log that is read and never written, not even where a crash left half a line.
struct LogFile {
    path: PathBuf,
    /// Bytes behind the last whole line.
    unfinished: AtomicU64,
}

impl Journal for LogFile {
    fn append(&self, _: &[u8]) -> Result<(), JournalError> {
        Err(self.failed("it is only read"))
    }

    fn read(&self, each: &mut dyn FnMut(&[u8])) -> Result<(), JournalError> {
        let failed = |error: std::io::Error| self.failed(error);
        let mut lines = BufReader::new(File::open(&self.path).map_err(failed)?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            match line.strip_suffix(b"\n") {
                Some(line) => each(line),
                None => self.unfinished.store(line.len() as u64, Ordering::Relaxed),
            }
            line.clear();
        }
        Ok(())
    }

    fn describe(&self) -> String {
        self.path.display().to_string()
    }
}

impl LogFile {
    fn failed(&self, reason: impl std::fmt::Display) -> JournalError {
        JournalError {
            path: self.describe(),
            reason: reason.to_string(),
        }
    }
}
