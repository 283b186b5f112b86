//! How large a datagram the way to a peer carries (RFC 8899): a padded word, and whether it is
//! answered. Nothing that is sent otherwise is larger than what was answered.
//!
//! ```text
//!  search: the most; then halves between what was answered and what was not
//!    └▶ done ─1 min▶ the same size again ─answered▶ done, and after 10 min search
//!                                          └ not ─▶ the least, and search
//! ```

use std::time::Duration;

use pqfw_framework::world::Now;

use super::peers::hex;
use super::{Event, Node};
use crate::limits::{
    MOST_DATAGRAM, MOST_PROBES, MTU_STEP, PROBE_AFTER, PROBE_AGAIN_AFTER, SEARCH_AGAIN_AFTER,
};
use crate::peer_id::PeerId;
use crate::session::{Control, OVERHEAD};

/// What is known of the way to a peer.
pub(super) struct Mtu {
    /// What was answered.
    carried: usize,
    /// What was not, or is larger than what may be tried.
    not_carried: usize,
    probe: Option<Probe>,
    /// When the next probe is due, or the present one counts as lost.
    pub(super) due: Duration,
    searched_at: Duration,
}

struct Probe {
    size: usize,
    data: String,
    lost: u32,
}

impl Mtu {
    /// Begins to look, where there is anything to be found.
    pub(super) fn new(at: Duration, most: usize) -> Option<Self> {
        (most > MOST_DATAGRAM).then_some(Self {
            carried: MOST_DATAGRAM,
            not_carried: most + 1,
            probe: None,
            due: at + PROBE_AFTER,
            searched_at: at,
        })
    }

    /// What to try next; `None` when the search is over.
    fn candidate(&self, most: usize) -> Option<usize> {
        if self.not_carried > most && self.carried < most {
            return Some(most);
        }
        let between = self.not_carried - self.carried;
        (between > MTU_STEP).then_some(self.carried + between / 2)
    }
}

impl Node {
    /// The largest datagram that the way to a peer is known to carry.
    #[must_use]
    pub fn carries(&self, peer: PeerId) -> usize {
        let mtu = self.peers.get(&peer).and_then(|known| known.mtu.as_ref());
        mtu.map_or(MOST_DATAGRAM, |mtu| mtu.carried)
    }

    /// The way to a peer is another one.
    pub(super) fn look_for_mtu(&mut self, now: Now, peer: PeerId) {
        let before = self.carries(peer);
        let mtu = Mtu::new(now.since_start, self.config.most_datagram);
        self.wake_for(mtu.as_ref().map(|mtu| mtu.due));
        if let Some(known) = self.peers.get_mut(&peer) {
            known.mtu = mtu;
        }
        self.tell_mtu(peer, before);
    }

    /// A probe was not answered, or it is time for one.
    pub(super) fn tick_mtu(&mut self, now: Now, peer: PeerId) {
        let (at, most) = (now.since_start, self.config.most_datagram);
        let before = self.carries(peer);
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        let (Some(mtu), Some(index), Some(to)) = (&mut known.mtu, known.current, known.endpoint)
        else {
            known.mtu = None;
            return;
        };
        if at < mtu.due {
            return;
        }
        if let Some(lost) = mtu.probe.take_if(|probe| probe.lost + 1 >= MOST_PROBES) {
            if lost.size == mtu.carried {
                // What was carried is so no more.
                mtu.carried = MOST_DATAGRAM;
            }
            mtu.not_carried = lost.size;
        }
        let (size, lost) = match &mtu.probe {
            Some(probe) => (probe.size, probe.lost + 1),
            None => {
                if at >= mtu.searched_at + SEARCH_AGAIN_AFTER {
                    (mtu.not_carried, mtu.searched_at) = (most + 1, at);
                }
                (mtu.candidate(most).unwrap_or(mtu.carried), 0)
            }
        };
        let mut data = [0; 8];
        self.rng.fill_bytes(&mut data);
        let data = hex(&data);
        let is_over = mtu.candidate(most).is_none();
        mtu.due = match size == MOST_DATAGRAM && is_over {
            // Everything carries that.
            true => at + PROBE_AGAIN_AFTER,
            false => at + PROBE_AFTER,
        };
        mtu.probe = (size > MOST_DATAGRAM).then(|| Probe {
            size,
            data: data.clone(),
            lost,
        });
        let due = mtu.due;
        self.wake_for(Some(due));
        if size > MOST_DATAGRAM {
            let probe = Control::Probe { data }.write();
            self.say_padded(now, index, &probe, size - OVERHEAD, to);
        }
        self.tell_mtu(peer, before);
    }

    /// A probe was answered: the way carries it.
    pub(super) fn probe_answered(&mut self, now: Now, peer: PeerId, data: &str) {
        let (at, most) = (now.since_start, self.config.most_datagram);
        let before = self.carries(peer);
        let known = self.peers.get_mut(&peer);
        let Some(mtu) = known.and_then(|known| known.mtu.as_mut()) else {
            return;
        };
        let Some(probe) = mtu.probe.take_if(|probe| probe.data == data) else {
            return;
        };
        mtu.carried = probe.size;
        mtu.due = match mtu.candidate(most) {
            Some(_) => at,
            None => at + PROBE_AGAIN_AFTER,
        };
        let due = mtu.due;
        self.wake_for(Some(due));
        self.tell_mtu(peer, before);
    }

    fn tell_mtu(&mut self, peer: PeerId, before: usize) {
        let datagram = self.carries(peer);
        if datagram != before {
            self.tell(Event::Carries { peer, datagram });
        }
    }
}
