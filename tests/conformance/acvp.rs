//! What NIST's ACVP vectors say of the mutants: too little, for some.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;

use flate2::read::GzDecoder;
use pqfw_framework::catalogue::{AlgorithmInfo, Kind};
use pqfw_framework::conformance::Tools;
use pqfw_framework::conformance::mutants::{Fate, examine, registry as mutants, specimens};
use pqfw_framework::provider::ProviderInfo;
use pqfw_framework::registry::Code;
use pqfw_framework::vectors::{self, VectorFile};

use crate::providers::{registry, rng};

const NAMES: [&str; 5] = [
    "ML-KEM-keyGen-FIPS203",
    "ML-KEM-encapDecap-FIPS203",
    "ML-DSA-keyGen-FIPS204",
    "ML-DSA-sigGen-FIPS204",
    "ML-DSA-sigVer-FIPS204",
];

static FILES: LazyLock<Vec<VectorFile>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/acvp");
    let read = |name: &&str| {
        let path = folder.join(format!("{name}.internalProjection.json.gz"));
        let mut json = Vec::new();
        GzDecoder::new(File::open(path).unwrap())
            .read_to_end(&mut json)
            .unwrap();
        vectors::parse(&json).unwrap()
    };
    NAMES.iter().map(read).collect()
});

/// Whether the code passes every ACVP case of its algorithm; `None` when there is none.
pub(crate) fn passes(info: &AlgorithmInfo, provider: &ProviderInfo, code: &Code) -> Option<bool> {
    let tallies = FILES
        .iter()
        .map(|file| vectors::run(file, info, provider, code));
    let tallies: Vec<_> = tallies.filter(|tally| tally.applied > 0).collect();
    (!tallies.is_empty()).then(|| tallies.iter().all(|tally| tally.failed.is_empty()))
}

/// Mutants of ML-KEM and ML-DSA that pass every ACVP case and a round trip. The kit kills them all;
/// one of them, `keygen-ignores-randomness`, does not get past the admission gate either.
const MISSED: [&str; 24] = [
    "no-modulus-check",
    "no-hash-check",
    "keygen-ignores-randomness",
    "two-byte-seed",
    "own-randomness-unsaid",
    "public-key-cached",
    "long-input-cut",
    "panic-on-short-input",
    "panic-on-damaged-key",
    "key-in-error",
    "long-context-cut",
    "hint-not-canonical",
    "commitment-compared-short",
    "extended-signature-accepted",
    "panic-on-short-signature",
    "zero-signature-accepted",
    "empty-message-accepted",
    "message-prefix-only",
    "deterministic-signing",
    "signing-key-cached",
    "signing-two-byte-seed",
    "signing-own-randomness-unsaid",
    "signing-key-in-error",
    "signing-panic-on-damaged-key",
];

#[test]
fn acvp_and_a_round_trip_let_these_mutants_live() {
    let (registry, mut rng) = (registry(), rng());
    let tools = Tools::of(&registry, &mut rng);
    let mutants = mutants(&registry, &tools).expect("mutants have names of their own");
    let mut missed = Vec::new();
    for (mutant, entry) in specimens(&mutants) {
        let Some(entry) = entry else { continue };
        if !matches!(entry.info().kind(), Kind::Kem | Kind::Signature) {
            continue;
        }
        let row = examine(mutant, &mutants, entry, &tools, Some(&passes), &mut rng);
        assert!(!row.lives(), "{} lives", mutant.name);
        if row.vectors == Fate::Survived && row.round_trip != Fate::Killed {
            missed.push(mutant.name);
        }
    }
    assert_eq!(missed, MISSED);
    assert!(missed.len() >= 5);
}
