//! The committed table of what applies, and its comparison with what was found.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use pqfw_framework::registry::Entry;
use pqfw_framework::vectors::{Subject, Tally};

use crate::files::{self, NamedFile};

pub(crate) const PATH: &str = "tests/vectors/APPLICABILITY.tsv";
pub(crate) const HOW_TO_BLESS: &str =
    "write it again with `PQFW_BLESS=1 cargo test -p pqfw-tests --test vectors_run`";

const HEADING: &str = "\
# What applies of the published vectors, and passed: docs/guide/vectors.md says what is counted.
# Written by `PQFW_BLESS=1 cargo test -p pqfw-tests --test vectors_run`; the test refuses a fall.
# Of slow algorithms each file's first two cases are run here, and all by `.ci/full`.
# A provider `-` stands for none: no row or no code of this build is what the cases are for.
# file\talgorithm\tprovider\tcases\tapplied\tpassed\taccepted\trefused\tnot applicable
";

/// A file and a provider, in the order of the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    file: String,
    algorithm: String,
    provider: String,
}

const NOBODY: &str = "-";

impl Key {
    pub(crate) fn of(file: &NamedFile, entry: &Entry) -> Self {
        Self {
            file: file.name.clone(),
            algorithm: entry.info().id.clone(),
            provider: entry.provider().name.clone(),
        }
    }

    pub(crate) fn nobody(file: &NamedFile, subject: &Subject) -> Self {
        Self {
            file: file.name.clone(),
            algorithm: subject.to_string(),
            provider: NOBODY.into(),
        }
    }

    pub(crate) fn is_of(&self, entry: &Entry) -> bool {
        self.algorithm == entry.info().id && self.provider == entry.provider().name
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}@{}", self.file, self.algorithm, self.provider)
    }
}

/// What was found for one key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Row {
    cases: usize,
    applied: usize,
    passed: usize,
    accepted: usize,
    refused: usize,
    not_applicable: String,
}

impl Row {
    pub(crate) fn of(tally: &Tally) -> Self {
        let reasons = tally.not_applicable.iter();
        let reasons: Vec<_> = reasons
            .map(|(reason, count)| format!("{count}: {reason}"))
            .collect();
        Self {
            cases: tally.cases,
            applied: tally.applied,
            passed: tally.passed,
            accepted: tally.acceptable.accepted,
            refused: tally.acceptable.refused,
            not_applicable: reasons.join("; "),
        }
    }

    pub(crate) fn of_nobody(cases: usize) -> Self {
        Self {
            cases,
            not_applicable: "no provider".into(),
            ..Self::default()
        }
    }

    fn is_worse_than(&self, other: &Self) -> bool {
        let ran = |row: &Self| row.passed + row.accepted + row.refused;
        self.applied < other.applied || ran(self) < ran(other)
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}\t{}\t{}\t{}\t{}\t{}",
            self.cases, self.applied, self.passed, self.accepted, self.refused, self.not_applicable
        )
    }
}

/// The whole table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table(BTreeMap<Key, Row>);

/// How two tables differ.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Differences {
    /// Less applies or passes.
    pub(crate) worse: Vec<String>,
    /// More applies, or something else is counted otherwise.
    pub(crate) stale: Vec<String>,
    /// The build does not have the provider.
    pub(crate) skipped: Vec<String>,
}

impl Table {
    pub(crate) fn insert(&mut self, key: Key, row: Row) {
        assert!(self.0.insert(key.clone(), row).is_none(), "{key} twice");
    }

    /// Reads the table of the repository; an absent one is empty.
    pub(crate) fn committed() -> Self {
        fs::read_to_string(path()).map_or_else(|_| Self::default(), |text| Self::parse(&text))
    }

