//! Key files on a real disk, in temporary directories.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use pqfw_framework::system::{KeyFileError, KeyFiles};
use pqfw_runtime::{DirectoryKeys, LARGEST_KEY_FILE_BYTES, LONGEST_NAME_BYTES};
use tempfile::TempDir;

fn keys() -> (TempDir, DirectoryKeys) {
    let home = tempfile::tempdir().unwrap();
    let keys = DirectoryKeys::new(home.path().join("state/keys"));
    (home, keys)
}

fn read(keys: &DirectoryKeys, name: &str) -> Result<Option<Vec<u8>>, KeyFileError> {
    let read = keys.read(name)?;
    Ok(read.map(|bytes| bytes.expose().to_vec()))
}

fn names_in(directory: impl AsRef<Path>) -> Vec<String> {
    let entries = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn what_is_written_is_read_back() {
    let (_home, keys) = keys();
    assert_eq!(read(&keys, "a.sec"), Ok(None));
    keys.write("a.sec", b"secret", true).unwrap();
    keys.write("a.pub", b"public", false).unwrap();
    keys.write("empty", b"", false).unwrap();
    assert_eq!(read(&keys, "a.sec"), Ok(Some(b"secret".to_vec())));
    assert_eq!(read(&keys, "a.pub"), Ok(Some(b"public".to_vec())));
    assert_eq!(read(&keys, "empty"), Ok(Some(Vec::new())));
}

#[test]
fn what_is_removed_is_gone_and_nothing_else() {
    let (home, keys) = keys();
    assert_eq!(keys.remove("a.sec"), Ok(()), "there is no directory yet");
    assert!(names_in(home.path()).is_empty());
    keys.write("a.sec", b"secret", true).unwrap();
    keys.write("b.sec", b"secret", true).unwrap();
    assert_eq!(keys.remove("a.sec"), Ok(()));
    assert_eq!(keys.remove("a.sec"), Ok(()), "it is gone already");
    assert_eq!(names_in(keys.describe()), ["b.sec"]);
    assert!(keys.remove("../state").is_err());
    std::fs::create_dir(Path::new(&keys.describe()).join("taken")).unwrap();
    let error = keys.remove("taken").unwrap_err();
    assert!(error.path.ends_with("taken"), "{error}");
}

#[test]
fn reading_creates_nothing() {
    let (home, keys) = keys();
    assert_eq!(read(&keys, "a.sec"), Ok(None));
    assert!(names_in(home.path()).is_empty());
}

#[test]
fn writing_leaves_nothing_but_the_file() {
    let (_home, keys) = keys();
    for round in 0..10 {
        keys.write("a.sec", &[round; 100], true).unwrap();
    }
    assert_eq!(names_in(keys.describe()), ["a.sec"]);
    assert_eq!(read(&keys, "a.sec"), Ok(Some(vec![9; 100])));
}

#[test]
fn a_write_that_fails_leaves_nothing_and_changes_nothing() {
    let (_home, keys) = keys();
    // A directory stands where the file should go, so the rename must fail.
    std::fs::create_dir_all(Path::new(&keys.describe()).join("taken/inside")).unwrap();
    let error = keys.write("taken", b"key", true).unwrap_err();
    assert!(error.path.ends_with("taken"), "{error}");
    assert_eq!(names_in(keys.describe()), ["taken"]);
}

#[test]
fn readers_never_see_half_a_file() {
    let (_home, keys) = keys();
    keys.write("a.sec", &[0; 1 << 16], true).unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 1..100 {
                keys.write("a.sec", &[round; 1 << 16], true).unwrap();
            }
        });
        for _ in 0..100 {
            let bytes = read(&keys, "a.sec").unwrap().unwrap();
            assert_eq!(bytes.len(), 1 << 16);
            assert!(bytes.iter().all(|byte| *byte == bytes[0]));
        }
    });
}

