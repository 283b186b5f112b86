//! Stores on a real disk, in temporary directories, and the one in memory beside them.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;
use std::sync::{Arc, Barrier};

use pqfw_framework::store::{Applied, Edit, Inserted, Store, StoreError, Was};
use rusqlite::Connection;
use tempfile::TempDir;

const URL: &str = "sqlite:state.db";

fn fresh() -> (TempDir, Arc<dyn Store>) {
    let home = tempfile::tempdir().unwrap();
    let store = pqfw_store::open(URL, home.path()).unwrap();
    (home, store)
}

/// Whether an insertion went in; a failure is no way to keep a bound.
fn went_in(store: &dyn Store, key: &[u8], most: u64) -> bool {
    match store.insert("s", key, b"", most) {
        Ok(Inserted::New) => true,
        Ok(Inserted::AlreadyThere) | Err(StoreError::Full { .. }) => false,
        Err(StoreError::Failed(reason)) => panic!("{reason}"),
    }
}

/// The same for every kind of store.
fn each_kind(law: impl Fn(&dyn Store)) {
    let home = tempfile::tempdir().unwrap();
    for url in ["memory:", URL] {
        law(&*pqfw_store::open(url, home.path()).unwrap());
    }
}

fn refused(url: &str, home: &Path) -> String {
    match pqfw_store::open(url, home) {
        Err(StoreError::Failed(reason)) => reason,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("{url} was opened"),
    }
}

#[test]
fn what_is_put_is_there_until_it_is_put_again() {
    each_kind(|store| {
        assert_eq!(store.get("s", b"k"), Ok(None));
        for value in [&b"one"[..], b"", &[0, 255, 0]] {
            store.put("s", b"k", value).unwrap();
            assert_eq!(store.get("s", b"k"), Ok(Some(value.to_vec())));
        }
        assert_eq!(store.get("t", b"k"), Ok(None));
        assert_eq!(store.get("s", b"K"), Ok(None));
    });
}

#[test]
fn an_insertion_never_replaces_and_stops_at_the_bound() {
    each_kind(|store| {
        let full = |most| {
            Err(StoreError::Full {
                space: "s".into(),
                most,
            })
        };
        assert_eq!(store.insert("s", b"a", b"1", 0), full(0));
        assert_eq!(store.insert("s", b"a", b"1", 2), Ok(Inserted::New));
        assert_eq!(store.insert("s", b"a", b"2", 2), Ok(Inserted::AlreadyThere));
        assert_eq!(store.get("s", b"a"), Ok(Some(b"1".to_vec())));
        assert_eq!(store.insert("s", b"b", b"1", 2), Ok(Inserted::New));
        assert_eq!(store.insert("s", b"c", b"1", 2), full(2));
        // What is there is found there, full or not.
        assert_eq!(store.insert("s", b"a", b"2", 2), Ok(Inserted::AlreadyThere));
        assert_eq!(store.insert("s", b"c", b"1", u64::MAX), Ok(Inserted::New));
        assert_eq!(store.insert("t", b"c", b"1", 1), Ok(Inserted::New));
        assert_eq!(store.get("s", b"c"), Ok(Some(b"1".to_vec())));
    });
}

#[test]
fn a_scan_gives_one_space_in_the_order_of_its_keys() {
    each_kind(|store| {
        let keys = [&b"\xff"[..], b"b", b"", b"a\0", b"a", &[0]];
        for key in keys {
            store.put("s", key, key).unwrap();
        }
        store.put("t", b"other", b"").unwrap();
        let mut sorted = keys.map(|key| (key.to_vec(), key.to_vec()));
        sorted.sort();
        assert_eq!(store.scan("s").unwrap(), sorted);
        assert_eq!(store.scan("nothing"), Ok(Vec::new()));
    });
}

#[test]
fn names_of_spaces_are_data_and_never_sql() {
    each_kind(|store| {
        for space in ["'; DROP TABLE entries; --", "", "ключ", "a\0b", "%"] {
            store.put(space, b"k", space.as_bytes()).unwrap();
            assert_eq!(store.get(space, b"k"), Ok(Some(space.into())));
            assert_eq!(store.scan(space).unwrap().len(), 1);
        }
    });
}

/// Runs something in eight threads at the same moment and counts what it counts.
fn in_eight_threads(work: impl Fn(u8, &Barrier) -> usize + Sync) -> usize {
    let start = Barrier::new(8);
    std::thread::scope(|scope| {
        let (work, start) = (&work, &start);
        let threads = (0..8).map(|thread| scope.spawn(move || work(thread, start)));
        let threads: Vec<_> = threads.collect();
        let counted = threads.into_iter().map(|thread| thread.join().unwrap());
        counted.sum()
    })
}

#[test]
fn the_bound_holds_under_eight_threads() {
    each_kind(|store| {
        let done = in_eight_threads(|thread, start| {
            start.wait();
            let keys = (0..50).map(|n| [thread, n]);
            keys.filter(|key| went_in(store, key, 100)).count()
        });
        assert_eq!(done, 100);
        assert_eq!(store.scan("s").unwrap().len(), 100);
    });
}

