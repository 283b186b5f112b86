//! The messages that strangers are sending: one place for each token, bounded in all, for each
//! address, in size and in time. A place is made only for a fragment whose MAC is right.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

use crate::address::Prefix;
use crate::fragment::{FragmentError, Slot};
use crate::limits::{MOST_SLOTS, MOST_SLOTS_OF_ADDRESS, SLOT_LIFETIME};
use crate::wire::ControlHead;

/// A fragment that has no place.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum SlotError {
    /// Its sender's fault.
    #[error(transparent)]
    Fragment(#[from] FragmentError),
    /// Our limit, in all.
    #[error("{MOST_SLOTS} messages are arriving, the limit")]
    Full,
    /// Our limit for one address.
    #[error("{MOST_SLOTS_OF_ADDRESS} messages are arriving from that address, the limit")]
    FullForAddress,
}

/// Whose message: its address, port and index.
type Place = (Prefix, u16, u32);

#[derive(Default)]
pub(crate) struct Reassembly {
    slots: BTreeMap<Place, Arriving>,
}

struct Arriving {
    nonce: [u8; 32],
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
        self.slots.retain(|_, arriving| now < arriving.until);
        let prefix = Prefix::of(from);
        let place = (prefix, from.port(), head.sender);
        // Another token at the same place: its owner has begun anew.
        let known = self.slots.get(&place);
        if known.is_none_or(|arriving| arriving.nonce != nonce) {
            let slot = Slot::new(head.kind, head.fragments)?;
            self.slots.remove(&place);
            let of_address = self
                .slots
                .range((prefix, 0, 0)..=(prefix, u16::MAX, u32::MAX));
            if of_address.count() >= MOST_SLOTS_OF_ADDRESS {
                return Err(SlotError::FullForAddress);
            }
            if self.slots.len() >= MOST_SLOTS {
                return Err(SlotError::Full);
            }
            let until = now + SLOT_LIFETIME;
            self.slots.insert(place, Arriving { nonce, until, slot });
        }
        let Some(arriving) = self.slots.get_mut(&place) else {
            return Ok(None);
        };
        let message = arriving.slot.take(head, chunk)?;
        if message.is_some() {
            self.slots.remove(&place);
        }
        Ok(message)
    }

    /// How many messages are arriving.
    pub(crate) fn len(&self) -> usize {
        self.slots.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::MOST_DATAGRAM;
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
        let other = address(MOST_SLOTS);
        assert_eq!(take(other, 0), (Err(SlotError::Full), MOST_SLOTS));
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
}
