//! `pqfw conform`: the conformance kit over the providers of this build.

mod mutants;

use std::io::IsTerminal;
use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::{panic, thread};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use pqfw_framework::catalogue::AlgorithmInfo;
use pqfw_framework::conformance::{Check, Outcome, Report, Tools, check_entry};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::registry::{Code, Entry, Registry, ResolveError};
use pqfw_framework::vectors::run as run_vectors;
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use serde_json::json;

use super::vectors;
use crate::args::Conform;
use crate::error::CliError;
use crate::output::{Output, Tone};

pub(super) fn run(conform: &Conform, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let entries = chosen(conform.plugin.as_deref(), registry)?;
    let mut rng = OsWorld::new().rng();
    let tools = Tools::of(registry, &mut *rng);
    if conform.mutants {
        let files = vectors::load::files(&conform.vectors)?;
        let missed = |info: &AlgorithmInfo, provider: &ProviderInfo, code: &Code| {
            all_pass(&files, info, provider, code)
        };
        return mutants::run(registry, &tools, &mut *rng, Some(&missed), output);
    }
    let reports = check(&entries, registry, &tools);
    if output.json {
        output.document(&reports.iter().map(row).collect());
    } else {
        print(&reports, output);
    }
    verdict(&reports)
}

/// Checks every entry, as many at a time as there are processors; the reports are in their order.
fn check<'a>(
    entries: &[&'a Entry],
    registry: &Registry,
    tools: &Tools,
) -> Vec<(&'a Entry, Report)> {
    let bar = progress(entries.len());
    let quiet = Quiet::begin();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut rng = OsWorld::new().rng();
        let mut done = Vec::new();
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(entry) = entries.get(place) else {
                return done;
            };
            bar.set_message(entry.full_name());
            done.push((
                place,
                *entry,
                check_entry(registry, entry, tools, &mut *rng),
            ));
            bar.inc(1);
        }
    };
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let mut reports = thread::scope(|scope| {
        let workers: Vec<_> = (0..processors).map(|_| scope.spawn(work)).collect();
        let done = workers.into_iter().map(|worker| worker.join());
        done.flat_map(|done| done.unwrap_or_else(|panic| panic::resume_unwind(panic)))
            .collect::<Vec<_>>()
    });
    drop(quiet);
    bar.finish_and_clear();
    reports.sort_by_key(|(place, ..)| *place);
    let reports = reports.into_iter();
    reports.map(|(_, entry, report)| (entry, report)).collect()
}

/// Whether the code passes every case of the files that speaks of its algorithm; `None` when none
/// does.
fn all_pass(
    files: &[vectors::load::NamedFile],
    info: &AlgorithmInfo,
    provider: &ProviderInfo,
    code: &Code,
) -> Option<bool> {
    let tallies = files
        .iter()
        .map(|file| run_vectors(&file.content, info, provider, code));
    let tallies: Vec<_> = tallies
        .filter(|tally| tally.passed > 0 || !tally.failed.is_empty())
        .collect();
    let passed = tallies.iter().all(|tally| tally.failed.is_empty());
    (!tallies.is_empty()).then_some(passed)
}

/// The entries of a plugin or of an algorithm; all without a name.
fn chosen<'a>(name: Option<&str>, registry: &'a Registry) -> Result<Vec<&'a Entry>, CliError> {
    let Some(name) = name else {
        return Ok(registry.entries().collect());
    };
    let brought: Vec<_> = registry.entries().filter(|e| e.plugin() == name).collect();
    if !brought.is_empty() {
        return Ok(brought);
    }
    let (algorithm, provider) = match name.split_once('@') {
        Some((algorithm, provider)) => (algorithm, Some(provider)),
        None => (name, None),
    };
    let id = registry.find(algorithm).map_err(|error| {
        let what = format!("`{name}` is no plugin that brings algorithms, and as an algorithm");
        CliError::from(error).during(what)
    })?;
    let all = registry.entries_of(&id.id);
    let wanted = |entry: &&Entry| provider.is_none_or(|name| entry.provider().is_called(name));
    let entries: Vec<_> = all.iter().filter(wanted).collect();
    let (id, known) = (
        id.id.clone(),
        all.iter().map(|e| e.provider().name.as_str()),
    );
    match provider {
        _ if all.is_empty() => Err(ResolveError::NoProvider { id }.into()),
        Some(provider) if entries.is_empty() => Err(ResolveError::UnknownProvider {
            id,
            provider: provider.into(),
            known: known.collect::<Vec<_>>().join(", "),
        }
        .into()),
        _ => Ok(entries),
    }
}