#[test]
fn the_bound_holds_across_connections_to_one_file() {
    let (home, _) = fresh();
    let done = in_eight_threads(|thread, start| {
        let store = pqfw_store::open(URL, home.path()).unwrap();
        start.wait();
        let keys = (0..50).map(|n| [thread, n]);
        keys.filter(|key| went_in(&*store, key, 100)).count()
    });
    assert_eq!(done, 100);
}

#[test]
fn one_key_is_inserted_once_however_many_try() {
    let (_home, store) = fresh();
    let done = in_eight_threads(|_, start| {
        start.wait();
        usize::from(went_in(&*store, b"k", 9))
    });
    assert_eq!(done, 1);
}

#[test]
fn a_store_remembers_when_it_is_opened_again() {
    let (home, store) = fresh();
    store.put("s", b"k", b"v").unwrap();
    // The second connection sees what was written although the first is still open.
    let again = pqfw_store::open(URL, home.path()).unwrap();
    assert_eq!(again.get("s", b"k"), Ok(Some(b"v".to_vec())));
    drop((store, again));
    let again = pqfw_store::open(URL, home.path()).unwrap();
    assert_eq!(again.get("s", b"k"), Ok(Some(b"v".to_vec())));
}

#[test]
fn several_may_find_the_empty_file_together() {
    for _ in 0..5 {
        let home = tempfile::tempdir().unwrap();
        let opened = in_eight_threads(|_, start| {
            start.wait();
            pqfw_store::open(URL, home.path()).unwrap();
            1
        });
        assert_eq!(opened, 8);
    }
}

#[test]
fn writes_are_logged_ahead_and_flushed() {
    let (home, store) = fresh();
    store.put("s", b"k", b"v").unwrap();
    let file = Connection::open(home.path().join("state.db")).unwrap();
    let mode: String = file
        .pragma_query_value(None, "journal_mode", |row| row.get(0))
        .unwrap();
    assert_eq!(mode, "wal");
    assert!(home.path().join("state.db-wal").exists());
}

#[test]
fn a_store_of_a_newer_pqfw_is_refused_and_left_alone() {
    let (home, store) = fresh();
    drop(store);
    let path = home.path().join("state.db");
    let file = Connection::open(&path).unwrap();
    file.pragma_update(None, "user_version", 2).unwrap();
    drop(file);
    let before = std::fs::read(&path).unwrap();
    let reason = refused(URL, home.path());
    assert!(
        reason.contains("newer pqfw (schema 2, this build knows 1)"),
        "{reason}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_database_of_another_program_is_refused_and_left_alone() {
    for make in [
        "CREATE TABLE addresses (name TEXT)",
        "CREATE TABLE entries (x); PRAGMA user_version = 1",
        "PRAGMA application_id = 7",
        "PRAGMA user_version = 9",
    ] {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("state.db");
        Connection::open(&path)
            .unwrap()
            .execute_batch(make)
            .unwrap();
        let before = std::fs::read(&path).unwrap();
        let reason = refused(URL, home.path());
        assert!(reason.contains("another program"), "{make}: {reason}");
        assert_eq!(std::fs::read(&path).unwrap(), before, "{make}");
    }
}

#[test]
fn a_file_that_is_no_database_is_refused_and_left_alone() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("state.db");
    let text = b"dear diary, this is not a database at all".repeat(100);
    std::fs::write(&path, &text).unwrap();
    let reason = refused(URL, home.path());
    assert!(reason.contains("no SQLite database"), "{reason}");
    assert!(reason.contains("state.db"), "{reason}");
    assert_eq!(std::fs::read(&path).unwrap(), text);
}

#[test]
fn a_directory_is_no_store() {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join("state.db")).unwrap();
    refused(URL, home.path());
}

fn edit(key: &[u8], was: Was, becomes: Option<&[u8]>) -> Edit {
    Edit {
        space: "s",
        key: key.to_vec(),
        was,
        becomes: becomes.map(<[u8]>::to_vec),
    }
}

