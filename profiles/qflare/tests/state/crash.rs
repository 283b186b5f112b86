//! A server that is killed at any moment has kept what it said that it kept, and nothing by half.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use pqfw_qflare::state::Receipt;

use crate::support::{NOW, enrol, id, keys, on_disk, update};

const HOME: &str = "PQFW_QFLARE_CRASH_HOME";
const KILLS: u64 = 25;

#[test]
fn what_was_said_before_a_kill_is_there_after_it() {
    let home = tempfile::tempdir().unwrap();
    {
        let state = on_disk(home.path());
        state.set_model(NOW, b"model").unwrap();
        state.open_round(NOW).unwrap();
    }
    let mut told: Vec<Receipt> = Vec::new();
    for kill in 0..KILLS {
        let mut server = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "crash::a_server_until_it_is_killed",
                "--ignored",
                "--nocapture",
            ])
            .env(HOME, home.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let output = BufReader::new(server.stdout.take().unwrap());
        let mut said = 0;
        // What is read after the kill was said before it. A line that was cut off was not said.
        for line in output.lines() {
            let Some((_, json)) = line.as_deref().unwrap_or_default().split_once("receipt ") else {
                continue;
            };
            if let Ok(receipt) = serde_json::from_str(json) {
                told.push(receipt);
                said += 1;
            }
            if said == 1 + kill % 5 {
                server.kill().unwrap();
            }
        }
        server.wait().unwrap();

        let state = on_disk(home.path());
        state.verify_audit(&keys(1).1, |_, _| {}).unwrap();
        let head = state.head().unwrap();
        let (devices, updates) = (state.devices().unwrap(), state.updates(1).unwrap());
        assert_eq!(head.devices, devices.len() as u64);
        assert_eq!(head.tokens, state.tokens().unwrap().len() as u64);
        // Two for the round; three for each device but the last of each server.
        let steps = devices.len() as u64 * 2 + head.tokens + updates.len() as u64;
        assert_eq!(head.entries, 2 + steps);
        for receipt in &told {
            let kept = updates.iter().find(|(device, _)| *device == receipt.device);
            assert_eq!(kept.map(|(_, update)| &update.receipt), Some(receipt));
        }
    }
    assert!(told.len() as u64 >= KILLS);
}

#[test]
#[ignore = "a server for the test above, which kills it"]
fn a_server_until_it_is_killed() {
    let home = std::env::var_os(HOME).unwrap();
    let state = on_disk(home.as_ref());
    let first = state.head().unwrap().entries;
    for number in 0u64.. {
        let device = format!("device-{first}-{number}");
        enrol(&state, &device);
        let receipt = state
            .submit(NOW, &update(&state, &device, b"weights"))
            .unwrap();
        assert_eq!(receipt.device, id(&device));
        let line = format!("receipt {}\n", serde_json::to_string(&receipt).unwrap());
        std::io::stdout().write_all(line.as_bytes()).unwrap();
    }
}
