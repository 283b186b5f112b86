//! Systems: what a profile runs. A system gets everything from outside through its [`Host`].

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use thiserror::Error;

use crate::audit::Journals;
use crate::blobs::Blobs;
use crate::control::Control;
use crate::interface::{Interfaces, Userspace};
use crate::process::Processes;
use crate::profile::{Profile, ProfileError};
use crate::secret::SecretBytes;
use crate::store::Store;
use crate::suite::Suite;
use crate::transport::{BoxFuture, Connection, Transport, TransportError, TransportSettings};
use crate::world::World;

/// Which end of a system this process is.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Both ends over a real loopback transport, playing the system's scenario.
    Demo,
    /// The serving end.
    Server,
    /// The asking end.
    Client,
    /// One of equals.
    Node,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Demo => "demo",
            Self::Server => "server",
            Self::Client => "client",
            Self::Node => "node",
        })
    }
}

/// What a system is.
#[derive(Clone, Debug)]
pub struct SystemInfo {
    /// The name in a profile's `system`, and the name of its table.
    pub name: &'static str,
    /// One sentence for listings.
    pub summary: &'static str,
    /// The dialects it speaks, the default first.
    pub dialects: Vec<Dialect>,
    /// The roles it has.
    pub roles: &'static [Role],
    /// The commented profile that ships with it, in TOML.
    pub shipped_profile: &'static str,
}

impl SystemInfo {
    /// The refusal of a role that the system does not have: it names those that it has.
    #[must_use]
    pub fn has_no(&self, role: Role) -> RunError {
        let known: Vec<_> = self.roles.iter().map(Role::to_string).collect();
        let (system, known) = (self.name, known.join(", "));
        let text = format!("{system} has no role `{role}`; there are: {known}");
        RunError::new(Failure::Usage, text)
    }
}

/// One dialect of a system.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// The name in a profile's `dialect`.
    pub name: &'static str,
    /// One sentence for listings.
    pub summary: &'static str,
    /// The policy that the dialect cannot do without, printed at every start.
    pub policy: Option<&'static str>,
    /// What it cannot protect, each with a stable code. Empty for hardened dialects.
    pub cannot_protect: Vec<(&'static str, &'static str)>,
}

/// Everything a running system gets from outside.
#[derive(Clone)]
pub struct Host {
    /// Time and randomness.
    pub world: Arc<dyn World>,
    /// The algorithms that the profile names, admitted: its first suite.
    pub suite: Suite,
    /// Further suites, for dialects that negotiate.
    pub alternatives: Vec<Suite>,
    /// State that survives.
    pub store: Arc<dyn Store>,
    /// Key files.
    pub keys: Arc<dyn KeyFiles>,
    /// The transport that the profile names.
    pub transport: Arc<dyn Transport>,
    /// The profile's `[transport]`.
    pub settings: TransportSettings,
    /// What else there is outside.
    pub outside: Outside,
    /// Where events go.
    pub report: Arc<dyn Report>,
}

/// The outside beyond the profile's own transport: what a system's own table may name.
#[derive(Clone)]
pub struct Outside {
    /// Every transport of this build by its name, which is the scheme of its URLs.
    pub transports: BTreeMap<&'static str, Arc<dyn Transport>>,
    /// Commands of this machine.
    pub processes: Arc<dyn Processes>,
    /// Files that only grow: audit logs.
    pub journals: Arc<dyn Journals>,
    /// Interfaces of this machine.
    pub interfaces: Arc<dyn Interfaces>,
    /// Interfaces without a device.
    pub userspace: Arc<dyn Userspace>,
    /// The process's standard input and output.
    pub standard: Arc<dyn Standard>,
    /// The operator's doors.
    pub control: Arc<dyn Control>,
    /// Large values, beside the store.
    pub blobs: Arc<dyn Blobs>,
    /// Keys that are gone with the process.
    pub temporary: Arc<dyn TemporaryKeys>,
    /// The operator's wish to read the profile again.
    pub reloads: Arc<dyn Reloads>,
}

/// A system that profiles can run.
pub trait System: Send + Sync {
    /// What it is.
    fn info(&self) -> SystemInfo;

    /// Keys outside its own table that are its own: tables, `network`, and keys of common tables,
    /// `keys.runtime_temp_keys`. They are read as keys of its own table, by their last name.
    fn own_keys(&self) -> &'static [&'static str] {
        &[]
    }

    /// The JSON Schema of its own table.
    fn table_schema(&self) -> serde_json::Value;

    /// Checks its own table without running anything.
    ///
    /// # Errors
    /// [`ProfileError`] with the place in the file.
    fn check_table(&self, profile: &Profile) -> Result<(), ProfileError>;

    /// Runs until it is done, or until `stop` is: the operator asks the process to end.
    fn run(
        &self,
        role: Role,
        profile: &Profile,
        host: Host,
        stop: BoxFuture<'static, ()>,
    ) -> BoxFuture<'static, Result<(), RunError>>;
}