#[test]
fn a_name_cannot_leave_the_directory() {
    let (home, keys) = keys();
    std::fs::write(home.path().join("outside"), b"x").unwrap();
    let longest = "n".repeat(LONGEST_NAME_BYTES);
    let too_long = "n".repeat(LONGEST_NAME_BYTES + 1);
    let bad = [
        "",
        ".",
        "..",
        "../outside",
        "a/b",
        "a\\b",
        "/etc/passwd",
        ".hidden",
        "a..b",
        "a\0b",
        "c:a",
        "a b",
        "ключ",
        "a\nb",
        &too_long,
    ];
    for name in bad {
        let error = keys.write(name, b"x", false).unwrap_err();
        assert!(error.reason.contains("not a key file's name"), "{error}");
        assert!(!error.to_string().contains('\n'), "{error}");
        assert!(keys.read(name).is_err(), "{name}");
    }
    for name in ["a", "X25519+ML-KEM-768.pub", "a_b.c", &longest] {
        keys.write(name, b"x", false).unwrap();
    }
}

#[test]
fn the_size_limit_holds_in_both_directions() {
    let (_home, keys) = keys();
    for length in [LARGEST_KEY_FILE_BYTES - 1, LARGEST_KEY_FILE_BYTES] {
        keys.write("a.pub", &vec![7; length], false).unwrap();
        assert_eq!(read(&keys, "a.pub").unwrap().unwrap().len(), length);
    }
    let over = vec![7; LARGEST_KEY_FILE_BYTES + 1];
    let error = keys.write("b.pub", &over, false).unwrap_err();
    assert!(error.reason.contains("1048577 bytes"), "{error}");
    std::fs::write(Path::new(&keys.describe()).join("c.pub"), &over).unwrap();
    let error = read(&keys, "c.pub").unwrap_err();
    assert!(error.reason.contains("1048577 bytes"), "{error}");
}

#[test]
fn a_directory_is_no_key() {
    let (_home, keys) = keys();
    std::fs::create_dir_all(Path::new(&keys.describe()).join("a.sec")).unwrap();
    assert!(keys.read("a.sec").is_err());
}

#[cfg(unix)]
mod modes {
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: impl AsRef<Path>) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn the_directory_is_0700_secrets_0600_the_rest_0644() {
        let (home, keys) = keys();
        keys.write("a.sec", b"secret", true).unwrap();
        keys.write("a.pub", b"public", false).unwrap();
        let directory = home.path().join("state/keys");
        assert_eq!(mode(home.path().join("state")), 0o700);
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(directory.join("a.sec")), 0o600);
        assert_eq!(mode(directory.join("a.pub")), 0o644);
    }

    #[test]
    fn writing_over_an_open_secret_closes_it() {
        let (home, keys) = keys();
        keys.write("a.sec", b"old", true).unwrap();
        let path = home.path().join("state/keys/a.sec");
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        keys.write("a.sec", b"new", true).unwrap();
        assert_eq!(mode(&path), 0o600);
    }

    #[test]
    fn a_secret_that_others_may_use_is_refused_with_the_remedy() {
        let (home, keys) = keys();
        keys.write("a.sec", b"secret", true).unwrap();
        keys.write("b.pem", b"-----BEGIN PRIVATE KEY-----\n", true)
            .unwrap();
        keys.write("c.pem", b"-----BEGIN PUBLIC KEY-----\n", false)
            .unwrap();
        for name in ["a.sec", "b.pem"] {
            let path = home.path().join("state/keys").join(name);
            for open in [0o640, 0o604, 0o644, 0o620, 0o601, 0o777] {
                std::fs::set_permissions(&path, Permissions::from_mode(open)).unwrap();
                let error = read(&keys, name).unwrap_err();
                let remedy = format!("chmod 600 {}", path.display());
                assert!(error.reason.contains(&remedy), "{open:o}: {error}");
                assert!(!error.to_string().contains("secret\0"), "{error}");
            }
            for closed in [0o600, 0o400, 0o700] {
                std::fs::set_permissions(&path, Permissions::from_mode(closed)).unwrap();
                assert!(read(&keys, name).is_ok(), "{closed:o}");
            }
        }
        assert!(read(&keys, "c.pem").is_ok());
    }
}
