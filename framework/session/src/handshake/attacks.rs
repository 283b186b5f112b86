//! All pairs of lists, and whatever an attacker does to what is offered and answered: what is agreed
//! is what the rule says, or nothing is.

use super::harness::{edit_hello, edit_suite, honest, shake};
use crate::alert::Alert;
use crate::message::Hello;
use crate::negotiation::agree;
use crate::people::{CHEAP, OTHER, SIBLING, config};

const CATALOGUE: [&str; 4] = [
    CHEAP,
    OTHER,
    SIBLING,
    "P-256/ECDSA-P256/AES-256-GCM/HKDF-SHA256",
];

/// Every subset of the catalogue, in its order and in the other one.
fn lists() -> Vec<Vec<&'static str>> {
    let mut lists = Vec::new();
    for mask in 1_u32..16 {
        let chosen = (0..4).filter(|bit| mask & (1 << bit) != 0);
        let list: Vec<_> = chosen.map(|at| CATALOGUE[at]).collect();
        let reversed: Vec<_> = list.iter().rev().copied().collect();
        if reversed != list {
            lists.push(reversed);
        }
        lists.push(list);
    }
    lists
}

#[test]
fn for_all_lists_the_rule_decides_and_both_ends_agree() {
    let lists = lists();
    for near in &lists {
        let near_config = config(1, near);
        for far in &lists {
            let expected = agree(far, near).map(|(own, _)| far[own]);
            let by_hand = far.iter().find(|suite| near.contains(suite)).copied();
            assert_eq!(expected, by_hand);
            match shake(&near_config, &config(2, far), 3, &mut honest) {
                Ok(ends) => {
                    assert_eq!(Some(ends.near.about.name.as_str()), expected);
                    assert_eq!(Some(ends.far.about.name.as_str()), expected);
                    assert_eq!(ends.near.transcript, ends.far.transcript);
                    assert!(ends.near.next.constant_time_eq(ends.far.next.expose()));
                }
                Err(error) => {
                    assert_eq!(expected, None, "{near:?} {far:?}: {error}");
                    assert_eq!(error.alert(), Some(Alert::HandshakeFailure));
                }
            }
        }
    }
}

/// What an attacker does to a handshake.
#[derive(Clone, Copy, Debug)]
enum Edit {
    /// Takes a suite out of the offer.
    Drop(usize),
    /// Leaves one suite of the offer.
    Leave(usize),
    /// Swaps two suites of the offer.
    Swap(usize, usize),
    /// Puts another suite in a place of the offer.
    Replace(usize, &'static str),
    /// Says that the key is of another suite.
    Share(usize),
    /// Says another policy.
    Policy,
    /// Says that another suite was agreed, or is wanted.
    Answer(&'static str),
    /// Puts a recorded flight in the place of this one.
    Replay(u8),
}

/// Everything that can be done to an offer of so many suites.
fn edits(suites: usize) -> Vec<Edit> {
    let mut edits = vec![Edit::Policy];
    for at in 0..suites {
        if suites > 1 {
            edits.extend([Edit::Drop(at), Edit::Leave(at), Edit::Share(at)]);
        }
        edits.extend((0..at).map(|before| Edit::Swap(before, at)));
        edits.extend(CATALOGUE.map(|suite| Edit::Replace(at, suite)));
    }
    edits.extend(CATALOGUE.map(Edit::Answer));
    edits.extend((1..=6).map(Edit::Replay));
    edits
}

impl Edit {
    /// Does it to a flight, if it is one to do it to. `recorded` are those of another handshake.
    fn apply(self, flight: u8, bytes: &mut Vec<u8>, recorded: &[Vec<u8>]) {
        match (self, flight) {
            (Self::Replay(which), _) if which == flight => {
                let old = &recorded[usize::from(which)];
                if !old.is_empty() {
                    bytes.clone_from(old);
                }
            }
            (Self::Answer(suite), 2 | 6) => edit_suite(bytes, suite),
            (_, 1 | 5) => edit_hello(bytes, |hello| self.offer(hello)),
            _ => {}
        }
    }

    fn offer(self, hello: &mut Hello) {
        let share = hello.suites[hello.share].clone();
        match self {
            Self::Drop(at) => drop(hello.suites.remove(at)),
            Self::Leave(at) => hello.suites = vec![hello.suites.swap_remove(at)],
            Self::Swap(one, other) => hello.suites.swap(one, other),
            Self::Replace(at, suite) => {
                if !hello.suites.iter().any(|offered| offered == suite) {
                    hello.suites[at] = suite.into();
                }
            }
            Self::Share(at) => return hello.share = at,
            Self::Policy => hello.policy = "legacy".into(),
            Self::Answer(_) | Self::Replay(_) => {}
        }
        // The attacker keeps the key with its suite where he can.
        let kept = hello.suites.iter().position(|suite| *suite == share);
        hello.share = kept.unwrap_or(0);
    }
}

#[test]
fn no_edit_of_what_is_offered_or_answered_gives_another_suite() {
    let lists = lists();
    let (mut edited, mut agreed) = (0, 0);
    for near in &lists {
        let near_config = config(1, near);
        for far in &lists {
            let far_config = config(2, far);
            let mut recorded = vec![Vec::new(); 7];
            let _ = shake(&near_config, &far_config, 77, &mut |flight, bytes| {
                recorded[usize::from(flight)].clone_from(bytes);
            });
            for edit in edits(near.len()) {
                let mut changed = false;
                let result = shake(&near_config, &far_config, 3, &mut |flight, bytes| {
                    let before = bytes.clone();
                    edit.apply(flight, bytes, &recorded);
                    changed |= *bytes != before;
                });
                edited += usize::from(changed);
                match result {
                    Ok(_) if changed => panic!("{edit:?} of {near:?} to {far:?} was not noticed"),
                    Ok(ends) => {
                        let expected = agree(far, near).map(|(own, _)| far[own]);
                        assert_eq!(Some(ends.near.about.name.as_str()), expected);
                        agreed += 1;
                    }
                    Err(_) => {}
                }
            }
        }
    }
    assert!(edited > 10_000 && agreed > 1_000, "{edited} {agreed}");
}
