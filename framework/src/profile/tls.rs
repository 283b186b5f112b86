//! `[transport] tls`: false, or a table.

use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::model::OneOrMany;

/// TLS 1.3 as a profile asks for it: `docs/protocols/tls.md`.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TlsTable {
    /// Key-exchange groups, best first: IANA's names, any KEM, or a hybrid by `A+B`.
    pub groups: Option<OneOrMany<String>>,
    /// Signature algorithms accepted from the peer, best first.
    pub signatures: Option<OneOrMany<String>>,
    /// This end's certificate and those between it and its authority, in PEM.
    pub certificate: Option<String>,
    /// This end's private key, in PKCS#8. Without one, a fresh raw public key is made at each start.
    pub key: Option<String>,
    /// Authorities that a client believes about servers, in PEM.
    pub ca: Option<OneOrMany<String>>,
    /// Authorities that a server believes about clients, in PEM.
    pub client_ca: Option<OneOrMany<String>>,
    /// Show and expect bare public keys (RFC 7250) instead of certificates.
    pub raw_public_keys: bool,
    /// Fingerprints of the keys that are believed, instead of authorities.
    pub pins: Vec<String>,
    /// Refuse clients that show no identity.
    pub require_client: bool,
    /// Believe any server: for protocols that authenticate by themselves.
    pub carrier: bool,
}

/// What stands behind `tls`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum TlsChoice {
    /// Nothing: what the transport does by itself.
    #[default]
    Unsaid,
    /// `false`.
    Off,
    /// A table.
    Table(Box<TlsTable>),
}

impl<'de> Deserialize<'de> for TlsChoice {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TlsVisitor)
    }
}

struct TlsVisitor;

impl<'de> Visitor<'de> for TlsVisitor {
    type Value = TlsChoice;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("false or a table")
    }

    fn visit_bool<E: de::Error>(self, on: bool) -> Result<TlsChoice, E> {
        if on {
            return Err(E::custom(
                "write a table that says with which groups and whom to believe: \
                 `pqfw profile schema` has its keys",
            ));
        }
        Ok(TlsChoice::Off)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TlsChoice, A::Error> {
        let table = TlsTable::deserialize(MapAccessDeserializer::new(map))?;
        Ok(TlsChoice::Table(Box::new(table)))
    }
}

impl JsonSchema for TlsChoice {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TlsChoice".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let table = generator.subschema_for::<TlsTable>();
        json_schema!({ "anyOf": [{ "const": false }, table] })
    }
}
