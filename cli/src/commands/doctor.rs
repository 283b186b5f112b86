//! `pqfw doctor`: whether this build and this machine are what their operator thinks.

use std::path::{Path, PathBuf};

use pqfw_framework::catalogue::Kind;
use pqfw_framework::registry::{Preferences, Registry};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use serde_json::json;

use super::keys::inspect;
use crate::args::Doctor;
use crate::error::CliError;
use crate::findings::{self, Code, Finding, Severity};
use crate::output::{Output, Tone};
use crate::{compose, files, prefs};

/// This code was written in that year: a clock before it is wrong.
const EARLIEST_DAY: &str = "2026-01-01";

/// Certificates and policies end long before: a clock after it is wrong too.
const LATEST_DAY: &str = "2100-01-01";

/// Memory that cannot be swapped: enough for every key of a server.
const ENOUGH_LOCKED_BYTES: u64 = 64 << 10;

/// A directory with more files than that holds no keys of ours.
const MOST_KEY_FILES: usize = 1000;

pub(super) fn run(args: &Doctor, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let world = OsWorld::new();
    let mut found = Vec::new();
    registrations(registry, &mut found);
    requirements(&args.profile, registry, &mut found);
    if !args.quick {
        admissions(registry, &world, output, &mut found);
    }
    let examined = key_files(&args.keys, registry, output, &mut found)?;
    clock(&world.now().day(), &mut found);
    entropy(&world, &mut found);
    let limits = files::read_text(Path::new("/proc/self/limits")).unwrap_or_default();
    memory_lock(&limits, &mut found);
    preferences(registry, &mut found)?;
    findings::sort(&mut found);
    let counts = [
        ("algorithms", served(registry)),
        ("providers", registry.entries().count()),
        ("transports", registry.transports().count()),
        ("systems", registry.systems().count()),
        ("key files", examined),
    ];
    if output.json {
        let counts: serde_json::Map<_, _> = counts
            .iter()
            .map(|(name, count)| (name.replace(' ', "_"), json!(count)))
            .collect();
        let findings: Vec<_> = found.iter().map(Finding::document).collect();
        output.document(
            &json!({ "examined": counts, "admission": !args.quick, "findings": findings }),
        );
    } else {
        let counts = counts.map(|(name, count)| format!("{count} {name}"));
        let title = output.paint(Tone::Strong, "examined");
        output.line(&format!("{title} {}", counts.join(", ")));
        found.iter().for_each(|finding| finding.print(output));
        output.line(&findings::summary(&found));
        if args.quick {
            let text = "no provider was tested: `pqfw selftest` does that";
            output.line(&output.paint(Tone::Faint, text));
        }
    }
    match found.first().map(Finding::severity) {
        Some(Severity::Error) => {
            let summary = findings::summary(&found);
            Err(CliError::operation(format!(
                "{summary}; the fix stands below each"
            )))
        }
        _ => Ok(()),
    }
}

/// How many algorithms there is code for.
fn served(registry: &Registry) -> usize {
    let rows = registry.rows();
    rows.filter(|row| !registry.entries_of(&row.id).is_empty())
        .count()
}

fn registrations(registry: &Registry, found: &mut Vec<Finding>) {
    let mut missing = |what: &str, fix: &str| {
        let text = format!("this binary has no {what}");
        found.push(Finding::new(Code::NothingRegistered, what, text, fix));
    };
    let link = "name a crate that brings one where the linker sees it: `use my_plugin as _;`";
    for kind in Kind::ALL {
        if !registry.entries().any(|entry| entry.info().kind() == kind) {
            missing(kind.name(), link);
        }
    }
    if registry.transports().next().is_none() {
        missing("transport", link);
    }
    if registry.systems().next().is_none() {
        missing("system", link);
    }
    for row in registry.rows() {
        let entries = registry.entries_of(&row.id);
        let absent = row
            .provider_order
            .iter()
            .filter(|name| !entries.iter().any(|entry| entry.provider().is_called(name)));
        let absent: Vec<_> = absent.map(String::as_str).collect();
        if entries.is_empty() && !absent.is_empty() {
            let what = format!("this build has no code of {}", absent.join(", "));
            let fix = "build with the cargo feature of that name, if you need it";
            found.push(Finding::new(Code::CompiledOut, row.id.clone(), what, fix));
        }
    }
}

