//! Rules that look at directions. A direction of nothing, a vector of zeros, is near to none.

use super::chunk::{Field, Watch};
use super::coordinate::middle_of;
use super::error::AggregateError;
use super::lanes::Lanes;

/// Chooses the updates whose δ points where the coordinate-wise median of all points.
pub(super) fn near_the_median(
    field: &Field<'_>,
    at_least: f64,
    watch: &mut Watch<'_>,
) -> Result<Vec<bool>, AggregateError> {
    let n = field.members.len();
    let mut angles = vec![Angle::default(); n];
    let mut median = Vec::new();
    field.each_chunk(watch, |chunk| {
        middle_of(chunk, (n - 1) / 2, &mut median);
        for (angle, delta) in angles.iter_mut().zip(&chunk.deltas) {
            angle.add(delta, &median);
        }
    })?;
    choose(&angles, at_least)
}

/// Chooses the updates whose weights point where those of the base point.
pub(super) fn near_the_base(
    field: &Field<'_>,
    at_least: f64,
    watch: &mut Watch<'_>,
) -> Result<Vec<bool>, AggregateError> {
    let mut angles = vec![Angle::default(); field.members.len()];
    let mut weights = Vec::new();
    field.each_chunk(watch, |chunk| {
        for (angle, delta) in angles.iter_mut().zip(&chunk.deltas) {
            weights.clear();
            weights.extend(
                delta
                    .iter()
                    .zip(&chunk.base)
                    .map(|(delta, base)| base + delta),
            );
            angle.add(&weights, &chunk.base);
        }
    })?;
    choose(&angles, at_least)
}

fn choose(angles: &[Angle], at_least: f64) -> Result<Vec<bool>, AggregateError> {
    // Without a direction the cosine is no number, and no number is at least anything.
    let chosen: Vec<bool> = angles
        .iter()
        .map(|angle| angle.cosine() >= at_least)
        .collect();
    if chosen.contains(&true) {
        Ok(chosen)
    } else {
        let accepted = angles.len();
        Err(AggregateError::NobodySelected { accepted })
    }
}

/// The angle between two vectors, from sums.
#[derive(Clone, Copy, Default)]
struct Angle {
    product: Lanes,
    a: Lanes,
    b: Lanes,
}

impl Angle {
    fn add(&mut self, a: &[f64], b: &[f64]) {
        self.product.add_products(a, b);
        self.a.add_products(a, a);
        self.b.add_products(b, b);
    }

    fn cosine(&self) -> f64 {
        self.product.total() / (self.a.total().sqrt() * self.b.total().sqrt())
    }
}