    fn parse(text: &str) -> Self {
        let mut table = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let cells: Vec<_> = line.split('\t').collect();
            let [file, algorithm, provider, numbers @ .., not_applicable] = cells.as_slice() else {
                panic!("{PATH}: {line}");
            };
            let numbers: Vec<usize> = numbers.iter().map(|n| n.parse().unwrap()).collect();
            let [cases, applied, passed, accepted, refused] = numbers.as_slice() else {
                panic!("{PATH}: {line}");
            };
            let key = Key {
                file: (*file).into(),
                algorithm: (*algorithm).into(),
                provider: (*provider).into(),
            };
            let row = Row {
                cases: *cases,
                applied: *applied,
                passed: *passed,
                accepted: *accepted,
                refused: *refused,
                not_applicable: (*not_applicable).into(),
            };
            table.insert(key, row);
        }
        table
    }

    /// How `found` differs from this table.
    pub(crate) fn compare(&self, found: &Self, in_build: impl Fn(&Key) -> bool) -> Differences {
        let mut differences = Differences::default();
        for (key, row) in &self.0 {
            match found.0.get(key) {
                Some(now) if now == row => {}
                Some(now) if now.is_worse_than(row) => {
                    differences.worse.push(format!("{key}:\n  {row}\n  {now}"));
                }
                Some(now) => differences.stale.push(format!("{key}:\n  {row}\n  {now}")),
                None if key.provider == NOBODY => {
                    differences.stale.push(format!("{key}: somebody does it"));
                }
                None if in_build(key) => differences.worse.push(format!("{key}: was not run")),
                None => differences.skipped.push(key.to_string()),
            }
        }
        let new = found.0.keys().filter(|key| !self.0.contains_key(key));
        differences
            .stale
            .extend(new.map(|key| format!("{key}: new")));
        differences
    }

    /// What to commit: what was found, and what this build could not find out.
    pub(crate) fn blessed(&self, found: Self, in_build: impl Fn(&Key) -> bool) -> Self {
        let kept = self.0.iter();
        let kept = kept.filter(|(key, _)| key.provider != NOBODY && !in_build(key));
        let mut table: BTreeMap<_, _> = kept.map(|(k, r)| (k.clone(), r.clone())).collect();
        table.extend(found.0);
        Self(table)
    }

    pub(crate) fn write(&self) {
        fs::write(path(), self.to_string()).unwrap();
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEADING)?;
        for (key, row) in &self.0 {
            writeln!(
                f,
                "{}\t{}\t{}\t{row}",
                key.file, key.algorithm, key.provider
            )?;
        }
        Ok(())
    }
}

fn path() -> PathBuf {
    files::folder().join("APPLICABILITY.tsv")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "f\tA\tp\t10\t8\t9\t1\t0\t2: no\nf\tB\t-\t4\t0\t0\t0\t0\tno provider\n";

    fn differences(found: &str, in_build: bool) -> (usize, usize, usize) {
        let found = Table::parse(found);
        let d = Table::parse(LINES).compare(&found, |_| in_build);
        (d.worse.len(), d.stale.len(), d.skipped.len())
    }

    #[test]
    fn a_table_is_read_as_it_was_written() {
        let table = Table::parse(LINES);
        assert_eq!(Table::parse(&table.to_string()), table);
        assert_eq!(differences(LINES, true), (0, 0, 0));
    }

    #[test]
    fn a_fall_is_worse_and_a_rise_is_stale() {
        let fewer_applied = LINES.replace("10\t8\t9", "10\t7\t9");
        let fewer_passed = LINES.replace("10\t8\t9", "10\t8\t8");
        let more = LINES.replace("10\t8\t9", "10\t9\t10");
        let other_reason = LINES.replace("2: no", "2: yes");
        assert_eq!(differences(&fewer_applied, true), (1, 0, 0));
        assert_eq!(differences(&fewer_passed, true), (1, 0, 0));
        assert_eq!(differences(&more, true), (0, 1, 0));
        assert_eq!(differences(&other_reason, true), (0, 1, 0));
    }

    #[test]
    fn an_acceptable_case_may_be_refused_tomorrow_and_the_table_says_so() {
        let other_way = LINES.replace("9\t1\t0", "9\t0\t1");
        assert_eq!(differences(&other_way, true), (0, 1, 0));
    }

    #[test]
    fn a_provider_that_the_build_lacks_is_skipped_and_kept() {
        let without = "f\tB\t-\t4\t0\t0\t0\t0\tno provider\n";
        assert_eq!(differences(without, false), (0, 0, 1));
        assert_eq!(differences(without, true), (1, 0, 0));
        let table = Table::parse(LINES);
        assert_eq!(table.blessed(Table::parse(without), |_| false), table);
        let found = Table::parse("f\tB\tnew\t4\t4\t4\t0\t0\t\n");
        let blessed = table.blessed(found, |key| key.provider == "new");
        assert_eq!(blessed.0.len(), 2, "nobody's line goes, the other stays");
    }

    #[test]
    fn a_new_provider_is_stale() {
        let new = format!("{LINES}f\tA\tq\t10\t10\t10\t0\t0\t\n");
        assert_eq!(differences(&new, true), (0, 1, 0));
    }
}
