//! `pqfw vectors run`.
//!
//! The code is measured as it is, whether or not it has passed its admission.

pub(super) mod load;

use std::collections::BTreeMap;
use std::path::PathBuf;

use pqfw_framework::registry::{Entry, Registry, ResolveError};
use pqfw_framework::vectors::{self, Tally};
use serde_json::{Value, json};

use crate::args::Vectors;
use crate::error::CliError;
use crate::output::{Output, Tone};
use load::NamedFile;

pub(super) fn run(
    Vectors::Run { files, alg }: Vectors,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let entries = chosen(alg.as_deref(), registry)?;
    let runs = measure(load::files(&files)?, &entries, registry, output);
    let outsiders: Vec<_> = runs
        .iter()
        .map(|run| outsiders(&run.file, registry))
        .collect();
    if output.json {
        output.document(&document(&runs, &outsiders));
    } else {
        for (run, outsiders) in runs.iter().zip(&outsiders) {
            print(run, outsiders, output);
        }
    }
    verdict(&runs, &files)
}

/// The providers that `--alg` names, or all.
fn chosen<'a>(alg: Option<&str>, registry: &'a Registry) -> Result<Vec<&'a Entry>, CliError> {
    let Some(alg) = alg else {
        return Ok(registry.entries().collect());
    };
    let (name, provider) = match alg.split_once('@') {
        Some((name, provider)) => (name, Some(provider)),
        None => (alg, None),
    };
    let id = registry.find(name)?.id.clone();
    let all = registry.entries_of(&id);
    if all.is_empty() {
        return Err(ResolveError::NoProvider { id }.into());
    }
    let wanted = |entry: &&Entry| provider.is_none_or(|name| entry.provider().is_called(name));
    let entries: Vec<_> = all.iter().filter(wanted).collect();
    if entries.is_empty() {
        let known: Vec<_> = all.iter().map(|e| e.provider().name.as_str()).collect();
        return Err(ResolveError::UnknownProvider {
            id,
            provider: provider.unwrap_or_default().into(),
            known: known.join(", "),
        }
        .into());
    }
    Ok(entries)
}

/// One file, and what came out for each provider.
struct Run<'a> {
    file: NamedFile,
    tallies: Vec<(&'a Entry, Tally)>,
}

fn measure<'a>(
    files: Vec<NamedFile>,
    entries: &[&'a Entry],
    registry: &Registry,
    output: &Output,
) -> Vec<Run<'a>> {
    let concerned = |file: &NamedFile| -> Vec<&'a Entry> {
        let subjects = file.content.subjects();
        let concerned = |entry: &&&Entry| subjects.keys().any(|s| s.is(entry.info()));
        entries.iter().filter(concerned).copied().collect()
    };
    let work: Vec<_> = files
        .into_iter()
        .map(|file| (concerned(&file), file))
        .collect();
    let bar = output.progress(work.iter().map(|(entries, _)| entries.len()).sum());
    let runs = work.into_iter().map(|(entries, file)| {
        let tallies = entries.into_iter().map(|entry| {
            bar.set_message(format!("{} {}", file.name, entry.full_name()));
            let (info, provider, code) = (entry.info(), entry.provider(), entry.code());
            let expander = vectors::seed_expander(registry, entry);
            let tally = vectors::run_with_expander(&file.content, info, provider, code, expander);
            bar.inc(1);
            (entry, tally)
        });
        let tallies = tallies.collect();
        Run { file, tallies }
    });
    let runs = runs.collect();
    bar.finish_and_clear();
    runs
}

/// What the file has cases for and this build no code, with their number.
fn outsiders(file: &NamedFile, registry: &Registry) -> BTreeMap<String, usize> {
    let subjects = file.content.subjects().into_iter();
    subjects
        .filter(|(subject, _)| !registry.entries().any(|entry| subject.is(entry.info())))
        .map(|(subject, cases)| (subject.to_string(), cases))
        .collect()
}

