//! The half of the data plane that seals.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::peer_id::PeerId;
use crate::session::Sealer;

/// The half that seals.
#[derive(Default)]
pub struct Outgoing {
    sessions: BTreeMap<u32, Vec<Sealer>>,
    peers: BTreeMap<PeerId, (u32, SocketAddr)>,
}

impl Outgoing {
    pub(super) fn begin(&mut self, index: u32, sealers: Vec<Sealer>) {
        self.sessions.insert(index, sealers);
    }

    pub(super) fn through(&mut self, peer: PeerId, index: u32, endpoint: SocketAddr) {
        self.peers.insert(peer, (index, endpoint));
    }

    pub(super) fn down(&mut self, peer: PeerId) {
        self.peers.remove(&peer);
    }

    pub(super) fn end(&mut self, index: u32) {
        self.sessions.remove(&index);
        self.peers.retain(|_, (used, _)| *used != index);
    }

    /// What seals packets to a peer, and where they go; `None` when the node has to be asked. Packets
    /// of one flow take one number, and so one shard.
    pub fn to(&mut self, peer: PeerId, flow: usize) -> Option<(&mut Sealer, SocketAddr)> {
        let (index, endpoint) = *self.peers.get(&peer)?;
        let sealers = self.sessions.get_mut(&index)?;
        let count = sealers.len();
        let sealer = sealers.get_mut(flow.checked_rem(count)?)?;
        Some((sealer, endpoint))
    }
}
