//! `prefs.lock`: the order of providers as it was measured on one machine.
//!
//! ```toml
//! version = 1
//! cpu = "…"
//! day = "2026-11-21"
//!
//! [[algorithm]]
//! id = "ML-KEM-768"
//! providers = [
//!     { name = "aws-lc", version = "aws-lc-rs 1.19.0", nanos = 46600 },
//!     { name = "rustcrypto", version = "ml-kem 0.3.4", nanos = 242700 },
//! ]
//! ```
//!
//! The file says what is faster and never what is allowed: the resolver keeps providers of a
//! stronger constant-time claim in front of faster ones of a weaker, whatever stands here.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Registry;

/// The format that this code reads and writes.
const VERSION: u32 = 1;

/// The measured order of providers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preferences {
    /// The machine's processor.
    pub cpu: String,
    /// The day of the measurement, `YYYY-MM-DD`.
    pub day: String,
    algorithms: BTreeMap<String, Vec<Measured>>,
}

/// One provider's figure.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Measured {
    /// The provider.
    pub name: String,
    /// The code behind it, as [`ProviderInfo::version`](crate::provider::ProviderInfo::version).
    pub version: String,
    /// The sum of the medians of its operations, in nanoseconds.
    pub nanos: u64,
}

/// A `prefs.lock` that cannot be used: the operator's fault or the machine's; measure again.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PreferencesError {
    /// The text is no `prefs.lock`.
    #[error("not a prefs.lock: {0}; measure again with `pqfw bench --pin`")]
    Syntax(String),
    /// A version of the format from another time.
    #[error("prefs.lock has version {0}, this build reads {VERSION}; run `pqfw bench --pin`")]
    Version(u32),
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct File {
    version: u32,
    cpu: String,
    day: String,
    #[serde(default)]
    algorithm: Vec<Line>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    providers: Vec<Measured>,
}

impl Preferences {
    /// Begins with nothing measured.
    #[must_use]
    pub fn new(cpu: &str, day: &str) -> Self {
        Self {
            cpu: cpu.into(),
            day: day.into(),
            algorithms: BTreeMap::new(),
        }
    }

    /// Reads the file.
    ///
    /// # Errors
    /// [`PreferencesError`].
    pub fn parse(text: &str) -> Result<Self, PreferencesError> {
        let file: File = toml_edit::de::from_str(text)
            .map_err(|error| PreferencesError::Syntax(error.message().into()))?;
        if file.version != VERSION {
            return Err(PreferencesError::Version(file.version));
        }
        let lines = file.algorithm.into_iter();
        Ok(Self {
            cpu: file.cpu,
            day: file.day,
            algorithms: lines.map(|line| (line.id, line.providers)).collect(),
        })
    }

    /// Writes the file.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let lines = self.algorithms.iter().map(|(id, providers)| Line {
            id: id.clone(),
            providers: providers.clone(),
        });
        let file = File {
            version: VERSION,
            cpu: self.cpu.clone(),
            day: self.day.clone(),
            algorithm: lines.collect(),
        };
        // Strings, numbers and lists of them always have a form in TOML.
        toml_edit::ser::to_string_pretty(&file).unwrap_or_default()
    }

    /// Records what was measured of one algorithm; the fastest comes first.
    pub fn record(&mut self, id: &str, mut providers: Vec<Measured>) {
        providers.sort_by(|a, b| (a.nanos, &a.name).cmp(&(b.nanos, &b.name)));
        self.algorithms.insert(id.into(), providers);
    }

    /// The names of the providers of `id`, the fastest first.
    pub(super) fn order(&self, id: &str) -> Option<Vec<&str>> {
        let providers = self.algorithms.get(id)?;
        Some(providers.iter().map(|one| one.name.as_str()).collect())
    }

    /// Takes out the algorithms whose figures no longer speak of this build or this machine, and
    /// says which and why.
    pub fn drop_stale(&mut self, registry: &Registry, cpu: &str) -> Vec<String> {
        if self.cpu != cpu {
            self.algorithms.clear();
            return vec![format!(
                "it was measured on another processor, {:?}",
                self.cpu
            )];
        }
        let mut stale = Vec::new();
        self.algorithms.retain(|id, providers| {
            let entries = registry.entries_of(id);
            let same = entries.len() == providers.len()
                && entries.iter().all(|entry| {
                    let info = entry.provider();
                    let mut known = providers.iter();
                    known.any(|one| one.name == info.name && one.version == info.version)
                });
            if !same {
                stale.push(format!(
                    "the providers of {id} are others than were measured"
                ));
            }
            same
        });
        stale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured(name: &str, nanos: u64) -> Measured {
        Measured {
            name: name.into(),
            version: "code 1.0.0".into(),
            nanos,
        }
    }

    #[test]
    fn what_is_written_is_read_and_the_fastest_comes_first() {
        let mut preferences = Preferences::new("a processor", "2026-01-01");
        preferences.record("ML-KEM-768", vec![measured("slow", 9), measured("fast", 1)]);
        let again = Preferences::parse(&preferences.to_toml()).unwrap();
        assert_eq!(again, preferences);
        assert_eq!(again.order("ML-KEM-768").unwrap(), ["fast", "slow"]);
        assert_eq!(again.order("ML-KEM-512"), None);
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert!(matches!(
            Preferences::parse("version = 'x'"),
            Err(PreferencesError::Syntax(_))
        ));
        assert_eq!(
            Preferences::parse("version = 2\ncpu = ''\nday = ''"),
            Err(PreferencesError::Version(2))
        );
    }

    #[test]
    fn figures_of_another_machine_or_build_are_dropped() {
        let registry = Registry::builder().build().unwrap();
        let mut preferences = Preferences::new("a processor", "2026-01-01");
        preferences.record("ML-KEM-768", vec![measured("gone", 1)]);
        let mut elsewhere = preferences.clone();
        assert_eq!(elsewhere.drop_stale(&registry, "another").len(), 1);
        assert_eq!(preferences.drop_stale(&registry, "a processor").len(), 1);
        assert_eq!(preferences.order("ML-KEM-768"), None);
    }
}
