//! `explain`, `selftest`, `bench`, and hybrids on files.

use serde_json::Value;

use crate::support::pqfw;

fn json(text: &str) -> Value {
    serde_json::from_str(text.trim()).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn explain_names_every_candidate_and_what_became_of_it() {
    let home = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| pqfw(home.path(), args).run();
    let text = run(&["explain", "ML-KEM-768", "--policy", "modern"])
        .ok()
        .stdout;
    assert!(text.contains("aws-lc") && text.contains("chosen"), "{text}");
    assert!(
        text.contains("rustcrypto") && text.contains("in reserve"),
        "{text}"
    );

    let refused = run(&["explain", "Kyber-768", "--policy", "modern", "--json"])
        .ok()
        .stdout;
    let answer = &json(&refused)["answers"][0]["algorithms"][0];
    assert_eq!(answer["policy"]["verdict"], "refused");
    assert!(
        answer["policy"]["reason"]
            .as_str()
            .unwrap()
            .contains("modern rule")
    );

    let pinned = run(&["explain", "ML-KEM-768@rustcrypto", "--json"])
        .ok()
        .stdout;
    let candidates = &json(&pinned)["answers"][0]["algorithms"][0]["candidates"];
    assert_eq!(candidates.as_array().unwrap().len(), 1);

    let hybrid = run(&["explain", "ML-DSA-65+Ed25519", "--json"]).ok().stdout;
    let hybrid = json(&hybrid);
    assert_eq!(
        hybrid["answers"][0]["algorithms"].as_array().unwrap().len(),
        2
    );

    let failed = pqfw(home.path(), &["explain", "ML-KEM-768"])
        .env("PQFW_FAIL_KAT", "ML-KEM-768@aws-lc")
        .run()
        .ok()
        .stdout;
    assert!(failed.contains("quarantined"), "{failed}");
    run(&["explain", "ML-KEN-768"]).fails(2, "did you mean `ML-KEM-768`?");
    assert_eq!(run(&["explain"]).code, 2);
}

#[test]
fn explain_goes_through_a_profile_part_by_part() {
    let home = tempfile::tempdir().unwrap();
    let text = pqfw(home.path(), &["explain", "--profile", "qu3", "--json"])
        .run()
        .ok()
        .stdout;
    let document = json(&text);
    let parts: Vec<_> = document["answers"]
        .as_array()
        .unwrap()
        .iter()
        .map(|answer| answer["part"].as_str().unwrap())
        .collect();
    assert_eq!(parts, ["kem", "signature", "aead", "kdf"]);
}

#[test]
fn selftest_runs_the_gate_and_compares_providers() {
    let home = tempfile::tempdir().unwrap();
    let text = pqfw(home.path(), &["selftest", "ML-KEM-768", "--json"])
        .run()
        .ok()
        .stdout;
    let document = json(&text);
    assert!(document[0]["agreement"]["agreed"].as_u64().unwrap() >= 8);
    pqfw(home.path(), &["selftest", "ML-KEM-768"])
        .env("PQFW_FAIL_KAT", "ML-KEM-768@aws-lc")
        .run()
        .fails(1, "selftest failed: ML-KEM-768");
}

#[test]
fn bench_measures_and_its_pin_orders_providers_until_it_is_stale() {
    let home = tempfile::tempdir().unwrap();
    let run = |args: &[&str]| pqfw(home.path(), args).run();
    let text = run(&["bench", "ML-KEM-512", "--millis", "5", "--json", "--pin"]).ok();
    let document = json(&text.stdout);
    assert!(
        document[0]["providers"][0]["median_nanos"]["decaps"]
            .as_u64()
            .unwrap()
            > 0
    );
    let lock = home.path().join("state/pqfw/prefs.lock");
    let written = std::fs::read_to_string(&lock).unwrap();
    assert!(written.contains("ML-KEM-512"), "{written}");

    // What the file says is what is done: here that rustcrypto is the fastest.
    let first = written.find("[[algorithm.providers]]").unwrap();
    let head = &written[..first];
    let block = |name: &str, version: &str, nanos: u32| {
        format!(
            "[[algorithm.providers]]\nname = \"{name}\"\nversion = \"{version}\"\nnanos = {nanos}\n"
        )
    };
    let version = |name: &str| {
        let providers = document[0]["providers"].as_array().unwrap();
        let one = providers
            .iter()
            .find(|one| one["provider"] == name)
            .unwrap();
        one["version"].as_str().unwrap().to_owned()
    };
    let mut others = String::new();
    for (rank, one) in document[0]["providers"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let name = one["provider"].as_str().unwrap();
        if name != "rustcrypto" {
            others += &block(name, one["version"].as_str().unwrap(), 1000 + rank as u32);
        }
    }
    let mine = block("rustcrypto", &version("rustcrypto"), 1);
    std::fs::write(&lock, format!("{head}{mine}{others}")).unwrap();
    let chosen = run(&["explain", "ML-KEM-512", "--json"]).ok().stdout;
    let answer = &json(&chosen)["answers"][0]["algorithms"][0];
    assert!(
        answer["order"].as_str().unwrap().contains("prefs.lock"),
        "{answer}"
    );
    assert_eq!(answer["candidates"][0]["provider"], "rustcrypto");

    let stale = written.replacen("cpu = \"", "cpu = \"not ", 1);
    std::fs::write(&lock, stale).unwrap();
    let warned = run(&["explain", "ML-KEM-512", "--json"]).ok();
    assert!(
        warned.stderr.contains("another processor"),
        "{}",
        warned.stderr
    );
    assert!(!warned.stdout.contains("prefs.lock"), "{}", warned.stdout);
    std::fs::write(&lock, "version = 7\ncpu = ''\nday = ''").unwrap();
    run(&["explain", "ML-KEM-512"]).fails(2, "bench --pin");
}

#[test]
fn hybrids_work_on_files_and_their_keys_are_theirs_alone() {
    let home = tempfile::tempdir().unwrap();
    let run = |line: &str| pqfw(home.path(), &line.split(' ').collect::<Vec<_>>()).run();
    run("kem keygen --alg X25519+ML-KEM-768 --secret sk.pem --public pk.pem").ok();
    run("kem encaps --alg ML-KEM-768+X25519 --public pk.pem --ciphertext ct --shared-secret a")
        .ok();
    run(
        "kem decaps --alg X25519@dalek+ML-KEM-768@rustcrypto --secret sk.pem --ciphertext ct \
         --shared-secret b",
    )
    .ok();
    let read = |name: &str| std::fs::read(home.path().join(name)).unwrap();
    assert_eq!(read("a"), read("b"));
    run("kem encaps --alg ML-KEM-768 --public pk.pem --ciphertext x --shared-secret y")
        .fails(1, "X25519+ML-KEM-768");
    run("sig keygen --alg Ed25519+ML-DSA-65 --secret s.pem --public p.pem").ok();
    run("sig sign --alg Ed25519+ML-DSA-65 --secret s.pem --in pk.pem --signature sig").ok();
    run("sig verify --alg Ed25519+ML-DSA-65 --public p.pem --in pk.pem --signature sig").ok();
    run("sig verify --alg Ed25519+ML-DSA-65 --public p.pem --in p.pem --signature sig")
        .fails(3, "does not verify");
    run("kem keygen --alg X25519MLKEM768 --secret t --public u").fails(2, "X25519+ML-KEM-768");
}
