//! `check`, `doctor` and `plugin`: each finding fires.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{Ran, pqfw};

const WEAK_PROFILE: &str = "profile = 1\nsystem = \"qu3\"\n";

/// The codes of the only profile that was checked.
fn codes(ran: &Ran) -> Vec<String> {
    let text = ran.stdout.lines().next().unwrap();
    let document: Value = serde_json::from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"));
    let findings = match &document["profiles"] {
        Value::Null => &document["findings"],
        profiles => &profiles[0]["findings"],
    };
    let findings = findings.as_array().unwrap().iter();
    findings
        .map(|finding| finding["code"].as_str().unwrap().to_owned())
        .collect()
}

fn check(files: &[(&str, &str)], args: &[&str]) -> Ran {
    let home = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(home.path().join(name), text).unwrap();
    }
    let command = ["check", "--json"];
    let args: Vec<_> = command.iter().chain(args).copied().collect();
    pqfw(home.path(), &args).run()
}

#[test]
fn every_shipped_profile_passes_the_check() {
    let home = tempfile::tempdir().unwrap();
    let text = pqfw(home.path(), &["check"]).run().ok().stdout;
    for system in ["mcp", "mlkem-tcp", "pqvpn", "qflare", "qu3"] {
        assert!(text.contains(&format!("{system} under ")), "{text}");
    }
}

