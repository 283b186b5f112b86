//! Fills a registry, and refuses what would make a name mean two things.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use thiserror::Error;

use super::nearest::fold;
use super::{Code, Entry, Plugin, Registry, Row};
use crate::catalogue::{self, AlgorithmInfo, Kind};
use crate::hybrid;
use crate::provider::ProviderInfo;

/// Gathers plugins; nothing is checked before [`Builder::build`].
pub struct Builder {
    plugins: Vec<Plugin>,
    /// Those of the linker's list.
    discovered: Vec<Plugin>,
}

/// Plugins that do not fit together: the fault of whoever chose them.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BuildError {
    /// Two plugins of one name, or one registered twice.
    #[error(
        "plugin `{0}` is registered twice: one crate is given twice, or two crates use this name; \
         remove or rename one"
    )]
    PluginTwice(String),
    /// A row whose id or alias is taken by another row.
    #[error("plugin `{plugin}`: the name `{name}` already means {owner}")]
    NameTaken {
        /// The plugin that came with the row.
        plugin: String,
        /// The name.
        name: String,
        /// The canonical id that has it.
        owner: String,
    },
    /// A name with a character that the syntax of profiles needs for itself.
    #[error(
        "plugin `{plugin}`: the name `{name}` is empty or holds one of `@`, `,`, `=` or a space"
    )]
    NameSyntax {
        /// The plugin.
        plugin: String,
        /// The name.
        name: String,
    },
    /// Code for a row that does not exist.
    #[error("plugin `{plugin}` offers `{algorithm}`, which has no row; add one with Plugin::row")]
    NoRow {
        /// The plugin.
        plugin: String,
        /// The id.
        algorithm: String,
    },
    /// Code of another kind than the row's.
    #[error("plugin `{plugin}` offers a {got} for {algorithm}, which is a {expected}")]
    WrongKind {
        /// The plugin.
        plugin: String,
        /// The id.
        algorithm: String,
        /// The kind of the row.
        expected: Kind,
        /// The kind of the code.
        got: Kind,
    },
    /// Two providers of one name for one algorithm.
    #[error("{algorithm}@{provider} is offered twice; give one provider another name")]
    ProviderTwice {
        /// The id.
        algorithm: String,
        /// The provider.
        provider: String,
    },
    /// Two transports or systems of one name.
    #[error("plugin `{plugin}`: there already is a {what} `{name}`")]
    ComponentTwice {
        /// The plugin.
        plugin: String,
        /// `transport` or `system`.
        what: &'static str,
        /// The name.
        name: String,
    },
}

impl Builder {
    pub(super) fn new(discovered: Vec<Plugin>) -> Self {
        Self {
            plugins: Vec::new(),
            discovered,
        }
    }

    /// Adds a plugin. One that is also in the linker's list, and declares the same there, is still
    /// one plugin.
    #[must_use]
    pub fn with(mut self, plugin: Plugin) -> Self {
        self.plugins.push(plugin);
        self
    }

