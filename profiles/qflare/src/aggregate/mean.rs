//! Means of whole updates. They stream: a chunk of each update is in memory, and the result.

use super::chunk::{Field, Watch};
use super::error::AggregateError;

/// w + Σ (nᵢ/N) δᵢ over the chosen.
pub(super) fn by_examples(
    field: &Field<'_>,
    chosen: &[bool],
    watch: &mut Watch<'_>,
) -> Result<Vec<f32>, AggregateError> {
    let counted = |(member, chosen): (&super::Member<'_>, &bool)| match chosen {
        true => member.examples,
        false => 0,
    };
    let counts: Vec<u64> = field.members.iter().zip(chosen).map(counted).collect();
    let all: u128 = counts.iter().map(|count| u128::from(*count)).sum();
    let shares = counts.iter().map(|count| *count as f64 / all as f64);
    weighted(field, &shares.collect::<Vec<_>>(), watch)
}

/// w + the mean of the chosen δᵢ.
pub(super) fn plain(
    field: &Field<'_>,
    chosen: &[bool],
    watch: &mut Watch<'_>,
) -> Result<Vec<f32>, AggregateError> {
    let share = 1.0 / chosen.iter().filter(|chosen| **chosen).count() as f64;
    let shares = chosen
        .iter()
        .map(|chosen| if *chosen { share } else { 0.0 });
    weighted(field, &shares.collect::<Vec<_>>(), watch)
}

fn weighted(
    field: &Field<'_>,
    shares: &[f64],
    watch: &mut Watch<'_>,
) -> Result<Vec<f32>, AggregateError> {
    let mut result = Vec::with_capacity(field.base.values());
    let mut sums = Vec::new();
    field.each_chunk(watch, |chunk| {
        sums.clear();
        sums.resize(chunk.base.len(), 0.0);
        for (share, delta) in shares
            .iter()
            .zip(&chunk.deltas)
            .filter(|(share, _)| **share > 0.0)
        {
            for (sum, delta) in sums.iter_mut().zip(delta) {
                *sum += share * delta;
            }
        }
        // Between the least and the greatest of the updates, so rounding stays finite.
        result.extend(
            chunk
                .base
                .iter()
                .zip(&sums)
                .map(|(base, sum)| (base + sum) as f32),
        );
    })?;
    Ok(result)
}
