//! Why the state is not changed.

use pqfw_framework::store::StoreError;
use thiserror::Error;

/// Why the state stays as it is.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum StateError {
    /// The peer's fault: an id that no device can have.
    #[error("a device id has 1 to 100 of a-z, A-Z, 0-9, - and _")]
    DeviceId,
    /// The peer's fault: a token that is unknown, used, expired or of another device. Which of
    /// them is not told.
    #[error("invalid or expired enrollment token")]
    Token,
    /// The device is there already; its keys change by rotation.
    #[error("the device is already enrolled")]
    AlreadyEnrolled,
    /// There is no such device.
    #[error("device not found or not enrolled")]
    UnknownDevice,
    /// The operator has revoked the device.
    #[error("the device is revoked")]
    Revoked,
    /// The update is of another round or base: fetch the current model and train again.
    #[error("the update is stale: round {round} is {phase}")]
    Stale {
        /// The newest round; 0 before the first.
        round: u64,
        /// `open`, or why it takes no updates.
        phase: &'static str,
    },
    /// The device has other weights in this round already.
    #[error("the device has other weights in this round")]
    AlreadySubmitted,
    /// The operator's fault: there is no model to begin with.
    #[error("there is no global model; set one first")]
    NoModel,
    /// The operator's fault: a round must end first.
    #[error("round {0} is under way; close or abort it first")]
    RoundUnderWay(u64),
    /// There is no round to take, release, close or abort.
    #[error("no round is open")]
    NoRound,
    /// The operator's fault: a round is closed by the rule of its server, and none has said one.
    #[error(
        "no server of this version has begun on this state, so that nobody has said by which rule \
         its rounds are closed; start the server once"
    )]
    NoTerms,
    /// Another server aggregates the round.
    #[error("another server aggregates the round, until {until}")]
    Leased {
        /// When its lease ends, in seconds since 1970.
        until: u64,
    },
    /// Another server has taken the round meanwhile: what was computed is not wanted.
    #[error("the lease on the round is lost")]
    LeaseLost,
    /// The device's KEM key has had as many challenges as are safe: it enrols again, under another
    /// id, with a new key.
    #[error(
        "the device's KEM key has had {most} challenges, which is what is safe; enrol again with \
         a new key and a new device id"
    )]
    Exhausted {
        /// The limit.
        most: u64,
    },
    /// A bound is reached.
    #[error("there are {most} {what} already, which is the limit")]
    Full {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        most: u64,
    },
    /// Others were faster a thousand times: try again later.
    #[error("the store is busy")]
    Busy,
    /// The operator's fault: a newer pqfw has written the state.
    #[error("the state was written by a newer pqfw (version {found}); use that one")]
    Newer {
        /// The version found.
        found: u64,
    },
    /// Somebody else has written into the store.
    #[error("the state is damaged: {0}")]
    Damaged(String),
    /// The machine's fault.
    #[error(transparent)]
    Store(#[from] StoreError),
}
