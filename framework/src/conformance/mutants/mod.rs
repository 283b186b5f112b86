//! Providers broken on purpose, which show that the checks of the kit bite.
//!
//! Each mutant is a thin shell around good code from a registry and has one fault that has been
//! made somewhere before, or could be. They are registered nowhere: [`registry`] makes one that
//! holds them and nothing else, for `pqfw conform --mutants` and for tests.
//!
//! [`examine`] tells which of four nets catches a mutant: the admission gate, a round trip,
//! published test vectors, the kit. What the kit cannot catch is a fault that hides from any test,
//! such as a second key for which everything verifies.

mod aead;
mod curves;
mod examination;
mod hash;
mod kdf;
mod kem;
mod kem_shell;
mod rejection;
mod rng;
mod signature;
mod signature_keys;
mod signature_shell;

use std::cmp::Reverse;

use super::Tools;
use crate::catalogue::{AlgorithmInfo, builtin};
use crate::provider::{ProviderInfo, Randomness};
use crate::registry::{BuildError, Code, Entry, Plugin, Registry};

pub use examination::{Examination, Fate, VectorCheck, examine};

/// One fault.
pub struct Mutant {
    /// The name: what is wrong, in a few words. The provider in the mutants' registry has it too.
    pub name: &'static str,
    /// What is wrong, in one sentence.
    pub what: &'static str,
    /// Which rows the fault can be planted in.
    base: fn(&AlgorithmInfo) -> bool,
    plant: fn(&Given<'_>) -> Option<Code>,
}

/// What a fault is planted in.
struct Given<'a> {
    code: &'a Code,
    info: &'a AlgorithmInfo,
    tools: &'a Tools,
}

/// Every mutant there is.
#[must_use]
pub fn all() -> Vec<&'static Mutant> {
    [
        kem::MUTANTS,
        rejection::MUTANTS,
        signature::MUTANTS,
        signature_keys::MUTANTS,
        curves::MUTANTS,
        aead::MUTANTS,
        kdf::MUTANTS,
        hash::MUTANTS,
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Makes a registry of all mutants whose base has a provider in `base`.
///
/// # Errors
/// [`BuildError`], which only a fault of the kit itself can cause.
pub fn registry(base: &Registry, tools: &Tools) -> Result<Registry, BuildError> {
    // Rows that plugins brought stay with them.
    let rows: Vec<_> = builtin().into_iter().map(|row| row.id).collect();
    let mut plugin = Plugin::new("mutants");
    for mutant in all() {
        let fits = |entry: &&Entry| (mutant.base)(entry.info()) && rows.contains(&entry.info().id);
        let mut bases: Vec<_> = base.entries().filter(fits).collect();
        // Faults in the use of chance or context need a base that has a use for them.
        bases.sort_by_key(|entry| {
            let provider = entry.provider();
            let injected = provider.randomness == Randomness::Injected;
            Reverse((injected, provider.native_context))
        });
        let made = bases.into_iter().find_map(|entry| {
            let given = Given {
                code: entry.code(),
                info: entry.info(),
                tools,
            };
            Some((entry, (mutant.plant)(&given)?))
        });
        if let Some((entry, code)) = made {
            let provider = ProviderInfo {
                name: mutant.name.into(),
                aliases: Vec::new(),
                version: format!("a mutant of {}", entry.full_name()),
                ..ProviderInfo::clone(entry.provider())
            };
            plugin = plugin.offer(&entry.info().id, provider, code);
        }
    }
    Registry::builder().with(plugin).build()
}

/// Each mutant with its entry in a registry that [`registry`] made; `None` for one whose base
/// nobody provides in this build.
#[must_use]
pub fn specimens(registry: &Registry) -> Vec<(&'static Mutant, Option<&Entry>)> {
    let entry = |mutant: &Mutant| {
        let mut entries = registry.entries();
        entries.find(|entry| entry.provider().name == mutant.name)
    };
    all()
        .into_iter()
        .map(|mutant| (mutant, entry(mutant)))
        .collect()
}

/// A base by its canonical name.
macro_rules! base {
    ($id:literal) => {
        |row: &$crate::catalogue::AlgorithmInfo| row.id == $id
    };
}
use base;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_mutant_has_a_name_of_its_own() {
        let all = all();
        let names: BTreeSet<_> = all.iter().map(|mutant| mutant.name).collect();
        assert_eq!(names.len(), all.len());
    }

    #[test]
    fn where_there_is_no_base_there_is_no_mutant() {
        let empty = Registry::builder().build().unwrap();
        let mutants = registry(&empty, &Tools::default()).unwrap();
        assert_eq!(mutants.entries().count(), 0);
        assert!(specimens(&mutants).iter().all(|(_, entry)| entry.is_none()));
    }
}