#[test]
fn edits_are_made_together_or_not_at_all() {
    each_kind(|store| {
        let exactly = |value: &[u8]| Was::Exactly(value.to_vec());
        let first = [
            edit(b"a", Was::Nothing, Some(b"1")),
            edit(b"b", Was::Anything, Some(b"1")),
            edit(b"", Was::Anything, None),
        ];
        assert_eq!(store.apply(&first), Ok(Applied::Done));
        assert_eq!(store.apply(&first), Ok(Applied::Refused { edit: 0 }));

        let refusals = [
            (
                edit(b"a", exactly(b"2"), None),
                edit(b"b", Was::Anything, Some(b"3")),
            ),
            (
                edit(b"c", exactly(b""), None),
                edit(b"b", Was::Anything, Some(b"3")),
            ),
            (
                edit(b"b", Was::Nothing, None),
                edit(b"a", Was::Anything, None),
            ),
        ];
        for (refused, other) in refusals {
            let both = [other.clone(), refused.clone()];
            assert_eq!(store.apply(&both), Ok(Applied::Refused { edit: 1 }));
            assert_eq!(
                store.apply(&[refused, other]),
                Ok(Applied::Refused { edit: 0 })
            );
            let one = |key: &[u8]| (key.to_vec(), b"1".to_vec());
            assert_eq!(store.scan("s"), Ok(vec![one(b"a"), one(b"b")]));
        }

        // Expectations are of the time before, and the later edit of a key counts.
        let second = [
            edit(b"a", exactly(b"1"), Some(b"2")),
            edit(b"a", exactly(b"1"), Some(b"3")),
            edit(b"b", exactly(b"1"), None),
        ];
        assert_eq!(store.apply(&second), Ok(Applied::Done));
        assert_eq!(store.scan("s"), Ok(vec![(b"a".to_vec(), b"3".to_vec())]));
        assert_eq!(store.apply(&[]), Ok(Applied::Done));
    });
}

#[test]
fn of_many_that_spend_one_thing_one_does() {
    let home = tempfile::tempdir().unwrap();
    let together = Arc::new(Barrier::new(8));
    let spenders: Vec<_> = (0..8u8)
        .map(|number| {
            // A connection each, as processes have.
            let store = pqfw_store::open(URL, home.path()).unwrap();
            store.put("s", b"token", b"unspent").unwrap();
            let together = together.clone();
            std::thread::spawn(move || {
                together.wait();
                let spend = edit(b"token", Was::Exactly(b"unspent".to_vec()), Some(b"spent"));
                store
                    .apply(&[spend, edit(&[number], Was::Nothing, Some(b""))])
                    .unwrap()
            })
        })
        .collect();
    let results: Vec<_> = spenders
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .collect();
    let done = results.iter().filter(|result| **result == Applied::Done);
    assert_eq!(done.count(), 1);
    let store = pqfw_store::open(URL, home.path()).unwrap();
    assert_eq!(store.scan("s").unwrap().len(), 2);
}

#[test]
fn a_long_space_is_read_in_pages() {
    each_kind(|store| {
        let keys: [&[u8]; 5] = [b"", b"\0", b"a", b"a\0", b"b"];
        for key in keys {
            store.put("s", key, b"v").unwrap();
            store.put("t", key, b"other").unwrap();
        }
        let all = store.scan("s").unwrap();
        assert_eq!(store.page("s", None, usize::MAX), Ok(all.clone()));
        for most in 1..=keys.len() {
            let (mut read, mut after) = (Vec::new(), None::<Vec<u8>>);
            loop {
                let page = store.page("s", after.as_deref(), most).unwrap();
                assert!(page.len() <= most);
                let Some(last) = page.last() else { break };
                after = Some(last.0.clone());
                read.extend(page);
            }
            assert_eq!(read, all);
        }
        assert_eq!(store.page("s", None, 0), Ok(Vec::new()));
        assert_eq!(store.page("s", Some(b"b"), 9), Ok(Vec::new()));
    });
}

#[test]
fn what_is_no_url_of_a_store_is_refused_with_what_is() {
    let home = tempfile::tempdir().unwrap();
    for url in [
        "",
        "memory",
        "memory:x",
        "sqlite",
        "sqlite:",
        "postgres://host/db",
        "postgres:",
        "state.db",
        "SQLITE:state.db",
        "redis:",
        "sqlite::memory:",
    ] {
        let reason = refused(url, home.path());
        assert!(
            reason.contains("`memory:` or `sqlite:PATH`"),
            "{url}: {reason}"
        );
    }
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[test]
fn the_path_is_relative_to_the_state_directory_unless_it_is_absolute() {
    let home = tempfile::tempdir().unwrap();
    let _below = pqfw_store::open("sqlite:a/b/c.db", &home.path().join("state")).unwrap();
    assert!(home.path().join("state/a/b/c.db").exists());
    let _odd = pqfw_store::open("sqlite:file:e.db?mode=memory", home.path()).unwrap();
    assert!(home.path().join("file:e.db?mode=memory").exists());
    let absolute = format!("sqlite:{}", home.path().join("d.db").display());
    let _absolute = pqfw_store::open(&absolute, Path::new("/nonexistent")).unwrap();
    assert!(home.path().join("d.db").exists());
}

#[cfg(unix)]
#[test]
fn the_directory_is_0700_and_every_file_0600() {
    use std::os::unix::fs::PermissionsExt;

    let home = tempfile::tempdir().unwrap();
    let state = home.path().join("state");
    let store = pqfw_store::open(URL, &state).unwrap();
    store.put("s", b"k", b"v").unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&state), 0o700);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&state).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_owned());
    }
    names.sort();
    assert_eq!(names, ["state.db", "state.db-shm", "state.db-wal"]);
}
