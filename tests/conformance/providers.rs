//! Every registered provider conforms. One test for each kind, slow signers apart, so that they
//! run beside each other.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::Kind;
use pqfw_framework::conformance::{
    Outcome, Report, Tools, assert_conforms_beside, check, check_entry,
};
use pqfw_framework::registry::{Builder, Entry, Registry};

pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(0x636f_6e66)
}

pub(crate) fn registry() -> Registry {
    pqfw::registry()
        .build()
        .expect("the built-in plugins fit together")
}

#[track_caller]
fn all_conform(of: impl Fn(&Entry) -> bool) {
    let (registry, mut rng) = (registry(), rng());
    let tools = Tools::of(&registry, &mut rng);
    let entries = registry.entries().filter(|entry| of(entry));
    let reports: Vec<_> = entries
        .map(|entry| check_entry(&registry, entry, &tools, &mut rng))
        .collect();
    assert!(!reports.is_empty());
    let bad: Vec<_> = reports
        .iter()
        .filter(|report| !report.conforms())
        .map(Report::to_string)
        .collect();
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn every_kem_conforms() {
    all_conform(|entry| entry.info().kind() == Kind::Kem);
}

#[test]
fn every_fast_signature_conforms() {
    all_conform(|entry| entry.info().kind() == Kind::Signature && !entry.info().slow);
}

/// The quickest set of each slow family. All of them are put to the kit by `pqfw conform`, which
/// `.ci/full` runs: they are the same code with other parameters, and take minutes.
#[test]
fn the_quickest_of_the_slow_signatures_conform() {
    all_conform(|entry| {
        let (info, id) = (entry.info(), &entry.info().id);
        info.kind() == Kind::Signature && info.slow && id.contains("SHA2-128f")
    });
}

#[test]
fn every_symmetric_algorithm_conforms() {
    all_conform(|entry| !matches!(entry.info().kind(), Kind::Kem | Kind::Signature));
}

#[test]
fn a_plugin_with_helpers_is_checked_alone() {
    let helpers = vec![pqfw_hash::plugin()];
    assert_conforms_beside(pqfw_ml_kem::plugin(), helpers, &mut rng());
}

#[test]
fn with_a_hash_function_at_hand_the_rejection_value_is_checked() {
    let outcome = |builder: Builder| {
        let (registry, mut rng) = (builder.build().unwrap(), rng());
        let tools = Tools::of(&registry, &mut rng);
        let entry = &registry.entries_of("ML-KEM-512")[0];
        let report = check_entry(&registry, entry, &tools, &mut rng);
        let check = report
            .checks
            .into_iter()
            .find(|c| c.name == "rejection-value");
        check.unwrap().outcome
    };
    let alone = Registry::builder().with(pqfw_ml_kem::plugin());
    assert!(matches!(outcome(alone), Outcome::NotApplicable(_)));
    let helped = Registry::builder().with(pqfw_ml_kem::plugin());
    assert_eq!(outcome(helped.with(pqfw_hash::plugin())), Outcome::Pass);
}

#[test]
fn code_of_another_kind_than_its_row_is_a_failure_and_no_panic() {
    let (registry, mut rng) = (registry(), rng());
    let [hash, kem] = ["SHA-256", "X25519"].map(|id| &registry.entries_of(id)[0]);
    let tools = Tools::default();
    let report = check(hash.info(), kem.provider(), kem.code(), &tools, &mut rng);
    assert!(!report.conforms());
    assert_eq!(report.checks[0].name, "kind");
}
