//! Running without a terminal: the file with the process's number, and going on in the background.
//!
//! An init system does both better (`profiles/pqvpn/pqvpn.service`): it knows when a process has
//! ended, keeps its logs and takes its privileges away.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pqfw_framework::profile::Profile;

use crate::error::CliError;
use crate::output::Output;

/// The file with this process's number, which goes when this is dropped. It is locked while the
/// process lives, so that a file of a killed process is told from one of a living.
pub(crate) struct PidFile {
    path: PathBuf,
    _lock: File,
}

impl PidFile {
    pub(crate) fn write(path: &Path) -> Result<Self, CliError> {
        let failed = |error: &dyn std::fmt::Display| {
            CliError::operation(format!("pid file {}: {error}", path.display()))
        };
        let mut options = File::options();
        let opened = options.write(true).create(true).truncate(false).open(path);
        let mut file = opened.map_err(|error| failed(&error))?;
        if file.try_lock().is_err() {
            return Err(failed(&"a process that runs has it"));
        }
        let written = file
            .set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()));
        written.map_err(|error| failed(&error))?;
        Ok(Self {
            path: path.to_owned(),
            _lock: file,
        })
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        // What is left is not locked, and the next process takes it.
        let _ = fs::remove_file(&self.path);
    }
}

/// Runs this command line again in the background, without `--daemonize`, and waits until it is
/// ready or has ended. No thread was started before.
pub(crate) fn run_again(profile: &Profile, output: &Output) -> Result<(), CliError> {
    if profile.common.logging.file.is_none() {
        let text = "--daemonize: set logging.file, or nobody reads what it says";
        return Err(CliError::usage(text));
    }
    let failed = |error: std::io::Error| CliError::operation(format!("--daemonize: {error}"));
    let program = std::env::current_exe().map_err(failed)?;
    let mut command = Command::new(program);
    command.args(
        std::env::args_os()
            .skip(1)
            .filter(|arg| arg != "--daemonize"),
    );
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    // Signals of the terminal go to its groups, and this one is none of them.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    let mut child = command.spawn().map_err(failed)?;
    for line in child
        .stderr
        .take()
        .into_iter()
        .flat_map(|out| BufReader::new(out).lines())
    {
        let Ok(line) = line else { break };
        output.line_err(&line);
        if line.starts_with("ready ") {
            return Ok(());
        }
    }
    // It has ended before it was ready, and has said why.
    let ended = child.wait().map_err(failed)?;
    std::process::exit(ended.code().unwrap_or(1));
}
