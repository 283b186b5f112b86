//! The admission gate passes the example, and refuses each of its faulty variants for its reason.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Fault, Faulty, faulty, gate, provider_named, registry, resolve};
use pqfw_example_plugin::{ID, KNOWN_ANSWERS, LENGTH, Toy, plugin, provider, row};
use pqfw_framework::catalogue::{AlgorithmInfo, KatError, KemSizes, Sizes};
use pqfw_framework::provider::ConstantTime;
use pqfw_framework::registry::{Decision, GateError, Plugin, Registry, ResolveError};

/// The example with other known answers.
fn with_answers(text: &str) -> Plugin {
    Plugin::new("answers")
        .row(row().known_answers(text))
        .kem(ID, provider(), Toy)
}

/// The example with other lengths in its row.
fn with_sizes(change: impl FnOnce(&mut KemSizes)) -> Plugin {
    let mut row: AlgorithmInfo = row();
    let Sizes::Kem(mut sizes) = row.sizes else {
        panic!("not a KEM")
    };
    change(&mut sizes);
    row.sizes = Sizes::Kem(sizes);
    Plugin::new("sizes").row(row).kem(ID, provider(), Toy)
}

#[test]
fn the_example_is_admitted() {
    assert_eq!(gate(plugin()), Ok(()));
}

#[test]
fn the_gate_runs_when_a_provider_is_first_resolved_and_only_then() {
    let registry = registry(plugin());
    let [entry] = registry.entries_of(ID) else {
        panic!("not one provider")
    };
    assert_eq!(entry.outcome(), None);
    resolve(&registry, ID).0.map(drop).unwrap();
    assert_eq!(entry.outcome(), Some(&Ok(())));
}

#[test]
fn a_row_without_known_answers_is_refused() {
    assert_eq!(
        gate(with_answers("# none yet\n")),
        Err(GateError::NoKnownAnswers)
    );
}

#[test]
fn known_answers_that_do_not_parse_are_refused_with_their_line() {
    let refused = GateError::Unreadable(KatError::Line(1));
    assert_eq!(gate(with_answers("dk = 0")), Err(refused));
}

#[test]
fn a_known_answer_that_comes_out_differently_is_refused() {
    for (value, what) in [
        ("ek = e0e1", "ek"),
        ("ct = a0a0", "ss"),
        ("ss = 4041", "ss"),
    ] {
        let (head, tail) = KNOWN_ANSWERS.split_once(value).unwrap();
        let name = &value[..2];
        let plugin = with_answers(&format!("{head}{name} = ffff{tail}"));
        assert_eq!(
            gate(plugin),
            Err(GateError::KnownAnswer { case: 1, what }),
            "{value}"
        );
    }
}

#[test]
fn a_known_answer_without_its_private_key_is_refused() {
    let refused = gate(with_answers("ss = 00\n"));
    assert!(
        matches!(&refused, Err(GateError::Failed(text)) if text.contains("`dk`")),
        "{refused:?}"
    );
}

#[test]
fn lengths_that_differ_from_the_row_are_refused() {
    let refused = gate(faulty(Fault::ShortPublicKey));
    let what = "the encapsulation key";
    let expected = GateError::Size {
        what,
        got: LENGTH - 1,
        expected: LENGTH,
    };
    assert_eq!(refused, Err(expected));

    let changes: [fn(&mut KemSizes); 4] = [
        |sizes| sizes.encapsulation_key += 1,
        |sizes| sizes.decapsulation_key += 1,
        |sizes| sizes.ciphertext += 1,
        |sizes| sizes.shared_secret += 1,
    ];
    for change in changes {
        let refused = gate(with_sizes(change));
        let expected = LENGTH + 1;
        assert!(
            matches!(refused, Err(GateError::Size { got: LENGTH, expected: e, .. }) if e == expected),
            "{refused:?}"
        );
    }
}

#[test]
fn fresh_keys_that_do_not_work_with_each_other_are_refused() {
    let refused = gate(faulty(Fault::GeneratedKeysDecapsulateWrongly));
    assert!(
        matches!(refused, Err(GateError::Pairwise(_))),
        "{refused:?}"
    );
}

#[test]
fn a_provider_that_ignores_its_randomness_and_does_not_say_so_is_refused() {
    let refused = gate(faulty(Fault::GeneratesOneKey));
    assert!(matches!(refused, Err(GateError::Claim(_))), "{refused:?}");
    let says_so = Plugin::new("says-so").row(row()).kem(
        ID,
        provider().own_randomness(),
        Faulty(Fault::GeneratesOneKey),
    );
    assert_eq!(gate(says_so), Ok(()));
}

#[test]
fn an_error_where_the_code_must_work_is_refused() {
    for fault in [
        Fault::RefusesPrivateKeys,
        Fault::RefusesPublicKeys,
        Fault::CannotEncapsulate,
    ] {
        let refused = gate(faulty(fault));
        assert!(matches!(refused, Err(GateError::Failed(_))), "{refused:?}");
    }
}

#[test]
fn a_rehearsed_failure_stops_a_provider_without_successor() {
    let full_name = format!("{ID}@example");
    let mut registry = Registry::builder().with(plugin()).build().unwrap();
    assert!(registry.rehearse_failure(&full_name));
    let (refused, _) = resolve(&registry, ID);
    let Err(ResolveError::NoSuccessor {
        id,
        provider,
        reason,
        why,
    }) = refused.map(drop)
    else {
        panic!("it was resolved");
    };
    assert_eq!((id.as_str(), provider.as_str()), (ID, "example"));
    assert_eq!(
        (reason, why.as_str()),
        (GateError::Rehearsed, "there is none")
    );
}

/// The row with a faulty provider before the good one, in alphabetical order.
fn two_providers(first_claims: ConstantTime) -> Registry {
    let first = provider_named("a-faulty-one").constant_time(first_claims, "a test");
    registry(plugin().kem(ID, first, Faulty(Fault::CannotEncapsulate)))
}

#[test]
fn the_next_provider_takes_the_place_of_a_failed_one_and_both_facts_are_logged() {
    let registry = two_providers(ConstantTime::Unclaimed);
    let (kem, decisions) = resolve(&registry, ID);
    assert_eq!(kem.unwrap().provider().name, "example");
    let [
        Decision::Quarantined {
            provider: failed, ..
        },
        Decision::Chosen { provider, .. },
    ] = decisions.as_slice()
    else {
        panic!("{decisions:?}");
    };
    assert_eq!(
        (failed.as_str(), provider.as_str()),
        ("a-faulty-one", "example")
    );
}

#[test]
fn a_successor_that_claims_less_does_not_take_the_place() {
    let registry = two_providers(ConstantTime::Claimed);
    let (refused, _) = resolve(&registry, ID);
    assert!(matches!(
        refused.map(drop),
        Err(ResolveError::NoSuccessor { .. })
    ));
    // Asked for by name it is another matter: the operator decides.
    let (kem, _) = resolve(&registry, &format!("{ID}@example"));
    assert_eq!(kem.unwrap().provider().name, "example");
}

#[test]
fn a_pinned_provider_that_fails_has_no_successor() {
    let registry = two_providers(ConstantTime::Unclaimed);
    let (refused, _) = resolve(&registry, &format!("{ID}@a-faulty-one"));
    let Err(ResolveError::NoSuccessor { why, .. }) = refused.map(drop) else {
        panic!("it was resolved");
    };
    assert_eq!(why, "the profile pins it");
}
