//! `pqfw run`: the scenario, a server and its clients.

use std::fs;

use crate::support::pqfw;

/// The dialect of deployed peers.
const OLD: &str = "--set=dialect=qu3-1";

#[test]
fn the_first_command_plays_the_whole_scenario() {
    let directory = tempfile::tempdir().unwrap();
    let ran = pqfw(directory.path(), &["run", "--profile", "qu3.toml"])
        .run()
        .ok();
    for part in [
        "X25519+ML-KEM-768@aws-lc+aws-lc",
        "CHANGE ONE LINE",
        "denied by policy version 1",
        "refused: the service refused the exchange with status 400 and bad_record_mac",
        "refused: 409",
        "status 403 and unknown_peer",
    ] {
        assert!(
            ran.stdout.contains(part),
            "`{part}` is not in: {}",
            ran.stdout
        );
    }
    assert!(!ran.stdout.contains("warning"), "{}", ran.stdout);
}

#[test]
fn the_demo_runs_on_every_transport_that_carries_exchanges() {
    for kind in ["tcp", "quic", "memory"] {
        let directory = tempfile::tempdir().unwrap();
        let set = format!("--set=transport.kind={kind}");
        let ran = pqfw(directory.path(), &["run", "--profile=qu3", &set]).run();
        let ran = ran.ok();
        assert!(
            ran.stdout.contains("unknown_peer"),
            "{kind}: {}",
            ran.stdout
        );
    }
    let directory = tempfile::tempdir().unwrap();
    pqfw(
        directory.path(),
        &["run", "--profile=qu3", "--set=transport.kind=udp"],
    )
    .run()
    .fails(
        2,
        "transport udp delivers datagrams, and this needs exchanges",
    );
}

#[test]
fn one_flag_away_is_the_scenario_with_deployed_peers() {
    let directory = tempfile::tempdir().unwrap();
    let args = ["run", "--profile", "qu3.toml", "--set", "dialect=qu3-1"];
    let ran = pqfw(directory.path(), &args).run().ok();
    for part in [
        "Kyber-768@aws-lc",
        "warning: QU3-2",
        "CHANGE ONE LINE",
        "refused: 403 Invalid client signature on policy.",
        "refused: 409 Request replayed.",
        "the client's session lives on",
    ] {
        assert!(
            ran.stdout.contains(part),
            "`{part}` is not in: {}",
            ran.stdout
        );
    }
    assert!(
        !directory.path().join("state").exists(),
        "a demo leaves nothing behind"
    );
}

#[test]
fn one_line_changes_the_suite_and_the_transport() {
    let directory = tempfile::tempdir().unwrap();
    let set = [
        "--set=suite.kem=ML-KEM-1024",
        "--set=suite.signature=ML-DSA-65",
        "--set=suite.aead=ChaCha20-Poly1305",
        "--set=dialect=qu3-1",
        "--set=policy=modern",
        "--set=transport.kind=memory",
        "--json",
    ];
    let args = [&["run", "--profile", "qu3"], &set[..]].concat();
    let ran = pqfw(directory.path(), &args).run().ok();
    let lines: Vec<serde_json::Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[0]["suite"]["kem"], "ML-KEM-1024");
    assert_eq!(lines[0]["policies"][0], "modern");
    assert_eq!(
        lines
            .iter()
            .filter(|line| line["event"] == "passed")
            .count(),
        10
    );
}

#[test]
fn a_rehearsed_failure_moves_to_the_next_provider_and_says_so() {
    let directory = tempfile::tempdir().unwrap();
    let ran = pqfw(
        directory.path(),
        &["run", "--profile=qu3", "--set=dialect=qu3-1"],
    )
    .env("PQFW_FAIL_KAT", "Kyber-768@aws-lc")
    .run()
    .ok();
    let next = if cfg!(feature = "libcrux") {
        "Kyber-768@libcrux ("
    } else {
        "Kyber-768@rustcrypto ("
    };
    assert!(ran.stdout.contains(next), "{}", ran.stdout);
    assert!(
        ran.stdout.contains("Kyber-768@aws-lc is quarantined"),
        "{}",
        ran.stdout
    );
}

