//! Whom each end believes. A name follows from whatever key is shown, so it vouches for nobody by
//! itself: somebody has to have said which names are good.

use std::sync::Arc;

use pqfw_framework::peers::{PeerList, PeerMode};
use pqfw_framework::system::{Event, Report};
use pqfw_framework::world::Now;

use super::error::PqcTransportError;
use super::identity::{Algorithms, Did};
use super::session::Peer;
use crate::config::McpConfig;

/// The clients that a server lets in.
#[derive(Clone, Debug)]
pub enum Clients {
    /// These.
    Listed(Vec<Did>),
    /// Anybody.
    Any,
}

impl Clients {
    /// Reads `mcp.allow_dids` and `mcp.allow_any_did`.
    ///
    /// # Errors
    /// [`PqcTransportError::Config`] for an entry that is no identifier, and for a server that
    /// nobody could use.
    pub fn of(config: &McpConfig) -> Result<Self, PqcTransportError> {
        if config.allow_any_did {
            return Ok(Self::Any);
        }
        if config.allow_dids.is_empty() {
            return Err(PqcTransportError::Config(
                "mcp.allow_dids is empty: list the clients, or set mcp.allow_any_did = true to let \
                 in whoever comes"
                    .into(),
            ));
        }
        let listed = config.allow_dids.iter();
        let listed: Result<_, _> = listed.map(|text| did("mcp.allow_dids", text)).collect();
        Ok(Self::Listed(listed?))
    }

    /// Decides by the key: what a client calls itself does not count.
    ///
    /// # Errors
    /// [`PqcTransportError::PeerNotAuthenticated`].
    pub(crate) fn check(&self, real: &Did) -> Result<(), PqcTransportError> {
        match self {
            Self::Listed(dids) if !dids.contains(real) => {
                let text = format!("{real} is not in mcp.allow_dids");
                Err(PqcTransportError::PeerNotAuthenticated(text))
            }
            _ => Ok(()),
        }
    }
}

/// The server that a client believes.
pub enum Server {
    /// This one.
    Pinned(Did),
    /// The one that `[peers]` knows at an address, by the fingerprint of its key.
    Known {
        /// The list.
        list: PeerList,
        /// The address.
        address: String,
    },
}

impl Server {
    /// Takes `mcp.server_did`, or else the list.
    ///
    /// # Errors
    /// [`PqcTransportError::Config`].
    pub fn of(
        config: &McpConfig,
        list: PeerList,
        address: &str,
        report: &dyn Report,
    ) -> Result<Self, PqcTransportError> {
        if let Some(text) = &config.server_did {
            return Ok(Self::Pinned(did("mcp.server_did", text)?));
        }
        if list.mode() == PeerMode::Open {
            let text = "peers.mode = \"open\": whoever answers is believed";
            report.event(&Event::Warning(text.into()));
        }
        Ok(Self::Known {
            list,
            address: address.to_owned(),
        })
    }

    pub(crate) fn check(
        &self,
        now: Now,
        algorithms: &Algorithms,
        peer: &Peer,
        report: &Arc<dyn Report>,
    ) -> Result<(), PqcTransportError> {
        match self {
            Self::Pinned(did) => {
                let real = algorithms.did(&peer.public_key);
                if real == *did {
                    return Ok(());
                }
                let text = format!("the server is {real}, and mcp.server_did is another");
                Err(PqcTransportError::PeerNotAuthenticated(text))
            }
            Self::Known { list, address } => {
                let fingerprint = algorithms.fingerprint(&peer.public_key)?;
                if list.remember(now, address, &fingerprint)? {
                    let (did, place) = (&peer.did, list.place());
                    let text = format!(
                        "trusting {did} at {address} on first use; compare it with what the server \
                         printed at its start; it is now in {place}"
                    );
                    report.event(&Event::Warning(text));
                }
                Ok(())
            }
        }
    }
}

fn did(key: &str, text: &str) -> Result<Did, PqcTransportError> {
    Did::parse(text).ok_or_else(|| {
        let what = "is none; write `did:pqaid:` and 64 lower-case hexadecimal digits";
        PqcTransportError::Config(format!("{key}: `{text}` {what}"))
    })
}
