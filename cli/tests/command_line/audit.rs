//! `pqfw audit verify`, over logs that a server of mcp wrote.
#![cfg(unix)]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Ran, pqfw};

/// A log of five entries, by a server whose host called tools.
fn log(directory: &Path) -> PathBuf {
    let (here, there) = (directory.join("here"), directory.join("there"));
    for machine in [&here, &there] {
        std::fs::create_dir(machine).unwrap();
    }
    let demo = [env!("CARGO_BIN_EXE_pqfw"), "mcp", "demo-server"];
    let serve = ["mcp", "serve", "--listen=127.0.0.1:0", "--"];
    let server = pqfw(&there, &[&serve[..], &demo].concat()).serve();
    let call = |id: u32| {
        let params = json!({ "name": "add", "arguments": { "a": 2, "b": 3 } });
        json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
    };
    let calls = format!("{}\n{}\n{}\n", call(1), call(2), call(3));
    let connect = ["mcp", "connect", "--log-level=error", "--to", &server.url];
    pqfw(&here, &connect).run_with(calls.as_bytes()).ok();
    assert_eq!(server.terminate().0, 0);
    there.join("state/pqfw/mcp/audit.jsonl")
}

fn verify(file: &Path, more: &[&str]) -> Ran {
    let file = file.to_str().unwrap();
    pqfw(Path::new("."), &[&["audit", "verify", file], more].concat()).run()
}

#[test]
fn every_edit_of_a_log_is_found() {
    let directory = tempfile::tempdir().unwrap();
    let file = log(directory.path());
    let good = std::fs::read_to_string(&file).unwrap();
    let each: Vec<_> = good.lines().collect();
    // A session begins, three calls, it ends.
    assert_eq!(each.len(), 5, "{good}");
    let told = verify(&file, &["--json"]).ok().json();
    assert_eq!(
        (&told["entries"], &told["unfinished_bytes"]),
        (&json!(5), &json!(0))
    );
    let last: Value = serde_json::from_str(each[4]).unwrap();
    assert_eq!(told["digest"], last["digest"]);
    assert!(
        verify(&file, &[])
            .ok()
            .stdout
            .contains("5 entries, as they were written")
    );

    let copy = directory.path().join("copy");
    let judge = |lines: &[&str], more: &[&str]| {
        std::fs::write(&copy, lines.join("\n") + "\n").unwrap();
        verify(&copy, more)
    };
    let edited = each[2].replace("\"add\"", "\"bad\"");
    assert_ne!(edited, each[2]);
    for (lines, at) in [
        (vec![each[0], each[1], &edited, each[3], each[4]], 3),
        (vec![each[0], each[1], each[3], each[4]], 3),
        (vec![each[1], each[2], each[3], each[4]], 1),
        (vec![each[0], each[1], each[3], each[2], each[4]], 3),
        (
            vec![each[0], each[1], each[1], each[2], each[3], each[4]],
            3,
        ),
        (vec![each[0], each[1], each[2], each[3], each[4], ""], 6),
    ] {
        let words = format!("line {at} is not the one that was written there");
        judge(&lines, &[]).fails(3, &words);
    }
    let told = judge(&[&edited], &["--json"]);
    assert_eq!((told.code, told.json()["exit_code"].clone()), (3, json!(3)));
    let missing = directory.path().join("missing");
    verify(&missing, &[]).fails(1, "missing: No such file");
}

#[test]
fn a_digest_that_was_kept_shows_what_the_chain_cannot() {
    let directory = tempfile::tempdir().unwrap();
    let file = log(directory.path());
    let good = std::fs::read_to_string(&file).unwrap();
    let end = verify(&file, &["--json"]).ok().json()["digest"].clone();
    let end = end.as_str().unwrap();
    verify(&file, &["--kept", end]).ok();
    let cut: Vec<_> = good.lines().take(3).collect();
    std::fs::write(&file, cut.join("\n") + "\n").unwrap();
    // A chain that is cut is a chain; what was kept is not in it.
    verify(&file, &[]).ok();
    verify(&file, &["--kept", end]).fails(3, "none of its 3 entries has the digest that was kept");
    for no_digest in ["xyz", "5f1c", &end[..63], &end[..62], &format!("{end}00")] {
        let told = verify(&file, &["--kept", no_digest]);
        told.fails(2, "--kept: give all 64 hexadecimal digits of a digest");
    }
    // The log has grown since.
    let earlier: Value = serde_json::from_str(cut[1]).unwrap();
    let earlier = earlier["digest"].as_str().unwrap();
    verify(&file, &["--kept", earlier]).ok();
}

#[test]
fn half_a_line_at_the_end_is_a_crash_and_no_edit_and_is_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let file = log(directory.path());
    let mut bytes = std::fs::read(&file).unwrap();
    bytes.extend(b"{\"number\":5,");
    std::fs::write(&file, &bytes).unwrap();
    let ran = verify(&file, &["--json"]).ok();
    assert_eq!(ran.json()["unfinished_bytes"], 12);
    assert!(
        ran.stderr.contains("the last 12 bytes are no whole line"),
        "{}",
        ran.stderr
    );
    assert_eq!(std::fs::read(&file).unwrap(), bytes);
}
