//! `pqfw vectors run`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Ran, pqfw};

fn vectors(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    folder.join(name)
}

fn run(directory: &Path, files: &[PathBuf], options: &[&str]) -> Ran {
    let files = files.iter().map(|file| file.to_str().unwrap());
    let args: Vec<_> = ["vectors", "run"]
        .into_iter()
        .chain(files)
        .chain(options.iter().copied())
        .collect();
    pqfw(directory, &args).run()
}

fn pair() -> [PathBuf; 2] {
    ["expectedResults", "prompt"]
        .map(|half| vectors(&format!("acvp/ML-KEM-keyGen-FIPS203.{half}.json.gz")))
}

fn wycheproof() -> PathBuf {
    vectors("wycheproof/mlkem_512_semi_expanded_decaps_test.json")
}

#[test]
fn a_pair_of_acvp_and_a_file_of_wycheproof_are_run_on_every_provider() {
    let directory = tempfile::tempdir().unwrap();
    let [results, prompt] = pair();
    let ran = run(
        directory.path(),
        &[results, wycheproof(), prompt],
        &["--json"],
    )
    .ok();
    let report = ran.json();
    assert_eq!(report["failed"], 0);
    let [wycheproof, acvp] = report["files"].as_array().unwrap().as_slice() else {
        panic!("{report}");
    };
    assert_eq!(wycheproof["format"], "Wycheproof");
    assert_eq!(acvp["title"], "ML-KEM keyGen FIPS203");
    assert_eq!(acvp["cases"], 75);
    let of = |file: &Value, algorithm: &str, provider: &str| {
        let providers = file["providers"].as_array().unwrap();
        let found = providers
            .iter()
            .find(|row| row["algorithm"] == algorithm && row["provider"] == provider);
        found
            .unwrap_or_else(|| panic!("{algorithm}@{provider}"))
            .clone()
    };
    let pure = of(acvp, "ML-KEM-768", "rustcrypto");
    assert_eq!(pure["passed"], 50, "generation and import of 25 keys");
    assert_eq!(pure["not_applicable"], json!({}));
    let c = of(acvp, "ML-KEM-768", "aws-lc");
    assert_eq!((&c["applied"], &c["passed"]), (&json!(25), &json!(25)));
    assert_eq!(c["not_applicable"].as_object().unwrap().len(), 1);
    assert_eq!(of(wycheproof, "ML-KEM-512", "aws-lc")["passed"], 9);
}

#[test]
fn people_get_a_table_and_the_reasons() {
    let directory = tempfile::tempdir().unwrap();
    let ran = run(directory.path(), &pair(), &["--alg", "mlkem768@aws-lc"]).ok();
    let line = ran
        .stdout
        .lines()
        .find(|line| line.starts_with("ML-KEM-768@aws-lc"));
    let cells: Vec<_> = line.unwrap().split_whitespace().collect();
    assert_eq!(
        cells,
        ["ML-KEM-768@aws-lc", "25", "25", "25", "0", "0", "25"]
    );
    assert!(!ran.stdout.contains("rustcrypto"), "{}", ran.stdout);
    assert!(
        ran.stdout
            .contains("25 × key generation: the provider reads no"),
        "{}",
        ran.stdout
    );
    assert_eq!(ran.stderr, "", "no progress without a terminal");
}

#[test]
fn a_failure_is_1_and_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let mut file: Value = serde_json::from_slice(&fs::read(wycheproof()).unwrap()).unwrap();
    let secret = &mut file["testGroups"][0]["tests"][0]["K"];
    let flipped = secret.as_str().unwrap().replacen(['0', '1', '2'], "e", 1);
    *secret = flipped.into();
    let spoiled = directory.path().join("spoiled.json");
    fs::write(&spoiled, file.to_string()).unwrap();
    let ran = run(
        directory.path(),
        &[spoiled],
        &["--alg", "ML-KEM-512@aws-lc"],
    );
    let ran = ran.fails(1, "failed checks: 1, of ML-KEM-512@aws-lc");
    let line = "failed ML-KEM-512@aws-lc tcId 1: the shared secret: differs";
    assert!(ran.stdout.contains(line), "{}", ran.stdout);
}

#[test]
fn a_file_of_which_nothing_applies_is_1() {
    let directory = tempfile::tempdir().unwrap();
    let other = run(directory.path(), &[wycheproof()], &["--alg", "ML-KEM-768"]);
    other.fails(1, "nothing applied: no case of the 1 files");
    let internal = json!({
        "vsId": 1, "algorithm": "ML-DSA", "mode": "sigVer", "revision": "FIPS204",
        "testGroups": [{
            "tgId": 1, "testType": "AFT", "parameterSet": "ML-DSA-44", "pk": "00",
            "tests": [{ "tcId": 1, "message": "00", "signature": "00", "testPassed": true }],
        }],
    });
    let file = directory.path().join("early.json");
    fs::write(&file, internal.to_string()).unwrap();
    let ran = run(directory.path(), &[file], &[]).fails(1, "nothing applied");
    assert!(
        ran.stdout
            .contains("an early file, of the internal interface"),
        "{}",
        ran.stdout
    );
}

#[test]
fn what_is_no_file_of_vectors_gets_a_clear_sentence() {
    let directory = tempfile::tempdir().unwrap();
    let given = |name: &str, text: &[u8]| {
        let file = directory.path().join(name);
        fs::write(&file, text).unwrap();
        run(directory.path(), &[file], &[])
    };
    given("cut.json", b"{\"algorithm\":").fails(1, "cut.json: not a JSON document: EOF");
    given("other.json", b"{}").fails(1, "neither ACVP vectors");
    given("cut.gz", b"\x1f\x8b\x08").fails(1, "cut.gz: ");
    let aes = br#"{"vsId":1,"algorithm":"ACVP-AES-GCM","revision":"1.0","testGroups":[]}"#;
    given("aes.json", aes).fails(1, "ACVP vectors for ACVP-AES-GCM 1.0 are not understood");
    let [results, prompt] = pair();
    let alone = |file: &PathBuf| run(directory.path(), std::slice::from_ref(file), &[]);
    alone(&prompt).fails(1, "give its expectedResults too");
    alone(&results).fails(1, "give their prompt too");
    run(directory.path(), &[], &[]).fails(2, "required");
}

#[test]
fn an_algorithm_that_is_not_there_is_2() {
    let directory = tempfile::tempdir().unwrap();
    let file = [wycheproof()];
    run(directory.path(), &file, &["--alg", "ML-KEM-513"]).fails(2, "did you mean `ML-KEM-512`?");
    run(directory.path(), &file, &["--alg", "ML-KEM-512@nobody"])
        .fails(2, "ML-KEM-512 has no provider `nobody`; there are: aws-lc");
}
