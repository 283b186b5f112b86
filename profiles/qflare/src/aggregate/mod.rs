//! Aggregation: the weights of many devices into one model, the same bits on every machine.
//!
//! With δᵢ = wᵢ − w of the base, nᵢ examples and N their sum, over the n updates that are accepted:
//!
//! | rule | the new model | from |
//! | --- | --- | --- |
//! | [`Rule::FedAvg`] | w + Σ (nᵢ/N) δᵢ | McMahan et al. 2017, arXiv 1602.05629 |
//! | [`Rule::Median`] | w + the median of each coordinate | Yin et al. 2018, arXiv 1803.01498 |
//! | [`Rule::TrimmedMean`] | w + the mean of each coordinate without its extremes | the same |
//! | [`Rule::Krum`], [`Rule::MultiKrum`] | w + the mean of those with the nearest neighbours | Blanchard et al. 2017, arXiv 1703.02757 |
//! | [`Rule::Cosine`] | `FedAvg` of those that point where the median points | |
//!
//! Every sum is in f64 and in one order: by device id over devices, by coordinate in [`LANES`]
//! lanes over coordinates. So the order of arrival, the memory allowed and the machine change no
//! bit. No rule holds all updates at once: weights are read in chunks of coordinates, twice or
//! three times.

mod chunk;
mod coordinate;
mod cosine;
mod error;
mod krum;
mod lanes;
mod mean;
mod recipe;
mod screen;
mod spelling;

pub use error::{AggregateError, ReadError};
pub use lanes::LANES;
pub use recipe::{Clip, Limits, Recipe, Rule, Trim};

use chunk::{Field, Member, Watch};

/// The weights of one model, read in pieces: from memory, or from a file that is not.
pub trait Weights {
    /// How many values there are.
    fn values(&self) -> usize;

    /// Reads the values from `at` on and fills `into`, which ends no later than they do.
    ///
    /// # Errors
    /// [`ReadError`] when what lies under the weights fails.
    fn read(&self, at: usize, into: &mut [f32]) -> Result<(), ReadError>;
}

impl Weights for Vec<f32> {
    fn values(&self) -> usize {
        self.len()
    }

    fn read(&self, at: usize, into: &mut [f32]) -> Result<(), ReadError> {
        let found = at
            .checked_add(into.len())
            .and_then(|end| self.get(at..end))
            .ok_or_else(|| ReadError(format!("no {} values at {at}", into.len())))?;
        into.copy_from_slice(found);
        Ok(())
    }
}

/// One device's update, as it is offered to a round.
#[derive(Clone, Copy)]
pub struct Candidate<'a> {
    /// Whose it is.
    pub device: &'a str,
    /// On how many examples it was trained, as the device says.
    pub examples: u64,
    /// The whole weights after training, not the difference.
    pub weights: &'a dyn Weights,
}

/// A round's end: the next model, and what became of each update.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The weights of the next model.
    pub weights: Vec<f32>,
    /// One for each candidate, ordered by device.
    pub judged: Vec<Judged>,
}

/// What became of one device's update.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// The device.
    pub device: String,
    /// What became of its update.
    pub verdict: Verdict,
}

/// What a round does with an update.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Verdict {
    /// It is in the new model.
    Used {
        /// Its δ was shortened to the norm allowed.
        clipped: bool,
    },
    /// The rule took others. That is no accusation: rules drop honest devices too.
    NotSelected,
    /// It breaks what every update must keep, and no rule saw it.
    Rejected(Rejection),
}

/// Why no rule sees an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It has another number of values than the base.
    Length {
        /// Its number of values.
        found: usize,
    },
    /// One of its values is infinite or no number.
    NotFinite,
    /// It says that it saw no example, or more than [`Limits::examples`].
    Examples {
        /// What it says.
        found: u64,
    },
}

/// How far an aggregation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// The coordinates done, over all passes.
    pub done: u64,
    /// The coordinates to do.
    pub total: u64,
}

/// Makes the next model of `base` and the updates offered.
///
/// `watch` is told how far it is after each chunk.
///
/// # Errors
/// [`AggregateError`]; then there is no next model and the base stays.
pub fn aggregate(
    base: &dyn Weights,
    candidates: &[Candidate<'_>],
    recipe: &Recipe,
    limits: &Limits,
    watch: &mut dyn FnMut(Progress),
) -> Result<Outcome, AggregateError> {
    recipe.check()?;
    let offered = in_order(candidates)?;
    limits.check(base.values(), offered.len())?;
    let passes = recipe.rule.passes() + 1;
    let mut watch = Watch::new(watch, base.values(), passes);

    let mut screened = screen::screen(base, &offered, recipe.clip, limits, &mut watch)?;
    let field = screened.field;
    recipe.check_number(field.members.len())?;
    let (weights, used) = apply(&field, &recipe.rule, &mut watch)?;

    for (member, used) in field.members.iter().zip(used) {
        screened.verdicts[member.place] = if used {
            let clipped = member.scale < 1.0;
            Verdict::Used { clipped }
        } else {
            Verdict::NotSelected
        };
    }
    let judged = offered.iter().zip(screened.verdicts);
    let judged = judged.map(|(candidate, verdict)| Judged {
        device: candidate.device.to_owned(),
        verdict,
    });
    Ok(Outcome {
        weights,
        judged: judged.collect(),
    })
}

/// The candidates by device id; none may stand there twice.
fn in_order<'a>(candidates: &[Candidate<'a>]) -> Result<Vec<Candidate<'a>>, AggregateError> {
    let mut offered = candidates.to_vec();
    offered.sort_by(|a, b| a.device.cmp(b.device));
    let twice = offered
        .windows(2)
        .find(|pair| pair[0].device == pair[1].device);
    match twice {
        Some(pair) => Err(AggregateError::SameDeviceTwice(pair[0].device.to_owned())),
        None => Ok(offered),
    }
}

/// The new weights, and for each member whether it is in them.
fn apply(
    field: &Field<'_>,
    rule: &Rule,
    watch: &mut Watch<'_>,
) -> Result<(Vec<f32>, Vec<bool>), AggregateError> {
    let n = field.members.len();
    let all = vec![true; n];
    match *rule {
        Rule::FedAvg => Ok((mean::by_examples(field, &all, watch)?, all)),
        Rule::Median => Ok((coordinate::trimmed_mean(field, (n - 1) / 2, watch)?, all)),
        Rule::TrimmedMean(trim) => {
            let weights = coordinate::trimmed_mean(field, trim.of(n), watch)?;
            Ok((weights, all))
        }
        Rule::Krum { byzantine } => {
            let chosen = krum::select(field, byzantine, 1, watch)?;
            Ok((mean::plain(field, &chosen, watch)?, chosen))
        }
        Rule::MultiKrum {
            byzantine,
            selected,
        } => {
            let selected = selected.unwrap_or(n - byzantine);
            let chosen = krum::select(field, byzantine, selected, watch)?;
            Ok((mean::plain(field, &chosen, watch)?, chosen))
        }
        Rule::Cosine { at_least } => {
            let chosen = cosine::near_the_median(field, at_least, watch)?;
            Ok((mean::by_examples(field, &chosen, watch)?, chosen))
        }
        Rule::InsecureQflareCosine { at_least } => {
            let chosen = cosine::near_the_base(field, at_least, watch)?;
            Ok((mean::by_examples(field, &chosen, watch)?, chosen))
        }
    }
}

impl<'a> Member<'a> {
    fn of(candidate: &Candidate<'a>, place: usize) -> Self {
        Self {
            place,
            examples: candidate.examples,
            weights: candidate.weights,
            scale: 1.0,
        }
    }
}
