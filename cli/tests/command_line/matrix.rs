//! `pqfw matrix`: every value of a line is run or refused with a reason.

use serde_json::Value;

use crate::support::pqfw;

fn matrix(args: &[&str]) -> Value {
    let directory = tempfile::tempdir().unwrap();
    let all = [&["--json", "matrix"], args].concat();
    let ran = pqfw(directory.path(), &all).run().ok();
    serde_json::from_str(&ran.stdout).unwrap()
}

#[test]
fn each_aead_and_transport_works_or_says_why_not_and_so_does_every_pair() {
    let found = matrix(&["mlkem-tcp", "--only=aead", "--only=transport", "--pairs"]);
    let found = &found["profiles"][0];
    assert_eq!(found["failed"], 0, "{found}");
    let values = found["values"].as_array().unwrap();
    let verdict = |name: &str| {
        let value = values.iter().find(|value| value["value"] == name).unwrap();
        (
            value["verdict"].as_str().unwrap(),
            value["why"].as_str().unwrap(),
        )
    };
    for works in ["AES-256-GCM", "ChaCha20-Poly1305", "tcp", "quic", "memory"] {
        assert_eq!(verdict(works), ("works", ""));
    }
    let (refused, why) = verdict("udp");
    assert_eq!(refused, "refused");
    assert!(why.contains("delivers datagrams"), "{why}");
    // Of each line as it is there are two more.
    let of = |key: &str| {
        let works = values
            .iter()
            .filter(|value| value["key"] == key && value["verdict"] == "works");
        works.count() as u64
    };
    let pairs = of("suite.aead") * of("transport.kind");
    assert!(found["works"].as_u64().unwrap() >= pairs, "{found}");
}

#[test]
fn what_the_policy_refuses_is_refused_with_its_rule() {
    let found = matrix(&["mlkem-tcp", "--only=kem"]);
    let values = found["profiles"][0]["values"].as_array().unwrap();
    let kyber = values
        .iter()
        .find(|value| value["value"] == "Kyber-768")
        .unwrap();
    assert_eq!(kyber["verdict"], "refused");
    assert!(
        kyber["why"].as_str().unwrap().contains("modern rule M1"),
        "{kyber}"
    );
    // Once each: alone or beside what carries it.
    for name in [
        "ML-KEM-1024",
        "X25519+ML-KEM-768",
        "X25519+ML-KEM-768+Kyber-768",
    ] {
        let rows: Vec<_> = values
            .iter()
            .filter(|value| value["value"] == name)
            .collect();
        assert_eq!(
            (rows.len(), &rows[0]["verdict"]),
            (1, &"works".into()),
            "{name}"
        );
    }
}

#[test]
fn a_profile_that_does_not_work_as_it_is_says_so() {
    let directory = tempfile::tempdir().unwrap();
    pqfw(
        directory.path(),
        &["matrix", "qu3", "--set=transport.kind=udp"],
    )
    .run()
    .fails(1, "qu3, as it is: ");
}
