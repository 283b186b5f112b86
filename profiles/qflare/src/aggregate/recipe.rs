//! What is done in a round, and its bounds.

use super::error::AggregateError;

/// How a round's updates become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// The rule.
    pub rule: Rule,
    /// What is done to long updates before the rule sees them.
    pub clip: Clip,
}

/// How accepted updates become one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// The mean, weighted by examples. One liar is enough to move it anywhere.
    FedAvg,
    /// The median of each coordinate.
    Median,
    /// The mean of each coordinate without its extremes.
    TrimmedMean(Trim),
    /// The update nearest to its n − f − 2 nearest neighbours. Needs n ≥ 2f + 3.
    Krum {
        /// f: how many updates are assumed bad.
        byzantine: usize,
    },
    /// The mean of the m best by Krum's score. Needs n ≥ 2f + 3.
    MultiKrum {
        /// f: how many updates are assumed bad.
        byzantine: usize,
        /// m, from 1 to n − f; without it, n − f.
        selected: Option<usize>,
    },
    /// The mean, weighted by examples, of the updates whose δ has at least this cosine with the
    /// coordinate-wise median of all. Always with a clip: a direction says nothing of a length.
    Cosine {
        /// τ, from −1 to 1.
        at_least: f64,
    },
    /// The rule of the original system: the cosine of the *weights* with those of the base. For
    /// parity alone, and never with a clip: it lets through an update of 10⁶ times the length, and
    /// drops honest ones while the model is young.
    InsecureQflareCosine {
        /// The original's threshold is 0.8.
        at_least: f64,
    },
}

/// What is done to long updates: δ is shortened to a norm and keeps its direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Clip {
    /// Nothing.
    None,
    /// To this Euclidean norm.
    Norm(f64),
    /// To the median of the accepted updates' norms.
    MedianNorm,
}

/// β of a trimmed mean, in millionths, so that ⌊βn⌋ is exact: 0.29 of 100 is 29, which binary
/// fractions make 28.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim(u32);

impl Trim {
    /// β, rounded to a millionth.
    ///
    /// # Errors
    /// [`AggregateError::Setting`] unless 0 ≤ β < 1/2.
    pub fn new(beta: f64) -> Result<Self, AggregateError> {
        let millionths = (beta * MILLION).round();
        if (0.0..MILLION / 2.0).contains(&millionths) {
            // In range, so nothing is cut off.
            Ok(Self(millionths as u32))
        } else {
            let fault =
                format!("a trimmed mean drops from 0 to less than 0.5 at each end, not {beta}");
            Err(AggregateError::Setting(fault))
        }
    }

    /// β.
    pub(super) fn beta(self) -> f64 {
        f64::from(self.0) / MILLION
    }

    /// ⌊βn⌋: how many are dropped at each end.
    pub(super) fn of(self, n: usize) -> usize {
        (n as u128 * u128::from(self.0) / MILLION as u128) as usize
    }
}

const MILLION: f64 = 1_000_000.0;

/// The bounds of an aggregation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most updates of a round. Krum needs 32 n² bytes beside the chunks.
    pub updates: usize,
    /// The most values of a round: updates × values of the base.
    pub values: u64,
    /// The most examples that a device may claim.
    pub examples: u64,
    /// What the chunks may hold at once, in bytes. The result, 4 bytes a value, is beside it.
    pub memory_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            updates: 1024,
            values: 4_000_000_000,
            examples: 1_000_000,
            memory_bytes: 64 << 20,
        }
    }
}

impl Limits {
    pub(super) fn check(&self, values: usize, updates: usize) -> Result<(), AggregateError> {
        let most = self.updates;
        if updates > most {
            let found = updates;
            return Err(AggregateError::TooManyUpdates { found, most });
        }
        if updates as u128 * values as u128 > u128::from(self.values) {
            let most = self.values;
            return Err(AggregateError::OverBudget {
                updates,
                values,
                most,
            });
        }
        Ok(())
    }
}

impl Rule {
    /// How often the rule reads every update.
    pub(super) fn passes(&self) -> u64 {
        match self {
            Self::FedAvg | Self::Median | Self::TrimmedMean(_) => 1,
            Self::Krum { .. }
            | Self::MultiKrum { .. }
            | Self::Cosine { .. }
            | Self::InsecureQflareCosine { .. } => 2,
        }
    }
}

impl Recipe {
    /// The default: multi-Krum, which selects all but the f assumed bad, of updates clipped to
    /// their median norm.
    #[must_use]
    pub fn robust(byzantine: usize) -> Self {
        let selected = None;
        Self {
            rule: Rule::MultiKrum {
                byzantine,
                selected,
            },
            clip: Clip::MedianNorm,
        }
    }

    /// Checks the settings that need no update to be wrong.
    ///
    /// # Errors
    /// [`AggregateError::Setting`].
    pub fn check(&self) -> Result<(), AggregateError> {
        let refuse = |fault: &str| Err(AggregateError::Setting(fault.to_owned()));
        if let Clip::Norm(most) = self.clip
            && !(most.is_finite() && most > 0.0)
        {
            return refuse("a norm to clip to is finite and greater than 0");
        }
        match self.rule {
            Rule::MultiKrum {
                selected: Some(0), ..
            } => refuse("multi-krum selects at least 1 update"),
            Rule::Cosine { at_least } | Rule::InsecureQflareCosine { at_least }
                if !(-1.0..=1.0).contains(&at_least) =>
            {
                refuse("a cosine lies between -1 and 1")
            }
            Rule::Cosine { .. } if self.clip == Clip::None => {
                refuse("the rule cosine bounds no length; set a clip")
            }
            Rule::InsecureQflareCosine { .. } if self.clip != Clip::None => {
                refuse("the rule qflare_cosine is the original's, which clips nothing")
            }
            _ => Ok(()),
        }
    }

    /// How many accepted updates the rule needs to keep its promise.
    #[must_use]
    pub fn needs(&self) -> usize {
        match self.rule {
            // n ≥ 2f + 3 (Blanchard et al. 2017, proposition 4.2).
            Rule::Krum { byzantine } | Rule::MultiKrum { byzantine, .. } => {
                byzantine.saturating_mul(2).saturating_add(3)
            }
            Rule::FedAvg
            | Rule::Median
            | Rule::TrimmedMean(_)
            | Rule::Cosine { .. }
            | Rule::InsecureQflareCosine { .. } => 1,
        }
    }

    /// Checks that the rule keeps its promise with `n` accepted updates.
    pub(super) fn check_number(&self, n: usize) -> Result<(), AggregateError> {
        let needed = self.needs();
        if n < needed {
            let accepted = n;
            return Err(AggregateError::TooFew { needed, accepted });
        }
        match self.rule {
            Rule::MultiKrum {
                byzantine,
                selected: Some(selected),
            } if selected > n - byzantine => {
                let fault =
                    format!("multi-krum cannot select {selected} of {n} with {byzantine} bad");
                Err(AggregateError::Setting(fault))
            }
            _ => Ok(()),
        }
    }
}
