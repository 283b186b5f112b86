//! Commands: what goes in, what comes out, and every way to fail.
#![cfg(unix)]

use std::time::Duration;

use pqfw_framework::process::{Command, ProcessError, ProcessLimits, Processes};
use pqfw_process::OsProcesses;

const LIMITS: ProcessLimits = ProcessLimits {
    time: Duration::from_secs(30),
    output_bytes: 1 << 20,
};

fn shell(script: &str) -> Command {
    Command {
        program: "sh".into(),
        arguments: vec!["-c".into(), script.into()],
    }
}

async fn run(script: &str, input: &[u8], limits: ProcessLimits) -> Result<Vec<u8>, ProcessError> {
    OsProcesses::default()
        .run(&shell(script), input, limits)
        .await
}

#[tokio::test]
async fn a_command_reads_its_input_and_its_output_is_given() {
    let input = vec![b'x'; 300_000];
    assert_eq!(run("cat", &input, LIMITS).await, Ok(input));
    assert_eq!(
        run("echo done", &[7; 300_000], LIMITS).await,
        Ok(b"done\n".to_vec())
    );
}

#[tokio::test]
async fn a_program_that_is_not_there_cannot_be_started() {
    let command = Command {
        program: "/nowhere/at/all".into(),
        arguments: Vec::new(),
    };
    let error = OsProcesses::default()
        .run(&command, b"", LIMITS)
        .await
        .unwrap_err();
    assert!(matches!(error, ProcessError::Start { program, .. } if program == "/nowhere/at/all"));
}

#[tokio::test]
async fn a_failure_is_told_in_the_last_words_of_the_command() {
    let error = run(
        "echo ignored >&2; echo 'no such model' >&2; exit 3",
        b"",
        LIMITS,
    )
    .await;
    let failed = ProcessError::Failed {
        program: "sh".into(),
        status: "exit status: 3".into(),
        last_words: "no such model".into(),
    };
    assert_eq!(error, Err(failed));
}

#[tokio::test]
async fn a_command_that_does_not_end_is_killed() {
    let limits = ProcessLimits {
        time: Duration::from_millis(50),
        ..LIMITS
    };
    let error = run("exec sleep 60", b"", limits).await;
    let program = "sh".into();
    assert_eq!(error, Err(ProcessError::TimedOut { program, secs: 0 }));
}

#[tokio::test]
async fn a_command_that_says_too_much_is_killed() {
    let limits = ProcessLimits {
        output_bytes: 1000,
        ..LIMITS
    };
    assert_eq!(
        run("head -c 1000 /dev/zero", b"", limits).await,
        Ok(vec![0; 1000])
    );
    let error = run("exec head -c 1001 /dev/zero", b"", limits).await;
    let program = "sh".into();
    assert_eq!(
        error,
        Err(ProcessError::TooLarge {
            program,
            limit: 1000
        })
    );
    let error = run("exec yes 2>/dev/null", b"", limits).await;
    let program = "sh".into();
    assert_eq!(
        error,
        Err(ProcessError::TooLarge {
            program,
            limit: 1000
        })
    );
}
