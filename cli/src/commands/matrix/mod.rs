//! `pqfw matrix`: whether one line of TOML really is all that it takes. Every algorithm and every
//! transport of this binary, a plugin's like ours, is put into each profile, and the scenario is run.

mod axes;
mod cover;
mod show;
mod trial;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use indicatif::ProgressBar;
use pqfw_framework::registry::Registry;
use pqfw_framework::system::Role;

use crate::args::matrix::Matrix;
use crate::compose;
use crate::error::CliError;
use crate::output::Output;
use axes::{AXES, Axis};
use cover::Row;
use trial::Outcome;

/// What was found of one profile.
struct Found {
    profile: String,
    /// What it says itself, on each axis.
    given: [String; AXES],
    /// What was tried.
    axes: [Axis; AXES],
    /// What became of each value alone.
    alone: [Vec<Outcome>; AXES],
    /// What became of combinations, where one was not what its parts are alone.
    others: Vec<(Row, Outcome)>,
    /// Scenarios that went to their end, combinations that were refused, and those not run.
    worked: usize,
    refused: usize,
    skipped: usize,
}

pub(super) fn run(args: &Matrix, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let mut names = args.profiles.clone();
    if names.is_empty() {
        let systems = registry.systems().map(|system| system.info());
        let shown = systems.filter(|info| info.roles.contains(&Role::Demo));
        names.extend(shown.map(|info| info.name.to_owned()));
    }
    let axes = axes::axes(registry);
    let mut all = Vec::new();
    for name in names {
        all.push(look(name, args, &axes, registry, output)?);
    }
    match (output.json, args.markdown) {
        (true, _) => output.document(&show::document(&all)),
        (false, true) => show::markdown(&all, output),
        (false, false) => show::tables(&all, output),
    }
    let failed = all.iter().map(Found::failed).sum::<usize>();
    match failed {
        0 => Ok(()),
        _ => Err(CliError::operation(format!(
            "{failed} combinations failed, and nothing refused them"
        ))),
    }
}

impl Found {
    fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        let others = self.others.iter().map(|(_, outcome)| outcome);
        self.alone.iter().flatten().chain(others)
    }

    /// What became of a value of that name on that axis.
    fn alone_at(&self, axis: usize, name: &str) -> Option<&Outcome> {
        let place = self
            .axes
            .get(axis)?
            .values
            .iter()
            .position(|value| value.name == name)?;
        self.alone.get(axis)?.get(place)
    }

    fn failed(&self) -> usize {
        let failed = |outcome: &&Outcome| matches!(outcome, Outcome::Failed(_));
        self.outcomes().filter(failed).count()
    }
}

