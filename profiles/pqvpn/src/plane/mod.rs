//! The data plane: what threads need to seal and open data frames without asking the node.
//!
//! ```text
//!  node ─Change▶ Outgoing: sealers of each session, and which of them a peer's packets go through
//!                Incoming: openers of each session
//!  threads ─Heard▶ node: a session is alive, its peer may have moved, a word of the other node
//! ```
//!
//! The node keeps shard 0 of every session for itself and hands the others over. Each direction has
//! one thread, which holds its half while it works on a batch; a change of keys takes the half for as
//! long as a map takes an entry, and stops nothing. What ended is gone at once, keys and all.

mod incoming;
mod outgoing;

use std::net::SocketAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use incoming::{Heard, Incoming, Taken};
pub use outgoing::Outgoing;

use crate::peer_id::PeerId;
use crate::session::{Opener, Sealer};

/// What a node tells the data plane.
pub enum Change {
    /// A session has begun.
    Begin {
        /// Its index at this end.
        index: u32,
        /// With whom.
        peer: PeerId,
        /// The shards from 1 on.
        sealers: Vec<Sealer>,
        /// The shards from 1 on.
        openers: Vec<Opener>,
    },
    /// Packets to a peer go through a session, and to a place.
    Use {
        /// To whom.
        peer: PeerId,
        /// Through which session.
        index: u32,
        /// Where to.
        endpoint: SocketAddr,
    },
    /// There is no session for packets to a peer.
    Down {
        /// To whom.
        peer: PeerId,
    },
    /// A session has ended.
    End {
        /// Its index at this end.
        index: u32,
    },
}

/// Both halves. Whoever holds one asks nothing of the node.
#[derive(Default)]
pub struct Plane {
    outgoing: Mutex<Outgoing>,
    incoming: Mutex<Incoming>,
}

impl Plane {
    /// The half that seals.
    pub fn outgoing(&self) -> MutexGuard<'_, Outgoing> {
        // Nothing under the lock leaves a half change behind.
        self.outgoing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The half that opens.
    pub fn incoming(&self) -> MutexGuard<'_, Incoming> {
        self.incoming.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what the node says.
    pub fn apply(&self, change: Change) {
        match change {
            Change::Begin {
                index,
                peer,
                sealers,
                openers,
            } => {
                self.incoming().begin(index, peer, openers);
                self.outgoing().begin(index, sealers);
            }
            Change::Use {
                peer,
                index,
                endpoint,
            } => self.outgoing().through(peer, index, endpoint),
            Change::Down { peer } => self.outgoing().down(peer),
            Change::End { index } => {
                self.incoming().end(index);
                self.outgoing().end(index);
            }
        }
    }
}