#[test]
fn what_a_policy_refuses_exits_4_and_names_something_allowed() {
    let ran = check(
        &[],
        &[
            "--profile",
            "qu3",
            "--set",
            "suite.kem=X25519",
            "--policy",
            "modern",
        ],
    );
    assert_eq!(ran.code, 4);
    assert_eq!(codes(&ran)[0], "PQ0003");
    assert!(
        ran.stdout.contains("for example ML-KEM-1024"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_profile_that_cannot_be_read_exits_2() {
    let ran = check(
        &[("bad.toml", "profile = 1\nsystem = \"qu3\"\nkem = 3\n")],
        &["--profile", "bad.toml"],
    );
    assert_eq!((ran.code, codes(&ran)), (2, vec!["PQ0001".to_owned()]));
    let ran = check(&[], &["--profile", "qu3", "--set", "suite.kem=ML-KEM-769"]);
    assert_eq!(ran.code, 2);
    assert_eq!(codes(&ran)[0], "PQ0002");
}

#[test]
fn a_rule_of_a_day_to_come_is_told_and_judged_on_that_day() {
    let policy = "name = \"dated\"\nsummary = \"a test\"\n[[rule]]\nid = \"d1\"\nsource = \"a test\"\n\
                  deny = [\"ML-KEM-768\"]\nwarn_from = \"2030-01-01\"\ndeny_from = \"2031-01-01\"\n";
    let on = |day: &str| {
        let args = [
            "--profile",
            "qu3",
            "--set",
            "suite.kem=ML-KEM-768",
            "--policy",
            "./dated.toml",
            "--at",
            day,
        ];
        check(&[("dated.toml", policy)], &args)
    };
    let has = |ran: &Ran, code: &str| codes(ran).iter().any(|one| one == code);
    let before = on("2029-12-31");
    assert!(
        before.code == 0 && has(&before, "PQ0004"),
        "{}",
        before.stdout
    );
    let warned = on("2030-01-01");
    assert!(
        warned.code == 0 && has(&warned, "PQ0005"),
        "{}",
        warned.stdout
    );
    let denied = on("2031-01-01");
    assert!(
        denied.code == 4 && has(&denied, "PQ0003"),
        "{}",
        denied.stdout
    );
    assert_eq!(on("2031-1-1").code, 2);
}

#[test]
fn mandates_that_contradict_each_other_are_told_so() {
    // One wants a classical half; the other forbids each that there is.
    let known = ["X25519", "P-256", "P-384", "brainpoolP512r1", "X-Wing"];
    let pure = format!(
        "name = \"pure\"\nsummary = \"a test\"\n[[rule]]\nid = \"p1\"\nsource = \"a test\"\n\
         kinds = [\"kem\"]\ndeny = {known:?}\n"
    );
    let args = [
        "--profile",
        "qu3",
        "--set",
        "suite.kem=ML-KEM-1024",
        "--policy",
        "hybrid",
        "--policy",
        "./pure.toml",
    ];
    let ran = check(&[("pure.toml", &pure)], &args);
    assert_eq!(ran.code, 4, "{}", ran.stderr);
    assert_eq!(codes(&ran)[0], "PQ0008");
}

#[test]
fn weaknesses_that_are_allowed_are_warnings_and_notes() {
    let ran = check(
        &[("weak.toml", WEAK_PROFILE)],
        &[
            "--profile",
            "weak.toml",
            "--set",
            "dialect=qu3-1",
            "--policy",
            "legacy-compat",
            "--set",
            "providers.prefer=[\"nobody\"]",
            "--set",
            "suite.kem=eFrodoKEM-640-AES",
        ],
    );
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    let codes = codes(&ran);
    for code in ["PQ0006", "PQ0007", "PQ0010", "PQ0012"] {
        assert!(codes.iter().any(|one| one == code), "{code}: {codes:?}");
    }
    let none = [
        "--profile",
        "qu3",
        "--set",
        "suite.kem=X25519",
        "--policy",
        "./none.toml",
    ];
    let policy = "name = \"none\"\nsummary = \"a test\"\nrule = []\n";
    let ran = check(&[("none.toml", policy)], &none);
    assert!(
        self::codes(&ran).iter().any(|one| one == "PQ0009"),
        "{}",
        ran.stdout
    );
    let list = "suite.kem=[\"Nothing\", \"ML-KEM-768\"]";
    let ran = check(
        &[("none.toml", policy)],
        &["--profile", "qu3", "--set", list, "--policy", "./none.toml"],
    );
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(
        self::codes(&ran).iter().any(|one| one == "PQ0014"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_provider_that_failed_and_one_that_claims_nothing_are_told() {
    let home = tempfile::tempdir().unwrap();
    let ran = pqfw(home.path(), &["check", "--json", "--profile", "pqvpn"])
        .env("PQFW_FAIL_KAT", "ML-KEM-1024@aws-lc")
        .run()
        .ok();
    assert_eq!(codes(&ran), ["PQ0013", "PQ0011"], "{}", ran.stdout);
}

/// The admission of every provider has tests of its own, and takes a minute.
fn doctor(home: &Path, args: &[&str]) -> Ran {
    let command = ["doctor", "--json", "--quick"];
    let args: Vec<_> = command.iter().chain(args).copied().collect();
    pqfw(home, &args).run()
}

#[test]
fn the_doctor_finds_a_sound_build_sound() {
    let home = tempfile::tempdir().unwrap();
    let ran = pqfw(home.path(), &["doctor", "--quick"]).run().ok();
    for text in ["examined", "systems", "`pqfw selftest`"] {
        assert!(ran.stdout.contains(text), "{}", ran.stdout);
    }
    let document = doctor(home.path(), &[]).ok().json();
    assert_eq!(document["admission"], false);
    assert_eq!(document["examined"]["systems"], 5);
}

#[test]
fn the_doctor_names_what_a_profile_requires_and_nobody_linked() {
    let home = tempfile::tempdir().unwrap();
    // Its very system may be what is missing.
    for system in ["qu3", "my-system"] {
        let profile =
            format!("profile = 1\nsystem = {system:?}\nrequire = [\"qu3\", \"my-kem\"]\n");
        fs::write(home.path().join("mine.toml"), profile).unwrap();
        let ran = doctor(home.path(), &["--profile", "mine.toml"]);
        assert_eq!((ran.code, codes(&ran)[0].as_str()), (1, "PQ0102"));
        assert!(ran.stdout.contains("use my_kem as _;"), "{}", ran.stdout);
        pqfw(home.path(), &["run", "--profile", "mine.toml"])
            .run()
            .fails(2, "use my_kem as _;");
    }
    fs::write(home.path().join("mine.toml"), "profile = 1\nsystem = 7\n").unwrap();
    let ran = doctor(home.path(), &["--profile", "mine.toml"]);
    assert_eq!((ran.code, codes(&ran)[0].as_str()), (1, "PQ0001"));
    pqfw(home.path(), &["plugin", "check", "my-kem"])
        .run()
        .fails(2, "use my_kem as _;");
}

#[cfg(unix)]
#[test]
fn the_doctor_finds_keys_that_others_may_read_and_keys_that_are_broken() {
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().unwrap();
    let keys = home.path().join("keys");
    fs::create_dir(&keys).unwrap();
    let (secret, public) = (keys.join("sk.pem"), keys.join("pk.pem"));
    let [to, beside] = [&secret, &public].map(|path| path.to_str().unwrap());
    pqfw(
        home.path(),
        &[
            "kem",
            "keygen",
            "--alg",
            "ML-KEM-768",
            "--secret",
            to,
            "--public",
            beside,
        ],
    )
    .run()
    .ok();
    let doctor = |keys| doctor(home.path(), &["--keys", keys]);
    assert_eq!(doctor("keys").code, 0);
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
    let open = doctor("keys");
    assert_eq!((open.code, codes(&open)[0].as_str()), (1, "PQ0105"));
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    // The last coefficient of the public key becomes larger than the modulus.
    let der: Vec<u8> = fs::read(&public).unwrap();
    let text = String::from_utf8(der).unwrap();
    let body: Vec<_> = text.lines().collect();
    let mut broken = body.clone();
    let filled = "/".repeat(body[5].len());
    broken[5] = &filled;
    fs::write(&public, broken.join("\n") + "\n").unwrap();
    let bad = doctor("keys");
    assert_eq!(
        (bad.code, codes(&bad)[0].as_str()),
        (1, "PQ0106"),
        "{}",
        bad.stdout
    );
    let gone = doctor("nowhere");
    assert_eq!(codes(&gone)[0], "PQ0107");
}

#[test]
fn the_doctor_finds_preferences_of_another_processor() {
    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state/pqfw");
    fs::create_dir_all(&state).unwrap();
    let lock = "version = 1\ncpu = \"another\"\nday = \"2026-01-01\"\n";
    fs::write(state.join("prefs.lock"), lock).unwrap();
    let ran = doctor(home.path(), &[]);
    assert!(
        codes(&ran).iter().any(|one| one == "PQ0111"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_new_plugin_is_a_crate_of_six_files_and_never_replaces_one() {
    let home = tempfile::tempdir().unwrap();
    let new = || pqfw(home.path(), &["plugin", "new", "my-kem"]).run();
    let text = new().ok().stdout;
    assert!(text.contains("cd my-kem && cargo test"), "{text}");
    for file in [
        "Cargo.toml",
        "README.md",
        "src/lib.rs",
        "src/kem.rs",
        "src/main.rs",
        "tests/conformance.rs",
    ] {
        assert!(home.path().join("my-kem").join(file).is_file(), "{file}");
    }
    new().fails(1, "is there already");
    pqfw(home.path(), &["plugin", "new", "My Kem"])
        .run()
        .fails(2, "my-kem");
    pqfw(
        home.path(),
        &["plugin", "new", "other", "--framework", "nowhere"],
    )
    .run()
    .fails(2, "nowhere");
}

#[test]
fn a_plugin_of_this_binary_is_checked() {
    let home = tempfile::tempdir().unwrap();
    let text = pqfw(home.path(), &["plugin", "check", "ml-kem"])
        .run()
        .ok()
        .stdout;
    assert!(text.contains("ML-KEM-768   rustcrypto"), "{text}");
}
