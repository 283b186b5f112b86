//! Cases that a provider is known to answer wrongly, each with its source: exactly these, and only
//! where the processor makes it run the code at fault.

use pqfw_framework::registry::{Entry, Registry};
use pqfw_framework::vectors::VectorFile;

use crate::files::{self, NamedFile};
use crate::run;

/// Cases that the table leaves out for one provider.
struct Misbehaviour {
    file: &'static str,
    algorithm: &'static str,
    provider: &'static str,
    case: &'static str,
    /// What the provider answers.
    answer: &'static str,
    /// Whether this machine runs the code at fault.
    here: fn() -> bool,
}

/// liboqs 0.13.0 has the AVX2 code of ML-DSA of pq-crystals from before commit bba9534 (3 June 2026):
/// UseHint(1, r) takes the upper neighbour where r0 is 0, and FIPS 204, Algorithm 40, the lower one.
/// An honest signer makes no such hint; `algorithms/oqs/src/signature/short.rs` says why.
fn use_hint(file: &'static str, algorithm: &'static str, case: &'static str) -> Misbehaviour {
    Misbehaviour {
        file,
        algorithm,
        provider: "liboqs",
        case,
        answer: "verification: refused: the signature does not verify (signature that calls \
                 use_hint(1, 0); ValidSignature; BoundaryCondition; ZeroPublicKey)",
        here: liboqs_runs_avx2,
    }
}

fn known() -> [Misbehaviour; 3] {
    [
        use_hint("mldsa_44_verify", "ML-DSA-44", "tcId 147"),
        use_hint("mldsa_65_verify", "ML-DSA-65", "tcId 161"),
        use_hint("mldsa_87_verify", "ML-DSA-87", "tcId 174"),
    ]
}

/// As liboqs decides it: `OQS_SIG_ml_dsa_44_verify` and its likes.
fn liboqs_runs_avx2() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("popcnt");
    #[cfg(not(target_arch = "x86_64"))]
    false
}

impl Misbehaviour {
    fn is_of(&self, file: &NamedFile, entry: &Entry) -> bool {
        let subject = [file.name.as_str(), &entry.info().id, &entry.provider().name];
        [self.file, self.algorithm, self.provider] == subject
    }
}

/// The file without the cases that this provider is known to answer wrongly.
pub(crate) fn without_known(file: &NamedFile, entry: &Entry) -> VectorFile {
    let known = known();
    let known: Vec<_> = known.iter().filter(|m| m.is_of(file, entry)).collect();
    let mut content = file.content.clone();
    content
        .cases
        .retain(|case| known.iter().all(|m| m.case != case.id));
    content
}

/// What is wrong with the list: cases that do not exist, or that the provider answers otherwise.
fn untrue(registry: &Registry, here: impl Fn(&Misbehaviour) -> bool) -> Vec<String> {
    let mut untrue = Vec::new();
    for m in known() {
        let name = format!("{} {}@{}: {}", m.file, m.algorithm, m.provider, m.case);
        let mut files = files::all().iter();
        let Some(file) = files.find(|file| file.name == m.file) else {
            untrue.push(format!("{name}: no such file"));
            continue;
        };
        let mut content = file.content.clone();
        content.cases.retain(|case| case.id == m.case);
        if content.cases.len() != 1 {
            untrue.push(format!("{name}: no such case"));
        }
        // A build without the provider cannot tell.
        for entry in registry.entries().filter(|entry| m.is_of(file, entry)) {
            let tally = run(&content, registry, entry);
            let failed: Vec<_> = tally.failed.iter().map(|f| f.why.as_str()).collect();
            let expected = if here(&m) { vec![m.answer] } else { vec![] };
            if tally.applied != 1 || failed != expected {
                untrue.push(format!("{name}: {tally:?}"));
            }
        }
    }
    untrue
}

#[test]
fn every_known_misbehaviour_is_one_and_no_other() {
    let registry = crate::registry();
    assert_eq!(untrue(&registry, |m| (m.here)()), Vec::<String>::new());
}

#[test]
fn a_provider_that_is_mended_has_no_place_in_the_list() {
    let registry = crate::registry();
    let all = known();
    let in_build = all.iter().filter(|m| {
        let mut entries = registry.entries();
        let mut file = files::all().iter().filter(|file| file.name == m.file);
        file.any(|file| entries.any(|entry| m.is_of(file, entry)))
    });
    assert_eq!(untrue(&registry, |m| !(m.here)()).len(), in_build.count());
}