#[cfg(unix)]
#[test]
fn a_server_serves_clients_and_ends_cleanly() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let server = pqfw(
        here,
        &[
            "run",
            "--profile=qu3",
            "--role=server",
            "--set=transport.listen=127.0.0.1:0",
            "--set=keys.dir=server-keys",
            "--set=dialect=qu3-1",
            "--ready-file=ready.json",
        ],
    )
    .serve();
    assert!(
        server
            .ready
            .starts_with("ready system=qu3 role=server url=http://127.0.0.1:")
    );
    let ready: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(here.join("ready.json")).unwrap()).unwrap();
    assert_eq!(ready["url"], server.url.as_str());
    assert_eq!(ready["dialect"], "qu3-1");
    assert!(
        ready["fingerprint"]
            .as_str()
            .unwrap()
            .starts_with("sha256:")
    );

    let client = |args: &[&str]| {
        let target = [
            "--server",
            &server.url,
            "--set=keys.dir=client-keys",
            "--set=dialect=qu3-1",
        ];
        pqfw(here, &[&["qu3"], args, &target].concat()).run()
    };
    client(&["generate-keys"]).ok();
    client(&["generate-keys"]).fails(1, "--force");
    let ran = client(&["run-inference", "model_caps", "hello"]).ok();
    assert_eq!(ran.stdout.trim(), r#"{"capitalized_text": "HELLO"}"#);
    assert!(ran.stderr.contains("trusting the server"), "{}", ran.stderr);
    let again = client(&["run-inference", "model_caps", r#"{"text": "x"}"#, "--json"]).ok();
    assert!(
        !again.stderr.contains("trusting the server"),
        "{}",
        again.stderr
    );
    assert_eq!(again.json()["output_data"]["capitalized_text"], "X");
    let ran = client(&["run-agent", "model_caps->model_reverse", "abc"]).ok();
    assert!(ran.stdout.contains("CBA"), "{}", ran.stdout);
    client(&["run-inference", "nosuch", "x"]).fails(1, "Unknown model ID: 'nosuch'");
    client(&["run-agent", "model_caps->", "x"]).fails(2, "workflow");

    fs::write(here.join("policy.txt"), "Deny model_reverse\n").unwrap();
    client(&["update-policy", "--policy-file", "policy.txt"]).ok();
    client(&["run-inference", "model_reverse", "x"]).fails(1, "denied by policy version 1");
    fs::write(here.join("policy.txt"), "Deny model_caps\nand so on\n").unwrap();
    client(&["update-policy", "--policy-file", "policy.txt"]).fails(2, "line 2");
    fs::write(here.join("policy.txt"), "please be nice\n").unwrap();
    let ran = client(&["update-policy", "--policy-file", "policy.txt"]).ok();
    assert!(
        ran.stderr.contains("nothing will be enforced"),
        "{}",
        ran.stderr
    );

    let keys = client(&["inspect-keys", "--json"]).ok().json();
    assert_eq!(keys["keys"][0]["end"], "client");
    assert_eq!(
        keys["keys"][1]["signature"]["fingerprint"],
        ready["fingerprint"]
    );
    assert!(
        client(&["list-models"])
            .ok()
            .stdout
            .contains("model_reverse")
    );

    let (code, said) = server.terminate();
    assert_eq!(code, 0);
    assert!(
        said.iter().all(|line| !line.starts_with("ready ")),
        "one ready line: {said:?}"
    );
    assert!(
        said.iter()
            .all(|line| !line.to_lowercase().contains("hello")),
        "plaintext in a log"
    );
}

#[cfg(unix)]
#[test]
fn pins_policies_and_keys_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let serve = || {
        let listen = "--set=transport.listen=127.0.0.1:0";
        pqfw(
            here,
            &["run", "--profile=qu3", "--role=server", listen, OLD],
        )
        .serve()
    };
    let client = |url: &str, args: &[&str]| {
        let target = ["--server", url, "--set", "keys.dir=client-keys", OLD];
        pqfw(here, &[&["qu3"], args, &target].concat()).run()
    };
    let server = serve();
    fs::write(here.join("policy.txt"), "Deny model_reverse\n").unwrap();
    client(
        &server.url,
        &["update-policy", "--policy-file", "policy.txt"],
    )
    .ok();
    assert_eq!(server.terminate().0, 0);
    let server = serve();
    client(&server.url, &["run-inference", "model_reverse", "x"]).fails(1, "denied by policy");
    client(&server.url, &["run-inference", "model_caps", "x"]).ok();

    // The same KEM key with another sign key: the pin holds.
    fs::remove_file(here.join("client-keys/client_sign.sec")).unwrap();
    let other = "client-keys-2";
    let target = [
        "--server",
        &server.url,
        "--set",
        "keys.dir=client-keys-2",
        OLD,
    ];
    pqfw(here, &[&["qu3", "generate-keys"], &target[..]].concat())
        .run()
        .ok();
    for file in ["client_sign.sec", "client_sign.pub"] {
        let (from, to) = (
            here.join(other).join(file),
            here.join("client-keys").join(file),
        );
        fs::copy(from, to).unwrap();
    }
    client(&server.url, &["run-inference", "model_caps", "x"]).fails(3, "403");
    assert_eq!(server.terminate().0, 0);
}

#[cfg(unix)]
#[test]
fn the_client_role_runs_its_workflow() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let listen = "--set=transport.listen=127.0.0.1:0";
    let server = pqfw(here, &["run", "--profile=qu3", "--role=server", listen]).serve();
    let connect = format!("--set=transport.connect={}", server.url);
    let ran = pqfw(
        here,
        &[
            "run",
            "--profile=qu3",
            "--role=client",
            &connect,
            "--set=keys.dir=client",
        ],
    )
    .run()
    .ok();
    assert!(ran.stdout.contains("ENIL ENO EGNAHC"), "{}", ran.stdout);
    assert_eq!(server.terminate().0, 0);
}

