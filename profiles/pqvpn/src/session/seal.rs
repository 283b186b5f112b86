//! Sealing data frames: one shard of one direction, owned by one thread.

use std::time::Duration;

use pqfw_framework::aead::{AeadError, AeadKey};
use thiserror::Error;

use crate::limits::{EPOCH_BITS, EPOCH_LIFETIME, LAST_COUNTER, MOST_PACKET};
use crate::schedule::{Chain, Failed};
use crate::suites::TAG;
use crate::wire::{DataHead, FrameError, HEAD};

/// What a frame weighs beside its plaintext.
pub const OVERHEAD: usize = HEAD + TAG;

/// A data frame that is not sealed or not opened. A refused frame changes nothing but the count of
/// failed openings.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum DataError {
    /// The sender's fault: no data frame.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The caller's fault: shorter than a frame's overhead, or longer than a datagram.
    #[error("a data frame of {0} bytes")]
    Length(usize),
    /// An attack, or a frame that was held up for long: its key is gone, or is not yet near.
    #[error("counter {0} is out of the epochs' reach")]
    OutOfReach(u64),
    /// The network's doing, or an attack.
    #[error("counter {0} was accepted before")]
    Replayed(u64),
    /// An attack.
    #[error("the frame does not open")]
    Forged,
    /// An attack: this epoch's key has failed to open as many frames as it may.
    #[error("the key has failed to open as many frames as it may")]
    WornOut,
    /// Nobody's fault: the counters of this session are used up.
    #[error("the counters of this session are used up")]
    Exhausted,
    /// A provider's fault.
    #[error(transparent)]
    Failed(#[from] Failed),
    /// A provider's fault: the AEAD.
    #[error(transparent)]
    Aead(#[from] AeadError),
}

/// The sending end of one shard. Sealing in place allocates nothing, but when an epoch begins: once
/// in 2^20 frames or two minutes.
pub struct Sealer {
    receiver: u32,
    chain: Chain,
    key: AeadKey,
    next: u64,
    began: Option<Duration>,
}

impl Sealer {
    pub(crate) fn new(receiver: u32, mut chain: Chain) -> Result<Self, Failed> {
        let key = chain.next()?;
        Ok(Self {
            receiver,
            chain,
            key,
            next: 0,
            began: None,
        })
    }

    /// The counter of the next frame.
    #[must_use]
    pub fn counter(&self) -> u64 {
        self.next
    }

    /// Seals `frame` in place: 16 bytes for the head, the plaintext, 16 bytes for the tag.
    ///
    /// # Errors
    /// [`DataError::Length`], [`DataError::Exhausted`], [`DataError::Failed`],
    /// [`DataError::Aead`]. No counter is used twice whatever happens.
    pub fn seal(&mut self, now: Duration, flags: u8, frame: &mut [u8]) -> Result<u64, DataError> {
        let length = frame.len();
        let plaintext = length.checked_sub(OVERHEAD);
        if plaintext.is_none_or(|plaintext| plaintext > MOST_PACKET) {
            return Err(DataError::Length(length));
        }
        let (Some((head, rest)), Some(split)) = (
            frame.split_first_chunk_mut::<HEAD>(),
            length.checked_sub(OVERHEAD),
        ) else {
            return Err(DataError::Length(length));
        };
        let (plaintext, tag) = rest.split_at_mut(split);
        if self.next >= LAST_COUNTER {
            return Err(DataError::Exhausted);
        }
        if self
            .began
            .is_some_and(|began| now >= began + EPOCH_LIFETIME)
        {
            self.next = self.chain.epoch() << EPOCH_BITS;
        }
        while self.next >> EPOCH_BITS >= self.chain.epoch() {
            self.key = self.chain.next()?;
            self.began = None;
        }
        let counter = self.next;
        self.next += 1;
        self.began.get_or_insert(now);
        *head = DataHead {
            flags,
            receiver: self.receiver,
            counter,
        }
        .write();
        with_nonce(counter, self.key.sizes().nonce, |nonce| {
            self.key.seal_in_place(nonce, head, plaintext, tag)
        })?;
        Ok(counter)
    }

    #[cfg(test)]
    pub(crate) fn set_counter(&mut self, next: u64) {
        self.next = next;
    }
}

/// Zeros and the counter, little-endian, in the length that the AEAD asks for: no allocation.
pub(super) fn with_nonce<T>(counter: u64, length: usize, then: impl FnOnce(&[u8]) -> T) -> T {
    const MOST_NONCE: usize = 32;
    let mut nonce = [0; MOST_NONCE];
    let end = length.min(MOST_NONCE);
    if let Some(place) = nonce.get_mut(end.saturating_sub(8)..end) {
        place.copy_from_slice(&counter.to_le_bytes());
    }
    then(nonce.get(..end).unwrap_or_default())
}
