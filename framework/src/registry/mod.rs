//! The registry: which algorithms this process knows, and whose code can compute them.
//!
//! A registry is a value, never a process global. [`Registry::builder`] is the normative way to
//! make one; [`Registry::discover`] gathers what `register_plugin!` submitted at link time and
//! fills the same builder. The order of registration carries no meaning.

pub mod agreement;
mod builder;
mod explain;
mod gate;
mod hybrids;
mod nearest;
mod outcome;
mod plugin;
mod preferences;
mod query;
mod resolver;
mod tls;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

pub use builder::{BuildError, Builder};
pub use explain::{Candidate, Explanation, Fate, OrderSource};
pub use gate::GateError;
pub use inventory;
pub use nearest::nearest;
pub use outcome::{Decision, ResolveError};
pub use plugin::{Code, Derivation, Derive, Offer, Plugin, Registration};
pub use preferences::{Measured, Preferences, PreferencesError};
pub use query::{Query, QueryError};
pub use resolver::Resolver;
#[cfg(feature = "vectors")]
pub(crate) use resolver::reads_seeds;

use rand_core::CryptoRng;

use crate::catalogue::{self, AlgorithmInfo};
use crate::provider::ProviderInfo;
use crate::system::System;
use crate::transport::Transport;

/// Everything that was registered.
pub struct Registry {
    rows: BTreeMap<String, Row>,
    /// Folded name to canonical id.
    names: BTreeMap<String, String>,
    transports: BTreeMap<String, Arc<dyn Transport>>,
    systems: BTreeMap<String, Arc<dyn System>>,
    plugins: BTreeSet<String>,
    rehearsed: BTreeSet<String>,
}

/// A row with the providers attached to it, in the built-in order.
pub(crate) struct Row {
    info: Arc<AlgorithmInfo>,
    /// The place in the catalogue's order; rows of plugins come last, by id.
    rank: usize,
    entries: Vec<Entry>,
}

/// One provider of one algorithm.
pub struct Entry {
    info: Arc<AlgorithmInfo>,
    provider: Arc<ProviderInfo>,
    code: Code,
    plugin: String,
    outcome: OnceLock<Result<(), GateError>>,
}

impl Entry {
    /// The algorithm.
    #[must_use]
    pub fn info(&self) -> &Arc<AlgorithmInfo> {
        &self.info
    }

    /// The provider.
    #[must_use]
    pub fn provider(&self) -> &Arc<ProviderInfo> {
        &self.provider
    }

    /// The provider's code, which has not passed the gate: for the conformance kit and benches.
    #[must_use]
    pub fn code(&self) -> &Code {
        &self.code
    }

    /// The plugin that brought the code, or derived it.
    #[must_use]
    pub fn plugin(&self) -> &str {
        &self.plugin
    }

    /// The outcome of the admission gate, if it has run.
    #[must_use]
    pub fn outcome(&self) -> Option<&Result<(), GateError>> {
        self.outcome.get()
    }

    /// `algorithm@provider`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}@{}", self.info.id, self.provider.name)
    }
}

