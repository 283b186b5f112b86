//! `pqfw bench`: what each provider takes on this machine, through the traits.

mod measure;
mod show;

use pqfw_framework::registry::{Entry, Measured, Preferences, Registry};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;

use crate::args::Bench;
use crate::error::CliError;
use crate::output::Output;
use crate::prefs;

/// The figures of one provider.
struct Figures<'a> {
    entry: &'a Entry,
    /// Operation and median, in nanoseconds.
    operations: Vec<(&'static str, u64)>,
}

impl Figures<'_> {
    fn total(&self) -> u64 {
        self.operations.iter().map(|(_, nanos)| nanos).sum()
    }
}

/// The providers of one algorithm in the order in which they would be chosen.
struct Comparison<'a> {
    id: &'a str,
    providers: Vec<Figures<'a>>,
}

impl<'a> Comparison<'a> {
    /// The fastest provider whose constant-time claim is no weaker than the default's.
    fn fastest(&self) -> Option<&Figures<'a>> {
        let claim = self.providers.first()?.entry.provider().constant_time;
        let mut candidates: Vec<_> = self.providers.iter().collect();
        candidates.retain(|one| one.entry.provider().constant_time >= claim);
        candidates.into_iter().min_by_key(|one| one.total())
    }
}

pub(super) fn run(args: &Bench, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let ids: Vec<_> = match &args.algorithm {
        Some(name) => registry.parts(name)?,
        None => registry.rows().cloned().collect(),
    };
    let world = OsWorld::new();
    let mut rng = world.rng();
    let entries: Vec<_> = ids
        .iter()
        .flat_map(|row| registry.entries_of(&row.id))
        .collect();
    if entries.is_empty() {
        let what = "this build has no code for it; add a plugin that offers it";
        return Err(CliError::usage(what));
    }
    let bar = output.progress(entries.len());
    let mut comparisons: Vec<Comparison<'_>> = Vec::new();
    for entry in entries {
        bar.set_message(entry.full_name());
        let id = entry.info().id.as_str();
        if comparisons.last().is_none_or(|last| last.id != id) {
            comparisons.push(Comparison {
                id,
                providers: Vec::new(),
            });
        }
        // Who is not admitted does no work, so there is nothing to measure.
        registry.admit(entry, &mut *rng).map_err(|error| {
            let name = entry.full_name();
            CliError::operation(format!("{name} failed its admission: {error}"))
        })?;
        let operations = measure::all(entry, &world, args.millis, &mut *rng)?;
        if let Some(comparison) = comparisons.last_mut() {
            comparison.providers.push(Figures { entry, operations });
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    show::show(&comparisons, output);
    if args.pin {
        pin(&comparisons, &world.now().day(), registry, output)?;
    }
    Ok(())
}

/// Writes `prefs.lock`, and keeps in it what was measured before and still holds.
fn pin(
    comparisons: &[Comparison<'_>],
    day: &str,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let path = prefs::path()?;
    let mut preferences =
        prefs::load(registry, output)?.unwrap_or_else(|| Preferences::new(&prefs::cpu(), day));
    preferences.cpu = prefs::cpu();
    preferences.day = day.into();
    for comparison in comparisons {
        let figures = comparison.providers.iter().map(|one| Measured {
            name: one.entry.provider().name.clone(),
            version: one.entry.provider().version.clone(),
            nanos: one.total(),
        });
        preferences.record(comparison.id, figures.collect());
    }
    if let Some(directory) = path.parent() {
        std::fs::create_dir_all(directory)
            .map_err(|error| CliError::operation(format!("{}: {error}", directory.display())))?;
    }
    crate::files::write_whole(&path, preferences.to_toml().as_bytes())?;
    let count = comparisons.len();
    output.line_err(&format!("pinned {count} algorithms in {}", path.display()));
    Ok(())
}