/// What profiles require and this binary does not have: a crate that is listed and never linked.
fn requirements(profiles: &[String], registry: &Registry, found: &mut Vec<Finding>) {
    let mut names = profiles.to_vec();
    if names.is_empty() {
        names.extend(registry.systems().map(|system| system.info().name.into()));
    }
    for name in names {
        let about = format!("profile {name}");
        let missing = compose::missing(&name, registry);
        let missing = missing.and_then(|missing| match missing.is_empty() {
            true => compose::resolve(&name, &[], registry).map(|_| missing),
            false => Ok(missing),
        });
        match missing {
            Ok(missing) => found.extend(missing.iter().map(|one| not_linked(&about, one))),
            Err(error) => {
                let fix = "correct what the message names; `pqfw profile show NAME` prints a \
                           whole one";
                found.push(Finding::new(Code::Profile, about, error.message, fix));
            }
        }
    }
}

fn not_linked(about: &str, plugin: &str) -> Finding {
    let what = format!("it requires {plugin:?}, which is not linked into this binary");
    let fix = format!(
        "list its crate in Cargo.toml and name it in main.rs, `use {} as _;`, or give its plugin \
         to `pqfw::main_with`",
        plugin.replace('-', "_")
    );
    Finding::new(Code::NotLinked, about, what, fix)
}