impl Registry {
    /// Begins an explicit registry: the built-in rows and no code.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::new(Vec::new())
    }

    /// Gathers what `register_plugin!` submitted in the crates that are linked.
    #[must_use]
    pub fn discover() -> Builder {
        let plugins = inventory::iter::<Registration>.into_iter();
        Builder::new(plugins.map(|registration| (registration.0)()).collect())
    }

    /// What `name` means: a row of the catalogue, or a hybrid of several by `A+B`.
    ///
    /// # Errors
    /// Those of [`Self::find`] for a name and for each part; [`ResolveError::Hybrid`].
    pub fn describe(&self, name: &str) -> Result<Arc<AlgorithmInfo>, ResolveError> {
        if crate::hybrid::is_hybrid(name) {
            return hybrids::row(self, name);
        }
        self.find(name).cloned()
    }

    /// The catalogue's rows that a hybrid's name joins, in the catalogue's order; one row for a
    /// plain name.
    ///
    /// # Errors
    /// As [`Self::describe`].
    pub fn parts(&self, name: &str) -> Result<Vec<Arc<AlgorithmInfo>>, ResolveError> {
        if crate::hybrid::is_hybrid(name) {
            return Ok(hybrids::Composition::of(self, name)?.rows());
        }
        Ok(vec![self.find(name)?.clone()])
    }

    /// Every row, in alphabetical order of its id, with or without providers.
    pub fn rows(&self) -> impl Iterator<Item = &Arc<AlgorithmInfo>> {
        self.rows.values().map(|row| &row.info)
    }

    /// Every provider of every algorithm, in the built-in order within each.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.rows.values().flat_map(|row| &row.entries)
    }

    /// The providers of one algorithm, in the built-in order.
    #[must_use]
    pub fn entries_of(&self, id: &str) -> &[Entry] {
        self.rows.get(id).map_or(&[], |row| &row.entries)
    }

    /// Finds a row by canonical id or alias; case, `-`, `_` and spaces do not matter.
    ///
    /// # Errors
    /// [`ResolveError::UnknownAlgorithm`] with the nearest name; [`ResolveError::TlsGroup`].
    pub fn find(&self, name: &str) -> Result<&Arc<AlgorithmInfo>, ResolveError> {
        if let Some((group, fix)) = catalogue::tls_group(name) {
            return Err(ResolveError::TlsGroup { group, fix });
        }
        let id = self.names.get(&nearest::fold(name));
        id.and_then(|id| self.rows.get(id))
            .map(|row| &row.info)
            .ok_or_else(|| {
                let names = self.rows.values().flat_map(|row| {
                    std::iter::once(&row.info.id)
                        .chain(&row.info.aliases)
                        .map(String::as_str)
                });
                ResolveError::UnknownAlgorithm {
                    name: name.into(),
                    nearest: nearest(name, names).map(Into::into),
                }
            })
    }

    /// Makes the admission gate of `algorithm@provider` fail from now on, so that operators can
    /// rehearse it; `false` when there is no such provider.
    pub fn rehearse_failure(&mut self, full_name: &str) -> bool {
        let known = self.entries().any(|entry| entry.full_name() == full_name);
        if known {
            self.rehearsed.insert(full_name.into());
        }
        known
    }

    /// Runs the admission gate of one entry, once; later calls give the first outcome.
    ///
    /// # Errors
    /// The [`GateError`] that quarantined the provider.
    pub fn admit(&self, entry: &Entry, rng: &mut dyn CryptoRng) -> Result<(), GateError> {
        let outcome = entry.outcome.get_or_init(|| {
            if self.rehearsed.contains(&entry.full_name()) {
                return Err(GateError::Rehearsed);
            }
            gate::run(&entry.info, &entry.provider, &entry.code, rng)
        });
        outcome.clone()
    }

    /// The name of every plugin, in alphabetical order.
    pub fn plugins(&self) -> impl Iterator<Item = &str> {
        self.plugins.iter().map(String::as_str)
    }

    /// The transport of that name.
    ///
    /// # Errors
    /// [`ResolveError::UnknownTransport`] with the names that there are.
    pub fn transport(&self, name: &str) -> Result<&Arc<dyn Transport>, ResolveError> {
        self.transports
            .get(name)
            .ok_or_else(|| ResolveError::UnknownTransport {
                name: name.into(),
                known: self
                    .transports
                    .keys()
                    .cloned()
                    .collect::<Vec<_>>()
                    .join(", "),
            })
    }

    /// Every transport by name.
    pub fn transports(&self) -> impl Iterator<Item = &Arc<dyn Transport>> {
        self.transports.values()
    }

    /// The system of that name.
    ///
    /// # Errors
    /// [`ResolveError::UnknownSystem`] with the names that there are.
    pub fn system(&self, name: &str) -> Result<&Arc<dyn System>, ResolveError> {
        self.systems
            .get(name)
            .ok_or_else(|| ResolveError::UnknownSystem {
                name: name.into(),
                known: self.systems.keys().cloned().collect::<Vec<_>>().join(", "),
            })
    }

    /// Every system by name.
    pub fn systems(&self) -> impl Iterator<Item = &Arc<dyn System>> {
        self.systems.values()
    }

    /// Checks a profile's `require`: each name must be an algorithm with at least one provider, a
    /// plugin, a transport or a system.
    ///
    /// # Errors
    /// [`ResolveError::Required`] with the fix.
    pub fn require(&self, names: &[String]) -> Result<(), ResolveError> {
        for name in names {
            let served = self.parts(name).is_ok_and(|rows| {
                let mut rows = rows.iter();
                rows.all(|row| !self.entries_of(&row.id).is_empty())
            });
            let known = served
                || self.plugins.contains(name)
                || self.transports.contains_key(name)
                || self.systems.contains_key(name);
            if !known {
                return Err(ResolveError::Required { name: name.clone() });
            }
        }
        Ok(())
    }
}
