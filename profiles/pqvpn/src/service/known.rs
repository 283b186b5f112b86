//! Whom a node knows: the file of known peers, or the list of the profile.
//!
//! A peer that first use has remembered stands in the file with the day; a line without one was
//! written by an operator, and only that gives a peer addresses.

use pqfw_framework::keys::Fingerprint;
use pqfw_framework::peers::{INCOMING, Known, PeerList};
use pqfw_framework::system::{Failure, Host, RunError};

use crate::config::Settings;
use crate::peer_id::PeerId;
use crate::trust::{KnownPeer, Memory, TrustList, TrustMode};

/// The file of known peers.
pub(super) struct KnownPeers(PeerList);

impl KnownPeers {
    /// Reads the file; gives the list that a node asks, too.
    pub(super) fn load(settings: &Settings, host: &Host) -> Result<(Self, TrustList), RunError> {
        let file = PeerList::load(&settings.peers, host.keys.clone());
        let file = file.map_err(|error| RunError::new(Failure::Usage, error))?;
        let known = match settings.trust {
            TrustMode::AllowList => {
                let allowed = settings.peers.allow.iter();
                allowed
                    .filter_map(|id| Some((PeerId::parse(id)?, pinned())))
                    .collect()
            }
            TrustMode::Pinned | TrustMode::Tofu | TrustMode::StrictTofu => {
                file.known().iter().filter_map(known).collect()
            }
        };
        let memory = Memory {
            known,
            ..Memory::default()
        };
        Ok((Self(file), TrustList::restored(settings.trust, memory)))
    }

    /// Writes a peer of first use down, under the name by which it was called; says whether it was
    /// new.
    pub(super) fn remember(
        &self,
        host: &Host,
        peer: PeerId,
        called: Option<&str>,
    ) -> Result<bool, String> {
        let fingerprint = Fingerprint::parse(&peer.to_string());
        let fingerprint = fingerprint.ok_or("its id is no fingerprint")?;
        let (now, name) = (host.world.now(), called.unwrap_or(INCOMING));
        let remembered = self.0.remember(now, name, &fingerprint);
        remembered.map_err(|error| error.to_string())
    }
}

fn pinned() -> KnownPeer {
    KnownPeer {
        name: None,
        first_use: false,
    }
}

fn known(line: &Known) -> Option<(PeerId, KnownPeer)> {
    let peer = PeerId::parse(line.fingerprint.as_str())?;
    let known = KnownPeer {
        name: (line.name != INCOMING).then(|| line.name.clone()),
        first_use: !line.first_seen.is_empty(),
    };
    Some((peer, known))
}
