//! Whom a node trusts: one question, put twice in each handshake. First when the other end has
//! only said who it is, before most of the work is done, then when it has proved it.
//!
//! | mode | accepted |
//! | --- | --- |
//! | pinned | the known; a known peer's successor by its own statement |
//! | tofu | those, and whoever comes first under a name or by itself |
//! | strict_tofu | the known, and whoever is met first where *we* called; no successors |
//! | allow-list | those on the list |

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pqfw_framework::world::Now;
use thiserror::Error;

use crate::limits::MOST_REMEMBERED;
use crate::peer_id::PeerId;

/// How far the other end has come when the question is put.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It says who it is. Nothing may be remembered.
    Claimed,
    /// It has proved it.
    Proven,
}

/// May this peer have a session?
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// The moment.
    pub now: Now,
    /// Who it is.
    pub peer: PeerId,
    /// Whom it follows: as it says, or, once proven, as that one has signed.
    pub former: Option<PeerId>,
    /// The name under which we called it; `None` when it came by itself.
    pub called: Option<&'a str>,
    /// How sure that is.
    pub stage: Stage,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is known.
    Known,
    /// It is new, and accepted for that reason alone: it gets no addresses, no relay and no exit.
    FirstUse,
    /// It follows somebody who was known.
    Follows(PeerId),
    /// No.
    Refused(Distrust),
}

/// Why a peer gets no session: its fault, or the operator's, who has not listed it.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum Distrust {
    /// Nobody knows it.
    #[error("it is not known")]
    Unknown,
    /// Somebody else was met under that name: an attack, or new keys without a statement.
    #[error("another peer is known under that name")]
    Changed,
    /// Its identity was given up for another.
    #[error("its identity was given up")]
    Retired,
    /// First use has remembered as many as it may.
    #[error("{MOST_REMEMBERED} peers are remembered, the limit")]
    Full,
}

/// Whom a node trusts.
pub trait Trust: Send + Sync {
    /// Answers; remembers only what is proven.
    fn judge(&self, question: &Question<'_>) -> Verdict;
}

/// The modes of a [`TrustList`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TrustMode {
    /// The known alone.
    Pinned,
    /// And whoever comes first.
    Tofu,
    /// And whoever is met first where we called.
    StrictTofu,
    /// The list alone.
    AllowList,
}

/// One peer that a list knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownPeer {
    /// The name under which it is called, if it is.
    pub name: Option<String>,
    /// Whether it is known by first use alone.
    pub first_use: bool,
}

/// A list of peers in memory.
pub struct TrustList {
    mode: TrustMode,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    known: BTreeMap<PeerId, KnownPeer>,
    retired: BTreeSet<PeerId>,
}

impl TrustList {
    /// A list of the peers that the operator has pinned, or allowed.
    #[must_use]
    pub fn new(mode: TrustMode, known: impl IntoIterator<Item = (PeerId, Option<String>)>) -> Self {
        let pinned = |(id, name)| {
            let first_use = false;
            (id, KnownPeer { name, first_use })
        };
        let state = State {
            known: known.into_iter().map(pinned).collect(),
            retired: BTreeSet::new(),
        };
        let state = Mutex::new(state);
        Self { mode, state }
    }

