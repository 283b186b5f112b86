//! Published test vectors, run against any provider's code.
//!
//! Two formats are recognised by their content: the JSON of NIST's ACVP (a prompt with its expected
//! results, or the internal projection that has both; draft-celi-acvp-ml-kem, -ml-dsa, -slh-dsa)
//! and the JSON of C2SP's Wycheproof. Both become [`Case`]s of one shape, and [`run`] shows them to
//! a provider through the handles that everybody else uses, lengths checked:
//!
//! ```text
//!  bytes ─▶ Document ─▶ VectorFile ─▶ run(file, row, provider, code) ─▶ Tally
//!            (pairs)     (cases)
//! ```
//!
//! A file is read strictly: a value of the wrong type, a name that stands twice, or a count that is
//! wrong refuses the whole file. A value whose meaning is not known makes its cases not applicable,
//! because it may change what the others mean.
//!
//! What this does not do: fetch anything, decompress anything, or admit a provider. The admission
//! gate measures with the catalogue's known answers; vectors are for those who want more.

mod acvp;
mod case;
mod document;
mod error;
mod json;
mod run;
mod scripted;
mod tally;
mod wycheproof;

pub use case::{Case, CaseKind, Expected, Format, PrivateKey, PublicKey, Subject, VectorFile};
pub use document::{Document, Half, pair};
pub use error::VectorError;
pub use run::{run, run_with_expander, seed_expander};
pub use tally::{Acceptable, Failure, Tally};

/// Bytes of one file, decompressed. The largest that NIST publishes for these algorithms has 60 MB.
pub const MAX_FILE_BYTES: usize = 128 << 20;

/// Cases of one file. The largest known has some thousands.
pub const MAX_CASES: usize = 100_000;

/// Reads a file that is complete in itself.
///
/// # Errors
/// [`VectorError`]; [`VectorError::NoResults`] and [`VectorError::NoPrompt`] for one half of an
/// ACVP pair.
pub fn parse(json: &[u8]) -> Result<VectorFile, VectorError> {
    match Document::read(json)? {
        Document::Whole(file) => Ok(file),
        Document::Prompt(half) => Err(VectorError::NoResults(half.name().into())),
        Document::Results(half) => Err(VectorError::NoPrompt(half.name().into())),
    }
}

/// Reads an ACVP prompt and its expected results, in either order.
///
/// # Errors
/// [`VectorError`]; [`VectorError::NotAPair`] for two files that do not belong together.
pub fn parse_pair(one: &[u8], other: &[u8]) -> Result<VectorFile, VectorError> {
    match (Document::read(one)?, Document::read(other)?) {
        (Document::Prompt(prompt), Document::Results(results))
        | (Document::Results(results), Document::Prompt(prompt)) => pair(prompt, results),
        _ => {
            let why = "one must be a prompt and the other its expected results";
            Err(VectorError::NotAPair(why.into()))
        }
    }
}
