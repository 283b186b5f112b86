//! How many handshakes a minute one address may begin, and one site: whoever has an IPv6 /48 has
//! 65 536 addresses as we count them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use crate::address::Prefix;
use crate::limits::{MOST_RATED, SITE_FACTOR};

const MINUTE: Duration = Duration::from_secs(60);

pub(crate) struct Rate {
    addresses: Table,
    sites: Table,
}

/// Counts by prefix, of the latest minute of each. When it is full, the oldest count goes: who has
/// so many prefixes gains nothing by it, and nobody else is refused.
struct Table {
    per_minute: u32,
    seen: BTreeMap<Prefix, (Duration, u32)>,
    by_age: BTreeSet<(Duration, Prefix)>,
}

impl Rate {
    pub(crate) fn new(per_minute: u32) -> Self {
        Self {
            addresses: Table::new(per_minute),
            sites: Table::new(per_minute.saturating_mul(SITE_FACTOR)),
        }
    }

    /// Counts one more, unless that is one too many.
    pub(crate) fn admits(&mut self, now: Duration, from: SocketAddr) -> bool {
        let (address, site) = (Prefix::of(from), Prefix::site(from));
        let site = match site {
            Some(site) if !self.sites.has_room(now, site) => return false,
            site => site,
        };
        if !self.addresses.has_room(now, address) {
            return false;
        }
        self.addresses.count(now, address);
        if let Some(site) = site {
            self.sites.count(now, site);
        }
        true
    }
}

impl Table {
    fn new(per_minute: u32) -> Self {
        Self {
            per_minute,
            seen: BTreeMap::new(),
            by_age: BTreeSet::new(),
        }
    }

    fn has_room(&self, now: Duration, prefix: Prefix) -> bool {
        let counted = match self.seen.get(&prefix) {
            Some((began, count)) if now < *began + MINUTE => *count,
            _ => 0,
        };
        counted < self.per_minute
    }

    fn count(&mut self, now: Duration, prefix: Prefix) {
        if let Some((began, count)) = self.seen.get_mut(&prefix) {
            if now < *began + MINUTE {
                *count += 1;
                return;
            }
            self.by_age.remove(&(*began, prefix));
        } else if self.seen.len() >= MOST_RATED
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.seen.remove(&oldest);
        }
        self.seen.insert(prefix, (now, 1));
        self.by_age.insert((now, prefix));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: fn(u64) -> Duration = Duration::from_secs;

    fn address(number: usize) -> SocketAddr {
        let [.., a, b] = number.to_be_bytes();
        format!("10.0.{a}.{b}:1").parse().unwrap()
    }

    fn of_site(site: usize, number: usize) -> SocketAddr {
        let text = format!("[2001:db8:{site:x}:{number:x}::1]:1");
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_number_a_minute() {
        let mut rate = Rate::new(2);
        let mut admits = |secs, from| rate.admits(AT(secs), address(from));
        assert!(admits(0, 0) && admits(1, 0) && !admits(59, 0));
        assert!(admits(59, 1));
        assert!(admits(60, 0));
    }

    #[test]
    fn a_site_has_its_number_whatever_addresses_it_has() {
        let mut rate = Rate::new(1);
        let most = usize::try_from(SITE_FACTOR).unwrap();
        assert!((0..most).all(|number| rate.admits(AT(0), of_site(0, number))));
        assert!(!rate.admits(AT(59), of_site(0, most)));
        assert!(rate.admits(AT(59), of_site(1, 0)));
        assert!(rate.admits(AT(60), of_site(0, most)));
    }

    #[test]
    fn as_many_addresses_as_the_limit_are_watched_and_a_newcomer_is_not_refused() {
        let mut rate = Rate::new(1);
        assert!((0..MOST_RATED).all(|from| rate.admits(AT(1), address(from))));
        assert!(!rate.admits(AT(2), address(0)));
        assert!(rate.admits(AT(2), address(MOST_RATED)));
        let watched = (rate.addresses.seen.len(), rate.addresses.by_age.len());
        assert_eq!(watched, (MOST_RATED, MOST_RATED));
        // It was the oldest that went.
        assert!(rate.admits(AT(2), address(0)));
        assert!(!rate.admits(AT(2), address(MOST_RATED)));
    }
}
