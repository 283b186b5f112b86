//! Whose key it is: the server's keys with what it says about them, and what a client makes of it.

use pqfw_framework::kem::{DecapsulationKey, EncapsulationKey, KemError};
use pqfw_framework::keys::{Fingerprint, KeyCodecError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::signature::{SignatureError, SigningKey};
use pqfw_framework::suite::Suite;
use thiserror::Error;

use crate::wire::Greeting;

/// A server's keys and the greeting that announces them.
pub struct ServerKeys {
    /// The KEM key, which lives as long as the process.
    pub kem: DecapsulationKey,
    /// The first frame's message.
    pub greeting: Greeting,
    /// Of the signing key, or without one of the KEM key, where the algorithm has an identifier.
    pub fingerprint: Option<Fingerprint>,
}

/// Keys that cannot be made.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum KeysError {
    /// The operator's fault: a signature algorithm whose keys no fingerprint can name.
    #[error("{0}; with `mlkem-tcp.signed = true` choose a suite.signature that has one")]
    NoIdentifier(KeyCodecError),
    /// The provider's fault: its own code refused to work.
    #[error("cryptography: {0}")]
    Crypto(String),
}

impl ServerKeys {
    /// Makes a KEM key, and signs it where there is a signing key.
    ///
    /// # Errors
    /// [`KeysError::Crypto`]; [`KeysError::NoIdentifier`] for a signing key.
    pub fn generate(
        suite: &Suite,
        signing: Option<&SigningKey>,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, KeysError> {
        let key = suite.kem.generate(rng)?;
        let kem = key.encapsulation_key();
        let (greeting, fingerprint) = match signing {
            None => {
                let fingerprint = fingerprint_of_kem(suite, &kem);
                (Greeting::Plain { kem }, fingerprint)
            }
            Some(signing) => {
                let sign = signing.verifying_key();
                let fingerprint = fingerprint_of_sign(suite, &sign);
                let fingerprint = fingerprint.map_err(KeysError::NoIdentifier)?;
                let greeting = Greeting::Signed {
                    signature: signing.sign(rng, &[&kem])?,
                    sign,
                    kem,
                };
                (greeting, Some(fingerprint))
            }
        };
        Ok(Self {
            kem: key,
            greeting,
            fingerprint,
        })
    }
}

/// Whom a client believes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trust {
    /// Whether a server without a signature is refused.
    pub signed: bool,
    /// The servers' fingerprints; empty for whoever answers.
    pub pins: Vec<Fingerprint>,
}

/// A server's key that a client may seal to.
pub struct Trusted {
    /// The KEM key, with its specification's checks behind it.
    pub key: EncapsulationKey,
    /// Whom it belongs to, where that can be named.
    pub fingerprint: Option<Fingerprint>,
    /// Why it is believed.
    pub basis: Basis,
}

/// Why a server's key is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Basis {
    /// Its fingerprint is pinned.
    Pinned,
    /// It is signed by a key that nobody has compared.
    FirstUse,
    /// For no reason at all.
    Nothing,
}

/// A server's key that a client does not believe: a man in the middle, or a server that changed.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum TrustError {
    /// The key is not signed and must be.
    #[error(
        "the server's key is not signed, and `mlkem-tcp.signed = true` asks for that; start the \
         server with it, or somebody in between took the signature away"
    )]
    Unsigned,
    /// The signature is not over this key.
    #[error("the signature on the server's key does not verify: somebody put another key there")]
    Signature,
    /// Another server than those that are pinned.
    #[error(
        "the server shows {shown}, which is none of `mlkem-tcp.pins`; if it changed its key on \
         purpose, compare the fingerprint with what it prints and pin that"
    )]
    NotPinned {
        /// Its fingerprint, or that it has none.
        shown: String,
    },
    /// A key that its specification refuses.
    #[error("the server's key: {0}")]
    Key(String),
}

impl Trust {
    /// Decides whether to believe a greeting.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn judge(&self, suite: &Suite, greeting: &Greeting) -> Result<Trusted, TrustError> {
        let (kem, fingerprint, signed) = match greeting {
            Greeting::Plain { .. } if self.signed => return Err(TrustError::Unsigned),
            Greeting::Plain { kem } => (kem, fingerprint_of_kem(suite, kem), false),
            Greeting::Signed {
                kem,
                sign,
                signature,
            } => {
                let key = suite.signature.import_verifying_key(sign);
                let key = key.map_err(|error| TrustError::Key(error.to_string()))?;
                let verified = key.verify(&[kem], &[], signature);
                verified.map_err(|_| TrustError::Signature)?;
                (kem, fingerprint_of_sign(suite, sign).ok(), true)
            }
        };
        let pinned = fingerprint
            .as_ref()
            .is_some_and(|shown| self.pins.contains(shown));
        if !pinned && !self.pins.is_empty() {
            let shown = match &fingerprint {
                Some(fingerprint) => fingerprint.to_string(),
                None => "a key that has no fingerprint".into(),
            };
            return Err(TrustError::NotPinned { shown });
        }
        let key = suite.kem.import_encapsulation_key(kem);
        Ok(Trusted {
            key: key.map_err(|error| TrustError::Key(error.to_string()))?,
            fingerprint,
            basis: match (pinned, signed) {
                (true, _) => Basis::Pinned,
                (false, true) => Basis::FirstUse,
                (false, false) => Basis::Nothing,
            },
        })
    }
}

impl Trusted {
    /// What the operator must know before typing anything; `None` when it is pinned.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let named = match &self.fingerprint {
            Some(fingerprint) => {
                format!("compare {fingerprint} with the one that the server printed")
            }
            None => "it has no fingerprint to compare".into(),
        };
        match self.basis {
            Basis::Pinned => None,
            Basis::FirstUse => Some(format!(
                "trusting the server's signing key on first use; {named}, and pin it in \
                 `mlkem-tcp.pins`"
            )),
            Basis::Nothing => Some(format!(
                "the server's key is unauthenticated, anybody in between can have put it there; \
                 {named}, or use `mlkem-tcp.signed = true` at both ends"
            )),
        }
    }
}

fn fingerprint_of_sign(suite: &Suite, key: &[u8]) -> Result<Fingerprint, KeyCodecError> {
    Fingerprint::of(&suite.digest, suite.signature.info(), key)
}

fn fingerprint_of_kem(suite: &Suite, key: &[u8]) -> Option<Fingerprint> {
    Fingerprint::of(&suite.digest, suite.kem.info(), key).ok()
}

impl From<KemError> for KeysError {
    fn from(error: KemError) -> Self {
        Self::Crypto(error.to_string())
    }
}

impl From<SignatureError> for KeysError {
    fn from(error: SignatureError) -> Self {
        Self::Crypto(error.to_string())
    }
}