/// A bar on the terminal, and none elsewhere.
fn progress(length: usize) -> ProgressBar {
    let target = if std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(u64::try_from(length).ok(), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {msg}") {
        bar.set_style(style);
    }
    bar
}

type Hook = Box<dyn Fn(&panic::PanicHookInfo<'_>) + Send + Sync + 'static>;

/// While it lives, panics are not printed: the kit catches them and reports them as failures.
struct Quiet(Option<Hook>);

impl Quiet {
    fn begin() -> Self {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        Self(Some(hook))
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // While this unwinds from a panic of our own the hook cannot be changed.
        if let Some(hook) = self.0.take()
            && !thread::panicking()
        {
            panic::set_hook(hook);
        }
    }
}

fn row((entry, report): &(&Entry, Report)) -> serde_json::Value {
    let checks = report.checks.iter().map(|check| {
        json!({
            "name": check.name,
            "what": check.what,
            "outcome": check.outcome.word(),
            "detail": check.outcome.detail(),
        })
    });
    json!({
        "algorithm": entry.info().id,
        "provider": entry.provider().name,
        "provider_version": entry.provider().version,
        "plugin": entry.plugin(),
        "conforms": report.conforms(),
        "checks": checks.collect::<Vec<_>>(),
    })
}

fn print(reports: &[(&Entry, Report)], output: &Output) {
    let rows: Vec<_> = reports
        .iter()
        .map(|(entry, report)| {
            let failed = report.count("fail");
            let tone = if failed > 0 { Tone::Bad } else { Tone::Good };
            vec![
                (Tone::Strong, entry.info().id.clone()),
                (Tone::Plain, entry.provider().name.clone()),
                (Tone::Plain, entry.plugin().to_owned()),
                (tone, report.count("pass").to_string()),
                (tone, failed.to_string()),
                (Tone::Faint, report.count("n/a").to_string()),
                (Tone::Faint, entry.provider().version.clone()),
            ]
        })
        .collect();
    let headings = [
        "ALGORITHM",
        "PROVIDER",
        "PLUGIN",
        "PASS",
        "FAIL",
        "N/A",
        "CODE",
    ];
    output.table(&headings, &rows);
    // One provider is shown in full, of many what failed.
    let whole = reports.len() == 1;
    for (entry, report) in reports {
        for check in &report.checks {
            if whole || matches!(check.outcome, Outcome::Fail(_)) {
                output.line(&line(&entry.full_name(), check, whole, output));
            }
        }
    }
}

fn line(subject: &str, check: &Check, whole: bool, output: &Output) -> String {
    let tone = match check.outcome {
        Outcome::Pass => Tone::Good,
        Outcome::Fail(_) => Tone::Bad,
        Outcome::NotApplicable(_) => Tone::Faint,
    };
    let word = output.paint(tone, &format!("{:<4}", check.outcome.word()));
    let subject = if whole { "" } else { subject };
    let text = match check.outcome.detail() {
        Some(detail) if whole => format!("{}: {detail}", check.what),
        Some(detail) => format!(" {}: {detail}", check.name),
        None => check.what.to_owned(),
    };
    if whole {
        format!("  {word}  {:<24}  {text}", check.name)
    } else {
        format!("  {word}  {subject}{text}")
    }
}

fn verdict(reports: &[(&Entry, Report)]) -> Result<(), CliError> {
    let bad: Vec<_> = reports
        .iter()
        .filter(|(_, report)| !report.conforms())
        .map(|(entry, _)| entry.full_name())
        .collect();
    if bad.is_empty() {
        return Ok(());
    }
    let names = bad.join(", ");
    Err(CliError::operation(format!("do not conform: {names}")))
}
