//! The running hash over every handshake message (RFC 8446 section 4.4.1).

use pqfw_framework::hash::{AdmittedHash, HashState};

use crate::error::ChannelError;
use crate::message::{MESSAGE_HASH, frame};

/// The hash over the messages so far.
pub(crate) struct Transcript {
    state: Box<dyn HashState>,
    length: usize,
}

impl Transcript {
    pub(crate) fn new(hash: &AdmittedHash) -> Self {
        Self {
            state: hash.start(),
            length: hash.sizes().digest,
        }
    }

    pub(crate) fn add(&mut self, message: &[u8]) {
        self.state.update(message);
    }

    /// A copy that goes its own way.
    pub(crate) fn fork(&self) -> Self {
        Self {
            state: self.state.fork(),
            length: self.length,
        }
    }

    /// The hash over all so far; more may be added.
    pub(crate) fn hash(&self) -> Vec<u8> {
        let mut digest = vec![0; self.length];
        self.state.fork().finish(&mut digest);
        digest
    }
}

/// What stands in the transcript instead of a first hello that was answered by `retry`.
pub(crate) fn message_hash(digest: &[u8]) -> Result<Vec<u8>, ChannelError> {
    frame(MESSAGE_HASH, digest)
}
