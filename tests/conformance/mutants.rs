//! Every mutant is killed, by the checks that are meant for it.
//!
//! [`KILLERS`] says which: a check that stops biting lets a test here fail, and so does a check
//! that no mutant needs.

use std::collections::BTreeSet;

use pqfw_framework::catalogue::Kind;
use pqfw_framework::conformance::mutants::{
    Examination, Fate, all, examine, registry as mutants, specimens,
};
use pqfw_framework::conformance::{Tools, checks};

use crate::providers::{registry, rng};

use Kind::{Aead, Hash, Kdf, Kem, Signature};

/// Each mutant's kind, name, and the checks that must fail on it; others may fail as well.
const KILLERS: &[(Kind, &str, &[&str])] = &[
    (Kem, "no-modulus-check", &["modulus-check"]),
    (Kem, "no-hash-check", &["hash-check"]),
    (Kem, "last-ciphertext-byte-ignored", &["ciphertext-matters"]),
    (
        Kem,
        "coins-reused",
        &["fresh-secrets", "injected-randomness"],
    ),
    (
        Kem,
        "keygen-ignores-randomness",
        &["fresh-keys", "enough-randomness"],
    ),
    (Kem, "two-byte-seed", &["enough-randomness"]),
    (Kem, "own-randomness-unsaid", &["injected-randomness"]),
    (Kem, "seed-ignored", &["seed-matters", "key-forms"]),
    (Kem, "wrong-sizes", &["sizes"]),
    (Kem, "public-key-cached", &["public-key-matters"]),
    (Kem, "long-input-cut", &["wrong-lengths"]),
    (Kem, "panic-on-short-input", &["wrong-lengths"]),
    (Kem, "panic-on-damaged-key", &["garbage", "hash-check"]),
    (Kem, "key-in-error", &["silent-errors"]),
    (
        Kem,
        "private-key-published",
        &["silent-outputs", "round-trip"],
    ),
    (
        Kem,
        "explicit-rejection",
        &["foreign-ciphertext", "implicit-rejection"],
    ),
    (
        Kem,
        "rejection-oracle",
        &["public-rejection", "implicit-rejection"],
    ),
    (Kem, "rejection-value-wrong", &["rejection-value"]),
    (
        Kem,
        "rejection-ignores-ciphertext",
        &["rejection-per-ciphertext"],
    ),
    (Kem, "rejection-ignores-key", &["rejection-per-key"]),
    (Kem, "rejection-random", &["stable-rejection"]),
    (Kem, "small-order-accepted", &["small-order"]),
    (Kem, "off-curve-accepted", &["bad-points"]),
    (Kem, "zero-scalar-accepted", &["scalar-range"]),
    (Signature, "context-ignored", &["context"]),
    (Signature, "context-dropped", &["context-unsupported"]),
    (Signature, "long-context-cut", &["context-length"]),
    (Signature, "hint-not-canonical", &["canonical-hint"]),
    (Signature, "scalar-not-reduced", &["canonical-scalar"]),
    (
        Signature,
        "last-signature-byte-ignored",
        &["signature-matters"],
    ),
    (
        Signature,
        "commitment-compared-short",
        &["signature-matters"],
    ),
    (
        Signature,
        "extended-signature-accepted",
        &["signature-length"],
    ),
    (Signature, "panic-on-short-signature", &["signature-length"]),
    (
        Signature,
        "zero-signature-accepted",
        &["trivial-signatures"],
    ),
    (Signature, "empty-message-accepted", &["empty-message"]),
    (Signature, "message-prefix-only", &["long-message"]),
    (Signature, "trailing-zeros-ignored", &["message-matters"]),
    (
        Signature,
        "first-part-only",
        &["message-parts", "fresh-commitment"],
    ),
    (Signature, "deterministic-signing", &["hedged"]),
    (Signature, "signing-key-cached", &["key-consistency"]),
    (Signature, "root-unchecked", &["key-consistency"]),
    (Signature, "verifying-key-cached", &["key-matters"]),
    (Signature, "weak-key-accepted", &["weak-keys"]),
    (
        Signature,
        "signing-seed-ignored",
        &["seed-matters", "key-forms"],
    ),
    (
        Signature,
        "signing-keygen-ignores-randomness",
        &["fresh-keys", "injected-randomness"],
    ),
    (Signature, "signing-two-byte-seed", &["enough-randomness"]),
    (
        Signature,
        "signing-own-randomness-unsaid",
        &["injected-randomness"],
    ),
    (Signature, "long-verifying-key", &["sizes", "wrong-lengths"]),
    (Signature, "signing-key-in-error", &["silent-errors"]),
    (Signature, "signing-panic-on-damaged-key", &["garbage"]),
    (
        Signature,
        "signing-key-published",
        &["silent-outputs", "round-trip"],
    ),
    (Signature, "off-curve-key-accepted", &["bad-points"]),
    (Signature, "zero-signing-scalar-accepted", &["scalar-range"]),
    (Signature, "ber-accepted", &["strict-der"]),
    (Aead, "tag-cut-to-12-bytes", &["tag-matters"]),
    (Aead, "tag-bit-ignored", &["tag-matters"]),
    (Aead, "short-tag-accepted", &["wrong-lengths"]),
    (Aead, "nonce-length-unchecked", &["wrong-lengths"]),
    (Aead, "nonce-remembered", &["nonce-matters", "stateless"]),
    (
        Aead,
        "associated-data-ignored",
        &["associated-data-matters"],
    ),
    (Aead, "associated-data-cut", &["associated-data-matters"]),
    (Aead, "plaintext-released", &["no-early-plaintext"]),
    (Aead, "tail-in-clear", &["ciphertext-matters"]),
    (Aead, "empty-message-refused", &["round-trip"]),
    (Aead, "half-a-key", &["key-matters"]),
    (Kdf, "info-ignored", &["info-matters"]),
    (Kdf, "second-info-part-ignored", &["info-parts"]),
    (Kdf, "salt-ignored", &["salt-matters"]),
    (Kdf, "long-input-ignored", &["input-matters"]),
    (Kdf, "prk-cut", &["prk-matters"]),
    (Kdf, "short-prk-accepted", &["wrong-lengths"]),
    (Kdf, "output-unlimited", &["length-limit"]),
    (Kdf, "length-mixed-in", &["prefix"]),
    (Kdf, "no-salt-is-another", &["empty-inputs"]),
    (Kdf, "calls-counted-in", &["deterministic"]),
    (Hash, "fork-shares-state", &["fork"]),
    (Hash, "fork-of-fork-is-empty", &["fork"]),
    (Hash, "single-bytes-lost", &["byte-by-byte"]),
    (Hash, "whole-blocks-lost", &["split-updates"]),
    (Hash, "long-message-cut", &["long-message"]),
    (Hash, "high-bits-ignored", &["message-matters"]),
    (Hash, "output-ends-early", &["output-length"]),
    (Hash, "state-not-reset", &["deterministic"]),
];