fn admissions(registry: &Registry, world: &OsWorld, output: &Output, found: &mut Vec<Finding>) {
    let mut rng = world.rng();
    let bar = output.progress(registry.entries().count());
    for entry in registry.entries() {
        bar.set_message(entry.full_name());
        if let Err(error) = registry.admit(entry, &mut *rng) {
            let fix = "it is never used as long as this lasts; report it to its authors";
            let finding =
                Finding::new(Code::NotAdmitted, entry.full_name(), error.to_string(), fix);
            found.push(finding);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
}

/// Looks at every key file of every profile of this home, and at those of `more`.
fn key_files(
    more: &[PathBuf],
    registry: &Registry,
    output: &Output,
    found: &mut Vec<Finding>,
) -> Result<usize, CliError> {
    let mut directories = more.to_vec();
    match compose::state_home() {
        Ok(home) => directories.extend(key_directories(&home)),
        Err(error) => {
            let fix = "set STATE_DIRECTORY, XDG_STATE_HOME or HOME";
            found.push(Finding::new(Code::StatePlace, "state", error.message, fix));
        }
    }
    let mut examined = 0;
    for directory in directories {
        let listed = match list(&directory) {
            Ok(listed) => listed,
            Err(error) => {
                let about = directory.display().to_string();
                let fix = "make it readable to the user that runs pqfw, or name another";
                found.push(Finding::new(
                    Code::StatePlace,
                    about,
                    error.to_string(),
                    fix,
                ));
                continue;
            }
        };
        for path in listed {
            examined += 1;
            let about = path.display().to_string();
            let faults = inspect::faults(&path, registry, output)?;
            if let Some(open) = faults.open {
                let fix = "replace the key: whoever could read it may have";
                found.push(Finding::new(Code::KeyOpen, about.clone(), open, fix));
            }
            if let Some(bad) = faults.bad {
                let fix = "restore it from a backup: `pqfw keys restore`";
                found.push(Finding::new(Code::KeyBad, about, bad, fix));
            }
        }
    }
    Ok(examined)
}

/// The key directories below the home of state: one in each profile's.
fn key_directories(home: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(home).into_iter().flatten().flatten();
    let mut keys: Vec<_> = entries
        .map(|entry| entry.path().join("keys"))
        .filter(|path| path.is_dir())
        .collect();
    keys.sort();
    keys
}

fn list(directory: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(directory)?.take(MOST_KEY_FILES) {
        let entry = entry?;
        if entry.file_type()?.is_file() {
            paths.push(entry.path());
        }
    }
    paths.sort();
    Ok(paths)
}

fn clock(today: &str, found: &mut Vec<Finding>) {
    if !(EARLIEST_DAY..LATEST_DAY).contains(&today) {
        let what = format!("it says {today}");
        let fix = "set it, and let NTP keep it: policies, tokens and certificates are dated";
        found.push(Finding::new(Code::Clock, "clock", what, fix));
    }
}

/// A broken generator gives the same twice, or nothing but one value.
fn entropy(world: &OsWorld, found: &mut Vec<Finding>) {
    let mut rng = world.rng();
    let mut draw = || {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        bytes
    };
    let (one, other) = (draw(), draw());
    if !looks_random(&one, &other) {
        let what = "it gave the same bytes twice";
        let fix = "do not make keys on this machine";
        found.push(Finding::new(Code::Entropy, "random generator", what, fix));
    }
}

fn looks_random(one: &[u8; 32], other: &[u8; 32]) -> bool {
    one != other && one.iter().any(|byte| *byte != one[0])
}

/// Reads the limit as Linux prints it; elsewhere there is nothing to say.
fn memory_lock(limits: &str, found: &mut Vec<Finding>) {
    let line = limits
        .lines()
        .find(|line| line.starts_with("Max locked memory"));
    let Some(soft) = line.and_then(|line| line.split_whitespace().nth(3)) else {
        return;
    };
    if soft
        .parse()
        .is_ok_and(|bytes: u64| bytes < ENOUGH_LOCKED_BYTES)
    {
        let what = format!("only {soft} bytes can be locked, so secrets may reach the swap");
        let fix = "encrypt the swap, or turn it off";
        found.push(Finding::new(Code::MemoryLock, "memory", what, fix));
    }
}

fn preferences(registry: &Registry, found: &mut Vec<Finding>) -> Result<(), CliError> {
    let Some(path) = prefs::path().ok().filter(|path| path.exists()) else {
        return Ok(());
    };
    let about = path.display().to_string();
    let fix = "measure again: `pqfw bench --pin`";
    let stale = match Preferences::parse(&files::read_text(&path)?) {
        Ok(mut preferences) => preferences.drop_stale(registry, &prefs::cpu()),
        Err(error) => vec![error.to_string()],
    };
    let stale = stale.into_iter();
    found.extend(stale.map(|what| Finding::new(Code::StalePreferences, about.clone(), what, fix)));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(examine: impl FnOnce(&mut Vec<Finding>)) -> Vec<&'static str> {
        let mut found = Vec::new();
        examine(&mut found);
        found.iter().map(|finding| finding.code().id()).collect()
    }

    #[test]
    fn a_clock_that_is_wrong_is_found() {
        for (day, expected) in [
            ("1970-01-01", 1),
            ("2025-12-31", 1),
            ("2026-01-01", 0),
            ("2099-12-31", 0),
            ("2100-01-01", 1),
        ] {
            assert_eq!(
                codes(|found| clock(day, found)),
                vec!["PQ0108"; expected],
                "{day}"
            );
        }
    }

    #[test]
    fn a_generator_that_repeats_itself_is_found() {
        let sequence = std::array::from_fn(|index| u8::try_from(index).unwrap());
        assert!(looks_random(&sequence, &[7; 32]));
        assert!(!looks_random(&sequence, &sequence));
        assert!(!looks_random(&[7; 32], &[8; 32]));
    }

    #[test]
    fn a_low_limit_of_locked_memory_is_noted() {
        let limits = |soft: &str| format!("Max locked memory         {soft}   {soft}   bytes\n");
        assert_eq!(
            codes(|found| memory_lock(&limits("65535"), found)),
            ["PQ0110"]
        );
        assert!(codes(|found| memory_lock(&limits("65536"), found)).is_empty());
        assert!(codes(|found| memory_lock(&limits("unlimited"), found)).is_empty());
        assert!(codes(|found| memory_lock("", found)).is_empty());
    }

    #[test]
    fn a_provider_that_fails_its_admission_is_found() {
        let builder = Registry::builder().with(pqfw_ml_kem::plugin());
        let mut registry = builder.build().unwrap();
        assert!(registry.rehearse_failure("ML-KEM-512@rustcrypto"));
        let (world, output) = (OsWorld::new(), Output::new(true));
        let mut found = Vec::new();
        admissions(&registry, &world, &output, &mut found);
        let text: Vec<_> = found.iter().map(Finding::document).collect();
        assert_eq!(found.len(), 1, "{text:?}");
        assert_eq!(text[0]["code"], "PQ0103");
        assert_eq!(text[0]["about"], "ML-KEM-512@rustcrypto");
    }

    #[test]
    fn a_registry_without_anything_says_so_for_each_kind() {
        let registry = Registry::builder().build().unwrap();
        let found = codes(|found| registrations(&registry, found));
        let missing = found.iter().filter(|code| **code == "PQ0101").count();
        assert_eq!(missing, Kind::ALL.len() + 2);
        assert!(found.contains(&"PQ0104"));
    }
}
