//! Every registered provider conforms. One test for each kind, slow signers apart, so that they
//! run beside each other.

use chacha20::ChaCha20Rng;
use chacha20::rand_core::SeedableRng;
use pqfw_framework::catalogue::Kind;
use pqfw_framework::conformance::{Report, Tools, check_entry};
use pqfw_framework::registry::{Entry, Registry};

pub(crate) fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(0x636f_6e66)
}

pub(crate) fn registry() -> Registry {
    pqfw::registry()
        .build()
        .expect("the built-in plugins fit together")
}

fn reports(of: impl Fn(&Entry) -> bool) -> Vec<Report> {
    let (registry, mut rng) = (registry(), rng());
    let tools = Tools::of(&registry, &mut rng);
    let entries: Vec<_> = registry.entries().filter(|entry| of(entry)).collect();
    let reports = entries.iter().map(|entry| {
        let t = std::time::Instant::now();
        let r = check_entry(&registry, entry, &tools, &mut rng);
        eprintln!("{:?} {r}", t.elapsed());
        r
    });
    reports.collect()
}

#[track_caller]
fn all_conform(of: impl Fn(&Entry) -> bool) {
    let reports = reports(of);
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

#[test]
fn every_slow_signature_conforms() {
    all_conform(|entry| entry.info().kind() == Kind::Signature && entry.info().slow);
}

#[test]
fn every_symmetric_algorithm_conforms() {
    all_conform(|entry| !matches!(entry.info().kind(), Kind::Kem | Kind::Signature));
}
