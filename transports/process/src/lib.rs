//! Commands of this machine, each started by its argument vector, with no shell between.
//!
//! | file | what is in it |
//! | --- | --- |
//! | `command` | a command that runs to its end, bounded in time and output |
//! | `child` | a command that goes on, its standard input and output a stream |
//! | `group` | the life of a child and of all that it starts: waiting, asking, killing |
//! | `stderr` | what a child says on its standard error, for the log |
//!
//! Children have this process's environment and directory, and a process group of their own: a
//! Ctrl-C on the terminal is this process's affair, which then ends them as it sees fit.
//!
//! | limit | at the limit |
//! | --- | --- |
//! | `ProcessLimits::time`, `output_bytes` | the command is killed |
//! | `ChildLimits::at_once` | no further child is started |
//! | `ChildLimits::grace` | the next, firmer step of ending a child |
//! | `stderr::LONGEST_LINE_BYTES` | the rest of the line is not logged |

mod child;
mod command;
mod group;
mod stderr;

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use pqfw_framework::process::{
    Child, ChildLimits, Command, ProcessError, ProcessLimits, Processes,
};
use pqfw_framework::system::Report;
use pqfw_framework::transport::BoxFuture;

/// Runs commands as children of this process. Clones count their children together.
#[derive(Clone, Debug, Default)]
pub struct OsProcesses {
    children: Arc<AtomicUsize>,
}

impl Processes for OsProcesses {
    fn run<'a>(
        &'a self,
        command: &'a Command,
        input: &'a [u8],
        limits: ProcessLimits,
    ) -> BoxFuture<'a, Result<Vec<u8>, ProcessError>> {
        Box::pin(command::run(command, input, limits))
    }

    fn spawn(
        &self,
        command: &Command,
        limits: ChildLimits,
        report: Arc<dyn Report>,
    ) -> Result<Child, ProcessError> {
        child::spawn(&self.children, command, limits, report)
    }

    fn this_program(&self) -> Option<String> {
        let path = std::env::current_exe().ok()?;
        path.into_os_string().into_string().ok()
    }
}
