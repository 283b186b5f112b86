//! What can be wrong with a file of vectors.

use thiserror::Error;

/// A file of vectors that cannot be used: the fault of whoever gave it.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum VectorError {
    /// More bytes than a file of vectors may have.
    #[error("{got} bytes of vectors: at most {limit} are read")]
    TooLarge {
        /// Bytes given.
        got: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// More cases than a file of vectors may have.
    #[error("more than {0} cases in one file of vectors")]
    TooManyCases(usize),
    /// No JSON, or an object in which a name stands twice.
    #[error("not a JSON document: {0}")]
    NotJson(String),
    /// JSON of another kind.
    #[error(
        "neither ACVP vectors (`algorithm`, `mode`, `testGroups`) nor Wycheproof vectors \
         (`algorithm`, `schema`, `testGroups`)"
    )]
    NotVectors,
    /// Vectors for an algorithm, a mode or a revision that is not understood.
    #[error("{format} vectors for {algorithm} are not understood; understood are {known}")]
    NotUnderstood {
        /// `ACVP` or `Wycheproof`.
        format: &'static str,
        /// The algorithm, with its mode and revision.
        algorithm: String,
        /// What there is.
        known: &'static str,
    },
    /// A value that is missing, or is not what the format asks for.
    #[error("{at}: `{field}` {problem}")]
    Field {
        /// The group and the case.
        at: String,
        /// The name of the value.
        field: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// Other cases than the file says that it has.
    #[error("the file says that it has {declared} tests and has {found}")]
    Count {
        /// What `numberOfTests` says.
        declared: u64,
        /// What was counted.
        found: u64,
    },
    /// The prompt alone, without what is expected.
    #[error("this is the prompt of {0} and says nothing of results; give its expectedResults too")]
    NoResults(String),
    /// What is expected, without the prompt.
    #[error("these are the expected results of {0}; give their prompt too")]
    NoPrompt(String),
    /// A prompt and results of two different sets of vectors.
    #[error("prompt and results do not belong together: {0}")]
    NotAPair(String),
}
