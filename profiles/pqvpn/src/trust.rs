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

use crate::limits::{MOST_REMEMBERED, MOST_REMEMBERED_UNCALLED, MOST_RETIRED};
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
    Follows {
        /// Whom.
        former: PeerId,
        /// Whether that one was known by first use alone: then so is this one.
        first_use: bool,
    },
    /// No.
    Refused(Distrust),
}

impl Verdict {
    /// Whether the peer is trusted for no other reason than that it came first, itself or whom it
    /// follows: it gets no addresses, no relay and no exit.
    #[must_use]
    pub fn is_first_use(&self) -> bool {
        matches!(
            self,
            Self::FirstUse
                | Self::Follows {
                    first_use: true,
                    ..
                }
        )
    }
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
    /// First use, or rotation, has remembered as many as it may.
    #[error("as many peers as may be are remembered")]
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
    state: Mutex<State>,
}

/// What a list remembers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Whom it knows.
    pub known: BTreeMap<PeerId, KnownPeer>,
    /// Whose identity was given up for another.
    pub retired: BTreeSet<PeerId>,
}

struct State {
    mode: TrustMode,
    memory: Memory,
    /// How many of the known are known by first use.
    strangers: usize,
    /// How many identities strangers have given up.
    retired_strangers: usize,
}

impl TrustList {
    /// A list of the peers that the operator has pinned, or allowed.
    #[must_use]
    pub fn new(mode: TrustMode, known: impl IntoIterator<Item = (PeerId, Option<String>)>) -> Self {
        let pinned = |(id, name)| {
            let first_use = false;
            (id, KnownPeer { name, first_use })
        };
        let memory = Memory {
            known: known.into_iter().map(pinned).collect(),
            retired: BTreeSet::new(),
        };
        Self::restored(mode, memory)
    }

    /// A list that remembers what another did: who is known by first use alone stays so.
    #[must_use]
    pub fn restored(mode: TrustMode, memory: Memory) -> Self {
        let state = Mutex::new(State::new(mode, memory));
        Self { state }
    }

    /// Puts another list into the place of this one, for whoever asks from here on.
    pub fn replace(&self, mode: TrustMode, memory: Memory) {
        *self.state() = State::new(mode, memory);
    }

    /// What it remembers, to be written down.
    #[must_use]
    pub fn memory(&self) -> Memory {
        self.state().memory.clone()
    }

