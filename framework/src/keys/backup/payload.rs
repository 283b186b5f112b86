//! What a backup holds: be16 number of files, then for each be16 length and name, be32 length and
//! bytes.

use super::{BackupError, BackupFile, LARGEST_FILE_BYTES, LARGEST_PAYLOAD_BYTES, MOST_FILES, name};
use crate::secret::SecretBytes;
use crate::wire::Reader;

const COUNT_BYTES: usize = 2;
const LENGTHS_BYTES: usize = 2 + 4;

/// Writes the payload into one buffer of its size, so that no copy of a key is left behind.
pub(super) fn encode(files: &[BackupFile]) -> Result<SecretBytes, BackupError> {
    name::check_all(files)?;
    let sizes = files
        .iter()
        .map(|file| LENGTHS_BYTES + file.name.len() + file.bytes.len());
    let got = COUNT_BYTES + sizes.sum::<usize>();
    if got > LARGEST_PAYLOAD_BYTES {
        return Err(BackupError::TooLarge {
            what: "the files together".into(),
            got,
            limit: LARGEST_PAYLOAD_BYTES,
        });
    }
    let mut payload = SecretBytes::zeroed(got);
    let mut rest = payload.expose_mut();
    let mut put = |bytes: &[u8]| {
        let (place, behind) = std::mem::take(&mut rest).split_at_mut(bytes.len());
        place.copy_from_slice(bytes);
        rest = behind;
    };
    // The limits above keep every length within its field.
    put(&(files.len() as u16).to_be_bytes());
    for file in files {
        put(&(file.name.len() as u16).to_be_bytes());
        put(file.name.as_bytes());
        put(&(file.bytes.len() as u32).to_be_bytes());
        put(file.bytes.expose());
    }
    Ok(payload)
}

/// Reads a payload that authenticated.
pub(super) fn decode(payload: &[u8]) -> Result<Vec<BackupFile>, BackupError> {
    let mut reader = Reader::new(payload);
    let count = usize::from(reader.u16("number of files")?);
    if count > MOST_FILES {
        return Err(BackupError::Count {
            what: "files",
            got: count,
            limit: MOST_FILES,
        });
    }
    let mut files = Vec::with_capacity(count);
    for _ in 0..count {
        let name = reader.vector16("file name", usize::from(u16::MAX))?;
        let bytes = reader.vector32("file", LARGEST_FILE_BYTES)?;
        let shown = || BackupError::FileName(String::from_utf8_lossy(name).into_owned());
        files.push(BackupFile {
            name: std::str::from_utf8(name).map_err(|_| shown())?.to_owned(),
            bytes: SecretBytes::copy_of(bytes),
        });
    }
    reader.finish()?;
    name::check_all(&files)?;
    Ok(files)
}
