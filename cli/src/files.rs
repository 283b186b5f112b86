//! Files that a person names on the command line; `-` is stdin or stdout.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use pqfw_framework::secret::SecretBytes;

use crate::error::CliError;
use crate::output::Output;

/// No file of the primitives is larger; streams belong to a protocol.
const MAX_FILE_BYTES: usize = 1 << 30;

/// Reads a file, or stdin, without leaving copies behind: what is read may be a private key.
pub(crate) fn read(path: &Path) -> Result<SecretBytes, CliError> {
    let failed = |error: io::Error| CliError::operation(format!("{}: {error}", path.display()));
    let bytes = if path == Path::new("-") {
        read_wiping(&mut io::stdin().lock(), 0)
    } else {
        File::open(path).and_then(|mut file| {
            let length = file.metadata()?.len();
            read_wiping(&mut file, usize::try_from(length).unwrap_or(0))
        })
    };
    bytes.map_err(failed)?.ok_or_else(|| {
        let (path, most) = (path.display(), MAX_FILE_BYTES >> 20);
        CliError::operation(format!(
            "{path}: larger than {most} MiB, the most this reads"
        ))
    })
}

/// Reads to the end into buffers that are wiped as they grow; `None` beyond the limit.
fn read_wiping(source: &mut impl Read, expected: usize) -> io::Result<Option<SecretBytes>> {
    let mut buffer = SecretBytes::zeroed(expected.clamp(4096, MAX_FILE_BYTES) + 1);
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            if filled > MAX_FILE_BYTES {
                return Ok(None);
            }
            let mut larger = SecretBytes::zeroed(filled * 2);
            let (front, _) = larger.expose_mut().split_at_mut(filled);
            front.copy_from_slice(buffer.expose());
            buffer = larger;
        }
        let room = buffer.expose_mut().get_mut(filled..).unwrap_or_default();
        match source.read(room) {
            Ok(0) => break,
            Ok(length) => filled += length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if filled > MAX_FILE_BYTES {
        return Ok(None);
    }
    let bytes = buffer.expose().get(..filled).unwrap_or_default();
    Ok(Some(SecretBytes::copy_of(bytes)))
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

/// Writes a file that its owner alone may read, whole or not at all. A file with content is not
/// replaced unless `replace`: what is lost here cannot be had again.
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
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|file| !file.is_file()) {
        // A pipe or a device is written as it is; there is nothing to replace.
        let opened = OpenOptions::new().write(true).open(path);
        return opened
            .and_then(|mut file| file.write_all(bytes))
            .map_err(failed);
    }
    if there.is_some_and(|file| file.len() > 0) && !replace {
        let path = path.display();
        return Err(CliError::operation(format!(
            "{path} is there already; choose another name, or replace it with --force"
        )));
    }
    write_whole(path, bytes)
}

/// Writes a file of its owner's, whole or not at all.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let failed = |error: io::Error| CliError::operation(format!("{}: {error}", path.display()));
    let directory = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    // Made with mode 0600 before it has content.
    let mut file = tempfile::NamedTempFile::new_in(directory).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.as_file().sync_all().map_err(failed)?;
    file.persist(path)
        .map(drop)
        .map_err(|error| failed(error.error))
}

/// Whether others than the owner may read or write a file; never so for stdin, and where there are
/// no Unix modes.
pub(crate) fn is_open_to_others(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;

        let file = fs::metadata(path).ok().filter(fs::Metadata::is_file);
        path != Path::new("-") && file.is_some_and(|file| file.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

/// Makes a directory that its owner alone may enter, unless it is there.
pub(crate) fn make_private_directory(path: &Path) -> Result<(), CliError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(path)
        .map_err(|error| CliError::operation(format!("{}: {error}", path.display())))
}

/// stdin can be read once.
pub(crate) fn at_most_one_stdin<'a>(
    paths: impl IntoIterator<Item = &'a Path>,
) -> Result<(), CliError> {
    let from_stdin = paths.into_iter().filter(|path| *path == Path::new("-"));
    if from_stdin.count() > 1 {
        return Err(CliError::usage(
            "`-` is named twice, and stdin can be read once",
        ));
    }
    Ok(())
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
