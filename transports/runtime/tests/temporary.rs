//! Temporary keys: gone with their process, and removed after it when it was killed.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pqfw_framework::system::{KeyFileError, TemporaryKeys};
use pqfw_runtime::OsTemporaryKeys;

const PREFIX: &str = "pqvpn_keys_";

fn inside(base: &Path) -> Vec<PathBuf> {
    let mut all: Vec<_> = fs::read_dir(base)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    all.sort();
    all
}

#[test]
fn keys_are_private_and_go_when_they_are_dropped() {
    let base = tempfile::tempdir().unwrap();
    let (keys, removed) = OsTemporaryKeys::below(base.path()).make(PREFIX).unwrap();
    keys.write("node.pem", b"secret", true).unwrap();
    let read = keys.read("node.pem").unwrap().unwrap();
    assert_eq!((read.expose(), removed), (&b"secret"[..], 0));
    let [directory] = &inside(base.path())[..] else {
        panic!("one directory");
    };
    assert_eq!(keys.describe(), directory.display().to_string());
    assert_eq!(
        fs::metadata(directory).unwrap().permissions().mode() & 0o777,
        0o700
    );
    drop(keys);
    assert!(inside(base.path()).is_empty());
}

/// What the process of the next test runs: it makes keys, and waits to be killed.
#[test]
fn make_keys_and_wait() {
    let Some(base) = std::env::var_os("PQFW_TEST_TEMPORARY_KEYS") else {
        return;
    };
    let (keys, _) = OsTemporaryKeys::below(&base).make(PREFIX).unwrap();
    keys.write("node.pem", b"secret", true).unwrap();
    File::create(Path::new(&base).join("made")).unwrap();
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

#[test]
fn what_a_killed_process_leaves_is_removed_and_what_lives_is_not() {
    let base = tempfile::tempdir().unwrap();
    let temporary = OsTemporaryKeys::below(base.path());
    let (living, _) = temporary.make(PREFIX).unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "make_keys_and_wait", "--nocapture"])
        .env("PQFW_TEST_TEMPORARY_KEYS", base.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    while !base.path().join("made").exists() {
        assert!(process.try_wait().unwrap().is_none(), "it waits");
        std::thread::yield_now();
    }
    // While it lives, its keys do.
    let (_another, removed) = temporary.make(PREFIX).unwrap();
    assert_eq!((removed, inside(base.path()).len()), (0, 4));
    process.kill().unwrap();
    process.wait().unwrap();
    let (_third, removed) = temporary.make(PREFIX).unwrap();
    assert_eq!((removed, inside(base.path()).len()), (1, 4));
    assert!(Path::new(&living.describe()).exists());
}

#[test]
fn what_is_not_provably_ours_and_dead_is_left() {
    let base = tempfile::tempdir().unwrap();
    let temporary = OsTemporaryKeys::below(base.path());
    let (keys, _) = temporary.make(PREFIX).unwrap();
    let owner = fs::read(Path::new(&keys.describe()).join("owner.lock")).unwrap();
    drop(keys);
    let named = |name: &str, mode: u32, owner: Option<&[u8]>| {
        let path = base.path().join(name);
        fs::create_dir(&path).unwrap();
        if let Some(owner) = owner {
            fs::write(path.join("owner.lock"), owner).unwrap();
        }
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        path
    };
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("precious");
    fs::create_dir(&target).unwrap();
    fs::write(target.join("owner.lock"), &owner).unwrap();
    fs::set_permissions(&target, Permissions::from_mode(0o700)).unwrap();
    symlink(&target, base.path().join("pqvpn_keys_link")).unwrap();
    let left = [
        named("pqvpn_keys_none", 0o700, None),
        named("pqvpn_keys_text", 0o700, Some(b"another program's")),
        named("pqvpn_keys_long", 0o700, Some(&[&owner[..], b"x"].concat())),
        named("pqvpn_keys_mode", 0o755, Some(&owner)),
        named("other_keys_name", 0o700, Some(&owner)),
        target,
    ];
    let dead = named("pqvpn_keys_dead", 0o700, Some(&owner));
    let (_keys, removed) = temporary.make(PREFIX).unwrap();
    assert_eq!(removed, 1);
    assert!(!dead.exists() && left.iter().all(|path| path.exists()));
}

#[test]
fn without_a_directory_there_are_no_keys() {
    let refused = OsTemporaryKeys::below("/nowhere/at/all").make(PREFIX);
    let KeyFileError { path, reason } = refused.err().unwrap();
    assert!(
        path.contains("/nowhere") && reason.contains("no private directory"),
        "{reason}"
    );
}
