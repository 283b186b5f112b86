//! Before any rule: what every update must keep, and the norm to which it is clipped.

use super::chunk::{Field, Member, Watch};
use super::error::AggregateError;
use super::lanes::Lanes;
use super::{Candidate, Clip, Limits, Rejection, Verdict, Weights};

/// The updates that a rule may see, and the verdicts on the others.
pub(super) struct Screened<'a> {
    pub(super) field: Field<'a>,
    /// One for each candidate; of a member the rule decides.
    pub(super) verdicts: Vec<Verdict>,
}

pub(super) fn screen<'a>(
    base: &'a dyn Weights,
    offered: &[Candidate<'a>],
    clip: Clip,
    limits: &Limits,
    watch: &mut Watch<'_>,
) -> Result<Screened<'a>, AggregateError> {
    let mut verdicts = vec![Verdict::NotSelected; offered.len()];
    let mut members = Vec::new();
    for (place, candidate) in offered.iter().enumerate() {
        match at_first_sight(candidate, base.values(), limits) {
            Some(rejection) => verdicts[place] = Verdict::Rejected(rejection),
            None => members.push(Member::of(candidate, place)),
        }
    }
    let mut field = Field {
        base,
        members,
        memory_bytes: limits.memory_bytes,
    };

    let mut squares = vec![Lanes::default(); field.members.len()];
    field.each_chunk(watch, |chunk| {
        for (square, delta) in squares.iter_mut().zip(&chunk.deltas) {
            square.add_products(delta, delta);
        }
    })?;
    // The base is finite and f32 squares are far from the end of f64: a norm is finite exactly
    // when each value of the update is.
    let norms: Vec<f64> = squares.iter().map(|square| square.total().sqrt()).collect();
    for (member, _) in field
        .members
        .iter()
        .zip(&norms)
        .filter(|(_, norm)| !norm.is_finite())
    {
        verdicts[member.place] = Verdict::Rejected(Rejection::NotFinite);
    }
    let mut norms = norms.into_iter();
    let mut kept = Vec::new();
    field.members.retain(|_| {
        let norm = norms.next().filter(|norm| norm.is_finite());
        kept.extend(norm);
        norm.is_some()
    });
    shorten(&mut field.members, &kept, clip);
    Ok(Screened { field, verdicts })
}

fn at_first_sight(candidate: &Candidate<'_>, values: usize, limits: &Limits) -> Option<Rejection> {
    let found = candidate.weights.values();
    if found != values {
        return Some(Rejection::Length { found });
    }
    let found = candidate.examples;
    if found == 0 || found > limits.examples {
        return Some(Rejection::Examples { found });
    }
    None
}

fn shorten(members: &mut [Member<'_>], norms: &[f64], clip: Clip) {
    let most = match clip {
        Clip::None => return,
        Clip::Norm(most) => most,
        Clip::MedianNorm => median(norms.to_vec()),
    };
    for (member, norm) in members.iter_mut().zip(norms) {
        if *norm > most {
            member.scale = most / norm;
        }
    }
}

/// Of none it is 0, and nobody asks.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        odd if odd % 2 == 1 => values[middle],
        _ => (values[middle - 1] + values[middle]) / 2.0,
    }
}
