//! Reads files of vectors, compressed or not, and joins ACVP's halves.

use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;
use pqfw_framework::vectors::{self, Document, Half, MAX_FILE_BYTES, VectorError, VectorFile};

use crate::error::CliError;
use crate::files;

/// RFC 1952 section 2.3.1.
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

/// A file, or two that are one, under the name that a report has for it.
pub(in crate::commands) struct NamedFile {
    pub(in crate::commands) name: String,
    pub(in crate::commands) content: VectorFile,
}

/// A half that waits for its other half.
struct Waiting<'a> {
    path: &'a Path,
    half: Half<'a>,
}

/// Reads them all. A prompt and the first results of the same set that are given are joined.
pub(in crate::commands) fn files(paths: &[PathBuf]) -> Result<Vec<NamedFile>, CliError> {
    let texts = paths.iter().map(|path| Ok((path.as_path(), json(path)?)));
    let texts = texts.collect::<Result<Vec<_>, CliError>>()?;
    let (mut found, mut prompts, mut results) = (Vec::new(), Vec::new(), Vec::new());
    for (path, text) in &texts {
        match Document::read(text).map_err(|error| refused(path, &error))? {
            Document::Whole(content) => found.push(NamedFile {
                name: name(path),
                content,
            }),
            Document::Prompt(half) => prompts.push(Waiting { path, half }),
            Document::Results(half) => results.push(Waiting { path, half }),
        }
    }
    for Waiting { path, half } in prompts {
        let other = results.iter().position(|r| half.belongs_to(&r.half));
        let Some(other) = other.map(|at| results.remove(at)) else {
            let alone = VectorError::NoResults(half.name().into());
            return Err(refused(path, &alone));
        };
        let name = format!("{} + {}", name(path), name(other.path));
        let content = vectors::pair(half, other.half);
        let content = content.map_err(|error| CliError::operation(format!("{name}: {error}")))?;
        found.push(NamedFile { name, content });
    }
    match results.first() {
        None => Ok(found),
        Some(alone) => {
            let error = VectorError::NoPrompt(alone.half.name().into());
            Err(refused(alone.path, &error))
        }
    }
}

fn name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

fn refused(path: &Path, error: &VectorError) -> CliError {
    CliError::operation(format!("{}: {error}", path.display()))
}

/// The JSON of a file; a compressed one never grows beyond what is read anyway.
fn json(path: &Path) -> Result<Vec<u8>, CliError> {
    let file = files::read(path)?;
    if !file.expose().starts_with(&GZIP_MAGIC) {
        return Ok(file.expose().to_vec());
    }
    let mut text = Vec::new();
    let limit = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX);
    let mut decoder = MultiGzDecoder::new(file.expose()).take(limit.saturating_add(1));
    let read = decoder.read_to_end(&mut text);
    read.map_err(|error| CliError::operation(format!("{}: {error}", path.display())))?;
    Ok(text)
}
