//! Requests per minute from one address.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};

use pqfw_framework::world::Now;

/// How many addresses are counted in one minute; further ones are refused until it ends. The table
/// then takes a few megabytes, and an attacker with more addresses than this is beyond what
/// counting addresses can stop.
pub const COUNTED_ADDRESSES: usize = 65_536;

/// Counts requests in fixed windows of one minute of the monotonic clock, so that one address can
/// send twice the limit around the end of a window and never more.
pub struct RequestRate {
    per_minute: u32,
    window: Mutex<Window>,
}

#[derive(Default)]
struct Window {
    minute: u64,
    counts: BTreeMap<IpAddr, u32>,
}

impl RequestRate {
    /// Allows `per_minute` requests from one address; any number when it is 0.
    #[must_use]
    pub fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            window: Mutex::default(),
        }
    }

    /// Counts a request, and says whether it may go on.
    pub fn admit(&self, peer: IpAddr, now: Now) -> bool {
        if self.per_minute == 0 {
            return true;
        }
        // A count is one number; a panic elsewhere cannot leave it half written.
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        let minute = now.since_start.as_secs() / 60;
        if window.minute != minute {
            *window = Window {
                minute,
                counts: BTreeMap::new(),
            };
        }
        let peer = counted_as(peer);
        if window.counts.len() >= COUNTED_ADDRESSES && !window.counts.contains_key(&peer) {
            return false;
        }
        let count = window.counts.entry(peer).or_default();
        *count = count.saturating_add(1);
        *count <= self.per_minute
    }
}

/// One customer usually has a whole /64 of IPv6 (RFC 6177), so that is what is counted.
fn counted_as(peer: IpAddr) -> IpAddr {
    match peer.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let network = address.to_bits() & !u128::from(u64::MAX);
            Ipv6Addr::from_bits(network).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pqfw_framework::world::World;
    use pqfw_memory::SeededWorld;

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_limit_holds_within_a_minute_and_begins_anew_with_the_next() {
        let (rate, world) = (RequestRate::new(3), SeededWorld::new(0));
        let admitted = |times| {
            let now = world.now();
            (0..times)
                .filter(|_| rate.admit(ip("192.0.2.1"), now))
                .count()
        };
        assert_eq!(admitted(2), 2);
        assert_eq!(admitted(1), 1);
        assert_eq!(admitted(1), 0);
        world.advance(Duration::from_millis(59_999));
        assert_eq!(admitted(1), 0);
        world.advance(Duration::from_millis(1));
        assert_eq!(admitted(4), 3);
    }

    #[test]
    fn addresses_are_counted_apart_and_networks_of_ipv6_together() {
        let (rate, now) = (RequestRate::new(1), SeededWorld::new(0).now());
        assert!(rate.admit(ip("192.0.2.1"), now));
        assert!(rate.admit(ip("192.0.2.2"), now));
        assert!(!rate.admit(ip("::ffff:192.0.2.1"), now));
        assert!(rate.admit(ip("2001:db8::1"), now));
        assert!(!rate.admit(ip("2001:db8::ffff:1"), now));
        assert!(rate.admit(ip("2001:db8:0:1::1"), now));
    }

    #[test]
    fn no_limit_counts_nothing() {
        let (rate, now) = (RequestRate::new(0), SeededWorld::new(0).now());
        assert!((0..1000).all(|_| rate.admit(ip("192.0.2.1"), now)));
        assert!(rate.window.lock().unwrap().counts.is_empty());
    }

    #[test]
    fn a_full_table_refuses_newcomers_until_the_minute_ends() {
        let (rate, world) = (RequestRate::new(2), SeededWorld::new(0));
        let nth = |n: usize| IpAddr::from(u32::try_from(n).unwrap().to_be_bytes());
        for n in 0..COUNTED_ADDRESSES {
            assert!(rate.admit(nth(n), world.now()));
        }
        assert!(!rate.admit(nth(COUNTED_ADDRESSES), world.now()));
        assert!(
            rate.admit(nth(0), world.now()),
            "known ones keep their share"
        );
        assert_eq!(rate.window.lock().unwrap().counts.len(), COUNTED_ADDRESSES);
        world.advance(Duration::from_secs(60));
        assert!(rate.admit(nth(COUNTED_ADDRESSES), world.now()));
        assert_eq!(rate.window.lock().unwrap().counts.len(), 1);
    }
}
