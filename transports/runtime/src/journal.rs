//! Journals in one directory: files that only grow.
//!
//! A line is written by one call, in append mode, and is in the hands of the operating system when
//! that returns: it survives the end of the process, though not of the machine. The file is readable
//! by its owner alone.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::audit::{Journal, JournalError, Journals};

use crate::keys::make_private_directory;

/// Journals in a directory of this machine.
pub struct DirectoryJournals {
    directory: PathBuf,
}

impl DirectoryJournals {
    /// Uses a directory, which is made when the first journal is opened. Absolute names of
    /// journals lead out of it.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }
}

impl Journals for DirectoryJournals {
    fn open(&self, name: &str) -> Result<Arc<dyn Journal>, JournalError> {
        let path = self.directory.join(name);
        let open = || {
            make_private_directory(path.parent().unwrap_or(&self.directory))?;
            let mut file = append_only(&path)?;
            drop_unfinished_line(&mut file)?;
            Ok(file)
        };
        let file = open().map_err(|error: std::io::Error| failed(&path, &error))?;
        Ok(Arc::new(FileJournal {
            file: Mutex::new(file),
            path,
        }))
    }
}

fn append_only(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Takes what stands after the last line feed: the process ended in the middle of a line.
fn drop_unfinished_line(file: &mut File) -> std::io::Result<()> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut piece = [0; 4096];
    while end > 0 {
        let length = usize::try_from(end.min(4096)).unwrap_or(piece.len());
        let (start, piece) = (end - length as u64, &mut piece[..length]);
        file.seek(SeekFrom::Start(start))?;
        file.read_exact(piece)?;
        if let Some(at) = piece.iter().rposition(|byte| *byte == b'\n') {
            return file.set_len(start + at as u64 + 1);
        }
        end = start;
    }
    file.set_len(0)
}

struct FileJournal {
    file: Mutex<File>,
    path: PathBuf,
}

impl Journal for FileJournal {
    fn append(&self, line: &[u8]) -> Result<(), JournalError> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let whole = [line, b"\n"].concat();
        file.write_all(&whole).map_err(|error| {
            // Half a line would break the chain of all that follow.
            let _ = drop_unfinished_line(&mut file);
            failed(&self.path, &error)
        })
    }

    fn read(&self, each: &mut dyn FnMut(&[u8])) -> Result<(), JournalError> {
        let failed = |error: std::io::Error| failed(&self.path, &error);
        let mut lines = BufReader::new(File::open(&self.path).map_err(failed)?);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            each(line.strip_suffix(b"\n").unwrap_or(&line));
            line.clear();
        }
        Ok(())
    }

    fn describe(&self) -> String {
        self.path.display().to_string()
    }
}

fn failed(path: &Path, error: &std::io::Error) -> JournalError {
    JournalError {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}