/// Checks that no mutant is needed for, each with the reason.
const EXCUSED: [(Kind, &str, &str); 1] = [(
    Aead,
    "handle",
    "what it looks at is the framework's own code, which no provider can break",
)];

/// Mutants that the gate and honest use let through: without the kit they would be in use.
const KILLED_BY_NOTHING_ELSE: [&str; 12] = [
    "no-modulus-check",
    "no-hash-check",
    "last-ciphertext-byte-ignored",
    "coins-reused",
    "two-byte-seed",
    "rejection-oracle",
    "hint-not-canonical",
    "scalar-not-reduced",
    "message-prefix-only",
    "short-tag-accepted",
    "nonce-remembered",
    "plaintext-released",
];

/// The kill matrix of this build, of one kind.
fn matrix(kind: Kind) -> Vec<Examination> {
    let (registry, mut rng) = (registry(), rng());
    let tools = Tools::of(&registry, &mut rng);
    let mutants = mutants(&registry, &tools).expect("mutants have names of their own");
    let specimens = specimens(&mutants).into_iter();
    specimens
        .filter_map(|(mutant, entry)| Some((mutant, entry?)))
        .filter(|(_, entry)| entry.info().kind() == kind)
        .map(|(mutant, entry)| examine(mutant, &mutants, entry, &tools, None, &mut rng))
        .collect()
}

#[track_caller]
fn all_are_killed(kind: Kind) {
    let matrix = matrix(kind);
    assert!(!matrix.is_empty());
    for row in &matrix {
        let name = row.mutant.name;
        assert!(!row.lives(), "{name} lives");
        let (_, _, expected) = KILLERS.iter().find(|(_, of, _)| *of == name).unwrap();
        for check in *expected {
            let bites = row.killers.contains(check);
            assert!(
                bites,
                "{name} is killed by {:?}, not by {check}",
                row.killers
            );
        }
        if KILLED_BY_NOTHING_ELSE.contains(&name) {
            assert_eq!(row.admission, Fate::Survived, "{name}");
            assert_ne!(row.round_trip, Fate::Killed, "{name}");
            assert!(row.only_the_kit_kills(), "{name}");
        }
    }
}

#[test]
fn every_mutant_of_a_kem_is_killed() {
    all_are_killed(Kem);
}

#[test]
fn every_mutant_of_a_signature_is_killed() {
    all_are_killed(Signature);
}

#[test]
fn every_mutant_of_a_symmetric_algorithm_is_killed() {
    for kind in [Aead, Kdf, Hash] {
        all_are_killed(kind);
    }
}

#[test]
fn every_mutant_has_a_line_in_the_table() {
    let names: BTreeSet<_> = all().iter().map(|mutant| mutant.name).collect();
    let lines: BTreeSet<_> = KILLERS.iter().map(|(_, name, _)| *name).collect();
    assert_eq!(names, lines);
    assert_eq!(lines.len(), KILLERS.len());
    assert!(names.len() >= 20);
    assert!(
        KILLED_BY_NOTHING_ELSE
            .iter()
            .all(|name| names.contains(name))
    );
}

#[test]
fn every_check_has_a_mutant_that_needs_it() {
    for kind in Kind::ALL {
        for (check, _) in checks(kind) {
            let needed = KILLERS
                .iter()
                .any(|(of, _, killers)| *of == kind && killers.contains(&check));
            let excused = EXCUSED
                .iter()
                .any(|(of, name, _)| (*of, *name) == (kind, check));
            assert!(needed != excused, "{kind}: {check}");
        }
    }
}

#[test]
fn a_vector_that_a_mutant_fails_is_seen_in_the_matrix() {
    let (registry, mut rng) = (registry(), rng());
    let tools = Tools::of(&registry, &mut rng);
    let mutants = mutants(&registry, &tools).unwrap();
    let (mutant, entry) = specimens(&mutants)
        .into_iter()
        .find(|(mutant, _)| mutant.name == "fork-of-fork-is-empty")
        .unwrap();
    for (passes, fate, alone) in [
        (None, Fate::NotTried, true),
        (Some(true), Fate::Survived, true),
        (Some(false), Fate::Killed, false),
    ] {
        let vectors = |_: &_, _: &_, _: &_| passes;
        let row = examine(
            mutant,
            &mutants,
            entry.unwrap(),
            &tools,
            Some(&vectors),
            &mut rng,
        );
        assert_eq!((row.vectors, row.only_the_kit_kills()), (fate, alone));
    }
}
