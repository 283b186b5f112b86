//! What is kept, as JSON.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pqfw_framework::hash::AdmittedHash;
use serde::{Deserialize, Serialize};

use super::{StateError, Terms};

/// The name of a device: 1 to 100 of `a-z`, `A-Z`, `0-9`, `-` and `_`.
#[derive(Clone, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String")]
pub struct DeviceId(String);

impl DeviceId {
    /// Reads a name.
    ///
    /// # Errors
    /// [`StateError::DeviceId`].
    pub fn parse(text: &str) -> Result<Self, StateError> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        if (1..=100).contains(&text.len()) && text.bytes().all(good) {
            Ok(Self(text.to_owned()))
        } else {
            Err(StateError::DeviceId)
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DeviceId {
    type Error = StateError;

    fn try_from(text: String) -> Result<Self, StateError> {
        Self::parse(&text)
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A permission to enrol one device once. It is found by the hash of its secret.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Token {
    /// Whom it enrols.
    pub device: DeviceId,
    /// The second from which it is good no more, since 1970.
    pub expires: u64,
    /// Who made it.
    pub creator: String,
}

/// A device that is enrolled.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// The key that its updates are signed with: its identity.
    pub signature: PublicKey,
    /// The key that one-time secrets are encapsulated to, if it has one.
    pub kem: Option<PublicKey>,
    /// When it was enrolled, in seconds since 1970.
    pub enrolled: u64,
    /// When it was revoked.
    pub revoked: Option<u64>,
}

/// A public key and the algorithm that it was enrolled for, which never changes in silence.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKey {
    /// The algorithm's canonical id.
    pub algorithm: String,
    /// The specification's encoding.
    #[serde(with = "base64_text")]
    pub key: Vec<u8>,
}

/// The name of a model: the round that made it, 0 for the first, and its hash.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelName {
    /// The round.
    pub round: u64,
    /// The hash of its canonical form.
    #[serde(with = "base64_text")]
    pub hash: Vec<u8>,
}

/// A round of updates on one base.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Round {
    /// The model that updates begin from.
    pub base: ModelName,
    /// How often it was taken by an aggregator: the fencing number.
    pub fence: u64,
    /// What it waits for.
    pub phase: Phase,
}

/// What a round waits for.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub enum Phase {
    /// Updates.
    Open,
    /// The aggregator that took it. Its updates are those there are.
    Aggregating {
        /// The second from which another may take it.
        until: u64,
    },
    /// Nothing: there is a next model.
    Closed,
    /// Nothing: there will be none.
    Aborted,
}

impl Phase {
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Aggregating { .. } => "being aggregated",
            Self::Closed => "closed",
            Self::Aborted => "aborted",
        }
    }
}

/// An accepted update.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// On how many examples it was trained, as the device says.
    pub examples: u64,
    /// What the device signed.
    #[serde(with = "base64_text")]
    pub transcript: Vec<u8>,
    /// Its signature.
    #[serde(with = "base64_text")]
    pub signature: Vec<u8>,
    /// What the device was told.
    pub receipt: Receipt,
}

/// What a device is told of its update: it is on the disk and in the audit chain.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// The round.
    pub round: u64,
    /// The device.
    pub device: DeviceId,
    /// The hash of the weights.
    #[serde(with = "base64_text")]
    pub weights: Vec<u8>,
    /// When it was accepted, in seconds since 1970.
    pub received: u64,
    /// Its entry in the audit chain.
    pub entry: u64,
}

/// Where everything stands. Each change replaces it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// How many entries the audit chain has.
    pub entries: u64,
    /// The digest of the last; zeros before the first.
    #[serde(with = "base64_text")]
    pub digest: Vec<u8>,
    /// How many devices there are.
    pub devices: u64,
    /// How many tokens there are.
    pub tokens: u64,
    /// The newest round; 0 before the first.
    pub round: u64,
    /// The current model.
    pub model: Option<ModelName>,
    /// By what rounds are closed; `None` before the first server of this version.
    pub terms: Option<Terms>,
}

impl Head {
    pub(super) fn first(hash: &AdmittedHash) -> Self {
        Self {
            entries: 0,
            digest: vec![0; hash.sizes().digest],
            devices: 0,
            tokens: 0,
            round: 0,
            model: None,
            terms: None,
        }
    }
}

/// Bytes as base64 in JSON.
pub(super) mod base64_text {
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    use super::{Deserialize, Engine, STANDARD};

    pub(in crate::state) fn serialize<S: Serializer>(
        bytes: &[u8],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD.encode(bytes))
    }

    pub(in crate::state) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        STANDARD.decode(text).map_err(D::Error::custom)
    }
}
