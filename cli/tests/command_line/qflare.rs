//! `pqfw qflare`: an operator, a server and a device.

use std::fs;
#[cfg(unix)]
use std::io::{BufRead, BufReader, Write};
#[cfg(unix)]
use std::net::TcpStream;
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
        // What the operator's command does not say, or the shipped profile alone, is the server's.
        let plain = ["qflare", "round", "close", "--set=keys.dir=server-keys"];
        let other = "--set=qflare.rule=median";
        let refused = pqfw(here, &[&plain[..], &[other]].concat()).run();
        refused.fails(2, "qflare.rule is fedavg at the server");
        let closed = pqfw(here, &plain).run().ok().stdout;
        assert!(closed.contains("camera-7: used"), "{closed}");
        device(&["submit", "base.safetensors", "--examples=3"]).fails(1, "409");
        operator(here, &["model", "get", "now.safetensors"]).ok();
        let now = fs::read(here.join("now.safetensors")).unwrap();
        assert!(
            now.ends_with(&[1f32.to_le_bytes(), 2f32.to_le_bytes()].concat()),
            "{now:?}"
        );
        device(&["rotate"]).ok();
        let kept = fs::read_dir(here.join("device-keys")).unwrap();
        let kept = kept.map(|file| file.unwrap().file_name().into_string().unwrap());
        assert!(kept.into_iter().all(|name| !name.starts_with("next_")));
        device(&["rotate", "--finish"]).fails(2, "no rotation has left keys here");
        device(&["fetch", "base.safetensors"]).ok();
        operator(here, &["devices", "revoke", "camera-7"]).ok();
        device(&["fetch", "base.safetensors"]).fails(3, "403");
        let verified = operator(here, &["audit", "verify"]).ok().stdout;
        assert!(verified.contains("those after them not yet"), "{verified}");
        let (code, _) = server.terminate();
        assert_eq!(code, 0);
    }
}

/// A server that has begun and ended: its terms stay on the state.
#[cfg(unix)]
fn began(here: &Path, settings: &[&str]) {
    let server = [
        "run",
        "--profile=qflare",
        "--role=server",
        "--set=transport.listen=127.0.0.1:0",
        INITIAL,
    ];
    let server = pqfw(here, &[&server[..], settings].concat()).serve();
    assert_eq!(server.terminate().0, 0);
}

#[cfg(unix)]
#[test]
fn an_operators_command_that_contradicts_the_server_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let status = |settings: &[&str]| {
        let args = ["qflare", "round", "status", "--json"];
        pqfw(here, &[&args[..], settings].concat()).run()
    };
    // Nobody has begun: nobody knows the rule, and a round is closed by none.
    let before = status(&[INITIAL]).ok().json();
    assert_eq!(before["rule"], Value::Null);
    let close = ["qflare", "round", "close"];
    pqfw(here, &close).run().fails(1, "start the server once");

    began(
        here,
        &["--set=qflare.rule=median", "--set=qflare.close_at=3"],
    );
    let said = status(&[]).ok().json();
    assert_eq!(
        (said["rule"].as_str(), said["close_at"].as_u64()),
        (Some("median"), Some(3))
    );
    status(&["--set=qflare.rule=median"]).ok();
    for (setting, told) in [
        // Also when it is what the shipped profile says.
        (
            "--set=qflare.rule=multi_krum(1)",
            "qflare.rule is median at the server",
        ),
        (
            "--set=qflare.clip=none",
            "qflare.clip is median at the server",
        ),
        (
            "--set=qflare.close_at=5",
            "leave qflare.close_at out of this command",
        ),
        (
            "--set=qflare.open_rounds=false",
            "qflare.open_rounds is true",
        ),
        (
            "--set=qflare.max_examples=9",
            "qflare.max_examples is 1000000",
        ),
    ] {
        status(&[setting]).fails(2, told);
    }
    // A profile says it, too; what it has of the shipped one is nobody's wish.
    let shipped = include_str!("../../../profiles/qflare.toml");
    // The name decides on the state directory.
    let shipped = format!("name = \"qflare\"\n{shipped}");
    fs::write(here.join("mine.toml"), &shipped).unwrap();
    status(&["--profile=mine.toml"]).ok();
    let other = shipped.replace("\"multi_krum(1)\"", "\"krum(1)\"");
    fs::write(here.join("mine.toml"), other).unwrap();
    status(&["--profile=mine.toml"]).fails(2, "start the server with krum(1)");
    // A server decides anew.
    began(here, &["--set=qflare.rule=fedavg"]);
    assert_eq!(status(&[]).ok().json()["rule"], "fedavg");
}

