//! The messages that strangers are sending: one place for each token, bounded in all, for each
//! address and site, in size and in time. A place is made only for a fragment whose MAC is right.
//! When there are as many as may be, the oldest goes, so that nobody shuts the door on others.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

use crate::address::Prefix;
use crate::fragment::{FragmentError, Slot};
use crate::limits::{
    MOST_SLOT_BYTES, MOST_SLOTS, MOST_SLOTS_OF_ADDRESS, MOST_SLOTS_OF_SITE, SLOT_LIFETIME,
};
use crate::wire::ControlHead;

/// A fragment that has no place.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SlotError {
    /// Its sender's fault.
    #[error(transparent)]
    Fragment(#[from] FragmentError),
    /// Our limit for one address.
    #[error("{MOST_SLOTS_OF_ADDRESS} messages are arriving from that address, the limit")]
    FullForAddress,
    /// Our limit for one site, an IPv6 /48.
    #[error("{MOST_SLOTS_OF_SITE} messages are arriving from that site, the limit")]
    FullForSite,
}

/// Whose message: its address, port and index.
type Place = (Prefix, u16, u32);

#[derive(Default)]
pub(crate) struct Reassembly {
    slots: BTreeMap<Place, Arriving>,
    /// The places by number, the oldest first.
    by_age: BTreeMap<u64, Place>,
    made: u64,
    /// What the messages may come to.
    bytes: usize,
}

struct Arriving {
    nonce: [u8; 32],
    number: u64,
    until: Duration,
    slot: Slot,
}

impl Reassembly {
    /// Takes a fragment whose MAC is right, under a token that was not spent; gives the message
    /// when it is whole.
    pub(crate) fn take(
        &mut self,
        now: Duration,
        from: SocketAddr,
        nonce: [u8; 32],
        head: &ControlHead,
        chunk: &[u8],
    ) -> Result<Option<Vec<u8>>, SlotError> {
        self.forget_late(now);
        let prefix = Prefix::of(from);
        let place = (prefix, from.port(), head.sender);
        // Another token at the same place: its owner has begun anew.
        let known = self.slots.get(&place);
        if known.is_none_or(|arriving| arriving.nonce != nonce) {
            let slot = Slot::new(head.kind, head.fragments)?;
            self.remove(&place);
            self.make_room(from, slot.bytes())?;
            self.made += 1;
            self.bytes += slot.bytes();
            let arriving = Arriving {
                nonce,
                number: self.made,
                until: now + SLOT_LIFETIME,
                slot,
            };
            self.by_age.insert(arriving.number, place);
            self.slots.insert(place, arriving);
        }
        let Some(arriving) = self.slots.get_mut(&place) else {
            return Ok(None);
        };
        let message = arriving.slot.take(head, chunk)?;
        if message.is_some() {
            self.remove(&place);
        }
        Ok(message)
    }

    /// Room for one more message from an address.
    fn make_room(&mut self, from: SocketAddr, bytes: usize) -> Result<(), SlotError> {
        let prefix = Prefix::of(from);
        let between = |first, last| {
            let all = self.slots.range((first, 0, 0)..=(last, u16::MAX, u32::MAX));
            all.count()
        };
        if between(prefix, prefix) >= MOST_SLOTS_OF_ADDRESS {
            return Err(SlotError::FullForAddress);
        }
        if let Some(site) = Prefix::site(from)
            && between(site, site.last_of_site()) >= MOST_SLOTS_OF_SITE
        {
            return Err(SlotError::FullForSite);
        }
        while self.slots.len() >= MOST_SLOTS || self.bytes + bytes > MOST_SLOT_BYTES {
            let Some((_, oldest)) = self.by_age.pop_first() else {
                break;
            };
            self.remove(&oldest);
        }
        Ok(())
    }

    fn forget_late(&mut self, now: Duration) {
        while let Some(first) = self.by_age.first_entry()
            && let arriving = self.slots.get(first.get())
            && arriving.is_none_or(|arriving| arriving.until <= now)
        {
            let place = first.remove();
            self.remove(&place);
        }
    }

    fn remove(&mut self, place: &Place) {
        if let Some(arriving) = self.slots.remove(place) {
            self.by_age.remove(&arriving.number);
            self.bytes -= arriving.slot.bytes();
        }
    }

    /// How many messages are arriving.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{MOST_DATAGRAM, MOST_MESSAGE};
    use crate::wire::Kind;

    fn head(sender: u32, fragment: u8) -> ControlHead {
        ControlHead {
            kind: Kind::S2,
            sender,
            receiver: 0,
            fragment,
            fragments: 2,
        }
    }

    fn full() -> Vec<u8> {
        vec![1; MOST_DATAGRAM - 32]
    }

