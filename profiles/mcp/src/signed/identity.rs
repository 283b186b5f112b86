//! Who a peer is: a key pair, and the name that follows from its public half.

use std::fmt;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::keys::{Fingerprint, identity_key};
use pqfw_framework::profile::Profile;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::signature::{AdmittedSignature, SignatureError, SigningKey, VerifyingKey};
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Host};

use super::error::PqcTransportError;
use super::hex;
use crate::config::McpConfig;

/// A decentralised identifier: `did:pqaid:` and the SHA3-256 of the raw public key. It names
/// whoever shows that key, and vouches for nobody.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Did(String);

impl Did {
    const PREFIX: &str = "did:pqaid:";

    /// The identifier of a public key.
    #[must_use]
    pub fn of(sha3: &AdmittedHash, public_key: &[u8]) -> Self {
        let hash = hex::encode(&sha3.digest(&[public_key]));
        Self(format!("{}{hash}", Self::PREFIX))
    }

    /// Reads one: 64 lower-case hexadecimal digits after the prefix.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let hash = hex::decode(text.strip_prefix(Self::PREFIX)?)?;
        (hash.len() == 32).then(|| Self(text.to_owned()))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Did {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What both ends compute with.
#[derive(Clone)]
pub struct Algorithms {
    signature: AdmittedSignature,
    sha3: AdmittedHash,
    sha256: AdmittedHash,
    label: String,
}

impl Algorithms {
    /// Takes the suite's signature, under the name that the wire has for it.
    ///
    /// # Errors
    /// [`PqcTransportError::Config`] for a classical signature that the operator did not ask for.
    pub fn of(suite: &Suite, config: &McpConfig) -> Result<Self, PqcTransportError> {
        let info = suite.signature.info();
        if info.category == 0 && !config.transitional {
            return Err(PqcTransportError::Config(format!(
                "suite.signature: {} does not withstand a quantum computer; set \
                 mcp.transitional = true while there are peers with nothing better",
                info.id
            )));
        }
        let label = config.labels.get(&info.id).unwrap_or(&info.id);
        Ok(Self {
            label: label.clone(),
            signature: suite.signature.clone(),
            sha3: suite.did_digest.clone(),
            sha256: suite.digest.clone(),
        })
    }

    /// What the wire calls the signature algorithm.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// The signature algorithm.
    #[must_use]
    pub fn signature(&self) -> &AdmittedSignature {
        &self.signature
    }

    /// The identifier of a public key.
    #[must_use]
    pub fn did(&self, public_key: &[u8]) -> Did {
        Did::of(&self.sha3, public_key)
    }

    /// The fingerprint of a public key, for the list of known peers.
    ///
    /// # Errors
    /// [`PqcTransportError::Config`] when the algorithm has no identifier.
    pub fn fingerprint(&self, public_key: &[u8]) -> Result<Fingerprint, PqcTransportError> {
        Fingerprint::of(&self.sha256, self.signature.info(), public_key)
            .map_err(|error| PqcTransportError::Config(error.to_string()))
    }

    /// What is signed in the place of a text: its SHA3-256, as the message of pure signing with an
    /// empty context.
    #[must_use]
    pub fn digest(&self, text: &[u8]) -> Vec<u8> {
        self.sha3.digest(&[text])
    }

    /// Reads a peer's public key.
    ///
    /// # Errors
    /// [`PqcTransportError::SignatureVerification`].
    pub fn import(&self, public_key: &[u8]) -> Result<VerifyingKey, PqcTransportError> {
        let key = self.signature.import_verifying_key(public_key);
        key.map_err(|error| PqcTransportError::SignatureVerification(error.to_string()))
    }

    /// Checks a signature over a text.
    ///
    /// # Errors
    /// [`PqcTransportError::SignatureVerification`].
    pub fn verify(
        &self,
        key: &VerifyingKey,
        text: &[u8],
        signature: &[u8],
    ) -> Result<(), PqcTransportError> {
        let digest = self.digest(text);
        let verified = self.signature.verify(key, &[&digest], &[], signature);
        verified.map_err(|error| match error {
            SignatureError::Rejected => {
                PqcTransportError::SignatureVerification("it is not over this text".into())
            }
            other => PqcTransportError::SignatureVerification(other.to_string()),
        })
    }
}

/// One end's key pair.
pub struct Identity {
    algorithms: Algorithms,
    key: SigningKey,
    public_key: Vec<u8>,
    did: Did,
}

impl Identity {
    /// Names a key.
    ///
    /// # Errors
    /// [`PqcTransportError::Config`] for a key of another algorithm.
    pub fn new(algorithms: Algorithms, key: SigningKey) -> Result<Self, PqcTransportError> {
        let (own, other) = (&algorithms.signature.info().id, &key.info().id);
        if own != other {
            let text = format!("the identity is a key of {other}, and the suite signs with {own}");
            return Err(PqcTransportError::Config(text));
        }
        let public_key = key.verifying_key();
        Ok(Self {
            did: algorithms.did(&public_key),
            algorithms,
            key,
            public_key,
        })
    }

    /// Makes a key that lives as long as the process.
    ///
    /// # Errors
    /// [`PqcTransportError::Internal`].
    pub fn generate(
        algorithms: Algorithms,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, PqcTransportError> {
        let key = algorithms.signature.generate(rng)?;
        Self::new(algorithms, key)
    }

    /// The identity of a profile, made on first start.
    ///
    /// # Errors
    /// [`PqcTransportError::Config`].
    pub fn load(
        algorithms: Algorithms,
        profile: &Profile,
        host: &Host,
    ) -> Result<Self, PqcTransportError> {
        let name = &profile.common.keys.identity;
        let mut rng = host.world.rng();
        let (key, made) = identity_key(&*host.keys, name, &algorithms.signature, &mut *rng)?;
        let identity = Self::new(algorithms, key)?;
        if made {
            let text = format!("a new identity in {}: {identity}", host.keys.describe());
            host.report.event(&Event::Info(text));
        }
        Ok(identity)
    }

    /// What it computes with.
    #[must_use]
    pub fn algorithms(&self) -> &Algorithms {
        &self.algorithms
    }

    /// Its name.
    #[must_use]
    pub fn did(&self) -> &Did {
        &self.did
    }

    /// Its raw public key.
    #[must_use]
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Signs a text.
    ///
    /// # Errors
    /// [`PqcTransportError::Internal`].
    pub fn sign(&self, rng: &mut dyn CryptoRng, text: &[u8]) -> Result<Vec<u8>, PqcTransportError> {
        let digest = self.algorithms.digest(text);
        Ok(self.key.sign(rng, &[&digest])?)
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.did.fmt(f)
    }
}