#[cfg(unix)]
#[test]
fn a_token_for_another_dialect_than_the_servers_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    began(here, &["--set=dialect=qflare-1"]);
    let create = ["qflare", "token", "create", "camera-7"];
    pqfw(here, &create)
        .run()
        .fails(2, "add --set dialect=qflare-1");
    let spoken = [&create[..], &["--set=dialect=qflare-1"]].concat();
    let token = pqfw(here, &spoken).run().ok().stdout;
    assert_eq!(token.trim().len(), 43, "{token}");
}

#[cfg(unix)]
#[test]
fn a_device_remembers_where_it_enrolled() {
    let directory = tempfile::tempdir().unwrap();
    let here = directory.path();
    let server = [
        "run",
        "--profile=qflare",
        "--role=server",
        "--set=transport.listen=127.0.0.1:0",
        "--set=keys.dir=server-keys",
        INITIAL,
        RULE,
        BY_HAND,
    ];
    let server = pqfw(here, &server).serve();
    let token = operator(here, &["token", "create", "camera-7"]).ok().stdout;
    fs::write(here.join("token"), token).unwrap();
    let device = |args: &[&str]| {
        let keys = ["--set=keys.dir=device-keys"];
        pqfw(here, &[&["qflare", "device"], args, &keys].concat()).run()
    };
    let at = format!("--server={}", server.url);
    device(&["enroll", "--token-file=token", &at]).ok();
    let fetched = device(&["fetch", "base.safetensors"]).ok();
    assert!(
        !fetched.stderr.contains("device.json"),
        "{}",
        fetched.stderr
    );
    let same = device(&["status", &at]).ok();
    assert!(!same.stderr.contains("device.json"), "{}", same.stderr);
    // Whoever names another address gets it, and is told.
    let nobody = "--server=http://127.0.0.1:1";
    let told = "the server is http://127.0.0.1:1; device.json has http://127.0.0.1:";
    device(&["status", nobody]).fails(5, told);
    // A card of old has no address, and goes where the profile says.
    let place = here.join("device-keys/device.json");
    let card: Value = serde_json::from_slice(&fs::read(&place).unwrap()).unwrap();
    assert_eq!(card["address"], server.url);
    let mut old = card;
    old.as_object_mut().unwrap().remove("address");
    fs::write(&place, old.to_string()).unwrap();
    device(&["status", &at]).ok();
    let told = device(&["status", "--set=transport.connect=http://127.0.0.1:1"]);
    assert!(
        told.code != 0 && !told.stderr.contains("device.json has"),
        "{}",
        told.stderr
    );
    assert_eq!(server.terminate().0, 0);
}

