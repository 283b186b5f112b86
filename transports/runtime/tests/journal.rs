//! Journals: lines stay, crashes leave whole ones, and an edit is found.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;

use pqfw_framework::audit::{AuditEnd, AuditError, AuditLog, Journal, Journals, verify};
use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;
use pqfw_runtime::DirectoryJournals;

fn sha256() -> AdmittedHash {
    let registry = Registry::builder().with(pqfw_hash::plugin()).build();
    let (registry, mut rng) = (registry.unwrap(), SeededWorld::new(0).rng());
    let mut resolver = Resolver::new(&registry, &mut *rng, &[], &[], "2026-01-01");
    resolver.hash("SHA-256").unwrap()
}

fn lines(journal: &dyn Journal) -> Vec<String> {
    let mut lines = Vec::new();
    let mut keep = |line: &[u8]| lines.push(String::from_utf8(line.to_vec()).unwrap());
    journal.read(&mut keep).unwrap();
    lines
}

#[test]
fn lines_stay_and_a_half_line_goes() {
    let home = tempfile::tempdir().unwrap();
    let journals = DirectoryJournals::new(home.path().join("state"));
    let path = home.path().join("state/a.jsonl");
    for (left, kept) in [("", 2), ("half", 3), (&*"long".repeat(5000), 4)] {
        let journal = journals.open("a.jsonl").unwrap();
        journal.append(b"one line").unwrap();
        if kept == 2 {
            journal.append(b"another").unwrap();
        }
        assert_eq!(lines(&*journal).len(), kept);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, format!("{text}{left}")).unwrap();
    }
    assert_eq!(lines(&*journals.open("a.jsonl").unwrap()).len(), 4);
    fs::write(&path, "never finished").unwrap();
    assert!(lines(&*journals.open("a.jsonl").unwrap()).is_empty());
}

#[cfg(unix)]
#[test]
fn a_journal_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().unwrap();
    DirectoryJournals::new(home.path()).open("a").unwrap();
    let mode = fs::metadata(home.path().join("a")).unwrap().permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[test]
fn a_place_that_is_no_directory_is_refused_with_its_path() {
    let home = tempfile::tempdir().unwrap();
    fs::write(home.path().join("file"), "").unwrap();
    let journals = DirectoryJournals::new(home.path().join("file"));
    let Err(error) = journals.open("a") else {
        panic!("it was opened")
    };
    assert!(error.path.ends_with("file/a"), "{error}");
}

#[test]
fn a_log_goes_on_after_a_restart_and_every_edit_of_it_is_found() {
    let home = tempfile::tempdir().unwrap();
    let journals = DirectoryJournals::new(home.path());
    for entry in [r#"{"n":0}"#, r#"{"n":1}"#, "[]"] {
        let log = AuditLog::open(journals.open("log").unwrap(), sha256()).unwrap();
        log.append(entry).unwrap();
        assert!(log.describe().ends_with("log"));
    }
    let path = home.path().join("log");
    let good = fs::read_to_string(&path).unwrap();
    let check = |text: &str| -> Result<(AuditEnd, Vec<String>), AuditError> {
        fs::write(&path, text).unwrap();
        let journal = journals.open("log").unwrap();
        let mut shown = Vec::new();
        let end = verify(&*journal, &sha256(), |_, entry| {
            shown.push(entry.to_owned())
        })?;
        Ok((end, shown))
    };
    let (end, shown) = check(&good).unwrap();
    assert_eq!((end.entries, shown.len()), (3, 3));
    assert_eq!(shown[1], r#"{"n":1}"#);

    let changed = |text: &str, line| {
        let error = check(text).unwrap_err();
        assert!(
            matches!(&error, AuditError::Changed { number, .. } if *number == line),
            "{error}"
        );
        let Err(error) = AuditLog::open(journals.open("log").unwrap(), sha256()) else {
            panic!("it was opened")
        };
        assert!(matches!(error, AuditError::Changed { .. }));
    };
    let each: Vec<_> = good.lines().collect();
    changed(&good.replace(r#"{"n":1}"#, r#"{"n":2}"#), 1);
    changed(&format!("{}\n{}\n", each[1], each[2]), 0);
    changed(&format!("{}\n{}\n", each[0], each[2]), 1);
    changed(&format!("{}\n{}\n{}\n", each[0], each[2], each[1]), 1);
    changed(&good.replace("\"number\":2", "\"number\":3"), 2);
    for at in (0..each[0].len()).step_by(7) {
        let mut bytes = good.clone().into_bytes();
        bytes[at] ^= 1;
        changed(&String::from_utf8(bytes).unwrap(), 0);
    }
    // What only the end, kept elsewhere, can show.
    let (cut, _) = check(&format!("{}\n{}\n", each[0], each[1])).unwrap();
    assert_ne!(cut, end);
}

#[test]
fn a_log_whose_journal_is_gone_says_so() {
    let home = tempfile::tempdir().unwrap();
    let journal = DirectoryJournals::new(home.path()).open("log").unwrap();
    fs::remove_file(home.path().join("log")).unwrap();
    let error = verify(&*journal, &sha256(), |_, _| {}).unwrap_err();
    assert!(matches!(error, AuditError::Journal(_)), "{error}");
}
