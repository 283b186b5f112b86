//! Rules that look at each coordinate by itself.

use super::chunk::{Chunk, Field, Watch};
use super::error::AggregateError;

/// w + the mean of each coordinate without its `drop` least and `drop` greatest values. With
/// ⌊(n − 1)/2⌋ dropped it is the median.
pub(super) fn trimmed_mean(
    field: &Field<'_>,
    drop: usize,
    watch: &mut Watch<'_>,
) -> Result<Vec<f32>, AggregateError> {
    let mut result = Vec::with_capacity(field.base.values());
    let mut middle = Vec::new();
    field.each_chunk(watch, |chunk| {
        middle_of(chunk, drop, &mut middle);
        let moved = chunk.base.iter().zip(&middle);
        result.extend(moved.map(|(base, middle)| (base + middle) as f32));
    })?;
    Ok(result)
}

/// The trimmed mean of each coordinate of δ. What is left is added from the least to the greatest.
pub(super) fn middle_of(chunk: &Chunk, drop: usize, into: &mut Vec<f64>) {
    let mut column = Vec::with_capacity(chunk.deltas.len());
    into.clear();
    for coordinate in 0..chunk.base.len() {
        column.clear();
        column.extend(chunk.deltas.iter().map(|delta| delta[coordinate]));
        column.sort_unstable_by(f64::total_cmp);
        let kept = &column[drop..column.len() - drop];
        into.push(kept.iter().fold(0.0, |sum, value| sum + value) / kept.len() as f64);
    }
}
