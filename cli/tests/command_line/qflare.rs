//! `pqfw qflare`: an operator, a server and a device.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, pqfw};

const INITIAL: &str = "--set=qflare.initial={ w = [2] }";
const RULE: &str = "--set=qflare.rule=fedavg";
const BY_HAND: &str = "--set=qflare.close_at=0";

fn operator(here: &Path, args: &[&str]) -> Ran {
    let server = [INITIAL, RULE, BY_HAND, "--set=keys.dir=server-keys"];
    pqfw(here, &[&["qflare"], args, &server].concat()).run()
}

/// A safetensors file of one tensor `w` with two values.
fn weights(values: [f32; 2]) -> Vec<u8> {
    let header = br#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend(values.iter().flat_map(|value| value.to_le_bytes()));
    file
}

#[cfg(unix)]
#[test]
fn a_device_enrols_fetches_submits_rotates_and_is_revoked() {
    for kind in ["http", "tcp", "quic"] {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path();
        let over = format!("--set=transport.kind={kind}");
        let server = pqfw(
            here,
            &[
                "run",
                "--profile=qflare",
                "--role=server",
                "--set=transport.listen=127.0.0.1:0",
                "--set=keys.dir=server-keys",
                &over,
                INITIAL,
                RULE,
                BY_HAND,
            ],
        )
        .serve();
        let url = server.url.clone();
        let device = |args: &[&str]| {
            let target = ["--server", &url, "--set=keys.dir=device-keys", &over];
            pqfw(here, &[&["qflare", "device"], args, &target].concat()).run()
        };
        device(&["status"]).fails(2, "enrol this device first");
        let token = operator(here, &["token", "create", "camera-7"]).ok().stdout;
        assert!(token.starts_with("pqfw-enrol-1."), "{token}");
        fs::write(here.join("token"), &token).unwrap();
        device(&["init"]).ok();
        device(&["enroll", "--token-file=token"]).ok();
        device(&["enroll", "--token-file=token"]).fails(1, "409");
        assert!(
            operator(here, &["devices", "list"])
                .ok()
                .stdout
                .contains("camera-7")
        );
        device(&["fetch", "base.safetensors"]).ok();
        assert!(
            fs::read(here.join("base.safetensors"))
                .unwrap()
                .ends_with(&[0; 8])
        );
        fs::write(here.join("trained"), weights([1.0, 2.0])).unwrap();
        let submit = ["submit", "trained", "--examples=3"];
        let first = device(&submit).ok();
        assert!(
            first.stdout.contains("accepted in round 1"),
            "{}",
            first.stdout
        );
        assert_eq!(device(&submit).ok().stdout, first.stdout);
        let closed = operator(here, &["round", "close"]).ok().stdout;
        assert!(closed.contains("camera-7: used"), "{closed}");
        device(&["submit", "base.safetensors", "--examples=3"]).fails(1, "409");
        operator(here, &["model", "get", "now.safetensors"]).ok();
        let now = fs::read(here.join("now.safetensors")).unwrap();
        assert!(
            now.ends_with(&[1f32.to_le_bytes(), 2f32.to_le_bytes()].concat()),
            "{now:?}"
        );
        device(&["rotate"]).ok();
        device(&["fetch", "base.safetensors"]).ok();
        operator(here, &["devices", "revoke", "camera-7"]).ok();
        device(&["fetch", "base.safetensors"]).fails(3, "403");
        let verified = operator(here, &["audit", "verify"]).ok().stdout;
        assert!(verified.contains("signed up to entry"), "{verified}");
        let (code, _) = server.terminate();
        assert_eq!(code, 0);
    }
}

