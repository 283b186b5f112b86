//! Children: a stream to talk through, and an end that nothing escapes.
#![cfg(unix)]
#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot has failed its test"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use pqfw_framework::process::{Child, ChildLimits, Command, ProcessError, Processes};
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::StreamReader;
use pqfw_process::OsProcesses;

/// Long where an end is expected by itself, so that nothing hangs on a slow machine.
const LIMITS: ChildLimits = ChildLimits {
    at_once: 2,
    grace: Duration::from_secs(30),
};

#[derive(Default)]
struct Log(Mutex<Vec<String>>);

impl Report for Log {
    fn event(&self, event: &Event) {
        if let Event::Info(text) = event {
            self.0.lock().unwrap().push(text.clone());
        }
    }
}

fn spawn(
    processes: &OsProcesses,
    script: &str,
    limits: ChildLimits,
) -> Result<Child, ProcessError> {
    let command = Command {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.into()],
    };
    processes.spawn(&command, limits, Arc::new(Log::default()))
}

async fn read_to_end(reader: &mut dyn StreamReader) -> String {
    let mut all = Vec::new();
    let mut buffer = [0; 1024];
    while let Ok(read @ 1..) = reader.read(&mut buffer).await {
        all.extend_from_slice(&buffer[..read]);
    }
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn a_child_is_talked_with_and_ends_when_its_input_does() {
    let mut child = spawn(&OsProcesses::default(), "cat; exit 7", LIMITS).unwrap();
    child.connection.writer.write_all(b"hello\n").await.unwrap();
    let mut buffer = [0; 16];
    let read = child.connection.reader.read(&mut buffer).await.unwrap();
    assert_eq!(&buffer[..read], b"hello\n");
    child.connection.writer.finish().await.unwrap();
    assert!(child.connection.writer.write_all(b"more").await.is_err());
    assert_eq!(read_to_end(&mut *child.connection.reader).await, "");
    assert_eq!(child.running.ended().await, "exit status: 7");
}

#[tokio::test]
async fn a_gentle_stop_is_the_end_of_the_input() {
    let child = spawn(&OsProcesses::default(), "cat >/dev/null; exit 3", LIMITS).unwrap();
    drop(child.connection);
    assert_eq!(child.running.stop().await, "exit status: 3");
}

#[tokio::test]
async fn a_child_that_stays_is_asked_and_one_that_refuses_is_killed_with_all_that_it_started() {
    let limits = ChildLimits {
        grace: Duration::from_millis(100),
        ..LIMITS
    };
    let processes = OsProcesses::default();
    // Each has said that its traps are set before it is stopped.
    let asked = "trap 'exit 5' TERM; echo ready; while :; do sleep 0.01; done";
    let refuses = "trap '' TERM; echo ready; sleep 600 & wait; sleep 600";
    for (script, how) in [(asked, "exit status: 5"), (refuses, "signal: 9 (SIGKILL)")] {
        let mut child = spawn(&processes, script, limits).unwrap();
        let mut buffer = [0; 16];
        let read = child.connection.reader.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..read], b"ready\n");
        let mut output = child.connection.reader;
        drop(child.connection.writer);
        assert_eq!(child.running.stop().await, how);
        // The background process held the other end of this pipe: nobody does any more.
        assert_eq!(read_to_end(&mut *output).await, "");
    }
}

#[tokio::test]
async fn a_dropped_child_is_killed_with_all_that_it_started() {
    let script = "sleep 600 & echo ready; wait";
    let mut child = spawn(&OsProcesses::default(), script, LIMITS).unwrap();
    let mut output = child.connection.reader;
    let read = output.read(&mut [0; 16]).await.unwrap();
    assert_eq!(read, 6);
    drop(child.running);
    assert_eq!(read_to_end(&mut *output).await, "");
    child.connection.writer.finish().await.unwrap();
}

#[tokio::test]
async fn no_more_children_than_the_limit_live_at_a_time() {
    let processes = OsProcesses::default();
    let first = spawn(&processes, "cat", LIMITS).unwrap();
    let second = spawn(&processes.clone(), "cat", LIMITS).unwrap();
    let refused = spawn(&processes, "cat", LIMITS).err();
    let program = "sh".to_owned();
    assert_eq!(refused, Some(ProcessError::TooMany { program, limit: 2 }));
    drop((second.connection, first.connection));
    second.running.stop().await;
    assert!(spawn(&processes, "cat", LIMITS).is_ok());
    drop(first.running);
}

#[tokio::test]
async fn a_child_that_cannot_be_started_leaves_its_place() {
    let processes = OsProcesses::default();
    let command = Command {
        program: "/nowhere/at/all".into(),
        arguments: Vec::new(),
    };
    for _ in 0..3 {
        let refused = processes.spawn(&command, LIMITS, Arc::new(Log::default()));
        let program = command.program.clone();
        let reason = "No such file or directory (os error 2)".into();
        assert_eq!(refused.err(), Some(ProcessError::Start { program, reason }));
    }
}

#[tokio::test]
async fn what_a_child_says_on_its_standard_error_is_logged_under_its_name() {
    let log = Arc::new(Log::default());
    let command = Command {
        program: "sh".into(),
        arguments: vec!["-c".into(), "echo careful >&2; cat".into()],
    };
    let processes = OsProcesses::default();
    let mut child = processes.spawn(&command, LIMITS, log.clone()).unwrap();
    child.connection.writer.finish().await.unwrap();
    let number = child.running.id();
    child.running.ended().await;
    let expected = format!("sh[{number}]: careful");
    while !log.0.lock().unwrap().contains(&expected) {
        tokio::task::yield_now().await;
    }
}

#[test]
fn this_program_is_known() {
    let program = OsProcesses::default().this_program().unwrap();
    assert!(program.contains("children"), "{program}");
}
