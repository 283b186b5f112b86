//! The conformance kit: what a provider must refuse, beside what it must compute.
//!
//! The admission gate asks whether a provider works on this machine, in milliseconds, every time.
//! The kit asks more, once, in a test: it tries what a hostile peer sends and what a tired
//! programmer forgets, by checks that each have a name, on any provider of any algorithm. It needs
//! the feature `conformance` of this crate, and in the test of a plugin it is one line:
//!
//! ```no_run
//! # use pqfw_framework::registry::Plugin;
//! use pqfw_framework::conformance::{InsecureChance, assert_conforms};
//! # fn my_test(my_plugin: Plugin) {
//! assert_conforms(my_plugin, &mut InsecureChance::new(1));
//! # }
//! ```
//!
//! [`check`] gives the same as data. A check that asks for what an algorithm need not have says so
//! ([`Outcome::NotApplicable`]) and why; none is left out in silence.
//!
//! Whether the checks bite is shown by [`mutants`]: providers broken on purpose, each of which some
//! check must find. The kit proves no provider correct, and says nothing about time: for that there
//! is a measurement, run by hand (`docs/guide/conformance.md`).

mod aead;
mod chance;
mod curves;
mod damage;
mod family;
mod hash;
mod kdf;
mod kem;
mod law;
mod leak;
pub mod mutants;
mod report;
mod signature;
mod tape;
mod tools;

use rand_core::CryptoRng;

use crate::catalogue::{AlgorithmInfo, Kind, Sizes};
use crate::provider::ProviderInfo;
use crate::registry::{Code, Entry, Plugin, Registry};

pub use chance::InsecureChance;
pub use report::{Check, Outcome, Report};
pub use tools::Tools;

use family::Family;
use law::Subject;
use signature::Bench;

/// Runs the kit on one provider's code. What a refusal of an unfit row looks like: code of another
/// kind than the row's fails the check `kind`.
#[must_use]
pub fn check(
    info: &AlgorithmInfo,
    provider: &ProviderInfo,
    code: &Code,
    tools: &Tools,
    rng: &mut dyn CryptoRng,
) -> Report {
    let parts = Parts {
        info,
        provider,
        tools,
    };
    let checks = match (code, &info.sizes) {
        (Code::Kem(code), Sizes::Kem(sizes)) => {
            law::run(kem::LAWS, &parts.with(&**code, *sizes), rng)
        }
        (Code::Signature(code), Sizes::Signature(sizes)) => law::run(
            signature::LAWS,
            &parts.with(&**code, Bench::new(*sizes)),
            rng,
        ),
        (Code::Aead(code), Sizes::Aead(sizes)) => {
            law::run(aead::LAWS, &parts.with(code, *sizes), rng)
        }
        (Code::Kdf(code), Sizes::Kdf(sizes)) => {
            law::run(kdf::LAWS, &parts.with(&**code, *sizes), rng)
        }
        (Code::Hash(code), Sizes::Hash(sizes)) => {
            law::run(hash::LAWS, &parts.with(&**code, *sizes), rng)
        }
        _ => vec![Check {
            name: "kind",
            what: "the code is of the row's kind",
            outcome: Outcome::Fail(format!("{} for a {}", code.kind(), info.kind())),
        }],
    };
    Report {
        subject: format!("{}@{}", info.id, provider.name),
        checks,
    }
}

struct Parts<'a> {
    info: &'a AlgorithmInfo,
    provider: &'a ProviderInfo,
    tools: &'a Tools,
}

impl<'a> Parts<'a> {
    fn with<C: ?Sized, S>(&self, code: &'a C, sizes: S) -> Subject<'a, C, S> {
        Subject {
            code,
            sizes,
            info: self.info,
            provider: self.provider,
            tools: self.tools,
            family: Family::of(self.info),
        }
    }
}

/// Runs the admission gate and the kit on an entry of a registry.
#[must_use]
pub fn check_entry(
    registry: &Registry,
    entry: &Entry,
    tools: &Tools,
    rng: &mut dyn CryptoRng,
) -> Report {
    let admission = Check {
        name: "admission",
        what: "the admission gate lets the provider in",
        outcome: match registry.admit(entry, rng) {
            Ok(()) => Outcome::Pass,
            Err(error) => Outcome::Fail(error.to_string()),
        },
    };
    let mut report = check(entry.info(), entry.provider(), entry.code(), tools, rng);
    report.checks.insert(0, admission);
    report
}

/// Name and meaning of every check that the kit has for a kind, in its order.
#[must_use]
pub fn checks(kind: Kind) -> Vec<(&'static str, &'static str)> {
    fn named<C: ?Sized, S>(laws: &[law::Law<C, S>]) -> Vec<(&'static str, &'static str)> {
        laws.iter().map(|law| (law.name, law.what)).collect()
    }
    match kind {
        Kind::Kem => named(kem::LAWS),
        Kind::Signature => named(signature::LAWS),
        Kind::Aead => named(aead::LAWS),
        Kind::Kdf => named(kdf::LAWS),
        Kind::Hash => named(hash::LAWS),
    }
}

/// Panics, with the report, unless every algorithm that `plugin` brings code for conforms.
///
/// The registry holds this plugin alone: a check that needs a hash function of another plugin
/// does not apply here. [`assert_conforms_beside`] takes helpers.
///
/// # Panics
/// When the plugin does not fit into a registry, brings no algorithm's code, or does not conform.
#[track_caller]
pub fn assert_conforms(plugin: Plugin, rng: &mut dyn CryptoRng) {
    assert_conforms_beside(plugin, Vec::new(), rng);
}

/// As [`assert_conforms`], in a registry with `helpers` as well, which are not checked: hash
/// functions that a check computes with, the base of an algorithm that is derived.
///
/// # Panics
/// As [`assert_conforms`].
#[track_caller]
pub fn assert_conforms_beside(plugin: Plugin, helpers: Vec<Plugin>, rng: &mut dyn CryptoRng) {
    let name = plugin.name.clone();
    let builder = Registry::builder().with(plugin);
    let builder = helpers
        .into_iter()
        .fold(builder, |builder, helper| builder.with(helper));
    let registry = match builder.build() {
        Ok(registry) => registry,
        Err(error) => panic!("{error}"),
    };
    let tools = Tools::of(&registry, rng);
    let own = registry.entries().filter(|entry| entry.plugin() == name);
    let reports: Vec<_> = own
        .map(|entry| check_entry(&registry, entry, &tools, rng))
        .collect();
    assert!(
        !reports.is_empty(),
        "plugin `{name}` brings no algorithm's code"
    );
    let bad: Vec<_> = reports
        .iter()
        .filter(|report| !report.conforms())
        .map(Report::to_string)
        .collect();
    assert!(
        bad.is_empty(),
        "plugin `{name}` does not conform\n{}",
        bad.join("\n")
    );
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_check_has_a_name_of_its_own() {
        for kind in Kind::ALL {
            let checks = checks(kind);
            let names: BTreeSet<_> = checks.iter().map(|(name, _)| name).collect();
            assert_eq!(names.len(), checks.len(), "{kind}");
            assert!(
                checks
                    .iter()
                    .all(|(_, what)| !what.is_empty() && !what.ends_with('.'))
            );
        }
    }
}
