//! Names of files: one component of a path that means the same on every system.

use std::collections::BTreeSet;

use super::{BackupError, BackupFile, LARGEST_FILE_BYTES, MOST_FILES};

/// The longest name: with a directory in front, every file system takes it.
const LONGEST_NAME_BYTES: usize = 128;

/// Checks every name and size, at sealing and again at opening: whoever sealed may not have used
/// this code.
pub(super) fn check_all(files: &[BackupFile]) -> Result<(), BackupError> {
    if files.is_empty() || files.len() > MOST_FILES {
        return Err(BackupError::Count {
            what: "files",
            got: files.len(),
            limit: MOST_FILES,
        });
    }
    let mut seen = BTreeSet::new();
    for file in files {
        check(&file.name)?;
        if file.bytes.len() > LARGEST_FILE_BYTES {
            return Err(BackupError::TooLarge {
                what: file.name.clone(),
                got: file.bytes.len(),
                limit: LARGEST_FILE_BYTES,
            });
        }
        // Some file systems do not tell capitals apart.
        if !seen.insert(file.name.to_ascii_lowercase()) {
            return Err(BackupError::DuplicateName(file.name.clone()));
        }
    }
    Ok(())
}

/// No separator, drive, parent, hidden file or terminal escape can be written with these bytes.
fn check(name: &str) -> Result<(), BackupError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.+@".contains(&byte);
    let fits = (1..=LONGEST_NAME_BYTES).contains(&name.len())
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..")
        && name.bytes().all(allowed);
    if fits {
        return Ok(());
    }
    Err(BackupError::FileName(name.into()))
}