    /// Everybody it knows.
    #[must_use]
    pub fn known(&self) -> BTreeMap<PeerId, KnownPeer> {
        self.state().memory.known.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Trust for TrustList {
    fn judge(&self, question: &Question<'_>) -> Verdict {
        let mut state = self.state();
        let verdict = state.verdict(question);
        if question.stage == Stage::Proven {
            state.remember(question, verdict);
        }
        verdict
    }
}

impl State {
    fn new(mode: TrustMode, memory: Memory) -> Self {
        let known = memory.known.values();
        Self {
            strangers: known.filter(|known| known.first_use).count(),
            retired_strangers: 0,
            mode,
            memory,
        }
    }

    fn verdict(&self, question: &Question<'_>) -> Verdict {
        let (mode, peer) = (self.mode, question.peer);
        let Memory {
            known: all,
            retired,
        } = &self.memory;
        if retired.contains(&peer) {
            return Verdict::Refused(Distrust::Retired);
        }
        let of_name = question.called.and_then(|name| self.named(name));
        let known = all.get(&peer);
        let follows = matches!(mode, TrustMode::Pinned | TrustMode::Tofu);
        let former = question.former.filter(|former| follows && *former != peer);
        let former = former.and_then(|former| Some((former, all.get(&former)?)));
        match (known, of_name, former) {
            (Some(known), of_name, _) if of_name.is_none_or(|other| other == peer) => {
                match known.first_use {
                    true => Verdict::FirstUse,
                    false => Verdict::Known,
                }
            }
            (None, of_name, Some((former, known)))
                if of_name.is_none_or(|other| other == former) =>
            {
                self.follows(former, known.first_use)
            }
            (_, Some(_), _) => Verdict::Refused(Distrust::Changed),
            _ => match mode {
                TrustMode::Tofu => self.first_use(question.called),
                TrustMode::StrictTofu if question.called.is_some() => {
                    self.first_use(question.called)
                }
                _ => Verdict::Refused(Distrust::Unknown),
            },
        }
    }

    /// Those who come by themselves leave room for those whom we call.
    fn first_use(&self, called: Option<&str>) -> Verdict {
        let most = match called {
            Some(_) => MOST_REMEMBERED,
            None => MOST_REMEMBERED_UNCALLED,
        };
        match self.strangers < most {
            true => Verdict::FirstUse,
            false => Verdict::Refused(Distrust::Full),
        }
    }

    /// What strangers give up takes no room from the pinned.
    fn follows(&self, former: PeerId, first_use: bool) -> Verdict {
        let all = self.memory.retired.len();
        let retired = match first_use {
            true => self.retired_strangers,
            false => all - self.retired_strangers.min(all),
        };
        match retired < MOST_RETIRED {
            true => Verdict::Follows { former, first_use },
            false => Verdict::Refused(Distrust::Full),
        }
    }

    fn named(&self, name: &str) -> Option<PeerId> {
        let has_name = |known: &KnownPeer| known.name.as_deref() == Some(name);
        let mut all = self.memory.known.iter();
        all.find(|(_, known)| has_name(known)).map(|(id, _)| *id)
    }

    fn remember(&mut self, question: &Question<'_>, verdict: Verdict) {
        let Memory {
            known: all,
            retired,
        } = &mut self.memory;
        match verdict {
            Verdict::FirstUse => {
                let strangers = &mut self.strangers;
                let known = all.entry(question.peer).or_insert_with(|| {
                    *strangers += 1;
                    KnownPeer {
                        name: None,
                        first_use: true,
                    }
                });
                known.name = known.name.take().or(question.called.map(str::to_owned));
            }
            Verdict::Follows { former, first_use } => {
                if let Some(known) = all.remove(&former) {
                    retired.insert(former);
                    self.retired_strangers += usize::from(first_use);
                    all.insert(question.peer, known);
                }
            }
            // From now on nobody else is believed under the name.
            Verdict::Known => {
                if let (Some(known), Some(name)) = (all.get_mut(&question.peer), question.called) {
                    known.name.get_or_insert_with(|| name.to_owned());
                }
            }
            Verdict::Refused(_) => {}
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

    const FOLLOWS: Verdict = Verdict::Follows {
        former: KNOWN,
        first_use: false,
    };
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
            assert_eq!(refused, Verdict::Refused(Distrust::Changed), "{mode:?}");
            // Nor may one of the known answer for another.
            let pins = [(KNOWN, "hub"), (OTHER, "branch")];
            let pins = pins.map(|(id, name)| (id, Some(name.to_owned())));
            let list = TrustList::new(mode, pins);
            let ask = |peer, name| asked(&list, peer, None, Some(name), Stage::Proven);
            let changed = Verdict::Refused(Distrust::Changed);
            assert_eq!(ask(OTHER, "hub"), changed, "{mode:?}");
            assert_eq!(ask(OTHER, "branch"), Verdict::Known, "{mode:?}");
        }
    }

    #[test]
    fn the_name_under_which_a_known_peer_was_met_is_its_own() {
        let list = TrustList::new(TrustMode::Tofu, [(KNOWN, None)]);
        let ask = |peer, stage| asked(&list, peer, None, Some("hub"), stage);
        assert_eq!(ask(KNOWN, Stage::Claimed), Verdict::Known);
        assert_eq!(ask(OTHER, Stage::Claimed), Verdict::FirstUse);
        assert_eq!(ask(KNOWN, Stage::Proven), Verdict::Known);
        let changed = Verdict::Refused(Distrust::Changed);
        assert_eq!(ask(OTHER, Stage::Claimed), changed);
        // The first name stays.
        let other = asked(&list, KNOWN, None, Some("branch"), Stage::Proven);
        assert_eq!(other, Verdict::Known);
        assert_eq!(list.known()[&KNOWN].name.as_deref(), Some("hub"));
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
                TrustMode::Pinned | TrustMode::Tofu => FOLLOWS,
                TrustMode::StrictTofu | TrustMode::AllowList => Verdict::Refused(Distrust::Changed),
            };
            assert_eq!(ask(Stage::Claimed), expected);
            assert_eq!(ask(Stage::Proven), expected);
            let former = asked(&list, KNOWN, None, None, Stage::Claimed);
            if expected == FOLLOWS {
                assert_eq!(former, Verdict::Refused(Distrust::Retired));
                assert_eq!(ask(Stage::Claimed), Verdict::Known);
                // A restart does not give it back.
                let again = TrustList::restored(mode, list.memory());
                let former = asked(&again, KNOWN, None, None, Stage::Claimed);
                assert_eq!(former, Verdict::Refused(Distrust::Retired));
            } else {
                assert_eq!(former, Verdict::Known);
            }
        }
    }

