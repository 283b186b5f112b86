//! A command that runs to its end, bounded in time and output.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use pqfw_framework::process::{Command, ProcessError, ProcessLimits};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin};
use tokio::time::timeout;

/// Runs a command to its end.
pub(crate) async fn run(
    command: &Command,
    input: &[u8],
    limits: ProcessLimits,
) -> Result<Vec<u8>, ProcessError> {
    let program = &command.program;
    let child = tokio::process::Command::new(program)
        .args(&command.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .map_err(|error| not_started(program, &error))?;
    // Dropped with the future when the time is over, which kills the child.
    let outcome = timeout(limits.time, converse(child, input, limits.output_bytes)).await;
    match outcome {
        Ok(Ok(output)) => output.judge(program, limits.output_bytes),
        Ok(Err(error)) => Err(ProcessError::Failed {
            program: program.clone(),
            status: "a broken pipe".into(),
            last_words: error.to_string(),
        }),
        Err(_) => Err(timed_out(program, limits.time)),
    }
}

pub(crate) fn not_started(program: &str, error: &io::Error) -> ProcessError {
    ProcessError::Start {
        program: program.into(),
        reason: error.to_string(),
    }
}

fn timed_out(program: &str, time: Duration) -> ProcessError {
    ProcessError::TimedOut {
        program: program.into(),
        secs: time.as_secs(),
    }
}

struct Output {
    /// `None` when the output went over its limit.
    status: Option<std::process::ExitStatus>,
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl Output {
    fn judge(self, program: &str, limit: usize) -> Result<Vec<u8>, ProcessError> {
        let program = program.to_owned();
        match self.status {
            None => Err(ProcessError::TooLarge { program, limit }),
            Some(status) if status.success() => Ok(self.stdout),
            Some(status) => Err(ProcessError::Failed {
                program,
                status: status.to_string(),
                last_words: last_words(&self.stderr),
            }),
        }
    }
}

/// Feeds the child and gathers what it says, all at once: a child that answers before it has read
/// everything would wait for ever otherwise.
async fn converse(mut child: Child, input: &[u8], limit: usize) -> io::Result<Output> {
    let missing = || io::Error::other("a pipe of the child is missing");
    let stdin = child.stdin.take().ok_or_else(missing)?;
    let stdout = child.stdout.take().ok_or_else(missing)?;
    let stderr = child.stderr.take().ok_or_else(missing)?;
    let (fed, stdout, stderr) =
        tokio::join!(feed(stdin, input), gather(stdout, limit), keep_end(stderr));
    fed?;
    let Some(stdout) = stdout? else {
        child.start_kill()?;
        child.wait().await?;
        return Ok(Output {
            status: None,
            stdout: Vec::new(),
            stderr: Vec::new(),
        });
    };
    Ok(Output {
        status: Some(child.wait().await?),
        stdout,
        stderr: stderr?,
    })
}

async fn feed(mut stdin: ChildStdin, input: &[u8]) -> io::Result<()> {
    match stdin.write_all(input).await {
        // A command need not read all of its input.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// Reads to the end; `None`, without reading on, when there is more than the limit.
async fn gather(from: impl AsyncRead + Unpin, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut bounded = from.take(u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1));
    bounded.read_to_end(&mut bytes).await?;
    Ok((bytes.len() <= limit).then_some(bytes))
}

/// Reads to the end and keeps the last bytes.
async fn keep_end(mut from: impl AsyncRead + Unpin) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = from.read(&mut buffer).await?;
        let Some(new) = buffer.get(..read).filter(|new| !new.is_empty()) else {
            return Ok(kept);
        };
        kept.extend_from_slice(new);
        let surplus = kept.len().saturating_sub(LAST_WORDS_BYTES);
        kept.drain(..surplus);
    }
}

const LAST_WORDS_BYTES: usize = 2048;

/// The last line that says something, printable.
fn last_words(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let line = text.lines().rev().find(|line| !line.trim().is_empty());
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    line.map_or_else(
        || "it said nothing on its standard error".to_owned(),
        |line| line.trim().chars().map(printable).collect(),
    )
}
