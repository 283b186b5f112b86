//! `pqfw keys backup` and `restore`, over real files.

use std::fs;

use serde_json::Value;

use crate::keys::Place;

/// A place with a recovery key pair for each algorithm, `r0`, `r1`…, and a key to back up.
fn place(algorithms: &[&str]) -> Place {
    let place = Place::new();
    for (number, alg) in algorithms.iter().enumerate() {
        let files = format!("--secret r{number} --public r{number}.pub");
        place
            .run(&format!("keys generate --alg {alg} {files}"))
            .ok();
    }
    place
        .run("keys generate --alg ML-DSA-65 --secret server_sign.pem")
        .ok();
    place.write("client_kem.sec", &[7; 2400]);
    place
}

fn same(place: &Place, directory: &str) {
    for name in ["server_sign.pem", "client_kem.sec"] {
        assert_eq!(place.read(&format!("{directory}/{name}")), place.read(name));
        #[cfg(unix)]
        assert_eq!(place.mode(&format!("{directory}/{name}")), 0o600);
    }
    #[cfg(unix)]
    assert_eq!(place.mode(directory), 0o700);
}

const FILES: &str = "server_sign.pem client_kem.sec";

#[test]
fn any_recipient_restores_what_was_backed_up() {
    let place = place(&["ML-KEM-768", "ML-KEM-1024"]);
    let backup = format!("keys backup --to r0.pub --to r1.pub --out b {FILES}");
    let record = place.json(&backup);
    assert_eq!(record["event"], "keys.backup");
    assert_eq!(record["recipients"][1]["algorithm"], "ML-KEM-1024");
    assert_eq!(record["files"][0]["name"], "server_sign.pem");
    #[cfg(unix)]
    assert_eq!(place.mode("b"), 0o600);
    for number in [0, 1] {
        let line = format!("keys restore --in b --recovery r{number} --out-dir out{number}");
        let ran = place.run(&line).ok();
        let record = ran
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix("audit "));
        let record: Value = serde_json::from_str(record.unwrap()).unwrap();
        assert_eq!(record["event"], "keys.restore");
        same(&place, &format!("out{number}"));
    }
}

#[test]
fn all_recipients_together_restore_what_needs_all() {
    let place = place(&["ML-KEM-768", "ML-KEM-768"]);
    let backup = format!("keys backup --need all --to r0.pub --to r1.pub --out b {FILES}");
    place.run(&backup).ok();
    place
        .run("keys restore --in b --recovery r0 --out-dir out")
        .fails(
            1,
            "needs the recovery keys of all its recipients; missing: sha256:",
        );
    place
        .run("keys restore --in b --recovery r1 --recovery r0 --out-dir out")
        .ok();
    same(&place, "out");
}

#[test]
fn an_encrypted_recovery_key_restores_with_its_passphrase() {
    let place = place(&["ML-KEM-768"]);
    place.write("pass", b"correct horse\n");
    place
        .run("keys convert --in r0 --out locked --new-passphrase-file pass")
        .ok();
    place
        .run(&format!("keys backup --to r0.pub --out b {FILES}"))
        .ok();
    let restore = "keys restore --in b --recovery locked --out-dir out";
    place.run(restore).fails(2, "--passphrase-file");
    place.run(&format!("{restore} --passphrase-file pass")).ok();
    same(&place, "out");
}

#[test]
fn a_policy_refuses_recovery_keys_that_are_too_weak() {
    let place = place(&["X25519", "ML-KEM-512", "ML-KEM-768"]);
    for weak in ["r0", "r1"] {
        place
            .run(&format!(
                "keys backup --to {weak}.pub --to r2.pub --out b {FILES}"
            ))
            .fails(4, "modern rule M2");
    }
    assert!(!place.path("b").exists());
    let all = "--to r1.pub --to r2.pub --policy legacy-compat";
    place
        .run(&format!("keys backup {all} --out b {FILES}"))
        .ok();
    place
        .run("keys restore --in b --recovery r1 --out-dir out")
        .fails(4, "ML-KEM-512 is refused");
    // A recipient that passes opens it, and is told of the one that does not.
    let ran = place
        .run("keys restore --in b --recovery r2 --out-dir out")
        .ok();
    assert!(
        ran.stderr
            .contains("sealed to a key of ML-KEM-512, which is refused"),
        "{}",
        ran.stderr
    );
    place
        .run("keys restore --in b --recovery r1 --out-dir other --policy legacy-compat")
        .ok();
    place
        .run(&format!(
            "keys backup --to r2.pub --out c --aead AES-128-GCM --policy nosuch {FILES}"
        ))
        .fails(2, "no policy `nosuch`");
}

#[test]
fn other_algorithms_are_named_in_the_file_and_found_again() {
    let place = place(&["ML-KEM-768"]);
    let with = "--kdf HKDF-SHA512 --aead ChaCha20-Poly1305";
    place
        .run(&format!("keys backup --to r0.pub --out b {with} {FILES}"))
        .ok();
    let record = place.json("keys restore --in b --recovery r0 --out-dir out");
    assert_eq!(record["aead"], "ChaCha20-Poly1305");
    assert_eq!(record["kdf"], "HKDF-SHA512");
    same(&place, "out");
}

