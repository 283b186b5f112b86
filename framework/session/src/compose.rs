//! From a profile to one end of a channel: identities, peers, suites.

use std::sync::Arc;

use pqfw_framework::keys::{Fingerprint, identity_key};
use pqfw_framework::peers::{INCOMING, PeerError, PeerList, PeerMode};
use pqfw_framework::profile::Profile;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Failure, Host, Report, RunError};
use pqfw_framework::world::Now;

use crate::{Config, Identity, PeerCheck, PeerRefused};

/// Which end of its connections a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It connects: its peer is known by the address it is reached at.
    Initiator,
    /// It is connected to: its peers come by themselves.
    Responder,
}

/// Makes the configuration that a profile describes. Identities that are not there yet are made.
///
/// # Errors
/// [`RunError`] that says which key of the profile is at fault.
pub fn config(
    protocol: &str,
    end: End,
    profile: &Profile,
    host: &Host,
) -> Result<Config, RunError> {
    let list = PeerList::load(&profile.common.peers, host.keys.clone());
    let list = list.map_err(|error| RunError::new(Failure::Usage, error))?;
    if list.mode() == PeerMode::Open {
        host.report.event(&Event::Warning(
            "peers.mode = \"open\": whoever comes is accepted, and nobody is who they say".into(),
        ));
    }
    let peers = Peers {
        list,
        name: match end {
            End::Initiator => host.settings.connect.clone(),
            End::Responder => INCOMING.into(),
        },
        report: host.report.clone(),
    };
    config_with(protocol, profile, host, Arc::new(peers))
}

/// Makes the configuration that a profile describes, but for its `[peers]`: for systems that know
/// their peers by other means.
///
/// # Errors
/// As [`config`].
pub fn config_with(
    protocol: &str,
    profile: &Profile,
    host: &Host,
    peers: Arc<dyn PeerCheck>,
) -> Result<Config, RunError> {
    let usage = |error: &dyn std::fmt::Display| RunError::new(Failure::Usage, error);
    let suites: Vec<Suite> = std::iter::once(&host.suite)
        .chain(&host.alternatives)
        .cloned()
        .collect();
    let mut identities: Vec<Identity> = Vec::new();
    for suite in &suites {
        let algorithm = &suite.signature.info().id;
        if identities
            .iter()
            .any(|known| known.algorithm() == algorithm)
        {
            continue;
        }
        let mut rng = host.world.rng();
        let name = &profile.common.keys.identity;
        let found = identity_key(&*host.keys, name, &suite.signature, &mut *rng);
        let (key, made) = found.map_err(|error| usage(&error))?;
        let identity = Identity::new(key, &suite.digest).map_err(|error| usage(&error))?;
        if made {
            let (fingerprint, place) = (identity.fingerprint(), host.keys.describe());
            host.report.event(&Event::Info(format!(
                "a new {algorithm} identity in {place}: {fingerprint}"
            )));
        }
        identities.push(identity);
    }
    let policy = profile.common.policy.0.join("+");
    Config::new(protocol.into(), policy, suites, identities, peers).map_err(|error| usage(&error))
}

/// `[peers]` of a profile, for one end of its connections.
struct Peers {
    list: PeerList,
    name: String,
    report: Arc<dyn Report>,
}

impl PeerCheck for Peers {
    fn check(&self, _: Now, peer: &Fingerprint) -> Result<(), PeerRefused> {
        let accepted = self.list.accept(&self.name, peer);
        accepted
            .map(|_| ())
            .map_err(|error| self.refused(peer, &error))
    }

    fn opened(&self, now: Now, peer: &Fingerprint) -> Result<(), PeerRefused> {
        let remembered = self.list.remember(now, &self.name, peer);
        if !remembered.map_err(|error| self.refused(peer, &error))? {
            return Ok(());
        }
        let (name, place) = (&self.name, self.list.place());
        let text = if name == INCOMING {
            format!("a new peer is trusted on first use: {peer}, now in {place}")
        } else {
            format!(
                "trusting {peer} at {name} on first use; compare it with the fingerprint \
                 that the peer shows; it is now in {place}"
            )
        };
        self.report.event(&Event::Warning(text));
        Ok(())
    }
}

impl Peers {
    fn refused(&self, peer: &Fingerprint, error: &PeerError) -> PeerRefused {
        if !matches!(error, PeerError::Unknown { .. } | PeerError::Changed { .. }) {
            self.report.event(&Event::Warning(error.to_string()));
        }
        PeerRefused {
            peer: peer.clone(),
            reason: error.to_string(),
        }
    }
}
