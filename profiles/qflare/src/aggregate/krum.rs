//! Krum: the updates that have the nearest neighbours (Blanchard et al. 2017, arXiv 1703.02757).

use super::chunk::{Field, Watch};
use super::error::AggregateError;
use super::lanes::{LANES, Lanes};

/// Chooses the `selected` updates of the lowest score; of equal scores, the lower device id.
/// There are at least 2f + 3.
pub(super) fn select(
    field: &Field<'_>,
    byzantine: usize,
    selected: usize,
    watch: &mut Watch<'_>,
) -> Result<Vec<bool>, AggregateError> {
    let n = field.members.len();
    let mut pairs = vec![Lanes::default(); n * (n - 1) / 2];
    field.each_chunk(watch, |chunk| {
        // Every pair of a block before the next: the cache keeps a block of a hundred updates.
        for at in (0..chunk.base.len()).step_by(BLOCK) {
            let block = at..(at + BLOCK).min(chunk.base.len());
            let mut sums = pairs.iter_mut();
            for (i, a) in chunk.deltas.iter().enumerate() {
                let a = &a[block.clone()];
                for (b, sum) in chunk.deltas[i + 1..].iter().zip(&mut sums) {
                    sum.add_squared_distances(a, &b[block.clone()]);
                }
            }
        }
    })?;
    let scores = scores(&pairs, n, n - byzantine - 2);
    let mut order: Vec<usize> = (0..n).collect();
    // Stable, and members are ordered by device.
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let mut chosen = vec![false; n];
    for place in &order[..selected] {
        chosen[*place] = true;
    }
    Ok(chosen)
}

/// A multiple of the lanes, as every piece but the last must be.
const BLOCK: usize = 128 * LANES;

/// For each update the sum of its squared distances to the `nearest`, from the least on.
fn scores(pairs: &[Lanes], n: usize, nearest: usize) -> Vec<f64> {
    let mut distances = vec![Vec::with_capacity(n - 1); n];
    let mut pairs = pairs.iter();
    for i in 0..n {
        for (j, pair) in (i + 1..n).zip(&mut pairs) {
            let distance = pair.total();
            distances[i].push(distance);
            distances[j].push(distance);
        }
    }
    let score = |mut row: Vec<f64>| {
        row.sort_unstable_by(f64::total_cmp);
        row[..nearest]
            .iter()
            .fold(0.0, |sum, distance| sum + distance)
    };
    distances.into_iter().map(score).collect()
}