    /// Everybody it knows, to be written down.
    #[must_use]
    pub fn known(&self) -> BTreeMap<PeerId, KnownPeer> {
        self.state().known.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trust for TrustList {
    fn judge(&self, question: &Question<'_>) -> Verdict {
        let mut state = self.state();
        let verdict = state.verdict(self.mode, question);
        if question.stage == Stage::Proven {
            state.remember(question, verdict);
        }
        verdict
    }
}

impl State {
    fn verdict(&self, mode: TrustMode, question: &Question<'_>) -> Verdict {
        let peer = question.peer;
        if self.retired.contains(&peer) {
            return Verdict::Refused(Distrust::Retired);
        }
        let of_name = question.called.and_then(|name| self.named(name));
        let known = self.known.get(&peer);
        if mode == TrustMode::AllowList {
            return match known {
                Some(_) => Verdict::Known,
                None => Verdict::Refused(Distrust::Unknown),
            };
        }
        let follows = matches!(mode, TrustMode::Pinned | TrustMode::Tofu);
        let former = question
            .former
            .filter(|former| follows && *former != peer && self.known.contains_key(former));
        match (known, of_name, former) {
            (Some(known), of_name, _) if of_name.is_none_or(|other| other == peer) => {
                match known.first_use {
                    true => Verdict::FirstUse,
                    false => Verdict::Known,
                }
            }
            (None, of_name, Some(former)) if of_name.is_none_or(|other| other == former) => {
                Verdict::Follows(former)
            }
            (_, Some(_), _) => Verdict::Refused(Distrust::Changed),
            _ => match mode {
                TrustMode::Tofu => self.first_use(),
                TrustMode::StrictTofu if question.called.is_some() => self.first_use(),
                _ => Verdict::Refused(Distrust::Unknown),
            },
        }
    }

    fn first_use(&self) -> Verdict {
        match self.known.len() < MOST_REMEMBERED {
            true => Verdict::FirstUse,
            false => Verdict::Refused(Distrust::Full),
        }
    }

    fn named(&self, name: &str) -> Option<PeerId> {
        let has_name = |known: &KnownPeer| known.name.as_deref() == Some(name);
        let mut all = self.known.iter();
        all.find(|(_, known)| has_name(known)).map(|(id, _)| *id)
    }

    fn remember(&mut self, question: &Question<'_>, verdict: Verdict) {
        let name = question.called.map(str::to_owned);
        match verdict {
            Verdict::FirstUse => {
                let new = KnownPeer {
                    name: None,
                    first_use: true,
                };
                let known = self.known.entry(question.peer).or_insert(new);
                known.name = known.name.take().or(name);
            }
            Verdict::Follows(former) => {
                if let Some(known) = self.known.remove(&former) {
                    self.retired.insert(former);
                    self.known.insert(question.peer, known);
                }
            }
            Verdict::Known | Verdict::Refused(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const KNOWN: PeerId = PeerId([1; 32]);
    const OTHER: PeerId = PeerId([2; 32]);
    const THIRD: PeerId = PeerId([3; 32]);

    fn asked(
        list: &TrustList,
        peer: PeerId,
        former: Option<PeerId>,
        called: Option<&str>,
        stage: Stage,
    ) -> Verdict {
        let now = Now {
            since_start: Duration::ZERO,
            unix_micros: 0,
        };
        list.judge(&Question {
            now,
            peer,
            former,
            called,
            stage,
        })
    }

    fn list(mode: TrustMode) -> TrustList {
        TrustList::new(mode, [(KNOWN, Some("hub".to_owned()))])
    }

    const MODES: [TrustMode; 4] = [
        TrustMode::Pinned,
        TrustMode::Tofu,
        TrustMode::StrictTofu,
        TrustMode::AllowList,
    ];

    #[test]
    fn the_known_are_known_and_strangers_are_met_as_the_mode_says() {
        let unknown = Verdict::Refused(Distrust::Unknown);
        let expected = [
            (unknown, unknown),
            (Verdict::FirstUse, Verdict::FirstUse),
            (unknown, Verdict::FirstUse),
            (unknown, unknown),
        ];
        for (mode, (came, called)) in MODES.into_iter().zip(expected) {
            for stage in [Stage::Claimed, Stage::Proven] {
                let list = list(mode);
                let ask = |peer, name| asked(&list, peer, None, name, stage);
                assert_eq!(ask(KNOWN, Some("hub")), Verdict::Known);
                assert_eq!(ask(KNOWN, None), Verdict::Known);
                assert_eq!(ask(OTHER, None), came, "{mode:?}");
                assert_eq!(ask(THIRD, Some("new")), called, "{mode:?}");
            }
        }
    }

    #[test]
    fn another_peer_under_a_known_name_is_refused_in_every_mode() {
        for mode in MODES {
            let refused = asked(&list(mode), OTHER, None, Some("hub"), Stage::Proven);
            let why = match mode {
                TrustMode::AllowList => Distrust::Unknown,
                _ => Distrust::Changed,
            };
            assert_eq!(refused, Verdict::Refused(why), "{mode:?}");
        }
    }

    #[test]
    fn nothing_is_remembered_before_it_is_proven() {
        let list = list(TrustMode::Tofu);
        let ask = |peer, stage| asked(&list, peer, None, Some("new"), stage);
        assert_eq!(ask(OTHER, Stage::Claimed), Verdict::FirstUse);
        assert_eq!(list.known().len(), 1);
        assert_eq!(ask(THIRD, Stage::Proven), Verdict::FirstUse);
        assert_eq!(
            ask(OTHER, Stage::Claimed),
            Verdict::Refused(Distrust::Changed)
        );
        assert!(list.known()[&THIRD].first_use);
    }

    #[test]
    fn a_successor_takes_the_place_and_the_former_is_given_up() {
        for mode in MODES {
            let list = list(mode);
            let ask = |stage| asked(&list, OTHER, Some(KNOWN), Some("hub"), stage);
            let expected = match mode {
                TrustMode::Pinned | TrustMode::Tofu => Verdict::Follows(KNOWN),
                TrustMode::StrictTofu => Verdict::Refused(Distrust::Changed),
                TrustMode::AllowList => Verdict::Refused(Distrust::Unknown),
            };
            assert_eq!(ask(Stage::Claimed), expected);
            assert_eq!(ask(Stage::Proven), expected);
            let former = asked(&list, KNOWN, None, None, Stage::Claimed);
            if expected == Verdict::Follows(KNOWN) {
                assert_eq!(former, Verdict::Refused(Distrust::Retired));
                assert_eq!(ask(Stage::Claimed), Verdict::Known);
            } else {
                assert_eq!(former, Verdict::Known);
            }
        }
    }

    #[test]
    fn first_use_has_a_limit() {
        let many = (0..MOST_REMEMBERED).map(|number| {
            let mut id = [0; 32];
            id[..8].copy_from_slice(&number.to_be_bytes());
            (PeerId(id), None)
        });
        let full = TrustList::new(TrustMode::Tofu, many);
        let refused = asked(&full, PeerId([9; 32]), None, None, Stage::Claimed);
        assert_eq!(refused, Verdict::Refused(Distrust::Full));
    }
}
