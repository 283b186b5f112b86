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

    /// Whether they have reached the limit of the AEAD.
    pub(crate) fn is_used_up(&self) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::{CHEAP, suite};

    fn keys() -> EpochKeys {
        EpochKeys::new(&Arc::new(suite(CHEAP)), SecretBytes::copy_of(&[1; 32]))
    }

    fn sealed(keys: &mut EpochKeys, counter: u64) -> Option<Vec<u8>> {
        let Lookup::Key(key) = keys.key(counter).unwrap() else {
            return None;
        };
        let mut out = Vec::new();
        key.traffic
            .seal(counter, Some(b"x"), &mut out, b"text", 23)
            .unwrap();
        Some(out)
    }

    #[test]
    fn any_way_to_an_epoch_gives_the_same_key_and_another_epoch_another() {
        let (mut one, mut other) = (keys(), keys());
        for epoch in 0..5 {
            one.advance(epoch << 16);
            sealed(&mut one, epoch << 16);
        }
        assert_eq!(sealed(&mut one, 4 << 16), sealed(&mut other, 4 << 16));
        assert_ne!(sealed(&mut one, 4 << 16), sealed(&mut other, 3 << 16));
    }

    #[test]
    fn the_epoch_before_is_kept_and_none_beyond_reach_is_derived() {
        let mut keys = keys();
        keys.key(3 << 16).unwrap();
        keys.advance(3 << 16);
        assert!(sealed(&mut keys, 2 << 16).is_some());
        assert!(sealed(&mut keys, (2 << 16) - 1).is_none());
        assert!(keys.secrets.keys().copied().eq([2, 3]));
        assert!(sealed(&mut keys, (3 + MOST_EPOCHS_AHEAD) << 16).is_some());
        assert!(sealed(&mut keys, (4 + MOST_EPOCHS_AHEAD) << 16).is_none());
        assert!(sealed(&mut keys, u64::MAX).is_none());
    }

    #[test]
    fn an_epoch_ends_when_its_failures_reach_the_limit() {
        let mut keys = keys();
        let Lookup::Key(key) = keys.key(1).unwrap() else {
            unreachable!("epoch 0 is in reach")
        };
        key.failed
            .store(key.traffic.failed_opens() - 1, Ordering::Relaxed);
        assert!(matches!(keys.key(1), Ok(Lookup::Key(_))));
        key.note_failure();
        assert!(matches!(keys.key(1), Ok(Lookup::UsedUp)));
        assert!(matches!(keys.key(1 << 16), Ok(Lookup::Key(_))));
        assert_eq!(next_epoch(1), Some(1 << 16));
        assert_eq!(next_epoch(u64::MAX), None);
    }
}
