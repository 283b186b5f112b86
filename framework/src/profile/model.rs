//! The keys that mean the same in every system.

use std::fmt;
use std::marker::PhantomData;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, StrDeserializer};
use serde::de::{self, Deserialize, Deserializer, IntoDeserializer, MapAccess, SeqAccess, Visitor};

use super::tls::TlsChoice;
use crate::peers::PeersTable;
use crate::system::Role;
use crate::transport::TransportLimits;

/// The common part of a profile. The system's own table is read by the system.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Common {
    /// Version of this file format: 1.
    pub profile: u32,
    /// Names the state directory; default: the name of the file without its ending.
    pub name: Option<String>,
    /// Which system this file composes: qu3, or a plugin's.
    pub system: String,
    /// Which dialect of the system's protocol; default: the system's first.
    pub dialect: Option<String>,
    /// Which end this process is.
    pub role: Role,
    /// A policy's name, or a list of names: what any of them denies is denied.
    pub policy: OneOrMany<String>,
    /// Algorithms, plugins, transports or systems that must be present.
    #[serde(default)]
    pub require: Vec<String>,
    /// The algorithms: one suite, or an ordered list of them where the dialect negotiates.
    pub suite: OneOrMany<SuiteTable>,
    /// Whose code is preferred.
    #[serde(default)]
    pub providers: Providers,
    /// How bytes travel.
    pub transport: TransportTable,
    /// Where key files live.
    #[serde(default)]
    pub keys: Keys,
    /// Whom this node talks to, where the dialect knows identities.
    #[serde(default)]
    pub peers: PeersTable,
    /// Where state lives.
    #[serde(default)]
    pub store: StoreTable,
    /// What is logged, and how.
    #[serde(default)]
    pub logging: Logging,
}

/// One suite: each part a name, or an ordered list of alternatives.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SuiteTable {
    /// Key encapsulation: `id` or `id@provider`.
    pub kem: OneOrMany<String>,
    /// Signatures.
    pub signature: OneOrMany<String>,
    /// Authenticated encryption.
    pub aead: OneOrMany<String>,
    /// Key derivation.
    pub kdf: OneOrMany<String>,
}

/// Preference among providers.
#[derive(Clone, Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Providers {
    /// Provider names, best first; the built-in order follows.
    #[serde(default)]
    pub prefer: Vec<String>,
}

/// How bytes travel.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TransportTable {
    /// http, memory, or a plugin's.
    pub kind: String,
    /// Where a server listens; port 0 picks a free one.
    pub listen: String,
    /// Where a client connects.
    pub connect: String,
    /// TLS: false, or how.
    #[serde(default)]
    pub tls: TlsChoice,
    /// What a peer may use.
    #[serde(default)]
    pub limits: Limits,
}

/// What a peer may use of this process.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Bytes of one body.
    pub body_bytes: u32,
    /// Bytes of one head.
    pub header_bytes: u32,
    /// Connections at a time.
    pub connections: u32,
    /// Seconds a connection may be silent.
    pub idle_secs: u64,
    /// Seconds one request may take.
    pub request_secs: u64,
    /// Requests per minute from one address; 0 for no limit.
    pub per_ip_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 4 << 20,
            header_bytes: 16 << 10,
            connections: 1024,
            idle_secs: 60,
            request_secs: 30,
            per_ip_per_minute: 0,
        }
    }
}

impl Default for TransportLimits {
    fn default() -> Self {
        Self::from(&Limits::default())
    }
}

impl From<&Limits> for TransportLimits {
    fn from(limits: &Limits) -> Self {
        let bytes = |n: u32| usize::try_from(n).unwrap_or(usize::MAX);
        Self {
            body_bytes: bytes(limits.body_bytes),
            header_bytes: bytes(limits.header_bytes),
            connections: bytes(limits.connections),
            idle_secs: limits.idle_secs,
            request_secs: limits.request_secs,
            per_ip_per_minute: limits.per_ip_per_minute,
        }
    }
}

/// Where key files live.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// The directory; default: `keys` in the state directory.
    pub dir: Option<String>,
    /// The node's identity, a PKCS#8 file in that directory; made on first start. A suite with
    /// another signature algorithm has a file of its own beside it, `NAME-ALGORITHM.pem`.
    #[serde(default = "identity_file")]
    pub identity: String,
    /// A file with the passphrase under which private keys are written and read; default: they are
    /// written as they are, readable by their owner alone.
    pub passphrase_file: Option<String>,
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            dir: None,
            identity: identity_file(),
            passphrase_file: None,
        }
    }
}

fn identity_file() -> String {
    "identity.pem".into()
}

/// Where state lives.
#[derive(Clone, Debug, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StoreTable {
    /// `memory:`, or `sqlite:PATH` relative to the state directory.
    pub url: String,
}

impl Default for StoreTable {
    fn default() -> Self {
        Self {
            url: "sqlite:state.db".into(),
        }
    }
}

/// What is logged, and how. The command line's options come first.
#[derive(Clone, Debug, Default, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logging {
    /// error, warn, info, debug or trace.
    pub level: Option<LogLevel>,
    /// text or json.
    pub format: Option<LogFormat>,
    /// A file to append to, instead of stderr.
    pub file: Option<String>,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Only what failed.
    Error,
    /// And what may fail soon.
    Warn,
    /// And what happens.
    Info,
    /// And why.
    Debug,
    /// And every step.
    Trace,
}

/// How a log line looks.
#[derive(Clone, Copy, Debug, serde::Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// A value, or an ordered list of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_any(OneOrManyVisitor(PhantomData))
            .map(Self)
    }
}

struct OneOrManyVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for OneOrManyVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one value or a list")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Vec<T>, E> {
        let text: StrDeserializer<'_, E> = text.into_deserializer();
        T::deserialize(text).map(|one| vec![one])
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|one| vec![one])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Vec<T>, A::Error> {
        let list = Vec::deserialize(SeqAccessDeserializer::new(items))?;
        if list.is_empty() {
            return Err(de::Error::custom("the list is empty; name at least one"));
        }
        Ok(list)
    }
}

impl<T: JsonSchema> JsonSchema for OneOrMany<T> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("OneOrMany_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let one = generator.subschema_for::<T>();
        json_schema!({ "anyOf": [one, { "type": "array", "items": one, "minItems": 1 }] })
    }
}
