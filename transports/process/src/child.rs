//! A command that goes on, its standard input and output a stream.

use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pqfw_framework::process::{Child, ChildLimits, Command, ProcessError};
use pqfw_framework::system::Report;
use pqfw_framework::transport::{
    BoxFuture, Connection, StreamReader, StreamWriter, TransportError,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{ChildStdin, ChildStdout};

use crate::command::not_started;
use crate::group::Group;
use crate::stderr;

/// Starts a command; `children` counts those that live.
pub(crate) fn spawn(
    children: &Arc<AtomicUsize>,
    command: &Command,
    limits: ChildLimits,
    report: Arc<dyn Report>,
) -> Result<Child, ProcessError> {
    let program = &command.program;
    let place = Place::take(children, limits.at_once).ok_or_else(|| ProcessError::TooMany {
        program: program.clone(),
        limit: limits.at_once,
    })?;
    let mut command = {
        let mut started = tokio::process::Command::new(program);
        started.args(&command.arguments);
        started
    };
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command
        .spawn()
        .map_err(|error| not_started(program, &error))?;
    let missing = || std::io::Error::other("a pipe of the child is missing");
    let streams = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let (Some(stdin), Some(stdout), Some(said)) = streams else {
        return Err(not_started(program, &missing()));
    };
    let group = Group::new(child, limits.grace, place);
    let name = format!("{program}[{}]", group.number());
    tokio::spawn(stderr::tell(said, name.clone(), report));
    Ok(Child {
        connection: Connection {
            reader: Box::new(Output {
                stdout,
                name: name.clone(),
            }),
            writer: Box::new(Input {
                stdin: Some(stdin),
                name: name.clone(),
            }),
            peer: name,
        },
        running: Box::new(group),
    })
}

/// One of the places for children; free again after its drop.
pub(crate) struct Place(Arc<AtomicUsize>);

impl Place {
    fn take(children: &Arc<AtomicUsize>, most: usize) -> Option<Self> {
        let more = |taken: usize| (taken < most).then(|| taken + 1);
        let taken = children.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more);
        taken.ok().map(|_| Self(children.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

struct Output {
    stdout: ChildStdout,
    name: String,
}

impl StreamReader for Output {
    fn read<'a>(
        &'a mut self,
        buffer: &'a mut [u8],
    ) -> BoxFuture<'a, Result<usize, TransportError>> {
        Box::pin(async move {
            let read = self.stdout.read(buffer).await;
            read.map_err(|error| broken(&self.name, &error))
        })
    }
}

struct Input {
    /// `None` once it is finished, which the child sees as the end of its input.
    stdin: Option<ChildStdin>,
    name: String,
}

impl StreamWriter for Input {
    fn write_all<'a>(&'a mut self, bytes: &'a [u8]) -> BoxFuture<'a, Result<(), TransportError>> {
        Box::pin(async move {
            let Some(stdin) = &mut self.stdin else {
                let ended = std::io::Error::from(std::io::ErrorKind::BrokenPipe);
                return Err(broken(&self.name, &ended));
            };
            let written = stdin.write_all(bytes).await;
            written.map_err(|error| broken(&self.name, &error))
        })
    }

    fn finish(&mut self) -> BoxFuture<'_, Result<(), TransportError>> {
        self.stdin = None;
        Box::pin(async { Ok(()) })
    }
}

fn broken(name: &str, error: &std::io::Error) -> TransportError {
    TransportError::Broken {
        address: name.into(),
        reason: error.to_string(),
    }
}
