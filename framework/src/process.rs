//! Commands of this machine that a system runs: models, children that speak a protocol.

use std::sync::Arc;
use std::time::Duration;

use thiserror::Error;

use crate::system::Report;
use crate::transport::{BoxFuture, Connection};

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

    /// Starts a command that goes on, with its standard input and output for a stream. What it
    /// writes to its standard error goes to `report`, line by line. By default there are none.
    ///
    /// # Errors
    /// [`ProcessError::Start`], [`ProcessError::TooMany`].
    fn spawn(
        &self,
        command: &Command,
        _limits: ChildLimits,
        _report: Arc<dyn Report>,
    ) -> Result<Child, ProcessError> {
        Err(ProcessError::Start {
            program: command.program.clone(),
            reason: "nothing is kept running here".into(),
        })
    }

    /// The program of this very process, to be started once more; `None` where nobody knows.
    fn this_program(&self) -> Option<String> {
        None
    }
}

/// What children may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChildLimits {
    /// How many there may be at a time, with the new one.
    pub at_once: usize,
    /// How long each step of [`Running::stop`] waits for the end before the next, which is firmer.
    pub grace: Duration,
}

/// A command that goes on.
pub struct Child {
    /// What it writes to its standard output, and its standard input: `finish` closes that.
    pub connection: Connection,
    /// Its life.
    pub running: Box<dyn Running>,
}

/// The life of a command that goes on. Dropped, the command is killed, with all that it has started.
pub trait Running: Send {
    /// The number that the system knows it by.
    fn id(&self) -> u32;

    /// Waits until it has ended by itself, and says how: `exit status: 3`, or the signal. Safe to
    /// drop.
    fn ended(&mut self) -> BoxFuture<'_, String>;

    /// Ends it and all that it has started, gently, then firmly: waits, asks it to end, kills it;
    /// says how it ended. Drop its [`Child::connection`] before, so that it sees the end of its
    /// input: most commands need nothing more.
    fn stop(self: Box<Self>) -> BoxFuture<'static, String>;
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
    /// The operator's limit: so many children there may be, and so many there are.
    #[error("cannot start `{program}`: {limit} are running, and that is the limit")]
    TooMany {
        /// The program.
        program: String,
        /// The limit.
        limit: usize,
    },
}
