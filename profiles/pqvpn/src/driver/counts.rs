//! What a node at work has done and dropped.

use std::collections::BTreeMap;

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

    pub(super) fn refuse(&mut self, why: &Refusal) {
        let known = self.refused.entry(why.kind()).or_insert_with(|| Refused {
            count: 0,
            last: why.clone(),
        });
        known.count += 1;
        known.last = why.clone();
    }
}