fn print(run: &Run<'_>, outsiders: &BTreeMap<String, usize>, output: &Output) {
    let NamedFile { name, content } = &run.file;
    let about = format!(
        "{}: {} {}, {} cases",
        name,
        content.format,
        content.title,
        content.cases.len()
    );
    output.line(&output.paint(Tone::Strong, &about));
    if !run.tallies.is_empty() {
        let rows: Vec<_> = run.tallies.iter().map(|(e, tally)| row(e, tally)).collect();
        let headings = [
            "ALGORITHM@PROVIDER",
            "CASES",
            "APPLIED",
            "PASSED",
            "FAILED",
            "ACCEPTABLE",
            "NOT APPLICABLE",
        ];
        output.table(&headings, &rows);
    }
    for (entry, tally) in &run.tallies {
        for failure in &tally.failed {
            let text = format!("{} {}: {}", entry.full_name(), failure.case, failure.why);
            output.line(&format!("  {} {text}", output.paint(Tone::Bad, "failed")));
        }
        for (reason, count) in &tally.not_applicable {
            let text = format!("  {} {count} × {reason}", entry.full_name());
            output.line(&output.paint(Tone::Faint, &text));
        }
    }
    for (subject, cases) in outsiders {
        let text = format!("  {cases} cases for {subject}: this build has no code for it");
        output.line(&output.paint(Tone::Faint, &text));
    }
    output.line("");
}

fn row(entry: &Entry, tally: &Tally) -> Vec<(Tone, String)> {
    let failed = tally.failed.len();
    let acceptable = tally.acceptable.accepted + tally.acceptable.refused;
    let tone = |wrong: bool, tone: Tone| if wrong { tone } else { Tone::Plain };
    vec![
        (Tone::Plain, entry.full_name()),
        (Tone::Plain, tally.cases.to_string()),
        (
            tone(tally.applied == 0, Tone::Warning),
            tally.applied.to_string(),
        ),
        (tone(tally.passed > 0, Tone::Good), tally.passed.to_string()),
        (tone(failed > 0, Tone::Bad), failed.to_string()),
        (Tone::Plain, acceptable.to_string()),
        (
            Tone::Plain,
            tally.not_applicable.values().sum::<usize>().to_string(),
        ),
    ]
}

fn document(runs: &[Run<'_>], outsiders: &[BTreeMap<String, usize>]) -> Value {
    let files = runs.iter().zip(outsiders).map(|(run, outsiders)| {
        let providers = run.tallies.iter().map(|(entry, tally)| {
            let failed = tally.failed.iter();
            let failed = failed.map(|f| json!({ "case": f.case, "why": f.why }));
            json!({
                "algorithm": entry.info().id,
                "provider": entry.provider().name,
                "provider_version": entry.provider().version,
                "cases": tally.cases,
                "applied": tally.applied,
                "passed": tally.passed,
                "failed": failed.collect::<Vec<_>>(),
                "acceptable": {
                    "accepted": tally.acceptable.accepted,
                    "refused": tally.acceptable.refused,
                },
                "not_applicable": tally.not_applicable,
            })
        });
        json!({
            "file": run.file.name,
            "format": run.file.content.format.to_string(),
            "title": run.file.content.title,
            "cases": run.file.content.cases.len(),
            "providers": providers.collect::<Vec<_>>(),
            "without_provider": outsiders,
        })
    });
    let tallies = || runs.iter().flat_map(|run| &run.tallies).map(|(_, t)| t);
    json!({
        "files": files.collect::<Vec<_>>(),
        "applied": tallies().map(|tally| tally.applied).sum::<usize>(),
        "passed": tallies().map(|tally| tally.passed).sum::<usize>(),
        "failed": tallies().map(|tally| tally.failed.len()).sum::<usize>(),
    })
}

/// Vectors that nobody failed because nobody could run them must not look like a success.
fn verdict(runs: &[Run<'_>], files: &[PathBuf]) -> Result<(), CliError> {
    let tallies = || runs.iter().flat_map(|run| &run.tallies);
    let failed: Vec<_> = tallies().filter(|(_, tally)| !tally.is_clean()).collect();
    if !failed.is_empty() {
        let checks: usize = failed.iter().map(|(_, tally)| tally.failed.len()).sum();
        let mut names: Vec<_> = failed.iter().map(|(entry, _)| entry.full_name()).collect();
        names.sort();
        names.dedup();
        let names = names.join(", ");
        return Err(CliError::operation(format!(
            "failed checks: {checks}, of {names}"
        )));
    }
    if tallies().all(|(_, tally)| tally.applied == 0) {
        let count = files.len();
        return Err(CliError::operation(format!(
            "nothing applied: no case of the {count} files could be run on this build's code \
             (see the reasons, or leave --alg out)"
        )));
    }
    Ok(())
}