    fn address(number: usize) -> SocketAddr {
        let [.., a, b] = number.to_be_bytes();
        format!("10.0.{a}.{b}:1").parse().unwrap()
    }

    #[test]
    fn a_message_has_two_seconds() {
        for (late_ms, arrives) in [(1999, true), (2000, false)] {
            let mut slots = Reassembly::default();
            let at = Duration::from_millis;
            let first = slots.take(at(0), address(0), [0; 32], &head(1, 0), &full());
            assert_eq!(first, Ok(None));
            let second = slots.take(at(late_ms), address(0), [0; 32], &head(1, 1), b"end");
            assert_eq!(second.unwrap().is_some(), arrives, "{late_ms}");
        }
    }

    #[test]
    fn a_new_token_begins_anew_and_costs_no_second_place() {
        let mut slots = Reassembly::default();
        let mut take = |nonce, fragment, chunk: &[u8]| {
            let taken = slots.take(Duration::ZERO, address(0), nonce, &head(1, fragment), chunk);
            (taken.unwrap().is_some(), slots.len())
        };
        assert_eq!(take([0; 32], 0, &full()), (false, 1));
        assert_eq!(take([1; 32], 1, b"end"), (false, 1));
        assert_eq!(take([1; 32], 0, &full()), (true, 0));
    }

    #[test]
    fn a_site_has_its_places_whatever_addresses_it_has() {
        let mut slots = Reassembly::default();
        let mut take = |site: usize, number: usize| {
            let from = format!("[2001:db8:{site:x}:{number:x}::1]:1");
            let from = from.parse().unwrap();
            slots.take(Duration::ZERO, from, [0; 32], &head(1, 0), &full())
        };
        assert!((0..MOST_SLOTS_OF_SITE).all(|number| take(1, number) == Ok(None)));
        let more = take(1, MOST_SLOTS_OF_SITE);
        assert_eq!(more, Err(SlotError::FullForSite));
        assert_eq!(take(2, 0), Ok(None));
        assert_eq!(take(0, 0), Ok(None));
    }

    #[test]
    fn places_are_bounded_for_each_address_and_in_all() {
        let mut slots = Reassembly::default();
        let mut take = |from, sender| {
            let taken = slots.take(Duration::ZERO, from, [0; 32], &head(sender, 0), &full());
            (taken, slots.len())
        };
        let mut number = 0;
        for from in 0..MOST_SLOTS / MOST_SLOTS_OF_ADDRESS {
            for sender in 0..8 {
                number += 1;
                assert_eq!(take(address(from), sender), (Ok(None), number));
            }
            let ninth = take(address(from), 8);
            assert_eq!(ninth, (Err(SlotError::FullForAddress), number));
        }
        // The oldest makes room for a newcomer.
        let other = address(MOST_SLOTS);
        assert_eq!(take(other, 0), (Ok(None), MOST_SLOTS));
        assert_eq!(take(address(0), 8), (Ok(None), MOST_SLOTS));
        assert_eq!(slots.by_age.len(), MOST_SLOTS);
        let late = SLOT_LIFETIME;
        let taken = slots.take(late, other, [0; 32], &head(1, 0), &full());
        assert_eq!((taken, slots.len(), slots.by_age.len()), (Ok(None), 1, 1));
        let bad = ControlHead {
            fragments: 255,
            ..head(0, 0)
        };
        let mut empty = Reassembly::default();
        let refused = empty.take(Duration::ZERO, other, [0; 32], &bad, &full());
        assert_eq!(
            refused,
            Err(SlotError::Fragment(FragmentError::Number(255)))
        );
        assert_eq!(empty.len(), 0);
    }

    #[test]
    fn long_messages_are_bounded_in_all_by_what_they_may_come_to() {
        let mut slots = Reassembly::default();
        let long = MOST_MESSAGE.div_ceil(full().len());
        let head = |sender| ControlHead {
            fragments: u8::try_from(long).unwrap(),
            ..head(sender, 0)
        };
        let room = MOST_SLOT_BYTES / (long * full().len());
        assert!(room < MOST_SLOTS);
        for number in 0..=room {
            let from = address(number);
            let taken = slots.take(Duration::ZERO, from, [0; 32], &head(1), &full());
            assert_eq!(taken, Ok(None));
            assert_eq!(slots.len(), room.min(number + 1));
            assert!(slots.bytes <= MOST_SLOT_BYTES);
        }
        // The first is gone, and so is all else after a while.
        let first = (Prefix::of(address(0)), address(0).port(), 1);
        assert!(!slots.slots.contains_key(&first));
        slots.forget_late(SLOT_LIFETIME);
        assert_eq!((slots.len(), slots.bytes), (0, 0));
    }
}
