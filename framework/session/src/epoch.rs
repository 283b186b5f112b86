//! Keys by counter, where records may be lost or out of order: each 2^16 counters have a key of
//! their own (`docs/protocols/channel.md` section 5).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pqfw_framework::secret::SecretBytes;
use pqfw_framework::suite::Suite;

use crate::error::ChannelError;
use crate::record::TrafficKey;
use crate::schedule::updated;

/// The epoch of a counter.
pub(crate) fn epoch_of(counter: u64) -> u64 {
    counter >> EPOCH_BITS
}

/// The first counter of the epoch after this counter's, if there is one.
pub(crate) fn next_epoch(counter: u64) -> Option<u64> {
    (epoch_of(counter) + 1).checked_mul(1 << EPOCH_BITS)
}

const EPOCH_BITS: u32 = 16;

/// How many epochs beyond the newest one in use a counter may reach: 2^22 records lost in a row,
/// and as many derivations as a forger can cause, once.
pub(crate) const MOST_EPOCHS_AHEAD: u64 = 64;

/// The keys of one direction.
pub(crate) struct EpochKeys {
    suite: Arc<Suite>,
    /// The newest epoch under which something was opened or sealed.
    newest: u64,
    /// From the epoch before the newest to the furthest that was asked for.
    secrets: BTreeMap<u64, SecretBytes>,
    /// The keys of those epochs that were used.
    keys: BTreeMap<u64, Arc<EpochKey>>,
}

/// The key of one epoch.
pub(crate) struct EpochKey {
    pub(crate) traffic: TrafficKey,
    failed: AtomicU64,
}

/// A key for a counter, or why there is none.
pub(crate) enum Lookup {
    Key(Arc<EpochKey>),
    /// Before the epochs that are kept, or too far beyond them.
    OutOfReach,
    /// Its failed openings have reached the AEAD's limit.
    UsedUp,
}

impl EpochKey {
    /// Notes an opening that failed.
    pub(crate) fn note_failure(&self) {
        self.failed.fetch_add(1, Ordering::Relaxed);
    }

    fn is_used_up(&self) -> bool {
        self.failed.load(Ordering::Relaxed) >= self.traffic.failed_opens()
    }
}

impl EpochKeys {
    /// Begins with the traffic secret of epoch 0.
    pub(crate) fn new(suite: &Arc<Suite>, secret: SecretBytes) -> Self {
        Self {
            suite: suite.clone(),
            newest: 0,
            secrets: BTreeMap::from([(0, secret)]),
            keys: BTreeMap::new(),
        }
    }

    /// The key of a counter. Looking changes nothing that a peer could see.
    pub(crate) fn key(&mut self, counter: u64) -> Result<Lookup, ChannelError> {
        let epoch = epoch_of(counter);
        if epoch + 1 < self.newest || epoch > self.newest + MOST_EPOCHS_AHEAD {
            return Ok(Lookup::OutOfReach);
        }
        if let Some(key) = self.keys.get(&epoch) {
            return Ok(if key.is_used_up() {
                Lookup::UsedUp
            } else {
                Lookup::Key(key.clone())
            });
        }
        while let Some((last, secret)) = self.secrets.last_key_value()
            && *last < epoch
        {
            let (next, secret) = (last + 1, updated(&self.suite, secret)?);
            self.secrets.insert(next, secret);
        }
        let Some(secret) = self.secrets.get(&epoch) else {
            return Ok(Lookup::OutOfReach);
        };
        let key = Arc::new(EpochKey {
            traffic: TrafficKey::new(&self.suite, secret)?,
            failed: AtomicU64::new(0),
        });
        self.keys.insert(epoch, key.clone());
        Ok(Lookup::Key(key))
    }

    /// Notes that a counter was used: what lies before the epoch before its own is wiped.
    pub(crate) fn advance(&mut self, counter: u64) {
        let epoch = epoch_of(counter);
        if epoch <= self.newest {
            return;
        }
        self.newest = epoch;
        self.keys.retain(|kept, _| kept + 1 >= epoch);
        // The chain goes on from its last secret, which stays.
        self.secrets.retain(|kept, _| kept + 1 >= epoch);
    }
}
