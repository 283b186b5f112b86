//! `pqfw qflare aggregate`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, pqfw};

/// A base of two values, written by hand, and five devices around (1, 2). One of them is far away.
fn round(directory: &Path) {
    let header = br#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    let raw = |values: [f32; 2]| values.map(f32::to_le_bytes).concat();
    let length = (header.len() as u64).to_le_bytes();
    let base = [&length[..], header, &raw([0.0, 0.0])].concat();
    fs::write(directory.join("base.safetensors"), base).unwrap();
    let devices = [[1.0, 2.0], [1.1, 2.0], [1.0, 2.2], [0.9, 1.8], [-50.0, 9.0]];
    for (name, values) in ["a", "b", "c", "d", "e"].iter().zip(devices) {
        fs::write(directory.join(name), raw(values)).unwrap();
    }
}

fn aggregate(directory: &Path, options: &[&str]) -> Ran {
    let begin = ["qflare", "aggregate", "--base", "base.safetensors"];
    pqfw(directory, &[&begin, options].concat()).run()
}

const ALL: [&str; 5] = ["a:1:a", "b:1:b", "c:1:c", "d:1:d", "e:1:e"];

fn verdicts(report: &Value) -> Vec<&str> {
    let updates = report["updates"].as_array().unwrap().iter();
    updates.map(|u| u["verdict"].as_str().unwrap()).collect()
}

#[test]
fn a_round_is_closed_on_files_and_the_liar_is_not_in_it() {
    let directory = tempfile::tempdir().unwrap();
    round(directory.path());
    let options = ["--rule", "multi_krum(1)", "--out", "next", "--json"];
    let ran = aggregate(directory.path(), &[&options[..], &ALL].concat()).ok();
    let report = ran.json();
    assert_eq!(report["rule"], "multi_krum(1)");
    assert_eq!(
        verdicts(&report),
        ["used", "used", "used", "used", "not selected"]
    );
    let next = fs::read(directory.path().join("next")).unwrap();
    let values = &next[next.len() - 8..];
    assert_eq!(values, [1.0f32, 2.0].map(f32::to_le_bytes).concat());
    // Any order of arrival, and pieces however small, make the same model.
    let mut turned = ALL;
    turned.reverse();
    let pieces = ["--rule", "multi_krum(1)", "--json", "--memory", "0"];
    let again = aggregate(directory.path(), &[&pieces[..], &turned].concat()).ok();
    assert_eq!(again.json()["sha256"], report["sha256"]);
    let table = aggregate(
        directory.path(),
        &[&["--rule", "median"], &ALL[..]].concat(),
    )
    .ok();
    assert!(table.stdout.starts_with("DEVICE  EXAMPLES  VERDICT  WHY\n"));
}

#[test]
fn what_is_no_model_is_rejected_and_the_others_go_on() {
    let directory = tempfile::tempdir().unwrap();
    round(directory.path());
    let file = |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).unwrap();
    file("pickle", b"\x80\x04cos\nsystem\n\x8c\x02id\x85R.");
    file("nan", &[[0; 4], f32::NAN.to_le_bytes()].concat());
    file("long", &[0; 12]);
    let options = [
        "--rule",
        "fedavg",
        "--json",
        "a:1:a",
        "b:0:b",
        "p:1:pickle",
        "n:1:nan",
        "l:1:long",
    ];
    let report = aggregate(directory.path(), &options).ok().json();
    let expected = ["used", "rejected", "rejected", "rejected", "rejected"];
    assert_eq!(verdicts(&report), expected);
    let why = |at: usize| report["updates"][at]["why"].as_str().unwrap();
    assert!(why(1).contains("0 examples"));
    assert!(why(2).contains("3 values"));
    assert!(why(3).contains("not finite"));
    assert!(why(4).contains("pickle"));
}

#[test]
fn a_round_without_a_model_says_why() {
    let directory = tempfile::tempdir().unwrap();
    round(directory.path());
    let run = |options: &[&str]| aggregate(directory.path(), options);
    let few = run(&[&["--rule", "multi_krum(2)"], &ALL[..]].concat());
    assert_eq!(few.code, 1);
    assert!(few.stderr.contains("needs 7 acceptable updates and has 5"));
    for (options, code) in [
        (&["--rule", "mean", "a:1:a"][..], 2),
        (&["--rule", "median", "a:x:a"], 2),
        (&["--rule", "cosine(0.5)", "a:1:a"], 2),
        (&["--rule", "median", "a:1:a", "a:1:b"], 2),
        (&["--rule", "median", "a:1:nowhere"], 1),
    ] {
        assert_eq!(run(options).code, code, "{options:?}");
    }
}
