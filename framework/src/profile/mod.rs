//! The profile: one TOML file that describes one node of one system.
//!
//! Layers, strongest first: `--set`, the environment (`PQFW__TRANSPORT__LISTEN`), what the file says
//! under `[dialects.NAME]` for the dialect in force, the file, and the same two of the profile that
//! ships with the system. Every value is typed and remembers where it was written; an
//! unknown key is an error with its line, its column and the nearest key that exists.

mod de;
mod model;
mod tls;
mod tree;

use std::cmp::Ordering;

use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use thiserror::Error;

pub use model::{
    Common, Keys, Limits, LogFormat, LogLevel, Logging, OneOrMany, Providers, StoreTable,
    SuiteTable, TransportTable,
};
pub use tls::{TlsChoice, TlsTable};
pub use tree::Origin;
use tree::{Content, Node};

use crate::registry::{Registry, ResolveError, nearest};
use crate::suite::SuiteNames;
use crate::system::{System, SystemInfo};
use crate::transport::TransportSettings;

/// The version of the file format that this code reads.
pub const FORMAT: u32 = 1;

/// A resolved profile.
#[derive(Clone, Debug)]
pub struct Profile {
    /// The common keys.
    pub common: Common,
    /// The node's name: its state directory and socket.
    pub name: String,
    /// The dialect in force.
    pub dialect: String,
    table: Node,
    tree: Node,
    own: &'static [&'static str],
}

/// A profile that cannot be used: the operator's fault.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProfileError {
    /// The file is not TOML.
    #[error("{place}: {reason}")]
    Syntax {
        /// Where.
        place: Origin,
        /// What the parser says.
        reason: String,
    },
    /// A key that no reader knows.
    #[error("{place}: unknown key `{path}`{}", suggestion(.nearest, .known))]
    UnknownKey {
        /// The dotted key.
        path: String,
        /// Where it was written.
        place: Origin,
        /// The nearest key that exists.
        nearest: Option<String>,
        /// The keys that exist there.
        known: String,
    },
    /// A key that is needed and not there.
    #[error("key `{path}` is missing")]
    Missing {
        /// The dotted key.
        path: String,
    },
    /// A value of the wrong type or outside its range.
    #[error("{place}: `{path}`: {reason}")]
    Value {
        /// The dotted key.
        path: String,
        /// Where it was written.
        place: Origin,
        /// What is wrong, and what to write.
        reason: String,
    },
    /// The system that the profile names is not there.
    #[error(transparent)]
    System(ResolveError),
}

fn suggestion(nearest: &Option<String>, known: &str) -> String {
    match nearest {
        Some(name) => format!("; did you mean `{name}`?"),
        None => format!("; there are: {known}"),
    }
}

/// What lies over the file.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `--set` pairs, in order.
    pub set: Vec<(String, String)>,
    /// Environment variables whose name begins with `PQFW__`.
    pub environment: Vec<(String, String)>,
}