#[test]
fn a_changed_backup_is_3_and_writes_nothing() {
    let place = place(&["ML-KEM-768", "ML-KEM-768"]);
    place
        .run(&format!("keys backup --to r0.pub --out b {FILES}"))
        .ok();
    let mut file = place.read("b");
    let last = file.len() - 1;
    file[last] ^= 1;
    place.write("changed", &file);
    let restore = |name: &str, key: &str| {
        place.run(&format!(
            "keys restore --in {name} --recovery {key} --out-dir out"
        ))
    };
    restore("changed", "r0").fails(3, "does not authenticate");
    place.write("cut", &file[..last]);
    restore("cut", "r0").fails(1, "the backup is damaged");
    restore("r0", "r0").fails(1, "not a backup");
    restore("b", "r1").fails(1, "none of the recovery keys");
    restore("b", "r0.pub").fails(2, "a public key; a backup is opened with the private one");
    restore("b", "server_sign.pem").fails(2, "no key of a KEM");
    assert!(!place.path("out").exists());
}

#[test]
fn nothing_is_overwritten_without_being_told() {
    let place = place(&["ML-KEM-768"]);
    let backup = format!("keys backup --to r0.pub --out b {FILES}");
    place.run(&backup).ok();
    place.run(&backup).fails(1, "--force");
    place.run(&format!("{backup} --force")).ok();
    fs::create_dir(place.path("out")).unwrap();
    place.write("out/client_kem.sec", b"mine");
    let restore = "keys restore --in b --recovery r0 --out-dir out";
    place.run(restore).fails(1, "nothing was written");
    assert_eq!(place.read("out/client_kem.sec"), b"mine");
    assert!(!place.path("out/server_sign.pem").exists());
    place.run(&format!("{restore} --force")).ok();
    assert_eq!(place.read("out/client_kem.sec"), [7; 2400]);
    #[cfg(unix)]
    {
        fs::remove_file(place.path("out/client_kem.sec")).unwrap();
        std::os::unix::fs::symlink("nowhere", place.path("out/client_kem.sec")).unwrap();
        place.run(restore).fails(1, "is there already");
    }
}

#[test]
fn what_cannot_be_backed_up_is_said_before_anything_is_written() {
    let place = place(&["ML-KEM-768"]);
    place.write("a b", b"x");
    let backup = |to: &str, files: &[&str]| {
        let mut line = vec!["keys", "backup", "--to", to, "--out", "b"];
        line.extend(files);
        crate::support::pqfw(&place.path(""), &line).run()
    };
    backup("r0.pub", &["a b"]).fails(2, "is no name for a file in a backup");
    backup("r0.pub", &["client_kem.sec", "out/../client_kem.sec"]).fails(1, "No such file");
    fs::create_dir(place.path("out")).unwrap();
    backup("r0.pub", &["client_kem.sec", "out/../client_kem.sec"])
        .fails(2, "stands in the backup twice");
    backup("r0.pub", &["-"]).fails(2, "needs a name of its own");
    backup("r0", &["client_kem.sec"]).fails(2, "backups are sealed to public keys");
    backup("client_kem.sec", &["client_kem.sec"]).fails(1, "neither PEM nor DER");
    place.write("large", &vec![0; (1 << 20) + 1]);
    backup("r0.pub", &["large"]).fails(1, "large: 1048577 bytes, at most 1048576");
    assert!(!place.path("b").exists());
}

#[test]
fn backups_and_restores_are_a_chain_that_nobody_can_edit() {
    let place = place(&["ML-KEM-768"]);
    let log = |place: &Place| place.read("state/pqfw/keys.audit.jsonl");
    let backup = format!("keys backup --to r0.pub --out b {FILES}");
    place.run(&backup).ok();
    let restore = "keys restore --in b --recovery r0 --out-dir out";
    place.run(restore).ok();
    place.run(restore).fails(1, "is there already");
    let written = log(&place);
    let lines: Vec<Value> = written
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let events = lines.iter().map(|line| &line["entry"]["event"]);
    assert_eq!(
        events.collect::<Vec<_>>(),
        ["keys.backup", "keys.restore"],
        "what was not restored is not said to be"
    );
    assert_eq!(lines[1]["entry"]["files"][0]["name"], "server_sign.pem");
    #[cfg(unix)]
    assert_eq!(place.mode("state/pqfw/keys.audit.jsonl"), 0o600);
    // An entry that was edited: no key comes out before somebody has looked into it.
    let edited = String::from_utf8(written).unwrap();
    let edited = edited.replacen("keys.backup", "keys.nothing", 1);
    place.write("state/pqfw/keys.audit.jsonl", edited.as_bytes());
    let elsewhere = "keys restore --in b --recovery r0 --out-dir elsewhere";
    place
        .run(elsewhere)
        .fails(1, "line 1 is not the one that was written there");
    assert!(!place.path("elsewhere").exists());
    place.run(&format!("{elsewhere} --audit-log own/log")).ok();
    let own = String::from_utf8(place.read("own/log")).unwrap();
    assert!(own.contains("keys.restore"), "{own}");
}
