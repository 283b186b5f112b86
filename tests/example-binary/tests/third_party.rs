//! A third party's binary: its plugins are used, missed when they are forgotten, and refused when they
//! are faulty.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const WHOLE: &str = env!("CARGO_BIN_EXE_pqfw-example-binary");
const FORGETFUL: &str = env!("CARGO_BIN_EXE_forgetful");
const FAULTY: &str = env!("CARGO_BIN_EXE_faulty");

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

impl Ran {
    #[track_caller]
    fn ends(self, code: i32, with: &str) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(self.code, code, "{stdout}{stderr}");
        let found = stdout.contains(with) || stderr.contains(with);
        assert!(found, "`{with}` is not in: {stdout}{stderr}");
        self
    }
}

fn command(binary: &str, home: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(binary);
    command.args(args).current_dir(home).env_clear();
    command.env("XDG_STATE_HOME", home.join("state"));
    command
}

fn run_with(binary: &str, home: &TempDir, args: &[&str], fault: &str) -> Ran {
    let mut command = command(binary, home.path(), args);
    let ran = command.env("EXAMPLE_FAULT", fault).output().unwrap();
    Ran {
        code: ran.status.code().unwrap(),
        stdout: String::from_utf8(ran.stdout).unwrap(),
        stderr: String::from_utf8(ran.stderr).unwrap(),
    }
}

fn run(binary: &str, args: &[&str]) -> Ran {
    run_with(binary, &tempfile::tempdir().unwrap(), args, "")
}

#[test]
fn every_plugin_is_there_once() {
    let ran = run(WHOLE, &["list-algorithms", "--kind", "kem", "--json"]).ends(0, "");
    let rows: Value = serde_json::from_str(&ran.stdout).unwrap();
    let providers = |id: &str| {
        let rows = rows.as_array().unwrap().iter();
        rows.filter(|row| row["id"] == id).count()
    };
    assert_eq!(providers("sntrup761"), 1);
    assert_eq!(providers("Example-Insecure-XOR-KEM"), 1);
    run(WHOLE, &["list-transports"]).ends(0, "pigeon");
    run(WHOLE, &["profile", "list"]).ends(0, "postcard");
}

#[test]
fn a_plugin_is_checked_by_name() {
    run(WHOLE, &["plugin", "check", "pqfw-example-sntrup761"]).ends(0, "lodder");
    run(WHOLE, &["plugin", "check", "example"]).ends(0, "Example-Insecure-XOR-KEM");
    run(WHOLE, &["plugin", "check", "pqfw-example-pigeon"]).ends(0, "brings no algorithm");
}

/// A policy that allows drafts in hybrids: what the shipped `modern` does not.
const DRAFTS: &str = include_str!("drafts.toml");

/// A policy that allows everything.
const ANYTHING: &str = "name = \"anything\"\nsummary = \"a test\"\nrule = []\n";

#[test]
fn a_shipped_system_runs_on_a_third_partys_kem_and_transport() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("drafts.toml"), DRAFTS).unwrap();
    let run = |args: &[&str]| {
        let common = ["run", "--profile", "qu3", "--set"];
        let args: Vec<_> = common.iter().chain(args).copied().collect();
        run_with(WHOLE, &home, &args, "")
    };
    // One part that the policy allows carries the others.
    run(&["suite.kem=ML-KEM-768+sntrup761"]).ends(0, "sntrup761@");
    run(&["suite.kem=X25519+sntrup761"]).ends(4, "modern rule M1: status draft");
    let mine = [
        "--set",
        "policy=./drafts.toml",
        "--set",
        "transport.kind=pigeon",
    ];
    run(&[&["suite.kem=sntrup761"], &mine[..]].concat()).ends(4, "drafts rule D2");
    let ran = run(&[&["suite.kem=X25519+sntrup761"], &mine[..]].concat());
    ran.ends(0, "X25519+sntrup761@").ends(0, "pigeon:home");
}

#[test]
fn a_third_partys_kem_is_a_leg_in_every_system() {
    for (kem, provider) in [
        ("sntrup761", "+lodder"),
        ("Example-Insecure-XOR-KEM", "+example"),
    ] {
        let line = format!("suite.kem=X25519+ML-KEM-768+{kem}");
        for profile in ["qu3", "mlkem-tcp", "mcp", "qflare", "pqvpn"] {
            let ran = run(WHOLE, &["run", "--profile", profile, "--set", &line]);
            // Its provider has done the work.
            ran.ends(0, kem).ends(0, provider);
        }
    }
}

#[test]
fn what_a_third_party_brings_is_in_the_matrix() {
    let lines = ["--only", "kem", "--only", "transport"];
    let args = [&["--json", "matrix", "qu3"], &lines[..]].concat();
    let ran = run(WHOLE, &args).ends(0, "");
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    let values = found["profiles"][0]["values"].as_array().unwrap();
    let verdict = |name: &str| {
        let mut rows = values.iter().filter(|row| row["value"] == name);
        let row = rows.next().unwrap_or_else(|| panic!("{name} is not there"));
        assert_eq!(rows.next(), None, "{name} is there twice");
        row["verdict"].as_str().unwrap().to_owned()
    };
    assert_eq!(verdict("sntrup761"), "refused");
    assert_eq!(verdict("X25519+ML-KEM-768+sntrup761"), "works");
    assert_eq!(verdict("pigeon"), "works");
}