    #[test]
    fn whoever_follows_a_stranger_is_one() {
        let list = TrustList::new(TrustMode::Tofu, []);
        let ask = |peer, former| asked(&list, peer, former, None, Stage::Proven);
        assert_eq!(ask(OTHER, None), Verdict::FirstUse);
        let follows = Verdict::Follows {
            former: OTHER,
            first_use: true,
        };
        assert_eq!(ask(THIRD, Some(OTHER)), follows);
        assert!(follows.is_first_use() && Verdict::FirstUse.is_first_use());
        assert_eq!(ask(THIRD, None), Verdict::FirstUse);
        assert!(!FOLLOWS.is_first_use() && !Verdict::Known.is_first_use());
    }

    #[test]
    fn a_list_is_replaced_at_once() {
        let list = list(TrustMode::Tofu);
        list.replace(TrustMode::AllowList, Memory::default());
        let ask = |peer| asked(&list, peer, None, None, Stage::Claimed);
        assert_eq!(ask(KNOWN), Verdict::Refused(Distrust::Unknown));
    }

    fn numbered(number: usize) -> PeerId {
        let mut id = [0; 32];
        id[..8].copy_from_slice(&(number + 1).to_be_bytes());
        PeerId(id)
    }

    #[test]
    fn those_who_come_by_themselves_leave_room_for_the_called_and_the_pinned() {
        let full = |strangers| {
            let known = (0..strangers).map(|number| {
                let (name, first_use) = (None, true);
                (numbered(number), KnownPeer { name, first_use })
            });
            let pin = KnownPeer {
                name: None,
                first_use: false,
            };
            let known = known.chain([(KNOWN, pin)]).collect();
            let retired = BTreeSet::new();
            TrustList::restored(TrustMode::Tofu, Memory { known, retired })
        };
        let refused = Verdict::Refused(Distrust::Full);
        let list = full(MOST_REMEMBERED_UNCALLED);
        let ask = |list: &TrustList, peer, called| asked(list, peer, None, called, Stage::Proven);
        assert_eq!(ask(&list, OTHER, None), refused);
        assert_eq!(ask(&list, OTHER, Some("new")), Verdict::FirstUse);
        assert_eq!(
            ask(&list, OTHER, None),
            Verdict::FirstUse,
            "it is known now"
        );
        let list = full(MOST_REMEMBERED);
        assert_eq!(ask(&list, OTHER, Some("new")), refused);
        assert_eq!(ask(&list, KNOWN, None), Verdict::Known);
    }

    #[test]
    fn what_strangers_give_up_is_bounded_and_takes_no_room_from_the_pinned() {
        let list = list(TrustMode::Tofu);
        let ask = |peer, former| asked(&list, peer, former, None, Stage::Proven);
        assert_eq!(ask(numbered(0), None), Verdict::FirstUse);
        for number in 1..=MOST_RETIRED {
            let former = numbered(number - 1);
            let followed = ask(numbered(number), Some(former));
            assert!(matches!(followed, Verdict::Follows { .. }), "{number}");
        }
        let refused = ask(OTHER, Some(numbered(MOST_RETIRED)));
        assert_eq!(refused, Verdict::Refused(Distrust::Full));
        let Memory { known, retired } = list.memory();
        assert_eq!((known.len(), retired.len()), (2, MOST_RETIRED));
        assert_eq!(ask(OTHER, Some(KNOWN)), FOLLOWS);
    }
}
