//! A session: its shards in both directions, and what a node notes about it.

mod content;
mod open;
mod replay;
mod seal;

use std::time::Duration;

pub use content::{Buckets, Content, ContentError, Control, packet_length};
pub use open::{Opened, Opener};
pub use replay::{RING, ReplayWindow, WINDOW};
pub use seal::{DataError, OVERHEAD, Sealer};

use crate::limits::MOST_SHARDS;
use crate::schedule::{Chain, Failed, SessionKeys};
use crate::wire::FLAG_PADDED;

/// The bits of an index that say the sender's shard.
pub(crate) const SHARD_MASK: u32 = MOST_SHARDS as u32 - 1;

/// Which end of its handshake a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It said S1.
    Initiator,
    /// It said S2.
    Responder,
}

/// The two directions of a session, shard by shard. The shards share nothing: each may go to a
/// thread of its own.
pub struct Shards {
    /// One for each shard on which this end sends.
    pub sealers: Vec<Sealer>,
    /// One for each shard on which the other end sends.
    pub openers: Vec<Opener>,
}

impl Shards {
    /// Derives the shards of one end.
    ///
    /// # Errors
    /// [`Failed`].
    pub fn new(
        keys: &SessionKeys,
        role: Role,
        remote_index: u32,
        (sends, receives): (u8, u8),
    ) -> Result<Self, Failed> {
        let (out, back) = match role {
            Role::Initiator => (&keys.to_responder, &keys.to_initiator),
            Role::Responder => (&keys.to_initiator, &keys.to_responder),
        };
        let sealer = |shard: u8| {
            let receiver = remote_index | u32::from(shard);
            Sealer::new(receiver, Chain::new(&keys.suite, out, shard)?)
        };
        let opener = |shard| Chain::new(&keys.suite, back, shard).map(Opener::new);
        Ok(Self {
            sealers: (0..sends).map(sealer).collect::<Result<_, _>>()?,
            openers: (0..receives).map(opener).collect::<Result<_, _>>()?,
        })
    }

    /// Seals a plaintext into a frame of its own, padded to the buckets.
    ///
    /// # Errors
    /// [`DataError`].
    pub fn seal(
        &mut self,
        now: Duration,
        shard: usize,
        buckets: &Buckets,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, DataError> {
        let count = self.sealers.len().max(1);
        let sealer = self.sealers.get_mut(shard % count);
        let sealer = sealer.ok_or(DataError::Length(plaintext.len()))?;
        let padded = buckets.fit(plaintext.len());
        let flags = match padded > plaintext.len() {
            true => FLAG_PADDED,
            false => 0,
        };
        let mut frame = vec![0; padded + OVERHEAD];
        let place = frame.get_mut(crate::wire::HEAD..).unwrap_or_default();
        for (to, from) in place.iter_mut().zip(plaintext) {
            *to = *from;
        }
        sealer.seal(now, flags, &mut frame)?;
        Ok(frame)
    }

    /// Whether it is time for a new session, for the sake of the keys.
    #[must_use]
    pub fn are_wearing_out(&self) -> bool {
        self.openers.iter().any(Opener::is_wearing_out)
    }
}

#[cfg(test)]
mod tests;
