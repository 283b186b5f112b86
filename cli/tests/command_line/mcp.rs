//! `pqfw mcp`: the bridge as processes, with a real child behind it.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use serde_json::{Value, json};

use crate::support::{Server, pqfw};

/// `pqfw mcp connect`, and the host program that started it.
pub(crate) struct Host {
    child: Child,
    to: Option<ChildStdin>,
    from: BufReader<ChildStdout>,
}

impl Host {
    pub(crate) fn connect(directory: &Path, args: &[&str]) -> Self {
        let args = [&["mcp", "connect", "--log-level=error"], args].concat();
        let mut command = pqfw(directory, &args).0;
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        Self {
            to: child.stdin.take(),
            from: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    fn say(&mut self, message: &Value) {
        let to = self.to.as_mut().unwrap();
        to.write_all(format!("{message}\n").as_bytes()).unwrap();
    }

    fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.from.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    fn call(&mut self, id: u32, tool: &str) {
        let params = json!({ "name": tool, "arguments": { "a": 2, "b": 3 } });
        self.say(&json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params }));
    }

    pub(crate) fn add(&mut self, id: u32) -> Value {
        self.call(id, "add");
        self.hear()
    }

    pub(crate) fn initialize(&mut self) -> Value {
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
        self.say(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }));
        let answer = self.hear();
        self.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
        answer
    }

    /// Ends the input; gives the exit code and what was still said.
    pub(crate) fn end(mut self) -> (Option<i32>, String) {
        drop(self.to.take());
        let rest: Vec<_> = self.from.by_ref().lines().map(Result::unwrap).collect();
        (self.child.wait().unwrap().code(), rest.join("\n"))
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(directory: &Path, args: &[&str]) -> Server {
    let demo = ["--", env!("CARGO_BIN_EXE_pqfw"), "mcp", "demo-server"];
    pqfw(directory, &[&["mcp", "serve"], args, &demo].concat()).serve()
}

#[test]
fn a_server_that_is_killed_in_the_middle_of_a_call_leaves_an_error_and_is_found_again() {
    let directory = tempfile::tempdir().unwrap();
    let (here, there) = (
        directory.path().join("here"),
        directory.path().join("there"),
    );
    for machine in [&here, &there] {
        std::fs::create_dir(machine).unwrap();
    }
    for kind in ["tcp", "quic"] {
        let kind = format!("--set=transport.kind={kind}");
        let server = serve(&there, &["--listen=127.0.0.1:0", &kind]);
        let url = server.url.clone();
        let (_, address) = url.split_once("://").unwrap();
        // Over QUIC nobody says that an end is gone; silence does.
        let silence = "--set=transport.limits.idle_secs=2";
        let mut host = Host::connect(&here, &["--to", &url, silence]);
        let hello = host.initialize();
        assert_eq!(hello["result"]["serverInfo"]["name"], "pqfw-demo-server");
        host.call(1, "wait");
        assert_eq!(host.add(2)["result"]["content"][0]["text"], "5");
        // Killed, as by kill -9.
        drop(server);
        let answer = host.hear();
        assert_eq!(
            (&answer["id"], &answer["error"]["code"]),
            (&json!(1), &json!(1001))
        );
        assert_eq!(host.add(3)["error"]["code"], 1002);
        let server = serve(&there, &["--listen", address, &kind]);
        assert_eq!(host.add(4)["result"]["content"][0]["text"], "5");
        assert_eq!(host.end(), (Some(0), String::new()));
        let (code, said) = server.terminate();
        assert_eq!(code, 0, "{said:?}");
    }
}

#[test]
fn both_ends_are_known_by_their_fingerprints_and_nobody_else_comes_in() {
    let directory = tempfile::tempdir().unwrap();
    let (here, there) = (
        directory.path().join("here"),
        directory.path().join("there"),
    );
    for machine in [&here, &there] {
        std::fs::create_dir(machine).unwrap();
    }
    let show = |machine: &Path| {
        let shown = pqfw(machine, &["mcp", "identity", "show"])
            .run()
            .ok()
            .stdout;
        shown.trim().to_owned()
    };
    let (ours, theirs) = (show(&here), show(&there));
    let server = serve(
        &there,
        &[
            "--listen=127.0.0.1:0",
            "--allow-peer",
            &ours,
            "--allow-tool=add",
        ],
    );
    let mut host = Host::connect(&here, &["--to", &server.url, "--server", &theirs]);
    host.initialize();
    assert_eq!(host.add(1)["result"]["content"][0]["text"], "5");
    host.call(2, "echo");
    assert_eq!(host.hear()["error"]["code"], 1003);
    assert_eq!(host.end(), (Some(0), String::new()));
    let stranger = Host::connect(&there, &["--to", &server.url, "--server", &theirs]);
    assert_eq!(stranger.end(), (Some(3), String::new()));
    let wrong = Host::connect(&here, &["--to", &server.url, "--server", &ours]);
    assert_eq!(wrong.end(), (Some(3), String::new()));
}

#[test]
fn a_host_is_told_how_to_start_the_bridge() {
    let directory = tempfile::tempdir().unwrap();
    let args = [
        "mcp",
        "config",
        "--name",
        "files",
        "--to",
        "quic://files.example.org:8765",
    ];
    let config = pqfw(directory.path(), &args).run().ok().json();
    let files = &config["mcpServers"]["files"];
    assert_eq!(
        files["args"],
        json!(["mcp", "connect", "--to", "quic://files.example.org:8765"])
    );
    assert!(files["command"].as_str().unwrap().ends_with("pqfw"));
    let bad = [
        "mcp",
        "config",
        "--name",
        "files",
        "--to",
        "carrier://pigeon",
    ];
    pqfw(directory.path(), &bad).run().fails(2, "carrier");
}

#[test]
fn what_cannot_work_is_said_at_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| pqfw(directory.path(), &[&["mcp"], args].concat()).run();
    run(&["serve"]).fails(2, "there is no MCP server to bridge to");
    run(&[
        "serve",
        "--upstream",
        "http://127.0.0.1:9/mcp",
        "--allow-tool=add",
    ])
    .fails(2, "needs mcp.inspect = true");
    run(&["serve", "--upstream", "https://example.org/mcp"]).fails(2, "is no http:// address");
    run(&["serve", "--allow-tool=sha256:0=add", "--", "cat"]).fails(2, "is no fingerprint");
    run(&["connect", "--http-listen", "0.0.0.0:0"]).fails(2, "is no loopback address");
    for bare in ["127.0.0.1:8765", "tcp:127.0.0.1:8765", "files.example.org"] {
        let words = format!(
            "--to: `{bare}` does not say over which transport; write tcp://HOST:PORT or quic://HOST:PORT"
        );
        run(&["connect", "--to", bare]).fails(2, &words);
        run(&["config", "--name", "files", "--to", bare]).fails(2, &words);
    }
    run(&["--json", "connect"]).fails(2, "--json would mix");
    run(&["connect", "--to", "tcp://127.0.0.1:1"]).fails(5, "is the server running there?");
}

#[test]
fn the_scenario_refuses_forgeries_and_replays() {
    let directory = tempfile::tempdir().unwrap();
    let ran = pqfw(directory.path(), &["run", "--profile", "mcp.toml"])
        .run()
        .ok();
    for part in [
        "add(2, 3) = 5",
        "the tool `wait` is not allowed to this peer",
        "refused: the connection to",
        "bad_record_mac",
        "!ended exit status: 0",
    ] {
        assert!(
            ran.stdout.contains(part),
            "`{part}` is not in: {}",
            ran.stdout
        );
    }
}
