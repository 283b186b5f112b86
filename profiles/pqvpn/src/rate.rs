//! How many handshakes a minute one address may begin.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use crate::address::Prefix;
use crate::limits::MOST_RATED;

const MINUTE: Duration = Duration::from_secs(60);

pub(crate) struct Rate {
    per_minute: u32,
    seen: BTreeMap<Prefix, (Duration, u32)>,
}

impl Rate {
    pub(crate) fn new(per_minute: u32) -> Self {
        let seen = BTreeMap::new();
        Self { per_minute, seen }
    }

    /// Counts one more, unless that is one too many.
    pub(crate) fn admits(&mut self, now: Duration, from: SocketAddr) -> bool {
        let prefix = Prefix::of(from);
        if self.seen.len() >= MOST_RATED && !self.seen.contains_key(&prefix) {
            self.seen.retain(|_, (began, _)| now < *began + MINUTE);
            if self.seen.len() >= MOST_RATED {
                return false;
            }
        }
        let (began, count) = self.seen.entry(prefix).or_insert((now, 0));
        if now >= *began + MINUTE {
            (*began, *count) = (now, 0);
        }
        let admitted = *count < self.per_minute;
        *count += u32::from(admitted);
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: usize) -> SocketAddr {
        let [.., a, b] = number.to_be_bytes();
        format!("10.0.{a}.{b}:1").parse().unwrap()
    }

    #[test]
    fn an_address_has_its_number_a_minute() {
        let mut rate = Rate::new(2);
        let mut admits = |secs, from| rate.admits(Duration::from_secs(secs), address(from));
        assert!(admits(0, 0) && admits(1, 0) && !admits(59, 0));
        assert!(admits(59, 1));
        assert!(admits(60, 0));
    }

    #[test]
    fn as_many_addresses_as_the_limit_are_watched() {
        let mut rate = Rate::new(1);
        let mut admits = |secs, from| rate.admits(Duration::from_secs(secs), address(from));
        assert!((0..MOST_RATED).all(|from| admits(0, from)));
        assert!(!admits(59, MOST_RATED));
        assert!(admits(60, MOST_RATED));
    }
}
