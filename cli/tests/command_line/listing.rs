//! What prints data, for people and as JSON.

use crate::support::{Ran, pqfw};

fn run(args: &[&str]) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    pqfw(directory.path(), args).run()
}

#[test]
fn without_selftest_nothing_is_said_to_have_passed() {
    let rows = run(&["list-algorithms", "--json"]).ok().json();
    assert!(
        rows.as_array()
            .unwrap()
            .iter()
            .all(|row| row["selftest"] == "skipped")
    );
}

#[test]
fn a_rehearsed_failure_is_listed_and_the_default_moves_on() {
    let directory = tempfile::tempdir().unwrap();
    let ran = pqfw(
        directory.path(),
        &[
            "list-algorithms",
            "kind=kem, category=3, status=standard",
            "--selftest",
            "--json",
        ],
    )
    .env("PQFW_FAIL_KAT", "ML-KEM-768@aws-lc")
    .run()
    .fails(1, "failed their admission: ML-KEM-768@aws-lc");
    let listing = ran.stdout.lines().next().unwrap();
    let rows: serde_json::Value = serde_json::from_str(listing).unwrap();
    let rows = rows.as_array().unwrap();
    let failed = rows.iter().find(|row| row["provider"] == "aws-lc").unwrap();
    assert_eq!(failed["selftest"], "fail");
    assert_eq!(failed["default"], false);
    let defaults = rows.iter().filter(|row| row["default"] == true);
    assert_eq!(defaults.count(), 1);
}

#[test]
fn listings_are_filtered() {
    let ids = |args: &[&str]| {
        let all = [&["list-algorithms", "--json"], args].concat();
        let rows = run(&all).ok().json();
        let rows = rows.as_array().unwrap().iter();
        rows.map(|row| row["id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    let strong = ids(&[
        "kind=kem, category>=5",
        "--status",
        "standard",
        "--provider",
        "aws-lc",
    ]);
    assert_eq!(strong, ["ML-KEM-1024"]);
    assert!(ids(&["--kind", "aead"]).iter().all(|id| {
        ["GCM", "Poly", "Ascon"]
            .iter()
            .any(|name| id.contains(name))
    }));
    run(&["list-algorithms", "colour=red"]).fails(2, "no property `colour`");
    run(&["list-algorithms", "--kind", "kam"]).fails(2, "kem, signature");
}

#[test]
fn describe_names_the_look_alikes() {
    let text = run(&["describe", "kyber768"]).ok().stdout;
    for part in [
        "Kyber-768",
        "ML-KEM-768: FIPS 203",
        "legacy",
        "used by",
        "qu3",
    ] {
        assert!(text.contains(part), "`{part}` is not in: {text}");
    }
    let json = run(&["describe", "ML-KEM-768", "--json"]).ok().json();
    assert_eq!(json["oid"], "2.16.840.1.101.3.4.4.2");
}

#[test]
fn profiles_are_listed_shown_and_have_a_schema() {
    let json = run(&["profile", "list", "--json"]).ok().json();
    let names: Vec<_> = json
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["name"])
        .collect();
    assert!(
        ["mcp", "mlkem-tcp", "pqvpn", "qflare", "qu3"]
            .iter()
            .all(|name| names.iter().any(|n| *n == name))
    );
    assert!(
        run(&["profile", "show", "qu3.toml"])
            .ok()
            .stdout
            .contains("[suite]")
    );
    let schema = run(&["profile", "schema"]).ok().json();
    assert!(schema["properties"]["qu3"].is_object());
}

#[test]
fn transports_are_listed_with_what_they_deliver() {
    let json = run(&["list-transports", "--json"]).ok().json();
    let rows = json.as_array().unwrap();
    let delivers = |name: &str| {
        let row = rows.iter().find(|row| row["name"] == name).unwrap();
        ["exchange", "stream", "datagram"].map(|delivery| row[delivery].as_bool().unwrap())
    };
    assert_eq!(delivers("http"), [true, false, false]);
    assert_eq!(delivers("memory"), [true, true, true]);
    assert_eq!(delivers("tcp"), [true, true, true]);
    assert_eq!(delivers("udp"), [false, false, true]);
    let table = run(&["list-transports"]).ok().stdout;
    assert_eq!(table.lines().count(), rows.len() + 1, "{table}");
}

#[test]
fn completions_and_man_pages_are_made() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(
            run(&["completions", shell])
                .ok()
                .stdout
                .contains("list-algorithms"),
            "{shell}"
        );
    }
    let directory = tempfile::tempdir().unwrap();
    pqfw(directory.path(), &["man", "."]).run().ok();
    assert!(directory.path().join("pqfw.1").is_file());
}

#[test]
fn output_into_a_closed_pipe_is_no_failure() {
    use std::process::Stdio;
    let directory = tempfile::tempdir().unwrap();
    let mut command = pqfw(directory.path(), &["profile", "schema"]).0;
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert!(
        output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
