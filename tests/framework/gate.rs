//! The admission gate, against plugins with one fault each.

use pqfw_framework::catalogue::{AlgorithmInfo, KatError};
use pqfw_framework::registry::{GateError, Registry};

use crate::broken::{Fault, plugin, rng, row};

fn outcome(row: AlgorithmInfo, fault: Fault) -> Result<(), GateError> {
    let id = row.id.clone();
    let registry = Registry::builder()
        .with(plugin("test", row, fault))
        .build()
        .unwrap();
    registry.admit(&registry.entries_of(&id)[0], &mut rng())
}

#[test]
fn a_working_provider_passes() {
    assert_eq!(outcome(row("Mirror"), Fault::None), Ok(()));
}

#[test]
fn a_wrong_known_answer_is_caught() {
    let error = outcome(row("Mirror"), Fault::WrongSecret).unwrap_err();
    assert_eq!(
        error,
        GateError::KnownAnswer {
            case: 1,
            what: "ss"
        }
    );
}

#[test]
fn keys_that_do_not_fit_each_other_are_caught() {
    let error = outcome(row("Mirror"), Fault::AnotherSecretEachTime).unwrap_err();
    assert!(matches!(error, GateError::Pairwise(_)), "{error}");
}

#[test]
fn lengths_that_are_not_the_rows_are_caught() {
    for (fault, got) in [(Fault::LongPublicKey, 3), (Fault::ShortPrivateKey, 1)] {
        let error = outcome(row("Mirror"), fault).unwrap_err();
        let GateError::Size {
            got: found,
            expected: 2,
            ..
        } = error
        else {
            panic!("{error}")
        };
        assert_eq!(found, got);
    }
}

#[test]
fn a_generator_that_ignores_its_randomness_is_caught() {
    let error = outcome(row("Mirror"), Fault::ConstantKey).unwrap_err();
    assert!(matches!(error, GateError::Claim(_)), "{error}");
}

#[test]
fn code_that_fails_is_caught() {
    let error = outcome(row("Mirror"), Fault::Fails).unwrap_err();
    assert!(matches!(error, GateError::Failed(_)), "{error}");
}

#[test]
fn a_row_without_known_answers_admits_nobody() {
    let error = outcome(row("Mirror").known_answers("# none\n"), Fault::None).unwrap_err();
    assert_eq!(error, GateError::NoKnownAnswers);
}

#[test]
fn known_answers_that_cannot_be_read_admit_nobody() {
    let error = outcome(row("Mirror").known_answers("dk: 00\n"), Fault::None).unwrap_err();
    assert_eq!(error, GateError::Unreadable(KatError::Line(1)));
}

#[test]
fn the_gate_runs_once_and_its_outcome_stays() {
    let plugin = plugin("test", row("Mirror"), Fault::WrongSecret);
    let registry = Registry::builder().with(plugin).build().unwrap();
    let entry = &registry.entries_of("Mirror")[0];
    assert_eq!(entry.outcome(), None);
    let first = registry.admit(entry, &mut rng());
    assert_eq!(entry.outcome(), Some(&first));
    assert_eq!(registry.admit(entry, &mut rng()), first);
}