#[cfg(unix)]
#[test]
fn on_the_channel_a_server_is_known_again_and_another_is_refused() {
    for kind in ["http", "tcp", "quic"] {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path();
        let over = format!("--set=transport.kind={kind}");
        let serve = |keys: &str, listen: &str| {
            let listen = format!("--set=transport.listen={listen}");
            let keys = format!("--set=keys.dir={keys}");
            let args = [
                "run",
                "--profile=qu3",
                "--role=server",
                &listen,
                &keys,
                &over,
            ];
            pqfw(here, &args).serve()
        };
        let server = serve("server-keys", "127.0.0.1:0");
        let (url, address) = (server.url.clone(), server.url.split("//").nth(1).unwrap());
        let client = |args: &[&str]| {
            let target = ["--server", &url, "--set=keys.dir=client-keys", &over];
            pqfw(here, &[&["qu3"], args, &target].concat()).run()
        };
        client(&["generate-keys"]).ok();
        client(&["generate-keys"]).fails(1, "--force");
        let first = client(&["run-inference", "model_caps", "hello"]).ok();
        assert_eq!(first.stdout.trim(), r#"{"capitalized_text": "HELLO"}"#);
        assert!(first.stderr.contains("on first use"), "{}", first.stderr);
        let again = client(&["run-agent", "model_caps->model_reverse", "abc"]).ok();
        assert!(again.stdout.contains("CBA"), "{}", again.stdout);
        assert!(!again.stderr.contains("on first use"), "{}", again.stderr);
        assert!(
            client(&["list-models"])
                .ok()
                .stdout
                .contains("model_reverse")
        );
        fs::write(here.join("policy.txt"), "Deny model_reverse\n").unwrap();
        client(&["update-policy", "--policy-file", "policy.txt"]).ok();
        client(&["run-inference", "model_reverse", "x"]).fails(1, "denied by policy version 1");
        let keys = client(&["inspect-keys", "--json"]).ok().json();
        assert_eq!(keys["peers"][0]["name"], url.as_str());

        let address = address.to_owned();
        assert_eq!(server.terminate().0, 0);
        let server = serve("server-keys", &address);
        client(&["run-inference", "model_reverse", "x"]).fails(1, "denied by policy");
        assert_eq!(server.terminate().0, 0);
        let stranger = serve("other-keys", &address);
        client(&["run-inference", "model_caps", "x"]).fails(3, "has another key than before");
        assert_eq!(stranger.terminate().0, 0);
    }
}

#[cfg(unix)]
#[test]
fn a_client_that_is_not_listed_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let listen = "--set=transport.listen=127.0.0.1:0";
    let listed = "--set=peers.mode=allow-list";
    let server = pqfw(
        here,
        &["run", "--profile=qu3", "--role=server", listen, listed],
    )
    .serve();
    let target = ["--server", &server.url, "--set=keys.dir=client-keys"];
    let ask = ["qu3", "run-inference", "model_caps", "x"];
    pqfw(here, &[&ask[..], &target].concat())
        .run()
        .fails(3, "unknown_peer");
    assert_eq!(server.terminate().0, 0);
}
