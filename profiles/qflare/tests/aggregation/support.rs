//! Rounds for tests, and a generator whose seed is a whole story.

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

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// About normal, of mean 0 and variance 1: twelve uniform numbers less six.
    pub(crate) fn normal(&mut self) -> f64 {
        let uniform = |_| (self.next() >> 11) as f64 / (1u64 << 53) as f64;
        (0..12).map(uniform).sum::<f64>() - 6.0
    }

    /// Fisher and Yates.
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, (self.next() % (last as u64 + 1)) as usize);
        }
    }
}
