//! What has happened, by peer.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pqfw_framework::metrics::Histogram;
use pqfw_framework::world::Now;

use crate::limits::{MOST_CALLS, MOST_PEERS};
use crate::node::Event;
use crate::peer_id::PeerId;
use crate::session::Role;
use crate::trust::Verdict;

/// Lines of the log that are kept for operators.
const MOST_LINES: usize = 256;
const MINUTE: Duration = Duration::from_secs(60);
/// Peers of whose refusal operators hear in a minute.
const MOST_STRANGERS: usize = 16;
/// Upper bounds of the buckets of handshakes: a fast one takes milliseconds, one with repetitions
/// up to sixteen seconds.
const LATENCY_SECS: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
];

/// What is known of a peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerRow {
    /// The name under which it is called, if it is.
    pub name: Option<String>,
    /// Since when there is a session, if there is one.
    pub up_since: Option<Now>,
    /// How it was trusted last.
    pub standing: Verdict,
    /// Which end of the last session this is.
    pub role: Role,
    /// Where it was last.
    pub endpoint: SocketAddr,
    /// When it got new keys last.
    pub keys_since: Now,
    /// Handshakes that have ended in a session.
    pub handshakes: u64,
    /// Those of them that have followed another session.
    pub rekeys: u64,
}

/// What has happened.
#[derive(Default)]
pub struct Board {
    state: Mutex<State>,
}

struct State {
    peers: BTreeMap<PeerId, PeerRow>,
    /// Whom the node calls, where; and since when there should be a session and is none.
    wanted: BTreeMap<SocketAddr, (String, Option<Duration>)>,
    lines: VecDeque<(Now, String)>,
    /// Who was refused and told of in the minute that began then.
    strangers: (Duration, BTreeSet<PeerId>),
    rekeys: u64,
    retries: u64,
    latency: Histogram,
}

impl Default for State {
    fn default() -> Self {
        Self {
            peers: BTreeMap::new(),
            wanted: BTreeMap::new(),
            lines: VecDeque::new(),
            strangers: (Duration::ZERO, BTreeSet::new()),
            rekeys: 0,
            retries: 0,
            latency: Histogram::new(LATENCY_SECS),
        }
    }
}

impl Board {
    /// A peer is called from here on.
    pub fn called(&self, now: Now, name: &str, address: SocketAddr) {
        let mut state = self.state();
        if state.wanted.len() < MOST_CALLS {
            let wanted = (name.to_owned(), Some(now.since_start));
            state.wanted.insert(address, wanted);
        }
    }

    /// Something has happened.
    pub fn note(&self, now: Now, event: &Event) {
        self.state().note(now, event);
    }

    /// Something was told to the operator.
    pub fn line(&self, now: Now, text: &str) {
        let mut state = self.state();
        if state.lines.len() >= MOST_LINES {
            state.lines.pop_front();
        }
        state.lines.push_back((now, text.to_owned()));
    }

    /// Whether operators are to hear that a peer was refused: once a minute of each, and of so many
    /// that strangers do not fill the log.
    #[must_use]
    pub fn tells_of_refused(&self, now: Now, peer: PeerId) -> bool {
        let (since, told) = &mut self.state().strangers;
        if now.since_start >= *since + MINUTE {
            (*since, *told) = (now.since_start, BTreeSet::new());
        }
        told.len() < MOST_STRANGERS && told.insert(peer)
    }

    /// Every peer that there is or was a session with.
    #[must_use]
    pub fn peers(&self) -> BTreeMap<PeerId, PeerRow> {
        self.state().peers.clone()
    }

    /// The last lines, the oldest first.
    #[must_use]
    pub fn lines(&self) -> Vec<(Now, String)> {
        self.state().lines.iter().cloned().collect()
    }

    /// How many sessions there are.
    #[must_use]
    pub fn sessions(&self) -> usize {
        let state = self.state();
        state
            .peers
            .values()
            .filter(|row| row.up_since.is_some())
            .count()
    }

    pub(super) fn rekeys(&self) -> u64 {
        self.state().rekeys
    }

    pub(super) fn retries(&self) -> u64 {
        self.state().retries
    }

    pub(super) fn latency(&self) -> Histogram {
        self.state().latency.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn note(&mut self, now: Now, event: &Event) {
        match event {
            Event::Up {
                peer,
                standing,
                role,
                endpoint,
            } => self.up(now, *peer, (*standing, *role, *endpoint)),
            Event::Rekeyed { peer, role } => {
                self.rekeys += 1;
                if let Some(row) = self.peers.get_mut(peer) {
                    row.handshakes += 1;
                    row.rekeys += 1;
                    row.role = *role;
                    row.keys_since = now;
                }
            }
            Event::Moved { peer, endpoint } => {
                if let Some(row) = self.peers.get_mut(peer) {
                    row.endpoint = *endpoint;
                }
            }
            Event::Dead { peer } | Event::Closed { peer } => {
                let Some(row) = self.peers.get_mut(peer) else {
                    return;
                };
                row.up_since = None;
                if let Some((_, since)) = self.wanted.get_mut(&row.endpoint) {
                    *since = Some(now.since_start);
                }
            }
            Event::CallFailed { .. } => self.retries += 1,
            Event::Carries { .. } | Event::Packet { .. } | Event::Refused { .. } => {}
        }
    }

    fn up(
        &mut self,
        now: Now,
        peer: PeerId,
        (standing, role, endpoint): (Verdict, Role, SocketAddr),
    ) {
        let mut name = None;
        if let Some((wanted, since)) = self.wanted.get_mut(&endpoint) {
            name = Some(wanted.clone());
            if let (Some(since), Role::Initiator) = (since.take(), role) {
                self.latency.observe(now.since_start.saturating_sub(since));
            }
        }
        if let Verdict::Follows { former, .. } = standing {
            self.peers.remove(&former);
        }
        if self.peers.len() >= MOST_PEERS && !self.peers.contains_key(&peer) {
            // Whoever is gone makes room; the node has no more sessions than that.
            let gone = self.peers.iter().find(|(_, row)| row.up_since.is_none());
            let gone = gone.map(|(id, _)| *id);
            gone.map(|id| self.peers.remove(&id));
        }
        let row = self.peers.entry(peer).or_insert_with(|| PeerRow {
            name: None,
            up_since: None,
            standing,
            role,
            endpoint,
            keys_since: now,
            handshakes: 0,
            rekeys: 0,
        });
        row.name = name.or(row.name.take());
        row.up_since = Some(now);
        row.keys_since = now;
        row.handshakes += 1;
        (row.standing, row.role, row.endpoint) = (standing, role, endpoint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_hear_of_a_stranger_once_a_minute_and_not_of_all() {
        let board = Board::default();
        let at = |secs| Now {
            since_start: Duration::from_secs(secs),
            unix_micros: 0,
        };
        let peer = |number| PeerId([number; 32]);
        assert!(board.tells_of_refused(at(0), peer(0)));
        assert!(!board.tells_of_refused(at(59), peer(0)));
        let told = (1..=255).filter(|number| board.tells_of_refused(at(59), peer(*number)));
        assert_eq!(told.count() + 1, MOST_STRANGERS);
        assert!(board.tells_of_refused(at(60), peer(0)));
    }
}
