//! Audit logs: JSON Lines in which each line carries a digest over all before it.
//!
//! ```text
//! line n   = {"number":n,"digest":"hex of digest n","entry":…}
//! digest 0 = H("pqfw/audit/1" ‖ 00 ‖ number, u64 ‖ zeros ‖ entry)
//! digest n = H("pqfw/audit/1" ‖ 00 ‖ number, u64 ‖ digest n−1 ‖ entry)
//! ```
//!
//! The chain shows an edit, a deletion within and a reorder to anybody who has the lines. It cannot
//! show lines cut off its end, nor a whole chain made anew by whoever can write the file: keep its
//! [`AuditEnd`] elsewhere for that. Nothing of a log is held in memory but its end.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

use crate::hash::AdmittedHash;

/// A file that only grows, line by line.
pub trait Journal: Send + Sync {
    /// Adds a line, which has no line feed in it.
    ///
    /// # Errors
    /// [`JournalError`]; then the line is not there.
    fn append(&self, line: &[u8]) -> Result<(), JournalError>;

    /// Shows every line, from the first.
    ///
    /// # Errors
    /// [`JournalError`].
    fn read(&self, each: &mut dyn FnMut(&[u8])) -> Result<(), JournalError>;

    /// Where it is, for messages.
    fn describe(&self) -> String;
}

/// Where journals live.
pub trait Journals: Send + Sync {
    /// Opens a journal, and makes it when it is not there. A last line that a crash left unfinished
    /// is taken away.
    ///
    /// # Errors
    /// [`JournalError`].
    fn open(&self, name: &str) -> Result<Arc<dyn Journal>, JournalError>;
}

/// A journal that cannot be read or written: the machine's or operator's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("journal {path}: {reason}")]
pub struct JournalError {
    /// The file.
    pub path: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// Journals that end with the process.
#[derive(Default)]
pub struct MemoryJournals(Mutex<Vec<(String, Arc<MemoryJournal>)>>);

/// One journal of [`MemoryJournals`].
#[derive(Default)]
pub struct MemoryJournal(Mutex<Vec<Vec<u8>>>);

impl MemoryJournals {
    /// A journal by its name; an empty one when nobody has opened it.
    #[must_use]
    pub fn journal(&self, name: &str) -> Arc<MemoryJournal> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, journal)) = all.iter().find(|(known, _)| known == name) {
            return journal.clone();
        }
        let journal = Arc::<MemoryJournal>::default();
        all.push((name.to_owned(), journal.clone()));
        journal
    }
}

impl MemoryJournal {
    /// The lines, to look at or to tamper with.
    pub fn with<T>(&self, use_it: impl FnOnce(&mut Vec<Vec<u8>>) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Journals for MemoryJournals {
    fn open(&self, name: &str) -> Result<Arc<dyn Journal>, JournalError> {
        Ok(self.journal(name))
    }
}

impl Journal for MemoryJournal {
    fn append(&self, line: &[u8]) -> Result<(), JournalError> {
        self.with(|lines| lines.push(line.to_vec()));
        Ok(())
    }

    fn read(&self, each: &mut dyn FnMut(&[u8])) -> Result<(), JournalError> {
        // A copy, so that `each` may append.
        self.with(|lines| lines.clone())
            .iter()
            .for_each(|line| each(line));
        Ok(())
    }

    fn describe(&self) -> String {
        "memory".into()
    }
}

/// How far a chain goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEnd {
    /// How many entries it has.
    pub entries: u64,
    /// The digest of the last; zeros before the first.
    pub digest: Vec<u8>,
}

/// Why a log is not what was written, or cannot be written on.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum AuditError {
    /// Somebody's fault who could write the file: this line was edited, moved, or one before it
    /// is missing.
    #[error("audit log {place}: line {} is not the one that was written there", .number.saturating_add(1))]
    Changed {
        /// Where the log is.
        place: String,
        /// The number of the entry that belongs there, from 0; the file's lines count from 1.
        number: u64,
    },
    /// The machine's or operator's fault.
    #[error(transparent)]
    Journal(#[from] JournalError),
}

/// A log that is written on.
pub struct AuditLog {
    journal: Arc<dyn Journal>,
    hash: AdmittedHash,
    end: Mutex<AuditEnd>,
}

impl AuditLog {
    /// Opens a log at its end, after checking every line before it.
    ///
    /// # Errors
    /// [`AuditError`].
    pub fn open(journal: Arc<dyn Journal>, hash: AdmittedHash) -> Result<Self, AuditError> {
        let end = verify(&*journal, &hash, |_, _| {})?;
        Ok(Self {
            journal,
            hash,
            end: Mutex::new(end),
        })
    }

    /// Adds an entry: JSON on one line.
    ///
    /// # Errors
    /// [`AuditError::Journal`]; then the chain is as before.
    pub fn append(&self, entry: &str) -> Result<(), AuditError> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        let digest = link(&self.hash, &end, entry.as_bytes());
        let line = format!("{}{entry}}}", head(end.entries, &digest));
        self.journal.append(line.as_bytes())?;
        *end = AuditEnd {
            entries: end.entries + 1,
            digest,
        };
        Ok(())
    }

    /// How far the chain goes now.
    #[must_use]
    pub fn end(&self) -> AuditEnd {
        let end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        end.clone()
    }

    /// Where it is, for messages.
    #[must_use]
    pub fn describe(&self) -> String {
        self.journal.describe()
    }
}

/// Checks every line, shows each entry with the end that the chain has there, and gives the last.
///
/// # Errors
/// [`AuditError`] for the first line that is wrong. Entries shown before it are as they were written.
pub fn verify(
    journal: &dyn Journal,
    hash: &AdmittedHash,
    mut show: impl FnMut(&AuditEnd, &str),
) -> Result<AuditEnd, AuditError> {
    let mut end = AuditEnd {
        entries: 0,
        digest: vec![0; hash.sizes().digest],
    };
    let mut broken = false;
    journal.read(&mut |line| {
        if broken {
            return;
        }
        match next(hash, &end, line) {
            Some((entry, digest)) => {
                end = AuditEnd {
                    entries: end.entries + 1,
                    digest,
                };
                show(&end, entry);
            }
            None => broken = true,
        }
    })?;
    if broken {
        return Err(AuditError::Changed {
            place: journal.describe(),
            number: end.entries,
        });
    }
    Ok(end)
}

/// The entry of the line after `end`, and its digest, if the line is the one that belongs there.
fn next<'l>(hash: &AdmittedHash, end: &AuditEnd, line: &'l [u8]) -> Option<(&'l str, Vec<u8>)> {
    let line = str::from_utf8(line).ok()?;
    let zeros = vec![0; hash.sizes().digest];
    let entry = line
        .get(head(end.entries, &zeros).len()..)?
        .strip_suffix('}')?;
    let digest = link(hash, end, entry.as_bytes());
    line.starts_with(&head(end.entries, &digest))
        .then_some((entry, digest))
}

fn link(hash: &AdmittedHash, end: &AuditEnd, entry: &[u8]) -> Vec<u8> {
    hash.digest(&[LABEL, &end.entries.to_be_bytes(), &end.digest, entry])
}

/// The beginning of a line.
fn head(number: u64, digest: &[u8]) -> String {
    let mut text = format!(r#"{{"number":{number},"digest":""#);
    for byte in digest {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text.push_str(r#"","entry":"#);
    text
}

const LABEL: &[u8] = b"pqfw/audit/1\0";