impl Profile {
    /// Resolves a profile: the text of its file, the layers over it and the shipped one below it.
    ///
    /// `stem` names the node when the file does not.
    ///
    /// # Errors
    /// [`ProfileError`].
    pub fn resolve(
        text: &str,
        stem: &str,
        overrides: &Overrides,
        registry: &Registry,
    ) -> Result<Self, ProfileError> {
        let mut file = Node::parse(text, false)?;
        let mut above = Node::table(Origin::Set);
        for (variable, value) in &overrides.environment {
            let Some(path) = variable.strip_prefix("PQFW__") else {
                continue;
            };
            let path = path.to_lowercase().replace("__", ".");
            above.set(&path, value, &Origin::Environment(variable.clone()))?;
        }
        for (path, value) in &overrides.set {
            above.set(path, value, &Origin::Set)?;
        }
        let Some(system) = above.text("system").or_else(|| file.text("system")) else {
            return Err(ProfileError::Missing {
                path: "system".into(),
            });
        };
        let system = registry.system(system).map_err(ProfileError::System)?;
        let (info, own) = (system.info(), system.own_keys());
        let mut tree = Node::parse(info.shipped_profile, true)?;
        let names = [&above, &file, &tree].map(|layer| layer.text("dialect").map(str::to_owned));
        let dialect = names.into_iter().flatten().next();
        let of_dialect = [&mut tree, &mut file].map(|layer| take_dialect(layer, &info, &dialect));
        let [of_shipped, of_file] = of_dialect;
        let layers = [of_shipped?, Some(file), of_file?, Some(above)];
        for layer in layers.into_iter().flatten() {
            tree.overlay(layer);
        }
        let mut table = tree
            .take(info.name)
            .unwrap_or_else(|| Node::table(Origin::Shipped));
        for path in own {
            if let Some(node) = tree.take_at(path) {
                table.put(last(path), node);
            }
        }
        let common: Common =
            de::from_node(&tree, "").map_err(|error| error.beside_own(&**system))?;
        if common.profile != FORMAT {
            return Err(ProfileError::Value {
                path: "profile".into(),
                place: origin_of(&tree, "profile"),
                reason: format!("this build reads format {FORMAT}, not {}", common.profile),
            });
        }
        let default = info.dialects.first().map(|dialect| dialect.name.to_owned());
        let dialect = common.dialect.clone().or(default).unwrap_or_default();
        if !info.dialects.iter().any(|known| known.name == dialect) {
            let known: Vec<_> = info.dialects.iter().map(|dialect| dialect.name).collect();
            return Err(ProfileError::Value {
                path: "dialect".into(),
                place: origin_of(&tree, "dialect"),
                reason: format!(
                    "{} has no `{dialect}`; there are: {}",
                    info.name,
                    known.join(", ")
                ),
            });
        }
        let name = common.name.clone().unwrap_or_else(|| stem.to_owned());
        if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', '\0']) {
            return Err(ProfileError::Value {
                path: "name".into(),
                place: origin_of(&tree, "name"),
                reason: format!("`{name}` cannot name a directory; use letters, digits and `-`"),
            });
        }
        Ok(Self {
            common,
            name,
            dialect,
            table,
            tree,
            own,
        })
    }

    /// What the text of a profile requires of the binary, before it is resolved: its very system may
    /// be what is missing.
    ///
    /// # Errors
    /// [`ProfileError`] when it cannot be read that far.
    pub fn required(text: &str) -> Result<Vec<String>, ProfileError> {
        #[derive(Deserialize)]
        struct Head {
            #[serde(default)]
            require: Vec<String>,
        }
        let head: Head = de::from_node(&Node::parse(text, false)?, "")?;
        Ok(head.require)
    }

    /// Reads the system's own table, with the keys elsewhere that are its own.
    ///
    /// # Errors
    /// [`ProfileError`] with the key and the place.
    pub fn system_table<T: DeserializeOwned>(&self) -> Result<T, ProfileError> {
        let read = de::from_node(&self.table, &self.common.system);
        read.map_err(|error| error.rooted(&self.common.system, self.own))
    }

    /// Where the value of a key was written; `None` when no layer has it. The system's own table is
    /// found by the keys that are its own alone.
    #[must_use]
    pub fn origin(&self, path: &str) -> Option<&Origin> {
        let own = self.own.iter().find_map(|own| {
            let rest = path.strip_prefix(own)?;
            (rest.is_empty() || rest.starts_with('.')).then(|| format!("{}{rest}", last(own)))
        });
        let node = match own {
            Some(path) => self.table.at(&path),
            None => self.tree.at(path),
        };
        node.map(|node| &node.origin)
    }

    /// Which of two keys was written in the stronger layer; one that nobody wrote is the weakest.
    #[must_use]
    pub fn stronger(&self, one: &str, other: &str) -> Ordering {
        let strength = |path| self.origin(path).map(Origin::strength);
        strength(one).cmp(&strength(other))
    }

    /// An error about a key's value.
    #[must_use]
    pub fn refuse(&self, path: &str, reason: &str) -> ProfileError {
        ProfileError::Value {
            path: path.into(),
            place: self.origin(path).unwrap_or(&self.tree.origin).clone(),
            reason: reason.into(),
        }
    }

    /// The names of each suite, best first.
    #[must_use]
    pub fn suite_names(&self) -> Vec<SuiteNames> {
        let names = |suite: &SuiteTable| SuiteNames {
            kem: suite.kem.0.clone(),
            signature: suite.signature.0.clone(),
            aead: suite.aead.0.clone(),
            kdf: suite.kdf.0.clone(),
        };
        self.common.suite.0.iter().map(names).collect()
    }

    /// The `[transport]` table as a transport needs it, without its TLS: that takes files.
    #[must_use]
    pub fn transport_settings(&self) -> TransportSettings {
        let transport = &self.common.transport;
        TransportSettings {
            listen: transport.listen.clone(),
            connect: transport.connect.clone(),
            limits: (&transport.limits).into(),
            tls: None,
        }
    }
}

/// The name of a key without the tables that it stands in.
fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

