//! Why a round has no next model.

use thiserror::Error;

/// Why there is no next model. The base stays as it is.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum AggregateError {
    /// The operator's fault: a setting outside its range.
    #[error("aggregation: {0}")]
    Setting(String),
    /// The caller's fault: one device has two updates in the round.
    #[error("aggregation: device `{}` stands in the round twice", .0.escape_debug())]
    SameDeviceTwice(String),
    /// More updates than the limits allow.
    #[error(
        "aggregation: {found} updates, and at most {most} are taken; close rounds earlier or raise the limit"
    )]
    TooManyUpdates {
        /// The number offered.
        found: usize,
        /// [`Limits::updates`](super::Limits::updates).
        most: usize,
    },
    /// More numbers than the limits allow.
    #[error(
        "aggregation: {updates} updates of {values} values are over the budget of {most} values"
    )]
    OverBudget {
        /// The updates offered.
        updates: usize,
        /// The values of the base.
        values: usize,
        /// [`Limits::values`](super::Limits::values).
        most: u64,
    },
    /// Not enough acceptable updates for what the rule promises: wait for more devices.
    #[error(
        "aggregation: the rule needs {needed} acceptable updates and has {accepted}; the round stays open"
    )]
    TooFew {
        /// What the rule needs.
        needed: usize,
        /// What there is.
        accepted: usize,
    },
    /// The rule's threshold let nobody pass.
    #[error("aggregation: none of {accepted} acceptable updates is selected by the rule")]
    NobodySelected {
        /// The updates that the rule saw.
        accepted: usize,
    },
    /// Our fault: the base that was served is not finite.
    #[error("aggregation: the base model has a value that is not finite, at {at}")]
    BaseNotFinite {
        /// Which value.
        at: usize,
    },
    /// The machine's fault: weights that cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// What lies under some weights failed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("reading weights: {0}")]
pub struct ReadError(pub String);
