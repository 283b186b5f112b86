//! What every build must have: `tests/required-providers.tsv` against the binary's own listing.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::pqfw;

const TABLE: &str = include_str!("../../../tests/required-providers.tsv");

/// Whether this build has the feature.
fn built(feature: &str) -> bool {
    match feature {
        "default" => true,
        "libcrux" => cfg!(feature = "libcrux"),
        "liboqs" => cfg!(feature = "liboqs"),
        "openssl" => cfg!(feature = "openssl"),
        "pqclean" => cfg!(feature = "pqclean"),
        other => panic!("required-providers.tsv: no feature `{other}`"),
    }
}

/// Algorithm and provider of every line that this build must satisfy.
fn required() -> Vec<(&'static str, &'static str)> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| {
            let mut cells = line.split('\t');
            let mut cell = || cells.next().unwrap_or_else(|| panic!("{line}"));
            (cell(), cell(), cell())
        })
        .filter(|(_, _, feature)| built(feature))
        .map(|(algorithm, provider, _)| (algorithm, provider))
        .collect()
}

/// The lines of the table that `listing` does not satisfy.
fn missing(listing: &Value) -> Vec<String> {
    let found: BTreeMap<_, _> = listing
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let text = |name: &str| row[name].as_str().unwrap().to_owned();
            ((text("id"), text("provider")), text("selftest"))
        })
        .collect();
    required()
        .into_iter()
        .filter_map(|(algorithm, provider)| {
            let outcome = found.get(&(algorithm.to_owned(), provider.to_owned()));
            match outcome.map(String::as_str) {
                Some("pass") => None,
                Some(other) => Some(format!("{algorithm}@{provider}: {other}")),
                None => Some(format!("{algorithm}@{provider}: not in this build")),
            }
        })
        .collect()
}

#[test]
fn every_required_provider_is_there_and_passes() {
    let home = tempfile::tempdir().unwrap();
    let listed = pqfw(home.path(), &["list-algorithms", "--selftest", "--json"])
        .run()
        .ok();
    let listing: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(missing(&listing), Vec::<String>::new());
    for row in listing.as_array().unwrap() {
        assert_eq!(row["selftest"], "pass", "{row}");
        for field in ["kind", "provider_version", "status", "specification"] {
            assert!(row[field].is_string(), "{field}: {row}");
        }
        assert!(row["default"].is_boolean(), "{row}");
        assert!(row["sizes"].is_object(), "{row}");
        assert!(row["policy"]["modern"]["verdict"].is_string(), "{row}");
    }
    // The comparison can fail.
    let empty = missing(&Value::Array(Vec::new()));
    assert_eq!(empty.len(), required().len());
    assert!(empty.len() > 100);
}
