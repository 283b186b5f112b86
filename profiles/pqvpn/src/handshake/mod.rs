//! The mathematics of a handshake: three jobs, and reading a record, each a function of what it
//! holds and of chance, fit for any thread.
//!
//! ```text
//!  initiator                              responder
//!  Call ────────────── S1 ─────────────▶  Answer: who is it? do we trust it? is it so?
//!  Finish ◀─────────── S2 ──────────────     └▶ keys, half open until the first frame
//!    └▶ keys
//! ```

mod answer;
mod call;
mod message;

use pqfw_framework::kem::KemError;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::signature::SignatureError;
use pqfw_framework::wire::WireError;
use pqfw_framework::world::Now;
use thiserror::Error;

pub(crate) use answer::{Answer, Answered};
pub(crate) use call::{Call, Called, Finish, Finished, Waiting};
pub(crate) use message::Fresh;

use crate::identity::{Record, RecordError};
use crate::limits::MOST_SHARDS;
use crate::peer_id::PeerId;
use crate::schedule::Failed;
use crate::suites::Suites;
use crate::trust::Distrust;
use crate::wire::SuiteId;

/// What the signature of S1 begins with.
const SIGNS_S1: &[u8] = b"pqfw/1 pqvpn/2 S1";
/// What the signature of S2 begins with.
const SIGNS_S2: &[u8] = b"pqfw/1 pqvpn/2 S2";

/// A handshake that came to nothing. To the network it is silence, whatever it was.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum HandshakeError {
    /// The peer's fault: a message that cannot be read.
    #[error("the message: {0}")]
    Message(#[from] WireError),
    /// The peer's fault: a suite that this node does not have.
    #[error("the suite {0:02x?} is not one of ours")]
    Suite(SuiteId),
    /// An attack: the suite is not the one that follows from what the initiator offered.
    #[error("another suite was to be taken: somebody has changed the offer")]
    Stripped,
    /// The peer's fault: a key or ciphertext that its specification rejects.
    #[error("key encapsulation: {0}")]
    Kem(#[from] KemError),
    /// The peer's fault, or an attack: a part that was not sealed with these keys.
    #[error("the {0} does not open")]
    Sealed(&'static str),
    /// The operator's decision.
    #[error("the peer is not trusted: {why}")]
    Untrusted {
        /// Who it says it is.
        peer: PeerId,
        /// Why not.
        why: Distrust,
    },
    /// Nobody's fault: the other end is this node.
    #[error("the other end is this node itself")]
    Oneself,
    /// An attack: the keys shown are not those of the identity claimed.
    #[error("the keys are not those of the identity")]
    Identity,
    /// An attack, or a peer with damaged keys.
    #[error("the signature does not verify")]
    Signature,
    /// The peer's fault: a rotation statement that nobody has signed.
    #[error("the rotation statement does not verify")]
    Rotation,
    /// The peer's fault: a number of shards that there is not.
    #[error("{0} shards: there are 1 to {MOST_SHARDS}")]
    Shards(u8),
    /// A provider's fault.
    #[error(transparent)]
    Failed(#[from] Failed),
}

/// Every failure of a verification is the same.
fn unsigned(_: SignatureError) -> HandshakeError {
    HandshakeError::Signature
}

fn check_shards(shards: u8) -> Result<u8, HandshakeError> {
    match shards {
        1..=MOST_SHARDS => Ok(shards),
        _ => Err(HandshakeError::Shards(shards)),
    }
}

/// Work that takes milliseconds: for a bounded pool of threads. Its result goes back to the node
/// that gave it.
pub struct Job {
    number: u64,
    work: Work,
}

enum Work {
    Call(Box<Call>),
    Finish(Box<Finish>),
    Answer(Box<Answer>),
    Read(ReadRecord),
}

/// A record that has come, and what reading it takes.
pub(crate) struct ReadRecord {
    pub(crate) bytes: Vec<u8>,
    pub(crate) suites: Suites,
    pub(crate) now: Now,
}

/// What became of a [`Job`].
pub struct Done {
    pub(crate) number: u64,
    pub(crate) outcome: Outcome,
}

pub(crate) enum Outcome {
    Called(Result<Box<Called>, HandshakeError>),
    Finished(Result<Box<Finished>, HandshakeError>),
    Answered(Result<Box<Answered>, HandshakeError>),
    Read(Result<Box<Record>, RecordError>),
}

impl Job {
    pub(crate) fn call(number: u64, call: Call) -> Self {
        let work = Work::Call(Box::new(call));
        Self { number, work }
    }

    pub(crate) fn finish(number: u64, finish: Finish) -> Self {
        let work = Work::Finish(Box::new(finish));
        Self { number, work }
    }

    pub(crate) fn answer(number: u64, answer: Answer) -> Self {
        let work = Work::Answer(Box::new(answer));
        Self { number, work }
    }

    pub(crate) fn read(number: u64, read: ReadRecord) -> Self {
        let work = Work::Read(read);
        Self { number, work }
    }

    /// Does the work.
    #[must_use]
    pub fn run(self, rng: &mut dyn CryptoRng) -> Done {
        let outcome = match self.work {
            Work::Call(call) => Outcome::Called(call.run(rng).map(Box::new)),
            Work::Finish(finish) => Outcome::Finished(finish.run().map(Box::new)),
            Work::Answer(answer) => Outcome::Answered(answer.run(rng).map(Box::new)),
            Work::Read(ReadRecord { bytes, suites, now }) => {
                Outcome::Read(Record::read(&bytes, &suites, now).map(Box::new))
            }
        };
        let number = self.number;
        Done { number, outcome }
    }
}

#[cfg(test)]
mod regression;
#[cfg(test)]
mod tests;
