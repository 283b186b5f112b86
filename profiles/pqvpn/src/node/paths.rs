//! Roaming: a peer whose newest frame came from another address is asked there whether it is so,
//! and where it was whether it is still there.
//!
//! Nothing but the question goes to the new address before the answer (RFC 9000 section 9.3 lets
//! data follow at once). Whoever copies a frame and is faster than the network can make a node
//! ask; and whoever also carries the questions to and fro is found out by the one that went where
//! the peer is known to be: only the peer can read it, and its answer says that it is there,
//! whichever way the answer takes (RFC 9000 section 9.3.3 asks less of it).

use std::net::SocketAddr;
use std::time::Duration;

use pqfw_framework::world::Now;

use super::peers::hex;
use super::{Event, Node};
use crate::limits::{AMPLIFICATION, FIRST_RETRY, PATH_LIFETIME, PATH_PATIENCE};
use crate::peer_id::PeerId;
use crate::session::{Control, OVERHEAD};

/// An address that may be a peer's.
pub(super) struct Path {
    address: SocketAddr,
    /// What is asked there.
    challenge: String,
    /// What is asked where the peer is known to be.
    stays: String,
    /// Whether the first was answered.
    answered: bool,
    received: usize,
    sent: usize,
    /// Until then the known address has time to answer.
    patience: Duration,
    until: Duration,
}

impl Path {
    /// When something becomes of it.
    pub(super) fn next_moment(&self) -> Duration {
        match self.answered {
            true => self.patience,
            false => self.until,
        }
    }
}

impl Node {
    /// The newest frame of a peer came from there.
    pub(super) fn came_from(&mut self, now: Now, peer: PeerId, from: SocketAddr, length: usize) {
        let at = now.since_start;
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        if known.endpoint == Some(from) {
            // It is where it was: what seemed to come from elsewhere was a copy.
            known.path = None;
            return;
        }
        match &mut known.path {
            Some(path) if path.address == from => {
                path.received = path.received.saturating_add(length);
            }
            _ => {
                let (mut challenge, mut stays) = ([0; 8], [0; 8]);
                self.rng.fill_bytes(&mut challenge);
                self.rng.fill_bytes(&mut stays);
                known.path = Some(Path {
                    address: from,
                    challenge: hex(&challenge),
                    stays: hex(&stays),
                    answered: false,
                    received: length,
                    sent: 0,
                    patience: at + PATH_PATIENCE,
                    until: at + PATH_LIFETIME,
                });
            }
        }
        self.ask_path(now, peer);
        let known = self.peers.get(&peer);
        self.wake_for(known.and_then(|known| known.next_moment()));
    }

    /// What is due for a path: an end, a move, or a question.
    pub(super) fn tick_path(&mut self, now: Now, peer: PeerId) {
        let at = now.since_start;
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        if let Some(path) = known.path.take_if(|path| path.next_moment() <= at) {
            if path.answered {
                self.moved(now, peer, path.address);
            }
            return;
        }
        self.ask_path(now, peer);
    }

    /// Asks at the new address, within what may go there, and at the known one.
    fn ask_path(&mut self, now: Now, peer: PeerId) {
        let at = now.since_start;
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        let (Some(path), Some(index), Some(endpoint)) =
            (&mut known.path, known.current, known.endpoint)
        else {
            return;
        };
        if at < known.path_ask_at {
            return;
        }
        known.path_ask_at = at + FIRST_RETRY;
        let challenge = |data: &String| Control::PathChallenge { data: data.clone() };
        let (there, here) = (challenge(&path.challenge), challenge(&path.stays));
        let length = OVERHEAD + self.config.buckets.fit(there.write().len());
        let to = path.address;
        let fits = path.sent + length <= AMPLIFICATION.saturating_mul(path.received);
        if fits {
            path.sent += length;
        }
        self.say(now, index, &here, endpoint);
        if fits {
            self.say(now, index, &there, to);
        }
    }

    /// The answer to a challenge. Only whoever has received the challenge and has the session's
    /// keys can give it, wherever it comes from.
    pub(super) fn path_answered(&mut self, now: Now, peer: PeerId, data: &str) {
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        let Some(path) = &mut known.path else {
            return;
        };
        if path.stays == data {
            known.path = None;
        } else if path.challenge == data {
            path.answered = true;
            let (address, patience) = (path.address, path.patience);
            if now.since_start >= patience {
                known.path = None;
                self.moved(now, peer, address);
            } else {
                self.wake_for(Some(patience));
            }
        }
    }

    fn moved(&mut self, now: Now, peer: PeerId, endpoint: SocketAddr) {
        if let Some(known) = self.peers.get_mut(&peer) {
            known.endpoint = Some(endpoint);
            self.tell(Event::Moved { peer, endpoint });
            self.look_for_mtu(now, peer);
        }
    }
}
