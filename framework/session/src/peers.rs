//! Whom an end accepts, asked after the peer has proved who it is.

use std::collections::BTreeSet;

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::world::Now;
use thiserror::Error;

/// Whom an end accepts.
pub trait PeerCheck: Send + Sync {
    /// Accepts or refuses a peer that has proved that it holds this key, in this handshake.
    ///
    /// # Errors
    /// [`PeerRefused`].
    fn check(&self, now: Now, peer: &Fingerprint) -> Result<(), PeerRefused>;

    /// Hears that the channel with an accepted peer is open: the moment to remember one that came
    /// for the first time, since not every handshake gets so far.
    ///
    /// # Errors
    /// [`PeerRefused`], when another came first.
    fn opened(&self, _: Now, _: &Fingerprint) -> Result<(), PeerRefused> {
        Ok(())
    }
}

/// A peer that is not accepted: its own fault, or the peer list is incomplete.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("the peer {peer} is not accepted: {reason}")]
pub struct PeerRefused {
    /// Who it is.
    pub peer: Fingerprint,
    /// Why not, and what to do if it should be.
    pub reason: String,
}

/// Accepts the keys with these fingerprints.
#[derive(Clone, Debug)]
pub struct PinnedPeers(BTreeSet<Fingerprint>);

impl PinnedPeers {
    /// Accepts the keys with these fingerprints and nobody else.
    pub fn new(peers: impl IntoIterator<Item = Fingerprint>) -> Self {
        Self(peers.into_iter().collect())
    }
}

impl PeerCheck for PinnedPeers {
    fn check(&self, _: Now, peer: &Fingerprint) -> Result<(), PeerRefused> {
        if self.0.contains(peer) {
            return Ok(());
        }
        Err(PeerRefused {
            peer: peer.clone(),
            reason: "it is not among the pinned peers; add its fingerprint if it should be".into(),
        })
    }
}

/// Accepts whoever holds any key: for services that everybody may use, and for demonstrations.
#[derive(Clone, Copy, Debug, Default)]
pub struct InsecureAnybody;

impl PeerCheck for InsecureAnybody {
    fn check(&self, _: Now, _: &Fingerprint) -> Result<(), PeerRefused> {
        Ok(())
    }
}
