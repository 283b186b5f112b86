//! Published vectors, run against every provider of every algorithm of this build.
//!
//! `tests/vectors/APPLICABILITY.tsv` holds what applied and passed, file by file and provider by
//! provider. It is written by this test, and only when asked:
//!
//! ```sh
//! PQFW_BLESS=1 cargo test -p pqfw-tests --test vectors_run
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on should panic"
)]

mod curves;
mod files;
mod formats;
mod misbehaviour;
mod randomness;
mod spoiled;
mod table;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use pqfw_framework::registry::{Entry, Registry};
use pqfw_framework::vectors::{self, Tally, VectorFile};

use files::NamedFile;
use table::{Key, Row, Table};

fn registry() -> Registry {
    pqfw::registry()
        .build()
        .expect("the built-in plugins fit together")
}

/// Whether a file has a case for the entry's algorithm.
fn concerns(file: &VectorFile, entry: &Entry) -> bool {
    let mut subjects = file.subjects().into_keys();
    subjects.any(|subject| subject.is(entry.info()))
}

/// Runs a file on an entry as it would be used: with another provider that expands its seeds.
fn run(file: &VectorFile, registry: &Registry, entry: &Entry) -> Tally {
    let (info, provider, code) = (entry.info(), entry.provider(), entry.code());
    let expander = vectors::seed_expander(registry, entry);
    vectors::run_with_expander(file, info, provider, code, expander)
}

/// Cases of each file that slow algorithms are shown here; `.ci/full` shows them all.
const SLOW_CASES: usize = 2;

/// The first cases for a slow algorithm.
fn few_of_slow(file: VectorFile, entry: &Entry) -> VectorFile {
    if !entry.info().slow {
        return file;
    }
    let cases = file.cases.iter();
    let cases = cases.filter(|case| case.subject.is(entry.info()));
    let cases = cases.take(SLOW_CASES).cloned().collect();
    VectorFile { cases, ..file }
}

/// Runs every file on every provider, on as many threads as there are processors.
fn compute(files: &[NamedFile], registry: &Registry) -> (Table, Vec<String>) {
    let work: Vec<(&NamedFile, &Entry)> = files
        .iter()
        .flat_map(|file| registry.entries().map(move |entry| (file, entry)))
        .filter(|(file, entry)| concerns(&file.content, entry))
        .collect();
    let next = AtomicUsize::new(0);
    let run_some = || {
        let mut done = Vec::new();
        while let Some((file, entry)) = work.get(next.fetch_add(1, Ordering::Relaxed)) {
            let content = few_of_slow(misbehaviour::without_known(file, entry), entry);
            done.push((Key::of(file, entry), run(&content, registry, entry)));
        }
        done
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let done: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(run_some)).collect();
        let joined = workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap());
        joined.collect()
    });
    let mut table = Table::default();
    let mut failures = Vec::new();
    for (key, tally) in done {
        let failed = tally.failed.iter();
        failures.extend(failed.map(|f| format!("{key}: {}: {}", f.case, f.why)));
        table.insert(key, Row::of(&tally));
    }
    for file in files {
        for (subject, cases) in file.content.subjects() {
            if !registry.entries().any(|entry| subject.is(entry.info())) {
                table.insert(Key::nobody(file, subject), Row::of_nobody(cases));
            }
        }
    }
    failures.sort();
    (table, failures)
}

#[test]
fn every_provider_gives_what_the_vectors_say_and_the_table_is_kept() {
    let registry = registry();
    let (computed, failures) = compute(files::all(), &registry);
    assert!(
        failures.is_empty(),
        "vectors failed:\n{}",
        failures.join("\n")
    );
    let in_build = |key: &Key| registry.entries().any(|entry| key.is_of(entry));
    let committed = Table::committed();
    let differences = committed.compare(&computed, in_build);
    for key in &differences.skipped {
        println!("not in this build: {key}");
    }
    assert!(
        differences.worse.is_empty(),
        "less applies or passes than {} says:\n{}",
        table::PATH,
        differences.worse.join("\n")
    );
    if std::env::var_os("PQFW_BLESS").is_some() {
        committed.blessed(computed, in_build).write();
        return;
    }
    assert!(
        differences.stale.is_empty(),
        "{} is out of date; {}\n{}",
        table::PATH,
        table::HOW_TO_BLESS,
        differences.stale.join("\n")
    );
}
