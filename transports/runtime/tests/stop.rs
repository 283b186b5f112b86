//! Real signals, sent to child processes of this test: apart from the tests that share a process.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

/// What the processes of the next test run. On its own it does nothing.
#[test]
fn wait_for_a_signal() {
    if std::env::var_os(WAIT).is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let stopped = tokio::spawn(async {
            // The handlers are in place, though nobody waits yet.
            let stop = pqfw_runtime::stop_signal();
            let mut out = std::io::stderr();
            writeln!(out, "waiting").unwrap();
            stop.await;
        });
        stopped.await.unwrap();
    });
    std::process::exit(ENDED_IN_PEACE);
}

#[test]
fn each_signal_is_heard() {
    for signal in ["INT", "TERM"] {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "wait_for_a_signal", "--nocapture"])
            .env(WAIT, "1")
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let waiting = lines.map(Result::unwrap).any(|line| line == "waiting");
        assert!(waiting);
        let sent = Command::new("kill")
            .args(["-s", signal, &child.id().to_string()])
            .status()
            .unwrap();
        assert!(sent.success());
        assert_eq!(
            child.wait().unwrap().code(),
            Some(ENDED_IN_PEACE),
            "{signal}"
        );
    }
}

const WAIT: &str = "PQFW_TEST_WAIT_FOR_A_SIGNAL";
const ENDED_IN_PEACE: i32 = 42;
