//! Commands of this machine that a system runs: models, children that speak a protocol.

use std::time::Duration;

use thiserror::Error;

use crate::transport::BoxFuture;

/// A command, without a shell between: the program and each argument as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// A path, or a name that is looked for in `PATH`.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
}

/// What a command may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessLimits {
    /// How long it may run.
    pub time: Duration,
    /// Bytes that it may write to its standard output.
    pub output_bytes: usize,
}

/// Runs commands.
pub trait Processes: Send + Sync {
    /// Runs a command with `input` on its standard input and gives what it wrote to its standard
    /// output. Dropped, the command is killed.
    ///
    /// # Errors
    /// [`ProcessError`].
    fn run<'a>(
        &'a self,
        command: &'a Command,
        input: &'a [u8],
        limits: ProcessLimits,
    ) -> BoxFuture<'a, Result<Vec<u8>, ProcessError>>;
}

/// A command that did not do its work.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProcessError {
    /// The operator's fault: the program cannot be started.
    #[error("cannot start `{program}`: {reason}")]
    Start {
        /// The program.
        program: String,
        /// What the operating system says.
        reason: String,
    },
    /// The command's fault: it ended with a failure.
    #[error("`{program}` ended with {status}: {last_words}")]
    Failed {
        /// The program.
        program: String,
        /// `exit status 3`, or the signal.
        status: String,
        /// The end of what it wrote to its standard error.
        last_words: String,
    },
    /// The command's fault: it ran too long and was killed.
    #[error("`{program}` did not end within {secs} s and was killed")]
    TimedOut {
        /// The program.
        program: String,
        /// The limit.
        secs: u64,
    },
    /// The command's fault: it wrote more than the limit and was killed.
    #[error("`{program}` wrote more than {limit} bytes and was killed")]
    TooLarge {
        /// The program.
        program: String,
        /// The limit.
        limit: usize,
    },
}