/// A profile, value by value, and then in combinations of those that work.
fn look(
    profile: String,
    args: &Matrix,
    axes: &[Axis; AXES],
    registry: &Registry,
    output: &Output,
) -> Result<Found, CliError> {
    // It works as it is, or nothing can be said of what is changed.
    let (read, _) = compose::resolve(&profile, &args.set, registry)?;
    if let Outcome::Refused(why) | Outcome::Failed(why) = trial::run(&profile, &args.set, registry)
    {
        return Err(CliError::operation(format!("{profile}, as it is: {why}")));
    }
    let first = |names: &[String]| names.first().cloned().unwrap_or_default();
    let suites = &read.common.suite.0;
    let suite = suites
        .first()
        .ok_or_else(|| CliError::usage("`suite` names nothing"))?;
    let given = [
        first(&suite.kem.0),
        first(&suite.signature.0),
        first(&suite.aead.0),
        read.common.transport.kind.clone(),
    ];
    let mut lines = given.iter();
    let axes = axes.each_ref().map(|axis| {
        let given = lines.next().map_or("", String::as_str);
        let varies = args.only.is_empty() || args.only.contains(&axis.line);
        axis.clone().of_profile(given, varies)
    });
    let trials = Trials {
        profile: &profile,
        set: &args.set,
        slow: args.slow,
        axes: &axes,
        registry,
    };
    let single: Vec<_> = axes
        .iter()
        .enumerate()
        .flat_map(|(axis, of)| (0..of.values.len()).map(move |value| vec![(axis, value)]))
        .collect();
    let mut outcomes = trials.run(&single, output).into_iter();
    let alone = axes.each_ref().map(|axis| {
        let number = axis.values.len();
        outcomes.by_ref().take(number).collect::<Vec<_>>()
    });
    let mut found = Found {
        profile: profile.clone(),
        given,
        axes: axes.clone(),
        alone,
        others: Vec::new(),
        worked: 0,
        refused: 0,
        skipped: 0,
    };
    let mut values = [const { Vec::new() }; AXES];
    for ((to, axis), outcomes) in values.iter_mut().zip(&axes).zip(&found.alone) {
        let works = axis.values.iter().zip(outcomes).enumerate();
        let works =
            works.filter(|(_, (value, outcome))| **outcome == Outcome::Works && !value.alone);
        *to = works.map(|(number, _)| number).collect();
    }
    let rows = match (args.pairs, args.all) {
        (true, _) => cover::cover(&values, &[]),
        (_, true) => cover::product(&values),
        _ => Vec::new(),
    };
    let whole: Vec<Vec<_>> = rows
        .iter()
        .map(|row| row.iter().copied().enumerate().collect())
        .collect();
    let outcomes = trials.run(&whole, output);
    let number = |is: fn(&Outcome) -> bool| {
        let single = found.alone.iter().flatten();
        single
            .chain(&outcomes)
            .filter(|outcome| is(outcome))
            .count()
    };
    found.worked = number(|outcome| *outcome == Outcome::Works);
    found.refused = number(|outcome| matches!(outcome, Outcome::Refused(_)));
    found.skipped = number(|outcome| *outcome == Outcome::Skipped);
    let rows = rows.into_iter().zip(outcomes);
    found.others = rows
        .filter(|(_, outcome)| *outcome != Outcome::Works)
        .collect();
    Ok(found)
}

/// What is run, and of what.
struct Trials<'a> {
    profile: &'a str,
    set: &'a [(String, String)],
    slow: bool,
    axes: &'a [Axis; AXES],
    registry: &'a Registry,
}

impl Trials<'_> {
    /// Runs combinations of values, each by its axis, on as many threads as there are processors.
    fn run(&self, rows: &[Vec<(usize, usize)>], output: &Output) -> Vec<Outcome> {
        let bar = output.progress(rows.len());
        let next = AtomicUsize::new(0);
        let outcomes = Mutex::new(vec![None; rows.len()]);
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        let Some(row) = rows.get(number) else { return };
                        let outcome = self.one(row, &bar);
                        let mut outcomes = outcomes.lock().unwrap_or_else(|all| all.into_inner());
                        if let Some(place) = outcomes.get_mut(number) {
                            *place = Some(outcome);
                        }
                    }
                });
            }
        });
        bar.finish_and_clear();
        let outcomes = outcomes.into_inner().unwrap_or_else(|all| all.into_inner());
        let unrun = || Outcome::Failed("it was not run".into());
        outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(unrun))
            .collect()
    }

    fn one(&self, row: &[(usize, usize)], bar: &ProgressBar) -> Outcome {
        let values = row.iter().filter_map(|(axis, value)| {
            let axis = self.axes.get(*axis)?;
            Some((axis.key, axis.values.get(*value)?))
        });
        bar.set_message(self.profile.to_owned());
        bar.inc(1);
        if !self.slow && values.clone().any(|(_, value)| value.slow) {
            return Outcome::Skipped;
        }
        let lines = values.map(|(key, value)| (key.to_owned(), value.name.clone()));
        let set: Vec<_> = self.set.iter().cloned().chain(lines).collect();
        trial::run(self.profile, &set, self.registry)
    }
}
