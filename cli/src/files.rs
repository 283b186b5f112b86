//! Files that a person names on the command line; `-` is stdin or stdout.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use pqfw_framework::secret::SecretBytes;

use crate::error::CliError;
use crate::output::Output;

/// No file of the primitives is larger; streams belong to a protocol.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// Reads a file, or stdin.
pub(crate) fn read(path: &Path) -> Result<SecretBytes, CliError> {
    let failed = |error: io::Error| CliError::operation(format!("{}: {error}", path.display()));
    let mut bytes = Vec::new();
    let read = if path == Path::new("-") {
        io::stdin()
            .lock()
            .take(MAX_FILE_BYTES + 1)
            .read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes))
    };
    let bytes = read.map(|_| SecretBytes::own(bytes)).map_err(failed)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_FILE_BYTES) {
        return Ok(bytes);
    }
    let (path, most) = (path.display(), MAX_FILE_BYTES >> 20);
    Err(CliError::operation(format!(
        "{path}: larger than {most} MiB, the most this reads"
    )))
}

/// Reads a file as text.
pub(crate) fn read_text(path: &Path) -> Result<String, CliError> {
    let bytes = read(path)?;
    String::from_utf8(bytes.expose().to_vec())
        .map_err(|_| CliError::operation(format!("{}: not UTF-8", path.display())))
}

/// Writes a file that anyone may read, or to stdout.
pub(crate) fn write(output: &Output, path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    if path == Path::new("-") {
        output.bytes(bytes);
        return Ok(());
    }
    fs::write(path, bytes)
        .map_err(|error| CliError::operation(format!("{}: {error}", path.display())))
}

/// Writes a file that its owner alone may read. A file with content is not replaced unless
/// `replace`: what is lost here cannot be had again.
pub(crate) fn write_secret(
    output: &Output,
    path: &Path,
    bytes: &[u8],
    replace: bool,
) -> Result<(), CliError> {
    let failed = |error: io::Error| CliError::operation(format!("{}: {error}", path.display()));
    if path == Path::new("-") {
        output.bytes(bytes);
        return Ok(());
    }
    let has_content = fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() > 0);
    if has_content && !replace {
        let path = path.display();
        return Err(CliError::operation(format!(
            "{path} is there already; choose another name, or replace it with --force"
        )));
    }
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(failed)?;
    #[cfg(unix)]
    if file.metadata().map_err(failed)?.is_file() {
        // A file that was there before keeps its mode when opened, so it is set as well.
        let owner_alone = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        file.set_permissions(owner_alone).map_err(failed)?;
    }
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .or_else(|error| {
            // Pipes and terminals cannot be synced.
            if error.kind() == io::ErrorKind::InvalidInput {
                Ok(())
            } else {
                Err(failed(error))
            }
        })
}

/// Reads hexadecimal from the command line.
pub(crate) fn hex(option: &str, text: &str) -> Result<SecretBytes, CliError> {
    let digits = text.as_bytes();
    let bad = || CliError::usage(format!("{option}: expected pairs of hexadecimal digits"));
    let (pairs, rest) = digits.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(bad());
    }
    let mut bytes = SecretBytes::zeroed(pairs.len());
    for (byte, pair) in bytes.expose_mut().iter_mut().zip(pairs) {
        let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
        if pair.starts_with('+') {
            return Err(bad());
        }
        *byte = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
    }
    Ok(bytes)
}
