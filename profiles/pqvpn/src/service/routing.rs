//! Which peers have addresses now: those that an operator knows, and only once they have shown who
//! they are.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use crate::packets::AllowedRanges;
use crate::peer_id::PeerId;
use crate::trust::Verdict;

/// Whose addresses are whose now.
pub(super) struct Routing {
    state: Mutex<State>,
    /// What the threads that carry packets read, once a batch.
    table: RwLock<Arc<AllowedRanges>>,
}

struct State {
    of_profile: AllowedRanges,
    met: BTreeSet<PeerId>,
}

impl Routing {
    pub(super) fn new(of_profile: AllowedRanges) -> Self {
        let met = BTreeSet::new();
        Self {
            state: Mutex::new(State { of_profile, met }),
            table: RwLock::default(),
        }
    }

    /// The table of this moment.
    pub(super) fn table(&self) -> Arc<AllowedRanges> {
        self.table
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A session with a peer; says whether the peer has addresses.
    pub(super) fn met(&self, peer: PeerId, standing: Verdict) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match standing {
            Verdict::Known => {
                state.met.insert(peer);
            }
            Verdict::Follows {
                former,
                first_use: false,
            } => {
                state.met.remove(&former);
                state.met.insert(peer);
                state.of_profile.follow(former, peer);
            }
            Verdict::FirstUse | Verdict::Follows { .. } | Verdict::Refused(_) => {
                state.met.remove(&peer);
            }
        }
        let table = state.of_profile.of(|peer| state.met.contains(&peer));
        let has = table.of(|other| other == peer).ranges().next().is_some();
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        has
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trust::Distrust;

    const HUB: PeerId = PeerId([1; 32]);
    const NEXT: PeerId = PeerId([2; 32]);

    const FOLLOWS: Verdict = Verdict::Follows {
        former: HUB,
        first_use: false,
    };

    fn routing() -> Routing {
        let mut ranges = AllowedRanges::default();
        assert_eq!(ranges.allow("10.7.0.0/24".parse().unwrap(), HUB), None);
        Routing::new(ranges)
    }

    fn owner(routing: &Routing) -> Option<PeerId> {
        routing.table().peer_of("10.7.0.9".parse().unwrap())
    }

    #[test]
    fn a_peer_has_addresses_when_an_operator_knows_it_and_it_was_met() {
        let routing = routing();
        assert_eq!(owner(&routing), None);
        assert!(!routing.met(HUB, Verdict::FirstUse));
        assert_eq!(owner(&routing), None);
        assert!(routing.met(HUB, Verdict::Known));
        assert_eq!(owner(&routing), Some(HUB));
        assert!(
            !routing.met(NEXT, Verdict::Known),
            "it has none in the profile"
        );
        assert_eq!(owner(&routing), Some(HUB));
        assert!(!routing.met(HUB, Verdict::Refused(Distrust::Unknown)));
        assert_eq!(owner(&routing), None);
    }

    #[test]
    fn who_follows_a_known_peer_has_its_addresses() {
        let routing = routing();
        assert!(routing.met(HUB, Verdict::Known));
        assert!(routing.met(NEXT, FOLLOWS));
        assert_eq!(owner(&routing), Some(NEXT));
    }
}