#[test]
fn a_third_partys_system_runs_on_every_transport_that_delivers_exchanges() {
    for kind in ["pigeon", "memory", "http", "tcp", "quic"] {
        let transport = format!("transport.kind={kind}");
        let ran = run(
            WHOLE,
            &["run", "--profile", "postcard", "--set", &transport],
        );
        let ran = ran.ends(0, "a card of 18 bytes arrived");
        ran.ends(0, "refused: 400").ends(0, "PC-1");
    }
    let udp = [
        "run",
        "--profile",
        "postcard",
        "--set",
        "transport.kind=udp",
    ];
    run(WHOLE, &udp).ends(2, "delivers datagrams");
}

/// What an office at `address` answers to raw HTTP.
fn status(address: &str, head: &str, body: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{head} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n"
    )
    .unwrap();
    write!(stream, "content-length: {length}\r\n\r\n").unwrap();
    stream.write_all(body).unwrap();
    let mut answer = String::new();
    stream.take(12).read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn an_office_takes_cards_from_other_processes_and_refuses_what_is_none() {
    let home = tempfile::tempdir().unwrap();
    let listen = ["--set", "transport.listen=127.0.0.1:0"];
    let serve = [
        &["run", "--profile", "postcard", "--role", "server"],
        &listen[..],
    ]
    .concat();
    let mut command = command(WHOLE, home.path(), &serve);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut office = command.spawn().unwrap();
    let lines = BufReader::new(office.stderr.take().unwrap()).lines();
    let mut ready = lines.map(Result::unwrap);
    let url = ready.find_map(|line| Some(line.split_once("url=")?.1.to_owned()));
    let url = url.expect("it says that it is ready");

    let connect = format!("transport.connect={url}");
    let client = [
        "run",
        "--profile",
        "postcard",
        "--role",
        "client",
        "--set",
        &connect,
    ];
    run(WHOLE, &client).ends(0, "a card of 18 bytes arrived");
    let longest = ["--set", &format!("postcard.text={}", "a".repeat(1000))];
    run(WHOLE, &[&client[..], &longest].concat()).ends(0, "a card of 1000 bytes arrived");
    let longer = ["--set", &format!("postcard.text={}", "a".repeat(1001))];
    run(WHOLE, &[&client[..], &longer].concat()).ends(3, "status 413");

    let address = url.strip_prefix("http://").unwrap();
    assert_eq!(status(address, "GET /cards", b""), 404);
    assert_eq!(status(address, "POST /card", b"too short"), 400);
    assert_eq!(status(address, "POST /card", &[0; 1500]), 400);
    office.kill().unwrap();
    office.wait().unwrap();
}

#[test]
fn a_plugin_that_is_listed_and_never_linked_is_missed_with_the_line_that_links_it() {
    let home = tempfile::tempdir().unwrap();
    let line = "use pqfw_example_postcard as _;";
    let profile = "profile = 1\nsystem = \"postcard\"\nrequire = [\"pqfw-example-postcard\"]\n";
    fs::write(home.path().join("mine.toml"), profile).unwrap();
    let run = |binary, args: &[&str]| {
        let args: Vec<_> = args
            .iter()
            .chain(&["--profile", "mine.toml"])
            .copied()
            .collect();
        run_with(binary, &home, &args, "")
    };
    run(FORGETFUL, &["run"]).ends(2, line);
    run(FORGETFUL, &["doctor", "--quick"])
        .ends(1, "PQ0102")
        .ends(1, line);
    run(WHOLE, &["doctor", "--quick"]).ends(0, "examined");
    let check = ["plugin", "check", "pqfw-example-postcard"];
    run_with(FORGETFUL, &home, &check, "").ends(2, line);
}

#[test]
fn a_faulty_plugin_is_refused_with_the_reason() {
    let home = tempfile::tempdir().unwrap();
    let check = |fault| run_with(FAULTY, &home, &["plugin", "check", "faulty"], fault);
    check("").ends(0, "Faulty-KEM");
    check("known-answers").ends(1, "known answer");
    check("sizes").ends(1, "ciphertext");
    // A name that is taken stops the binary before it does anything.
    let name = check("name");
    name.ends(2, "`Example-Insecure-XOR-KEM` already means");

    fs::write(home.path().join("anything.toml"), ANYTHING).unwrap();
    let use_it = [
        "run",
        "--profile",
        "qu3",
        "--set",
        "suite.kem=X25519+Faulty-KEM",
        "--set",
        "policy=./anything.toml",
    ];
    run_with(FAULTY, &home, &use_it, "").ends(0, "X25519+Faulty-KEM");
    let refused = run_with(FAULTY, &home, &use_it, "known-answers");
    refused.ends(1, "known answer");
}
