//! The runner can fail: whatever passes stops passing when the file says something else.

use std::collections::BTreeSet;
use std::mem;

use pqfw_framework::vectors::{Case, CaseKind, Expected, Tally, VectorFile};

use crate::{concerns, files, registry, run};

/// Flips the last byte of everything that comes out of the case; `false` where nothing does.
fn spoil(kind: &mut CaseKind) -> bool {
    let outputs: Vec<&mut Vec<u8>> = match kind {
        CaseKind::KemKeygen { ek, dk, .. } => vec![ek, dk],
        CaseKind::KemEncapsulate {
            ciphertext, secret, ..
        } => vec![ciphertext, secret],
        CaseKind::KemDecapsulate { secret, .. } => vec![secret],
        CaseKind::SignatureKeygen { vk, sk, .. } => vec![vk, sk],
        CaseKind::Sign { signature, .. } | CaseKind::Verify { signature, .. } => vec![signature],
        CaseKind::Aead { tag, .. } => vec![tag],
        CaseKind::Kdf { okm, .. } => vec![okm],
        CaseKind::KemPublicKey { .. }
        | CaseKind::KemPrivateKey { .. }
        | CaseKind::NotApplicable { .. } => return false,
    };
    for output in outputs {
        match output.last_mut() {
            Some(last) => *last ^= 1,
            None => return false,
        }
    }
    true
}

/// The first case of each kind and each expectation.
fn samples(file: &VectorFile) -> Vec<Case> {
    let mut seen = BTreeSet::new();
    let mut cases = file.cases.clone();
    cases.retain(|case| {
        let kind = format!("{:?}", mem::discriminant(&case.kind));
        let group = case.group.get("deterministic");
        seen.insert((
            kind,
            case.expected as u8,
            case.subject.clone(),
            group.cloned(),
        ))
    });
    cases
}

/// All parameter sets of a family run the same lines, and the others take seconds.
const FASTEST_OF_THE_SLOW: &str = "SLH-DSA-SHA2-128f";

/// Runs each sample as it is and changed, on every provider, and shows both to `check`.
fn with_each_sample(
    change: impl Fn(&mut Case) -> bool,
    check: impl Fn(&str, &Tally, &Tally),
) -> usize {
    let registry = registry();
    let mut shown = 0;
    for file in files::all() {
        for case in samples(&file.content) {
            let mut changed = case.clone();
            if !change(&mut changed) {
                continue;
            }
            let only = |case: Case| VectorFile {
                cases: vec![case],
                ..file.content.clone()
            };
            let (as_is, changed) = (only(case), only(changed));
            for entry in registry.entries().filter(|entry| concerns(&as_is, entry)) {
                if entry.info().slow && entry.info().id != FASTEST_OF_THE_SLOW {
                    continue;
                }
                let run = |file: &VectorFile| run(file, &registry, entry);
                let (before, after) = (run(&as_is), run(&changed));
                let name = format!("{} {} {}", file.name, as_is.cases[0].id, entry.full_name());
                if before.passed > 0 {
                    check(&name, &before, &after);
                    shown += 1;
                }
            }
        }
    }
    shown
}

#[test]
fn a_flipped_byte_of_the_output_fails_every_check_that_passed() {
    let valid = |case: &mut Case| case.expected == Expected::Valid && spoil(&mut case.kind);
    let shown = with_each_sample(valid, |name, before, after| {
        assert_eq!(after.passed, 0, "{name}: {after:?}");
        assert_eq!(after.failed.len(), before.passed, "{name}: {after:?}");
        assert_eq!(after.not_applicable, before.not_applicable, "{name}");
    });
    assert!(shown > 50, "{shown}");
}

#[test]
fn a_turned_verdict_fails_every_check_that_passed() {
    let turn = |case: &mut Case| {
        case.expected = match case.expected {
            Expected::Valid => Expected::Invalid,
            Expected::Invalid => Expected::Valid,
            Expected::Acceptable => return false,
        };
        true
    };
    let shown = with_each_sample(turn, |name, _, after| {
        assert_eq!(after.passed, 0, "{name}: {after:?}");
        assert!(!after.is_clean(), "{name}: {after:?}");
    });
    assert!(shown > 80, "{shown}");
}

#[test]
fn an_acceptable_case_is_counted_apart_whichever_way_it_ends() {
    let soften = |case: &mut Case| {
        mem::replace(&mut case.expected, Expected::Acceptable) != Expected::Acceptable
    };
    let shown = with_each_sample(soften, |name, before, after| {
        let taken = after.acceptable.accepted + after.acceptable.refused;
        // A refusal to sign is one check; with a signature to verify it is two.
        assert!(taken >= before.passed, "{name}: {after:?}");
        assert_eq!((after.passed, after.failed.len()), (0, 0), "{name}");
    });
    assert!(shown > 80, "{shown}");
}

#[test]
fn an_acceptable_case_with_a_wrong_output_fails() {
    let wrong = |case: &mut Case| {
        let valid = mem::replace(&mut case.expected, Expected::Acceptable) == Expected::Valid;
        // A spoiled input is refused, which is acceptable; these outputs are no input.
        let output_only = matches!(
            case.kind,
            CaseKind::KemDecapsulate { .. } | CaseKind::Kdf { .. }
        );
        valid && output_only && spoil(&mut case.kind)
    };
    let shown = with_each_sample(wrong, |name, before, after| {
        assert_eq!(after.failed.len(), before.passed, "{name}: {after:?}");
    });
    assert!(shown > 5, "{shown}");
}
