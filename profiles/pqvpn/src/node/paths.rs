//! Roaming: a peer whose newest frame came from another address is asked there whether it is so.
//!
//! Nothing but the question goes to the new address before the answer (RFC 9000 section 9.3 lets
//! data follow at once). Whoever copies a frame and is faster than the network can make a node
//! ask, but gets none of its traffic.

use std::net::SocketAddr;
use std::time::Duration;

use pqfw_framework::world::Now;

use super::peers::hex;
use super::{Event, Node};
use crate::limits::{AMPLIFICATION, FIRST_RETRY, PATH_LIFETIME};
use crate::peer_id::PeerId;
use crate::session::{Control, OVERHEAD};

/// An address that may be a peer's.
pub(super) struct Path {
    address: SocketAddr,
    challenge: String,
    received: usize,
    sent: usize,
    pub(super) until: Duration,
    pub(super) ask_at: Duration,
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
                let mut challenge = [0; 8];
                self.rng.fill_bytes(&mut challenge);
                known.path = Some(Path {
                    address: from,
                    challenge: hex(&challenge),
                    received: length,
                    sent: 0,
                    until: at + PATH_LIFETIME,
                    ask_at: at,
                });
            }
        }
        self.ask_path(now, peer);
    }

    /// Asks at the new address, within what may go there.
    pub(super) fn ask_path(&mut self, now: Now, peer: PeerId) {
        let at = now.since_start;
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        let (Some(path), Some(index)) = (&mut known.path, known.current) else {
            return;
        };
        if at < path.ask_at {
            return;
        }
        path.ask_at = at + FIRST_RETRY;
        let data = path.challenge.clone();
        let challenge = Control::PathChallenge { data };
        let length = OVERHEAD + self.config.buckets.fit(challenge.write().len());
        if path.sent + length > AMPLIFICATION.saturating_mul(path.received) {
            return;
        }
        path.sent += length;
        let to = path.address;
        self.say(now, index, &challenge, to);
    }

    /// The answer to a challenge. Only whoever has received the challenge and has the session's
    /// keys can give it, wherever it comes from.
    pub(super) fn path_answered(&mut self, peer: PeerId, data: &str) {
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        let answers = known
            .path
            .as_ref()
            .is_some_and(|path| path.challenge == data);
        if let (true, Some(path)) = (answers, known.path.take()) {
            let endpoint = path.address;
            known.endpoint = Some(endpoint);
            self.tell(Event::Moved { peer, endpoint });
        }
    }
}
