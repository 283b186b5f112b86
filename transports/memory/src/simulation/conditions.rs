//! What a network does to what is sent.

use std::time::Duration;

use chacha20::ChaCha20Rng;

use super::below;

/// What a network does to what is sent. Chances are in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conditions {
    /// The shortest way.
    pub latency: Duration,
    /// How much longer it may be, each time anew: this alone reorders datagrams.
    pub jitter: Duration,
    /// Datagrams that never arrive.
    pub loss_per_mille: u16,
    /// Datagrams that arrive twice.
    pub duplication_per_mille: u16,
    /// Datagrams that are held back for up to [`Self::held_back`].
    pub reorder_per_mille: u16,
    /// How long.
    pub held_back: Duration,
    /// The most bytes of a stream that arrive in one piece.
    pub piece_bytes: usize,
}

impl Conditions {
    /// Nothing is lost and nothing changes its place; streams arrive in pieces of up to 16 KiB.
    pub const GOOD: Self = Self {
        latency: Duration::from_millis(10),
        jitter: Duration::ZERO,
        loss_per_mille: 0,
        duplication_per_mille: 0,
        reorder_per_mille: 0,
        held_back: Duration::ZERO,
        piece_bytes: 16 << 10,
    };

    /// One in five is lost, one in ten doubled, one in five held back for seconds; streams arrive
    /// in pieces of up to 37 bytes.
    pub const BAD: Self = Self {
        latency: Duration::from_millis(20),
        jitter: Duration::from_millis(80),
        loss_per_mille: 200,
        duplication_per_mille: 100,
        reorder_per_mille: 200,
        held_back: Duration::from_secs(5),
        piece_bytes: 37,
    };

    /// When the copies of a datagram arrive: none, one or two.
    pub(super) fn delays(&self, rng: &mut ChaCha20Rng) -> Vec<Duration> {
        if happens(rng, self.loss_per_mille) {
            return Vec::new();
        }
        let copies = 1 + usize::from(happens(rng, self.duplication_per_mille));
        (0..copies).map(|_| self.delay(rng)).collect()
    }

    fn delay(&self, rng: &mut ChaCha20Rng) -> Duration {
        let held_back = match happens(rng, self.reorder_per_mille) {
            true => part_of(rng, self.held_back),
            false => Duration::ZERO,
        };
        self.latency(rng).saturating_add(held_back)
    }

    pub(super) fn latency(&self, rng: &mut ChaCha20Rng) -> Duration {
        self.latency.saturating_add(part_of(rng, self.jitter))
    }

    /// How many bytes of a stream arrive together.
    pub(super) fn piece(&self, rng: &mut ChaCha20Rng) -> usize {
        let most = u64::try_from(self.piece_bytes).unwrap_or(u64::MAX);
        usize::try_from(below(rng, most))
            .unwrap_or(0)
            .saturating_add(1)
    }
}

fn happens(rng: &mut ChaCha20Rng, per_mille: u16) -> bool {
    below(rng, 1000) < u64::from(per_mille)
}

/// From nothing to all of it.
fn part_of(rng: &mut ChaCha20Rng, all: Duration) -> Duration {
    let nanos = u64::try_from(all.as_nanos()).unwrap_or(u64::MAX - 1);
    Duration::from_nanos(below(rng, nanos.saturating_add(1)))
}