/// The status line's number of the answer to these bytes.
#[cfg(unix)]
fn status_of(url: &str, bytes: &[u8]) -> String {
    let mut socket = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    // The server may close its end before it has read all of it.
    let _ = socket.write_all(bytes);
    let mut line = String::new();
    BufReader::new(socket).read_line(&mut line).unwrap();
    line.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[cfg(unix)]
#[test]
fn a_body_that_is_too_large_is_413_in_both_dialects_before_it_is_there() {
    for (dialect, route) in [("qflare-1", "/api/submit_model"), ("qflare-2", "/pqfw/1/r")] {
        let directory = tempfile::tempdir().unwrap();
        let here = directory.path();
        let spoken = format!("--set=dialect={dialect}");
        let server = [
            "run",
            "--profile=qflare",
            "--role=server",
            INITIAL,
            RULE,
            BY_HAND,
            &spoken,
        ];
        let few = [
            "--set=keys.dir=server-keys",
            "--set=transport.listen=127.0.0.1:0",
            "--set=transport.limits.body_bytes=65536",
        ];
        let server = pqfw(here, &[&server[..], &few].concat()).serve();
        let model = || {
            operator(here, &["model", "get", "now", &spoken]).ok();
            fs::read(here.join("now")).unwrap()
        };
        let before = model();
        let head = format!("POST {route} HTTP/1.1\r\nhost: h\r\n");
        let announced = format!("{head}content-length: 1099511627776\r\n\r\n");
        assert_eq!(status_of(&server.url, announced.as_bytes()), "413");
        let chunk = [&b"10000\r\n"[..], &[0; 1 << 16], b"\r\n"].concat();
        let chunked = [
            format!("{head}transfer-encoding: chunked\r\n\r\n").as_bytes(),
            &chunk.repeat(2),
        ]
        .concat();
        assert_eq!(status_of(&server.url, &chunked), "413");
        assert_eq!(model(), before);
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

const SCENARIO: [&str; 2] = ["run", "--profile=qflare.toml"];
const DEPLOYED: &str = "--set=dialect=qflare-1";

/// The scenario's events, one a line.
fn demo(options: &[&str]) -> Vec<Value> {
    let directory = tempfile::tempdir().unwrap();
    let begin = [&SCENARIO[..], &["--json"]].concat();
    let ran = pqfw(directory.path(), &[&begin[..], options].concat()).run();
    let ran = ran.ok();
    let events = ran.stdout.lines().map(serde_json::from_str);
    events.collect::<Result<_, _>>().unwrap()
}

fn passed(events: &[Value]) -> String {
    let passed = events.iter().filter_map(|event| event["what"].as_str());
    passed.collect::<Vec<_>>().join("\n")
}

/// What the model knew after each eighth round, in per cent.
fn learnt(events: &[Value]) -> Vec<f64> {
    let ends = events.iter().filter(|event| event["name"] == "round 8");
    let shares = ends.map(|event| event["value"].as_str().unwrap().trim_start());
    shares
        .map(|share| share.split(' ').next().unwrap().parse().unwrap())
        .collect()
}

#[test]
fn the_scenario_shows_attack_and_defence_and_refuses_real_bytes_in_both_dialects() {
    let hardened = [
        "with its token and both keys proved",
        "refused by the channel: the service refused the exchange with status 403",
        "refused by the channel: the service refused the exchange with status 400",
        "refused: 403 Device revoked",
    ];
    for (options, more) in [(&[][..], &hardened[..]), (&[DEPLOYED], &[])] {
        let events = demo(options);
        let passed = passed(&events);
        let both = [
            "three liars have the model",
            "the model learns as if nobody lied",
            "refused: 401 Invalid or expired enrollment token",
            "refused: 401 Invalid model signature",
            "refused: 422 ",
            "refused: 415 this is a pickle",
            "refused: 409 ",
            "every digest is right",
        ];
        for part in both.iter().chain(more) {
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
        // The bands of the independent implementation in numpy: docs/protocols/qflare.md.
        let [mean, robust] = learnt(&events)[..] else {
            panic!("two servers")
        };
        assert!((8.6..=11.4).contains(&mean), "fedavg: {mean} %");
        assert!((91.1..=93.6).contains(&robust), "multi_krum(3): {robust} %");
    }
}

#[test]
fn the_rule_and_the_transport_of_the_scenario_are_lines_of_the_profile() {
    let events = demo(&["--set=qflare.rule=median", "--set=transport.kind=tcp"]);
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