impl ProfileError {
    /// Adds the system's keys to the common ones that a key was not found among.
    fn beside_own(mut self, system: &dyn System) -> Self {
        if let Self::UnknownKey {
            path,
            nearest: near,
            known,
            ..
        } = &mut self
        {
            let (name, own) = (system.info().name, system.own_keys());
            let (table, key) = path.rsplit_once('.').unwrap_or(("", path.as_str()));
            let at_top = table.is_empty();
            let here = own
                .iter()
                .map(|own| own.rsplit_once('.').unwrap_or(("", *own)));
            let here = here.filter(|(place, _)| *place == table);
            let here = here.map(|(_, last)| last).chain(at_top.then_some(name));
            let here: Vec<_> = here.collect();
            // What stands at the top may belong into the system's table.
            let schema = system.table_schema();
            let inside = schema.get("properties").and_then(|keys| keys.get(key));
            if at_top && inside.is_some() {
                let written = own.iter().find(|own| last(own) == key);
                let inside = || format!("{name}.{key}");
                *near = Some(written.map_or_else(inside, |own| (*own).to_owned()));
            } else if near.is_none() {
                *near = nearest(key, here.iter().copied()).map(Into::into);
            }
            for own in here {
                known.push_str(", ");
                known.push_str(own);
            }
        }
        self
    }

    /// Names a key that was read in the system's table as it is written in the file.
    fn rooted(mut self, system: &str, own: &[&str]) -> Self {
        if let Self::UnknownKey { path, .. } | Self::Missing { path } | Self::Value { path, .. } =
            &mut self
        {
            let inside = path.strip_prefix(system).and_then(|p| p.strip_prefix('.'));
            let found = inside.and_then(|inside| {
                let key = inside.split('.').next()?;
                let own = own.iter().find(|own| last(own) == key)?;
                Some(format!("{own}{}", inside.strip_prefix(key)?))
            });
            if let Some(found) = found {
                *path = found;
            }
        }
        self
    }
}

/// Takes `[dialects]` out of a layer and gives what it says for the dialect in force.
fn take_dialect(
    layer: &mut Node,
    info: &SystemInfo,
    dialect: &Option<String>,
) -> Result<Option<Node>, ProfileError> {
    let Some(Node { content, origin }) = layer.take("dialects") else {
        return Ok(None);
    };
    let Content::Table(mut tables) = content else {
        return Err(ProfileError::Value {
            path: "dialects".into(),
            place: origin,
            reason: "a table for each dialect is expected".into(),
        });
    };
    let known: Vec<_> = info.dialects.iter().map(|dialect| dialect.name).collect();
    for (name, node) in &tables {
        if !known.contains(&name.as_str()) {
            return Err(ProfileError::UnknownKey {
                path: format!("dialects.{name}"),
                place: node.origin.clone(),
                nearest: None,
                known: known.join(", "),
            });
        }
    }
    let default = known.first().copied().unwrap_or_default();
    Ok(tables.remove(dialect.as_deref().unwrap_or(default)))
}

fn origin_of(tree: &Node, key: &str) -> Origin {
    match &tree.content {
        Content::Table(table) => table.get(key).unwrap_or(tree).origin.clone(),
        _ => tree.origin.clone(),
    }
}

/// The JSON Schema of profiles: the common keys and each system's own table.
#[must_use]
pub fn schema(registry: &Registry) -> serde_json::Value {
    let mut schema = schema_of::<Common>();
    let definitions = schema
        .get_mut("$defs")
        .and_then(serde_json::Value::as_object_mut);
    let mut hoisted = definitions.map(std::mem::take).unwrap_or_default();
    if let Some(properties) = schema.get_mut("properties").and_then(|p| p.as_object_mut()) {
        for system in registry.systems() {
            let mut table = system.table_schema();
            if let Some(table) = table.as_object_mut() {
                table.remove("$schema");
                if let Some(serde_json::Value::Object(own)) = table.remove("$defs") {
                    hoisted.extend(own);
                }
            }
            for path in system.own_keys() {
                let key = table.pointer(&format!("/properties/{}", last(path)));
                let Some(key) = key.cloned() else { continue };
                // A key of a common table is among that table's definitions.
                let place = path.split_once('.').map(|(common, _)| capitalised(common));
                let place = place.and_then(|name| hoisted.get_mut(&name)?.get_mut("properties"));
                match place.and_then(serde_json::Value::as_object_mut) {
                    Some(place) => place.insert(last(path).into(), key),
                    None => properties.insert((*path).into(), key),
                };
            }
            properties.insert(system.info().name.into(), table);
        }
        let dialects = "Keys of this file that hold for one dialect only, under its name.";
        let one = serde_json::json!({ "type": "object" });
        let dialects = serde_json::json!({
            "description": dialects,
            "type": "object",
            "additionalProperties": one,
        });
        properties.insert("dialects".into(), dialects);
    }
    if let Some(object) = schema.as_object_mut() {
        // Only `system` and `profile` must stand in a file: the shipped profile fills the rest.
        object.insert("required".into(), serde_json::json!(["profile", "system"]));
        object.insert("$defs".into(), hoisted.into());
        object.insert("title".into(), "pqfw profile".into());
    }
    schema
}

fn capitalised(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    first.chain(letters).collect()
}

/// The JSON Schema of a table.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> serde_json::Value {
    schemars::schema_for!(T).to_value()
}
