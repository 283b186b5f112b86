//! Opening data frames: one shard of one direction, owned by one thread. Check, open, note.

use std::collections::BTreeMap;
use std::time::Duration;

use pqfw_framework::aead::{AeadError, AeadKey};

use super::replay::ReplayWindow;
use super::seal::{DataError, OVERHEAD, with_nonce};
use crate::limits::{EPOCH_BITS, EPOCHS_AHEAD, MOST_OUT_OF_REACH, PREVIOUS_LIFETIME};
use crate::schedule::{Chain, Failed};
use crate::suites::TAG;
use crate::wire::{DataHead, HEAD};

/// The receiving end of one shard. Opening in place allocates nothing, but when an epoch begins.
///
/// Each epoch has a window of its own: a sender skips the rest of an epoch when its time is over,
/// and one window over the skip would refuse what is still on its way.
pub struct Opener {
    chain: Chain,
    newest: u64,
    epochs: BTreeMap<u64, Box<Epoch>>,
    /// Until when the epoch before the newest is kept.
    previous_until: Duration,
    /// How many frames were beyond the reach since one has opened.
    out_of_reach: u64,
}

struct Epoch {
    key: AeadKey,
    window: ReplayWindow,
    failed: u64,
}

/// A frame that was opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened<'a> {
    /// Its head.
    pub head: DataHead,
    /// Whether no frame with a higher counter was opened before: what may move an endpoint.
    pub newest: bool,
    /// What was sealed.
    pub plaintext: &'a mut [u8],
}

impl Opener {
    pub(crate) fn new(chain: Chain) -> Self {
        Self {
            chain,
            newest: 0,
            epochs: BTreeMap::new(),
            previous_until: Duration::ZERO,
            out_of_reach: 0,
        }
    }

    /// Opens a frame in place. A frame that does not open is wiped.
    ///
    /// # Errors
    /// [`DataError`]; then nothing has changed but the counts of failures.
    pub fn open<'a>(
        &mut self,
        now: Duration,
        frame: &'a mut [u8],
    ) -> Result<Opened<'a>, DataError> {
        let head = DataHead::read(frame)?;
        let counter = head.counter;
        let epoch = counter >> EPOCH_BITS;
        let length = frame.len();
        let body = length.checked_sub(OVERHEAD);
        let (Some(body), Some((associated, rest))) = (body, frame.split_first_chunk_mut::<HEAD>())
        else {
            return Err(DataError::Length(length));
        };
        let oldest = self.epochs.first_key_value().map(|(epoch, _)| *epoch);
        if now >= self.previous_until && oldest.is_some_and(|oldest| oldest < self.newest) {
            self.epochs.pop_first();
        }
        if epoch > self.newest + EPOCHS_AHEAD {
            self.out_of_reach += 1;
            return Err(DataError::OutOfReach(counter));
        }
        let known = self.epoch(epoch)?;
        let known = known.ok_or(DataError::OutOfReach(counter))?;
        if known.failed >= known.key.limits().failed_opens {
            return Err(DataError::WornOut);
        }
        if !known.window.is_new(counter) {
            return Err(DataError::Replayed(counter));
        }
        let (plaintext, tag) = rest.split_at_mut(body);
        debug_assert_eq!(tag.len(), TAG, "the suites take no other AEAD");
        let opened = with_nonce(counter, known.key.sizes().nonce, |nonce| {
            known.key.open_in_place(nonce, associated, plaintext, tag)
        });
        match opened {
            Ok(()) => {}
            Err(AeadError::Rejected) => {
                known.failed += 1;
                return Err(DataError::Forged);
            }
            Err(other) => return Err(other.into()),
        }
        let highest = known.window.highest();
        known.window.accept(counter);
        let newest = epoch >= self.newest && highest.is_none_or(|highest| counter > highest);
        self.out_of_reach = 0;
        if epoch > self.newest {
            self.newest = epoch;
            self.previous_until = now + PREVIOUS_LIFETIME;
            self.epochs.retain(|kept, _| kept + 1 >= epoch);
        }
        Ok(Opened {
            head,
            newest,
            plaintext,
        })
    }

    /// Whether it is time for a new session: a key has failed half as often as it may, or so many
    /// frames were beyond the reach that the sender must be there.
    #[must_use]
    pub fn is_wearing_out(&self) -> bool {
        if self.out_of_reach >= MOST_OUT_OF_REACH {
            return true;
        }
        let mut epochs = self.epochs.values();
        epochs.any(|epoch| epoch.failed >= (epoch.key.limits().failed_opens / 2).max(1))
    }

    /// The key of an epoch within reach; `None` when it is gone.
    fn epoch(&mut self, epoch: u64) -> Result<Option<&mut Box<Epoch>>, Failed> {
        while self.chain.epoch() <= epoch {
            let next = self.chain.epoch();
            let key = self.chain.next()?;
            let made = Epoch {
                key,
                window: ReplayWindow::default(),
                failed: 0,
            };
            self.epochs.insert(next, Box::new(made));
        }
        Ok(self.epochs.get_mut(&epoch))
    }
}
