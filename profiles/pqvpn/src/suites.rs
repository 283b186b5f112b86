//! The suites of a node: one KEM and one signature, which its identity has, with as many AEADs and
//! KDFs as it likes.

use std::sync::Arc;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::suite::Suite;
use thiserror::Error;

use crate::limits::{EPOCH_BITS, MOST_MESSAGE, MOST_MESSAGE_REST, MOST_ROTATION_REST, MOST_SUITES};
use crate::wire::SuiteId;

/// The tag of a data frame.
pub(crate) const TAG: usize = 16;

/// A suite with its name on the wire.
pub struct NamedSuite {
    /// The algorithms.
    pub suite: Suite,
    /// `KEM/SIGNATURE/AEAD/KDF`.
    pub name: String,
    /// The name on the wire.
    pub id: SuiteId,
}

/// Suites that make no node: the operator's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SuitesError {
    /// None, or more than an offer holds.
    #[error("{0} suites: give one to {MOST_SUITES}")]
    Number(usize),
    /// Two KEMs or two signatures: an identity has one key of each.
    #[error("{0} and {1} need different keys: run a node for each")]
    Mixed(String, String),
    /// Two suites with one name on the wire.
    #[error("{0} and {1} have the same name on the wire")]
    Same(String, String),
    /// An AEAD whose frames would not fit the protocol's.
    #[error("{0}: the tag must have 16 bytes, the nonce 8 or more, and a key seal 2^20 messages")]
    Aead(String),
    /// Keys, ciphertexts and signatures that no handshake has room for.
    #[error(
        "{name}: its longest handshake message may have {bytes} bytes, the limit is {MOST_MESSAGE}; take \
         a KEM or a signature with shorter keys and signatures"
    )]
    Long {
        /// The suite.
        name: String,
        /// The longest message that it may need.
        bytes: usize,
    },
}

/// The suites of a node, best first.
#[derive(Clone)]
pub struct Suites {
    first: Arc<NamedSuite>,
    all: Arc<[Arc<NamedSuite>]>,
}

impl Suites {
    /// Names the suites.
    ///
    /// # Errors
    /// [`SuitesError`].
    pub fn new(suites: Vec<Suite>) -> Result<Self, SuitesError> {
        if suites.len() > MOST_SUITES {
            return Err(SuitesError::Number(suites.len()));
        }
        let mut named: Vec<Arc<NamedSuite>> = Vec::new();
        for suite in suites {
            let sizes = suite.aead.sizes();
            let lasts = sizes.limits.sealed_messages >= 1 << EPOCH_BITS;
            if sizes.tag != TAG || sizes.nonce < 8 || !lasts {
                return Err(SuitesError::Aead(suite.aead.info().id.clone()));
            }
            let name = suite.channel_name();
            let bytes = longest(&suite);
            if bytes > MOST_MESSAGE {
                return Err(SuitesError::Long { name, bytes });
            }
            let id = id_of(&suite.digest, &name);
            for other in &named {
                if other.id == id {
                    return Err(SuitesError::Same(other.name.clone(), name));
                }
                let keys = |of: &Suite| (of.kem.info().id.clone(), of.signature.info().id.clone());
                if keys(&other.suite) != keys(&suite) {
                    return Err(SuitesError::Mixed(other.name.clone(), name));
                }
            }
            named.push(Arc::new(NamedSuite { suite, name, id }));
        }
        let first = named.first().ok_or(SuitesError::Number(0))?.clone();
        Ok(Self {
            first,
            all: named.into(),
        })
    }

    /// The best suite, whose KEM and signature all have.
    pub(crate) fn first(&self) -> &Arc<NamedSuite> {
        &self.first
    }

    /// What this node offers.
    #[must_use]
    pub fn offer(&self) -> Vec<SuiteId> {
        self.all.iter().map(|suite| suite.id).collect()
    }

    /// Their names, best first.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.all.iter().map(|suite| suite.name.clone()).collect()
    }

    /// The first of its own that the other end offers.
    #[must_use]
    pub fn choose(&self, offer: &[SuiteId]) -> Option<&Arc<NamedSuite>> {
        self.all.iter().find(|suite| offer.contains(&suite.id))
    }

    /// The suite of that name.
    #[must_use]
    pub fn find(&self, id: SuiteId) -> Option<&Arc<NamedSuite>> {
        self.all.iter().find(|suite| suite.id == id)
    }
}

/// The longest message of a suite: an S1 or a record with a rotation statement, or an S2.
fn longest(suite: &Suite) -> usize {
    let (kem, signature) = (suite.kem.sizes(), suite.signature.sizes());
    let proof = signature.verifying_key + signature.signature;
    // A rotation statement has a length of 16 bits, which twice as much in a message does not pass.
    let known = kem.encapsulation_key + 2 * proof + MOST_ROTATION_REST;
    let s1 = known + kem.encapsulation_key + kem.ciphertext;
    let record = known + kem.encapsulation_key;
    let s2 = 2 * kem.ciphertext + signature.signature;
    s1.max(record).max(s2) + MOST_MESSAGE_REST
}

fn id_of(digest: &AdmittedHash, name: &str) -> SuiteId {
    let mut id = [0; 4];
    for (to, from) in id.iter_mut().zip(digest.digest(&[name.as_bytes()])) {
        *to = from;
    }
    SuiteId(id)
}
