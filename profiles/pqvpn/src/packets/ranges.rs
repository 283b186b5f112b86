//! Which addresses are whose: the longest range chooses the peer of an outgoing packet, and an
//! incoming one must come from an address for which it would choose its sender. This is WireGuard's
//! cryptokey routing (NDSS 2017, section II.B).

use std::collections::BTreeMap;
use std::net::IpAddr;

use pqfw_framework::interface::IpRange;

use crate::peer_id::PeerId;

/// Which addresses are whose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AllowedRanges {
    peers: BTreeMap<IpRange, PeerId>,
    /// The lengths that there are, the longest first.
    lengths: Vec<u8>,
}

impl AllowedRanges {
    /// Gives a range to a peer. What another peer has of it is not taken: it is said who.
    #[must_use]
    pub fn allow(&mut self, range: IpRange, peer: PeerId) -> Option<PeerId> {
        let owner = self.peers.entry(range.network()).or_insert(peer);
        if *owner != peer {
            return Some(*owner);
        }
        if !self.lengths.contains(&range.length()) {
            self.lengths.push(range.length());
            self.lengths.sort_unstable_by(|a, b| b.cmp(a));
        }
        None
    }

    /// Whose an address is.
    #[must_use]
    pub fn peer_of(&self, address: IpAddr) -> Option<PeerId> {
        self.lengths.iter().find_map(|length| {
            let range = IpRange::new(address, *length).ok()?;
            self.peers.get(&range.network()).copied()
        })
    }

    /// Whether a packet of a peer may come from an address.
    #[must_use]
    pub fn admits(&self, peer: PeerId, address: IpAddr) -> bool {
        self.peer_of(address) == Some(peer)
    }

    /// Every range.
    pub fn ranges(&self) -> impl Iterator<Item = IpRange> {
        self.peers.keys().copied()
    }

    /// The same with the ranges of some peers alone: whom an operator knows.
    #[must_use]
    pub fn of(&self, has: impl Fn(PeerId) -> bool) -> Self {
        let mut kept = Self::default();
        for (range, peer) in &self.peers {
            if has(*peer) {
                // Ranges of one table do not collide.
                let _ = kept.allow(*range, *peer);
            }
        }
        kept
    }

    /// Gives what a peer has to the one that follows it.
    pub fn follow(&mut self, former: PeerId, peer: PeerId) {
        let owners = self.peers.values_mut();
        owners
            .filter(|owner| **owner == former)
            .for_each(|owner| *owner = peer);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HUB: PeerId = PeerId([1; 32]);
    const SPOKE: PeerId = PeerId([2; 32]);

    fn table(all: &[(&str, PeerId)]) -> AllowedRanges {
        let mut table = AllowedRanges::default();
        for (range, peer) in all {
            assert_eq!(table.allow(range.parse().unwrap(), *peer), None);
        }
        table
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_longest_range_chooses() {
        let table = table(&[
            ("0.0.0.0/0", HUB),
            ("10.7.0.0/16", HUB),
            ("10.7.3.0/24", SPOKE),
            ("10.7.3.9/32", HUB),
            ("fd07::/64", SPOKE),
        ]);
        for (address, peer) in [
            ("192.0.2.1", Some(HUB)),
            ("10.7.3.1", Some(SPOKE)),
            ("10.7.3.9", Some(HUB)),
            ("fd07::7", Some(SPOKE)),
            ("fd08::7", None),
        ] {
            assert_eq!(table.peer_of(ip(address)), peer, "{address}");
        }
        assert!(table.admits(SPOKE, ip("10.7.3.1")) && !table.admits(HUB, ip("10.7.3.1")));
        assert!(
            !table.admits(SPOKE, ip("192.0.2.1")),
            "only the longest counts"
        );
    }

    #[test]
    fn a_range_has_one_peer() {
        let mut table = table(&[("10.7.0.1/24", HUB)]);
        assert_eq!(table.allow("10.7.0.9/24".parse().unwrap(), HUB), None);
        assert_eq!(
            table.allow("10.7.0.9/24".parse().unwrap(), SPOKE),
            Some(HUB)
        );
        assert_eq!(table.ranges().count(), 1);
    }

    #[test]
    fn whoever_is_not_known_has_nothing() {
        let table = table(&[("10.7.0.0/24", HUB), ("10.7.1.0/24", SPOKE)]);
        let known = table.of(|peer| peer == HUB);
        assert_eq!(known.peer_of(ip("10.7.0.1")), Some(HUB));
        assert_eq!(known.peer_of(ip("10.7.1.1")), None);
        assert_eq!(table.of(|_| true), table);
    }

    #[test]
    fn who_follows_has_what_the_former_had() {
        let mut table = table(&[("10.7.0.0/24", HUB)]);
        table.follow(HUB, SPOKE);
        assert_eq!(table.peer_of(ip("10.7.0.1")), Some(SPOKE));
    }

    proptest! {
        /// The table agrees with asking every range.
        #[test]
        fn the_table_is_the_longest_of_all(
            all in prop::collection::btree_map((0_u8..=255, 0_u8..=8), 0_u8..4, 0..20),
            last in 0_u8..=255,
        ) {
            let mut table = AllowedRanges::default();
            let mut ranges: Vec<(IpRange, PeerId)> = Vec::new();
            for ((byte, length), peer) in all {
                let range = IpRange::new(IpAddr::from([10, 0, 0, byte]), 24 + length).unwrap();
                let peer = PeerId([peer; 32]);
                if table.allow(range, peer).is_none() {
                    ranges.push((range.network(), peer));
                }
            }
            let address = IpAddr::from([10, 0, 0, last]);
            let hits = ranges.iter().filter(|(range, _)| range.contains(address));
            let longest = hits.max_by_key(|(range, _)| range.length());
            prop_assert_eq!(table.peer_of(address), longest.map(|(_, peer)| *peer));
        }
    }
}
