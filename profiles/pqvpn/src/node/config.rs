//! What a node is made of.

use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::world::Now;
use thiserror::Error;

use crate::identity::{Identity, Record, SignedRecord};
use crate::limits::{
    MOST_ANSWERING, MOST_DATAGRAM, MOST_MESSAGE, MOST_PACKET, MOST_PEERS, MOST_SHARDS,
};
use crate::session::{Buckets, OVERHEAD};
use crate::suites::Suites;
use crate::trust::Trust;

/// What a node is made of.
pub struct Config {
    /// Its suites, best first.
    pub suites: Suites,
    /// Its keys.
    pub identity: Arc<Identity>,
    /// Its record, for those who ask.
    pub record: SignedRecord,
    /// Whom it trusts.
    pub trust: Arc<dyn Trust>,
    /// On how many shards it sends.
    pub shards: u8,
    /// Whether the shards from 1 on belong to the data plane.
    pub carried: bool,
    /// After how long the initiator of a session makes a new one.
    pub rekey_after: Duration,
    /// How much longer the responder waits before it does.
    pub rekey_grace: Duration,
    /// How often a peer is asked whether it is there.
    pub keepalive: Duration,
    /// How many handshakes and records one address gets in a minute.
    pub handshakes_per_minute: u32,
    /// How many answers to handshakes are computed at a time; more are dropped and come again.
    pub most_answering: usize,
    /// Whether those who do not know who this is get its record.
    pub answers_strangers: bool,
    /// How many peers it has at most.
    pub most_peers: usize,
    /// The sizes of plaintexts.
    pub buckets: Buckets,
    /// How large a datagram may be tried on the way to a peer; at [`MOST_DATAGRAM`], which every
    /// way carries, nothing is tried. The socket must not let datagrams be fragmented.
    pub most_datagram: usize,
}

/// The largest datagram there is.
const LARGEST: usize = MOST_PACKET + OVERHEAD;

/// A configuration that makes no node: the operator's fault.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum ConfigError {
    /// A number of shards that there is not.
    #[error("{0} shards: give 1 to {MOST_SHARDS}")]
    Shards(u8),
    /// An identity whose keys are of other algorithms than the suites'.
    #[error("the identity's keys are not of the suites' algorithms")]
    Identity,
    /// A record of somebody else, or one that no message has room for: nobody could call this node by it.
    #[error("the record is not this identity's, or has more than {MOST_MESSAGE} bytes")]
    Record,
    /// An interval of no time, at which a node would do nothing else.
    #[error("{0} must not be zero")]
    Zero(&'static str),
    /// A datagram that is less than a handshake needs, or more than there is.
    #[error("datagrams of {0} bytes: give {MOST_DATAGRAM} to {LARGEST}")]
    Datagram(usize),
}

impl Config {
    /// A node with an identity, as the specification's sample has it.
    #[must_use]
    pub fn new(
        suites: Suites,
        identity: Arc<Identity>,
        record: SignedRecord,
        trust: Arc<dyn Trust>,
    ) -> Self {
        Self {
            suites,
            identity,
            record,
            trust,
            shards: 1,
            carried: false,
            rekey_after: Duration::from_secs(600),
            rekey_grace: Duration::from_secs(60),
            keepalive: Duration::from_secs(25),
            handshakes_per_minute: 30,
            most_answering: MOST_ANSWERING,
            answers_strangers: true,
            most_peers: MOST_PEERS,
            buckets: Buckets::default(),
            most_datagram: MOST_DATAGRAM,
        }
    }

    /// Checks what types do not, and gives the digest of everything that has no suite.
    pub(super) fn check(&self) -> Result<AdmittedHash, ConfigError> {
        let (suite, identity) = (&self.suites.first().suite, &self.identity);
        let fits = suite.kem.info().id == identity.decapsulation.info().id
            && suite.signature.info().id == identity.signing.info().id;
        if !fits {
            return Err(ConfigError::Identity);
        }
        // Whether it has expired is for those who read it.
        let now = Now {
            since_start: Duration::ZERO,
            unix_micros: 0,
        };
        let record = Record::read(self.record.as_bytes(), &self.suites, now);
        let is_own = record.is_ok_and(|record| record.id == identity.id());
        if !is_own || self.record.as_bytes().len() > MOST_MESSAGE {
            return Err(ConfigError::Record);
        }
        if !(1..=MOST_SHARDS).contains(&self.shards) {
            return Err(ConfigError::Shards(self.shards));
        }
        if !(MOST_DATAGRAM..=LARGEST).contains(&self.most_datagram) {
            return Err(ConfigError::Datagram(self.most_datagram));
        }
        for (name, interval) in [
            ("rekey_after", self.rekey_after),
            ("keepalive", self.keepalive),
        ] {
            if interval.is_zero() {
                return Err(ConfigError::Zero(name));
            }
        }
        Ok(suite.digest.clone())
    }
}