/// Where a system's key files live. Secret files are readable by their owner alone.
pub trait KeyFiles: Send + Sync {
    /// Reads a file; `None` when there is none.
    ///
    /// # Errors
    /// [`KeyFileError`].
    fn read(&self, name: &str) -> Result<Option<SecretBytes>, KeyFileError>;

    /// Writes a file, atomically; `secret` decides its mode.
    ///
    /// # Errors
    /// [`KeyFileError`].
    fn write(&self, name: &str, bytes: &[u8], secret: bool) -> Result<(), KeyFileError>;

    /// Removes a file, if it is there.
    ///
    /// # Errors
    /// [`KeyFileError`].
    fn remove(&self, name: &str) -> Result<(), KeyFileError>;

    /// Where that is, for messages.
    fn describe(&self) -> String;
}

/// Where keys live that are gone with the process.
pub trait TemporaryKeys: Send + Sync {
    /// Makes a private directory whose name begins with `prefix`. It is removed when what is given is
    /// dropped. Says how many were removed that killed processes had left behind.
    ///
    /// # Errors
    /// [`KeyFileError`].
    fn make(&self, prefix: &str) -> Result<(Box<dyn KeyFiles>, usize), KeyFileError>;
}

/// The operator's wish to read the profile again: SIGHUP.
pub trait Reloads: Send + Sync {
    /// Waits for the next wish, and gives the profile as it is now, or why it cannot be read: then
    /// the one before stays in force. Safe to drop.
    fn next(&self) -> BoxFuture<'_, Result<Arc<Profile>, String>>;
}

/// A key file that cannot be read or written: the machine's or operator's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("key file {path}: {reason}")]
pub struct KeyFileError {
    /// The file.
    pub path: String,
    /// What is wrong, and what to do.
    pub reason: String,
}

/// The process's standard input and output, as a stream: lines of a chat, bytes of a pipe.
pub trait Standard: Send + Sync {
    /// Opens both. Asked twice, two readers share the input.
    fn open(&self) -> Connection;

    /// Whether a person types there, rather than a pipe.
    fn is_terminal(&self) -> bool;
}

/// Where a system tells what it does. Nothing secret ever goes here.
pub trait Report: Send + Sync {
    /// Tells one thing.
    fn event(&self, event: &Event);
}

/// One thing that a system tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// It accepts work.
    Ready {
        /// Where.
        url: String,
        /// The fingerprint of its identity, where it has one.
        fingerprint: Option<String>,
    },
    /// Another of its doors is open, before it is ready: `control`, `metrics`, `forward`.
    Opened {
        /// Which door.
        door: String,
        /// Where.
        url: String,
    },
    /// A scenario begins a step.
    Step {
        /// From 1.
        number: usize,
        /// What the step shows.
        title: String,
    },
    /// A fact about the step under way: a name and a value.
    Fact {
        /// The name.
        name: String,
        /// The value, ready to print.
        value: String,
    },
    /// The step under way ended as it should; what was seen.
    Passed(String),
    /// Something the operator should know.
    Warning(String),
    /// What happened, for a log.
    Info(String),
    /// A line of the system's own conversation with people, ready to print: text from a peer in it
    /// has been escaped.
    Line(String),
    /// What stands before a person's answer on the same line; nothing for machines.
    Prompt(String),
}

/// Why a run ended badly; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Failure {
    /// The operation failed: exit 1.
    Operation,
    /// Usage or profile error: exit 2.
    Usage,
    /// Authentication or signature failure: exit 3.
    Authentication,
    /// Refused by policy: exit 4.
    Policy,
    /// Network: exit 5.
    Network,
    /// A bug: exit 70.
    Internal,
}

/// The end of a run that did not go well.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{message}")]
pub struct RunError {
    /// The kind of failure.
    pub failure: Failure,
    /// One line: what was being done, what is wrong, what to do.
    pub message: String,
}

impl RunError {
    /// Makes an error of the given kind.
    #[must_use]
    pub fn new(failure: Failure, message: impl fmt::Display) -> Self {
        Self {
            failure,
            message: message.to_string(),
        }
    }
}

impl Host {
    /// Refuses a list of suites for a dialect that does not negotiate.
    ///
    /// # Errors
    /// [`RunError`] that names the dialect.
    pub fn one_suite(&self, dialect: &str) -> Result<(), RunError> {
        if self.alternatives.is_empty() {
            return Ok(());
        }
        let text = format!("dialect {dialect} negotiates nothing: name one suite, not a list");
        Err(RunError::new(Failure::Usage, text))
    }
}

impl From<ProfileError> for RunError {
    fn from(error: ProfileError) -> Self {
        Self::new(Failure::Usage, error)
    }
}

impl From<TransportError> for RunError {
    fn from(error: TransportError) -> Self {
        Self::new(error.failure(), error)
    }
}