    /// Makes the registry.
    ///
    /// # Errors
    /// [`BuildError`]; nothing is dropped in silence.
    pub fn build(mut self) -> Result<Registry, BuildError> {
        let same = |one: &Plugin| self.plugins.iter().any(|given| given.declares_as(one));
        self.discovered.retain(|one| !same(one));
        self.plugins.append(&mut self.discovered);
        // The order of registration must carry no meaning, so there is another one.
        self.plugins.sort_by(|a, b| a.name.cmp(&b.name));
        let mut registry = Registry {
            rows: BTreeMap::new(),
            names: BTreeMap::new(),
            transports: BTreeMap::new(),
            systems: BTreeMap::new(),
            plugins: BTreeSet::new(),
            rehearsed: BTreeSet::new(),
        };
        for (rank, row) in catalogue::builtin().into_iter().enumerate() {
            add_row(&mut registry, "framework", rank, row)?;
        }
        let mut derivations = Vec::new();
        for plugin in &mut self.plugins {
            if !registry.plugins.insert(plugin.name.clone()) {
                return Err(BuildError::PluginTwice(plugin.name.clone()));
            }
            for row in plugin.rows.drain(..) {
                add_row(&mut registry, &plugin.name, usize::MAX, row)?;
            }
            for transport in plugin.transports.drain(..) {
                let name = transport.info().name.to_owned();
                if registry
                    .transports
                    .insert(name.clone(), transport)
                    .is_some()
                {
                    let plugin = plugin.name.clone();
                    return Err(BuildError::ComponentTwice {
                        plugin,
                        what: "transport",
                        name,
                    });
                }
            }
            for system in plugin.systems.drain(..) {
                let name = system.info().name.to_owned();
                if registry.systems.insert(name.clone(), system).is_some() {
                    let plugin = plugin.name.clone();
                    return Err(BuildError::ComponentTwice {
                        plugin,
                        what: "system",
                        name,
                    });
                }
            }
            let name = &plugin.name;
            derivations.extend(plugin.derivations.drain(..).map(|d| (name.clone(), d)));
        }
        for plugin in self.plugins {
            for offer in plugin.offers {
                add_entry(
                    &mut registry,
                    &plugin.name,
                    &offer.algorithm,
                    offer.provider,
                    offer.code,
                )?;
            }
        }
        // A provider's own code for an algorithm comes before a wrapper over its base.
        let own: BTreeSet<_> = registry.entries().map(Entry::full_name).collect();
        for (plugin, derivation) in derivations {
            let base = registry
                .rows
                .get(&derivation.base)
                .ok_or_else(|| BuildError::NoRow {
                    plugin: plugin.clone(),
                    algorithm: derivation.base.clone(),
                })?;
            let derive = derivation.derive;
            let made: Vec<_> = base
                .entries
                .iter()
                .filter_map(|e| derive(&e.code, &e.provider))
                .collect();
            for (provider, code) in made {
                if own.contains(&format!("{}@{}", derivation.algorithm, provider.name)) {
                    continue;
                }
                add_entry(
                    &mut registry,
                    &plugin,
                    &derivation.algorithm,
                    provider,
                    code,
                )?;
            }
        }
        for row in registry.rows.values_mut() {
            let order = row.info.provider_order.clone();
            let rank = |e: &Entry| order.iter().position(|name| *name == e.provider.name);
            row.entries
                .sort_by_key(|e| (rank(e).unwrap_or(usize::MAX), e.provider.name.clone()));
        }
        Ok(registry)
    }
}

fn add_row(
    registry: &mut Registry,
    plugin: &str,
    rank: usize,
    info: AlgorithmInfo,
) -> Result<(), BuildError> {
    for name in std::iter::once(&info.id).chain(&info.aliases) {
        if name.is_empty() || name.contains(['@', ',', '=', ' ']) || hybrid::is_hybrid(name) {
            return Err(BuildError::NameSyntax {
                plugin: plugin.into(),
                name: name.clone(),
            });
        }
        if let Some(owner) = registry.names.insert(fold(name), info.id.clone())
            && owner != info.id
        {
            let (plugin, name) = (plugin.into(), name.clone());
            return Err(BuildError::NameTaken {
                plugin,
                name,
                owner,
            });
        }
    }
    let id = info.id.clone();
    let row = Row {
        info: Arc::new(info),
        rank,
        entries: Vec::new(),
    };
    if registry.rows.insert(id.clone(), row).is_some() {
        return Err(BuildError::NameTaken {
            plugin: plugin.into(),
            name: id.clone(),
            owner: id,
        });
    }
    Ok(())
}

fn add_entry(
    registry: &mut Registry,
    plugin: &str,
    algorithm: &str,
    provider: ProviderInfo,
    code: Code,
) -> Result<(), BuildError> {
    let row = registry
        .rows
        .get_mut(algorithm)
        .ok_or_else(|| BuildError::NoRow {
            plugin: plugin.into(),
            algorithm: algorithm.into(),
        })?;
    if provider.name.is_empty() || provider.name.contains(['@', ',', '=', '+', ' ']) {
        return Err(BuildError::NameSyntax {
            plugin: plugin.into(),
            name: provider.name,
        });
    }
    if row.info.kind() != code.kind() {
        return Err(BuildError::WrongKind {
            plugin: plugin.into(),
            algorithm: algorithm.into(),
            expected: row.info.kind(),
            got: code.kind(),
        });
    }
    if row.entries.iter().any(|entry| {
        let mut names = std::iter::once(&provider.name).chain(&provider.aliases);
        names.any(|name| entry.provider.is_called(name)) || provider.is_called(&entry.provider.name)
    }) {
        let (algorithm, provider) = (algorithm.into(), provider.name);
        return Err(BuildError::ProviderTwice {
            algorithm,
            provider,
        });
    }
    let (info, provider) = (row.info.clone(), Arc::new(provider));
    row.entries.push(Entry {
        info,
        provider,
        code,
        plugin: plugin.into(),
        outcome: OnceLock::new(),
    });
    Ok(())
}
