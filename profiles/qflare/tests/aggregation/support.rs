//! Rounds for tests.

use pqfw_qflare::aggregate::{
    AggregateError, Candidate, Limits, Outcome, Recipe, Verdict, aggregate,
};

/// An update that owns its weights.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) device: String,
    pub(crate) examples: u64,
    pub(crate) weights: Vec<f32>,
}

impl Update {
    pub(crate) fn of(number: usize, weights: Vec<f32>) -> Self {
        Self {
            device: format!("device-{number:02}"),
            examples: 100,
            weights,
        }
    }
}

pub(crate) fn run(
    base: &Vec<f32>,
    updates: &[Update],
    recipe: Recipe,
) -> Result<Outcome, AggregateError> {
    run_within(base, updates, recipe, &Limits::default())
}

pub(crate) fn run_within(
    base: &Vec<f32>,
    updates: &[Update],
    recipe: Recipe,
    limits: &Limits,
) -> Result<Outcome, AggregateError> {
    let candidates: Vec<_> = updates
        .iter()
        .map(|update| Candidate {
            device: &update.device,
            examples: update.examples,
            weights: &update.weights,
        })
        .collect();
    aggregate(base, &candidates, &recipe, limits, &mut |_| {})
}

/// The devices in the new model, by their place in the order of devices.
pub(crate) fn used(outcome: &Outcome) -> Vec<bool> {
    let verdicts = outcome.judged.iter();
    verdicts
        .map(|judged| matches!(judged.verdict, Verdict::Used { .. }))
        .collect()
}

pub(crate) fn bits(weights: &[f32]) -> Vec<u32> {
    weights.iter().map(|value| value.to_bits()).collect()
}