#[test]
fn the_operators_commands_say_what_is_wrong() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    operator(here, &["token", "create", "a b"]).fails(2, "pattern");
    operator(here, &["token", "create", "a", "--hours=99999"]).fails(2, "a year");
    operator(here, &["token", "revoke", "00"]).fails(1, "no such token");
    operator(here, &["devices", "revoke", "nobody"]).fails(1, "not enrolled");
    operator(here, &["round", "open"]).fails(1, "under way");
    fs::write(here.join("model"), weights([5.0, 6.0])).unwrap();
    operator(here, &["model", "set", "model"]).fails(1, "under way");
    operator(here, &["round", "abort", "--reason=test"]).ok();
    operator(here, &["round", "abort"]).fails(1, "no round is open");
    fs::write(
        here.join("program"),
        b"\x80\x04cos\nsystem\n(S'touch opened'\ntR.",
    )
    .unwrap();
    operator(here, &["model", "set", "program"]).fails(1, "pickle");
    assert!(!here.join("opened").exists());
    operator(here, &["model", "set", "model"]).ok();
    let status = operator(here, &["round", "status", "--json"]).ok().json();
    assert_eq!(status["phase"], "open");
    let set = ["qflare", "token", "list", "--set=store.url=memory:"];
    pqfw(here, &set).run().fails(2, "admin door");
    let old = ["qflare", "device", "rotate", "--set=dialect=qflare-1"];
    pqfw(here, &old).run().fails(2, "no rotation");
    let other = ["qflare", "token", "list", "--profile=qu3"];
    pqfw(here, &other).run().fails(2, "not of qflare");
}

/// The scenario plays the dialect of deployed devices.
const SCENARIO: [&str; 6] = [
    "run",
    "--profile=qflare.toml",
    "--role",
    "demo",
    "--set",
    "dialect=qflare-1",
];

/// The scenario's events, one a line.
fn demo(options: &[&str]) -> (Ran, Vec<Value>) {
    let directory = tempfile::tempdir().unwrap();
    let begin = [&SCENARIO[..], &["--json"]].concat();
    let ran = pqfw(directory.path(), &[&begin[..], options].concat()).run();
    let ran = ran.ok();
    let events = ran.stdout.lines().map(serde_json::from_str);
    let events = events.collect::<Result<_, _>>().unwrap();
    (ran, events)
}

fn passed(events: &[Value]) -> String {
    let passed = events.iter().filter_map(|event| event["what"].as_str());
    passed.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_scenario_shows_attack_and_defence_and_refuses_real_bytes() {
    let (_, events) = demo(&[]);
    let passed = passed(&events);
    for part in [
        "three liars have the model",
        "the model learns as if nobody lied",
        "refused: 401 Invalid or expired enrollment token",
        "refused: 401 Invalid model signature",
        "refused: 422 ",
        "refused: 415 this is a pickle",
        "refused: 409 ",
        "every digest is right",
    ] {
        assert!(passed.contains(part), "`{part}` is not in: {passed}");
    }
    let rounds = events.iter().filter(|event| {
        let name = event["name"].as_str().unwrap_or_default();
        name.starts_with("round ")
    });
    assert_eq!(rounds.count(), 16);
    let original = |event: &&Value| {
        let value = event["value"].as_str().unwrap_or_default();
        value.contains("the original: ")
    };
    assert_eq!(events.iter().filter(original).count(), 5);
}

#[test]
fn the_rule_and_the_transport_of_the_scenario_are_lines_of_the_profile() {
    let (_, events) = demo(&["--set=qflare.rule=median", "--set=transport.kind=tcp"]);
    let titles = events.iter().filter_map(|event| event["title"].as_str());
    assert!(
        titles
            .into_iter()
            .any(|title| title.ends_with("median, clip median"))
    );
    assert!(passed(&events).contains("the model learns as if nobody lied"));
    // The original's rule drops everybody who begins from zeros: no round has a model.
    let directory = tempfile::tempdir().unwrap();
    let original = [
        "--set=qflare.rule=qflare_cosine(0.8)",
        "--set=qflare.clip=none",
    ];
    let ran = pqfw(directory.path(), &[&SCENARIO[..], &original].concat()).run();
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("is selected by the rule"),
        "{}",
        ran.stderr
    );
}
