//! What one end offers, is and accepts.

use std::sync::Arc;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::suite::Suite;
use pqfw_framework::world::Now;
use thiserror::Error;

use crate::channel::FRESH_AFTER_BYTES;
use crate::identity::Identity;
use crate::keylog::KeyLog;
use crate::negotiation::{MOST_SUITES, is_name};
use crate::peers::{PeerCheck, PeerRefused};

/// What one end offers, is and accepts.
pub struct Config {
    protocol: String,
    policy: String,
    suites: Vec<Offer>,
    identities: Vec<Identity>,
    peers: Arc<dyn PeerCheck>,
    keylog: Option<Arc<dyn KeyLog>>,
    sha256: AdmittedHash,
    fresh_after_bytes: u64,
}

/// A suite under its name, with the identity that signs in it.
pub(crate) struct Offer {
    pub(crate) name: String,
    pub(crate) suite: Arc<Suite>,
    identity: usize,
}

/// A configuration that cannot work: the operator's fault, in the profile.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A name that is empty, too long or not printable.
    #[error("{field} `{name}`: at most {limit} printable ASCII characters without spaces")]
    Name {
        /// Which.
        field: &'static str,
        /// As given.
        name: String,
        /// The most that it may have.
        limit: usize,
    },
    /// No suite has a signature algorithm of which there is an identity key.
    #[error(
        "no suite is left to offer: the suites sign with {wanted}, and the identity keys are of \
         {have}; generate a key with `pqfw keys generate`, or change the suite"
    )]
    NoIdentity {
        /// The signature algorithms of the suites.
        wanted: String,
        /// The algorithms of the keys.
        have: String,
    },
    /// A suite whose AEAD the channel cannot number its records with.
    #[error(
        "{0} is no AEAD of the channel: it needs nonces of 8 to 64 bytes and keys that seal 2^17 messages"
    )]
    Aead(String),
    /// The same suite twice.
    #[error("the suite {0} is listed twice")]
    Twice(String),
    /// Too many suites.
    #[error("{0} suites: at most 64")]
    TooMany(usize),
}

impl Config {
    /// Puts an end together. Suites whose signature algorithm has no identity are not offered.
    ///
    /// # Errors
    /// [`ConfigError`].
    pub fn new(
        protocol: String,
        policy: String,
        suites: Vec<Suite>,
        identities: Vec<Identity>,
        peers: Arc<dyn PeerCheck>,
    ) -> Result<Self, ConfigError> {
        check("protocol", &protocol, 1, 64)?;
        check("policy", &policy, 0, 255)?;
        let wanted: Vec<_> = suites
            .iter()
            .map(|s| s.signature.info().id.clone())
            .collect();
        let mut offers: Vec<Offer> = Vec::new();
        for suite in suites {
            let algorithm = &suite.signature.info().id;
            let Some(identity) = identities.iter().position(|i| i.algorithm() == algorithm) else {
                continue;
            };
            let name = suite.channel_name();
            check("suite", &name, 1, 255)?;
            let sizes = suite.aead.sizes();
            if !(8..=MOST_NONCE).contains(&sizes.nonce)
                || sizes.limits.sealed_messages < LEAST_MESSAGES
            {
                return Err(ConfigError::Aead(suite.aead.info().id.clone()));
            }
            if offers.iter().any(|offer| offer.name == name) {
                return Err(ConfigError::Twice(name));
            }
            let suite = Arc::new(suite);
            offers.push(Offer {
                name,
                suite,
                identity,
            });
        }
        let Some(first) = offers.first() else {
            let have: Vec<_> = identities.iter().map(Identity::algorithm).collect();
            return Err(ConfigError::NoIdentity {
                wanted: wanted.join(", "),
                have: if have.is_empty() {
                    "none".into()
                } else {
                    have.join(", ")
                },
            });
        };
        let sha256 = first.suite.digest.clone();
        if offers.len() > MOST_SUITES {
            return Err(ConfigError::TooMany(offers.len()));
        }
        Ok(Self {
            protocol,
            policy,
            suites: offers,
            identities,
            peers,
            keylog: None,
            sha256,
            fresh_after_bytes: FRESH_AFTER_BYTES,
        })
    }

    /// Wants new secrets from a new KEM key after fewer bytes in a direction than 2^36.
    #[must_use]
    pub fn with_fresh_after_bytes(mut self, bytes: u64) -> Self {
        self.fresh_after_bytes = bytes.min(FRESH_AFTER_BYTES);
        self
    }

    /// Writes every traffic secret there: whoever reads it reads everything.
    #[must_use]
    pub fn insecure_with_keylog(mut self, keylog: Arc<dyn KeyLog>) -> Self {
        self.keylog = Some(keylog);
        self
    }

    /// What speaks inside.
    #[must_use]
    pub fn protocol(&self) -> &str {
        &self.protocol
    }

    /// The names of the suites that are offered, best first.
    pub fn suites(&self) -> impl Iterator<Item = &str> {
        self.suites.iter().map(|offer| offer.name.as_str())
    }

    /// Who this end is, for each of its signature algorithms.
    #[must_use]
    pub fn identities(&self) -> &[Identity] {
        &self.identities
    }

    /// Who this end is in the suite of that name.
    #[must_use]
    pub fn identity_in(&self, suite: &str) -> Option<&Identity> {
        let offer = self.suites.iter().find(|offer| offer.name == suite)?;
        self.identity_of(offer)
    }

    pub(crate) fn policy(&self) -> &str {
        &self.policy
    }

    pub(crate) fn offers(&self) -> &[Offer] {
        &self.suites
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.suites().map(Into::into).collect()
    }

    pub(crate) fn identity_of(&self, offer: &Offer) -> Option<&Identity> {
        self.identities.get(offer.identity)
    }

    /// Asks the peer list. Our own key is nobody else's: a connection to it leads back to us, or to
    /// whoever stole it.
    pub(crate) fn accept(&self, now: Now, peer: &Fingerprint) -> Result<(), PeerRefused> {
        if self.identities.iter().any(|own| own.fingerprint() == peer) {
            return Err(PeerRefused {
                peer: peer.clone(),
                reason: "it shows our own key; give each end an identity of its own".into(),
            });
        }
        self.peers.check(now, peer)
    }

    /// What is to happen once the channel with an accepted peer is open.
    pub(crate) fn opened(&self, now: Now, peer: &Fingerprint) -> Result<(), PeerRefused> {
        self.peers.opened(now, peer)
    }

    pub(crate) fn fresh_after_bytes(&self) -> u64 {
        self.fresh_after_bytes
    }

    /// SHA-256, which names keys and datagrams' attempts in every suite.
    pub(crate) fn sha256(&self) -> &AdmittedHash {
        &self.sha256
    }

    pub(crate) fn keylog(&self) -> Option<Arc<dyn KeyLog>> {
        self.keylog.clone()
    }
}

fn check(field: &'static str, name: &str, least: usize, limit: usize) -> Result<(), ConfigError> {
    if is_name(name, least, limit) {
        return Ok(());
    }
    let name = name.to_owned();
    Err(ConfigError::Name { field, name, limit })
}

/// Nonces are made on the stack; no AEAD comes near this.
pub(crate) const MOST_NONCE: usize = 64;

/// An epoch seals 2^16 messages under one key, and half of a limit is what may be used.
const LEAST_MESSAGES: u64 = 1 << 17;
