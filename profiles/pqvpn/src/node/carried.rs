//! Sessions whose shards from 1 on belong to the data plane: it is told when they begin, which of them
//! packets go through, and when they have ended; and it tells what it has heard.
//!
//! What the plane has been told is compared with what there is, whenever something may have changed:
//! a session begins with a job that is done, and everything else is an event or ends a session.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use pqfw_framework::world::Now;

use super::{Node, Output};
use crate::peer_id::PeerId;
use crate::plane::{Change, Heard};

/// What the data plane was told.
#[derive(Default)]
pub(super) struct Carried {
    sessions: BTreeSet<u32>,
    used: BTreeMap<PeerId, (u32, SocketAddr)>,
    /// Whether something may have changed since.
    pub(super) is_stale: bool,
}

impl Node {
    /// Tells the data plane what has changed: before anything that is sent after it.
    pub(super) fn tell_plane(&mut self) {
        let ended = self.carried.sessions.len() != self.sessions.len();
        if !self.config.carried || !(self.carried.is_stale || ended) {
            return;
        }
        self.carried.is_stale = false;
        let mut changes = Vec::new();
        for (index, session) in &mut self.sessions {
            if self.carried.sessions.insert(*index) {
                let shards = &mut session.shards;
                // The first of each direction is the node's own.
                let sealers = shards.sealers.split_off(shards.sealers.len().min(1));
                let openers = shards.openers.split_off(shards.openers.len().min(1));
                changes.push(Change::Begin {
                    index: *index,
                    peer: session.peer,
                    sealers,
                    openers,
                });
            }
        }
        let used = self.peers.iter().filter_map(|(peer, known)| {
            let used = (known.current?, known.endpoint?);
            Some((*peer, used))
        });
        let used: BTreeMap<_, _> = used.collect();
        for (peer, (index, endpoint)) in &used {
            if self.carried.used.get(peer) != Some(&(*index, *endpoint)) {
                changes.push(Change::Use {
                    peer: *peer,
                    index: *index,
                    endpoint: *endpoint,
                });
            }
        }
        let down = self
            .carried
            .used
            .keys()
            .filter(|peer| !used.contains_key(peer));
        changes.extend(down.map(|peer| Change::Down { peer: *peer }));
        self.carried.used = used;
        self.carried.sessions.retain(|index| {
            let lives = self.sessions.contains_key(index);
            if !lives {
                changes.push(Change::End { index: *index });
            }
            lives
        });
        self.outputs.extend(changes.into_iter().map(Output::Plane));
    }

    /// Frames that the data plane has opened, or not.
    pub(super) fn heard_there(&mut self, now: Now, heard: &Heard) {
        let Heard { index, from, .. } = *heard;
        let Some(peer) = self.sessions.get(&index).map(|session| session.peer) else {
            return;
        };
        if heard.worn {
            self.wears_out(now, peer, index);
            return;
        }
        self.heard(now, index, from, heard.newest, heard.bytes);
        if let Some(control) = &heard.control {
            self.word(now, index, (from, heard.bytes), control);
        }
    }
}
