//! What a node at work has done and dropped.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use super::state::count;
use crate::node::Refusal;

/// What a node at work has done, and what it has dropped.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Datagrams.
    pub packets_sent: u64,
    /// Datagrams.
    pub packets_received: u64,
    /// Their bytes.
    pub bytes_sent: u64,
    /// Their bytes.
    pub bytes_received: u64,
    /// Sessions that have followed another.
    pub rekeys: u64,
    /// Handshake messages for which the pool of threads had no room.
    pub jobs_dropped: u64,
    /// Handshake messages over which a provider panicked.
    pub jobs_panicked: u64,
    /// Datagrams that the transport does not carry.
    pub too_large: u64,
    /// Events that nobody took in time.
    pub untaken: u64,
    /// What the node did not do, by kind.
    pub refused: BTreeMap<&'static str, Refused>,
}

/// Datagrams that threads have carried beside a node.
#[derive(Default)]
pub(super) struct Carried {
    pub(super) sent: Tally,
    pub(super) received: Tally,
}

/// Datagrams of one direction.
#[derive(Default)]
pub(super) struct Tally {
    packets: AtomicU64,
    bytes: AtomicU64,
}

impl Tally {
    pub(super) fn add(&self, packets: usize, bytes: usize) {
        self.packets.fetch_add(count(packets), Ordering::Relaxed);
        self.bytes.fetch_add(count(bytes), Ordering::Relaxed);
    }
}

/// Refusals of one kind.
#[derive(Clone, Debug)]
pub struct Refused {
    /// How many.
    pub count: u64,
    /// The last one.
    pub last: Refusal,
}

impl Counts {
    /// How many refusals of a kind there were.
    #[must_use]
    pub fn refused(&self, kind: &str) -> u64 {
        self.refused.get(kind).map_or(0, |refused| refused.count)
    }

    /// What the threads beside the node have done is the node's work, too.
    pub(super) fn add(&mut self, carried: &Carried) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        self.packets_sent += read(&carried.sent.packets);
        self.bytes_sent += read(&carried.sent.bytes);
        self.packets_received += read(&carried.received.packets);
        self.bytes_received += read(&carried.received.bytes);
    }

    pub(super) fn refuse(&mut self, why: &Refusal) {
        let known = self.refused.entry(why.kind()).or_insert_with(|| Refused {
            count: 0,
            last: why.clone(),
        });
        known.count += 1;
        known.last = why.clone();
    }
}
