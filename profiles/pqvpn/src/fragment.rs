//! Messages in fragments: cutting, the MAC of each, and putting together.

use pqfw_framework::hash::AdmittedHash;
use thiserror::Error;

use crate::limits::{MOST_DATAGRAM, MOST_MESSAGE};
use crate::mac::{self, MAC_BYTES};
use crate::wire::{ControlHead, HEAD, Kind, Ticket};

/// Fragments that do not make a message: their sender's fault, who has the token.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FragmentError {
    /// Too short for its MAC, or of another length than its place asks for.
    #[error("fragment {0} has another length than its place")]
    Length(u8),
    /// More than the longest message.
    #[error("{0} fragments: a message has at most {MOST_MESSAGE} bytes")]
    Number(u8),
    /// Another number of fragments than those before.
    #[error("{got} fragments, {before} before")]
    Changed {
        /// What this one says.
        got: u8,
        /// What those before said.
        before: u8,
    },
    /// The MAC is not right: off the path, nobody can make one.
    #[error("the fragment's MAC is not right")]
    Mac,
}

/// How much of a message one fragment of a kind carries; all but the last carry that much.
fn chunk(kind: Kind) -> usize {
    let room = MOST_DATAGRAM - HEAD - MAC_BYTES;
    match kind {
        Kind::S1 | Kind::IdRequest => room - Ticket::BYTES,
        Kind::S0 | Kind::S2 | Kind::Retry | Kind::IdRecord => room,
    }
}

/// The frames of a message, which [`MOST_MESSAGE`] bounds.
pub(crate) fn cut(
    digest: &AdmittedHash,
    key: &[u8; 32],
    head: ControlHead,
    ticket: Option<&Ticket>,
    message: &[u8],
) -> Vec<Vec<u8>> {
    let ticket = ticket.map(Ticket::bytes).unwrap_or_default();
    let chunks: Vec<_> = message.chunks(chunk(head.kind)).collect();
    let fragments = u8::try_from(chunks.len()).unwrap_or(u8::MAX);
    let frame = |(number, chunk): (u8, &&[u8])| {
        let head = ControlHead {
            fragment: number,
            fragments,
            ..head
        };
        let head = head.write(ticket.len() + chunk.len() + MAC_BYTES);
        let mac = mac::short(digest, key, &[&head, &ticket, chunk]);
        [&head, ticket.as_slice(), chunk, &mac].concat()
    };
    (0..fragments).zip(&chunks).map(frame).collect()
}

/// What is before the MAC of a frame, once the MAC is right.
pub(crate) fn checked<'a>(
    digest: &AdmittedHash,
    key: &[u8; 32],
    frame: &'a [u8],
) -> Result<&'a [u8], FragmentError> {
    let split = frame.len().checked_sub(MAC_BYTES);
    let (message, mac) = split
        .and_then(|split| frame.split_at_checked(split))
        .ok_or(FragmentError::Length(0))?;
    if mac::is_right(digest, key, &[message], mac) {
        Ok(message)
    } else {
        Err(FragmentError::Mac)
    }
}

/// A message that is being put together.
#[derive(Debug)]
pub(crate) struct Slot {
    chunk: usize,
    pieces: Vec<Option<Vec<u8>>>,
}

impl Slot {
    /// Room for the fragments that the first to arrive speaks of.
    pub(crate) fn new(kind: Kind, fragments: u8) -> Result<Self, FragmentError> {
        let chunk = chunk(kind);
        if usize::from(fragments) * chunk >= MOST_MESSAGE + chunk {
            return Err(FragmentError::Number(fragments));
        }
        let pieces = vec![None; fragments.into()];
        Ok(Self { chunk, pieces })
    }

    /// What the message may come to.
    pub(crate) fn bytes(&self) -> usize {
        self.chunk * self.pieces.len()
    }

    /// Takes a fragment whose MAC is right; gives the message when it is whole.
    pub(crate) fn take(
        &mut self,
        head: &ControlHead,
        chunk: &[u8],
    ) -> Result<Option<Vec<u8>>, FragmentError> {
        let before = u8::try_from(self.pieces.len()).unwrap_or(u8::MAX);
        if head.fragments != before {
            let got = head.fragments;
            return Err(FragmentError::Changed { got, before });
        }
        let last = head.fragment + 1 == before;
        let fits = match last {
            true => (1..=self.chunk).contains(&chunk.len()),
            false => chunk.len() == self.chunk,
        };
        let place = self.pieces.get_mut(usize::from(head.fragment));
        let (true, Some(place)) = (fits, place) else {
            return Err(FragmentError::Length(head.fragment));
        };
        place.get_or_insert_with(|| chunk.to_vec());
        let whole: Option<Vec<_>> = self.pieces.iter().map(Option::as_deref).collect();
        Ok(whole.map(|pieces| pieces.concat()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::people::{CHEAP, suite};
    use crate::wire::Frame;

    const KEY: [u8; 32] = [7; 32];

    fn head(kind: Kind) -> ControlHead {
        ControlHead {
            kind,
            sender: 1,
            receiver: 2,
            fragment: 0,
            fragments: 1,
        }
    }

    /// Puts frames together in the order given.
    fn together(kind: Kind, frames: &[Vec<u8>]) -> Option<Vec<u8>> {
        let digest = suite(CHEAP).digest;
        let mut slot = None;
        for frame in frames {
            assert!(frame.len() <= MOST_DATAGRAM);
            let Ok(Frame::Control(head, _)) = Frame::read(frame) else {
                panic!("no control frame")
            };
            let body = &checked(&digest, &KEY, frame).unwrap()[HEAD..];
            let ticket = if kind == Kind::S1 { Ticket::BYTES } else { 0 };
            let slot = slot.get_or_insert_with(|| Slot::new(kind, head.fragments).unwrap());
            if let Some(message) = slot.take(&head, &body[ticket..]).unwrap() {
                return Some(message);
            }
        }
        None
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn a_message_comes_together_in_any_order(
            length in 1..=MOST_MESSAGE,
            s1: bool,
            order in Just(()).prop_perturb(|(), mut rng| rng.next_u64()),
        ) {
            let kind = if s1 { Kind::S1 } else { Kind::S2 };
            let message: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
            let ticket = Ticket { nonce: [1; 32], epoch: 2, expiry: 3 };
            let ticket = s1.then_some(&ticket);
            let mut frames = cut(&suite(CHEAP).digest, &KEY, head(kind), ticket, &message);
            let count = frames.len();
            for at in 0..count {
                frames.swap(at, (order as usize).wrapping_mul(at + 1) % count);
            }
            prop_assert_eq!(together(kind, &frames), Some(message));
            frames.pop();
            prop_assert_eq!(together(kind, &frames), None);
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let most = u8::try_from(MOST_MESSAGE.div_ceil(chunk(Kind::S2))).unwrap();
        assert!(Slot::new(Kind::S2, most).is_ok());
        let error = Slot::new(Kind::S2, most + 1).unwrap_err();
        assert_eq!(error, FragmentError::Number(most + 1));
        let mut slot = Slot::new(Kind::S2, 3).unwrap();
        let full = vec![0; chunk(Kind::S2)];
        let place = |fragment, fragments| ControlHead {
            fragment,
            fragments,
            ..head(Kind::S2)
        };
        for (at, length) in [(0, full.len() - 1), (2, 0), (2, full.len() + 1)] {
            let refused = slot.take(&place(at, 3), &vec![0; length]);
            assert_eq!(refused, Err(FragmentError::Length(at)));
        }
        let changed = slot.take(&place(0, 2), &full);
        assert_eq!(changed, Err(FragmentError::Changed { got: 2, before: 3 }));
        assert_eq!(slot.take(&place(0, 3), &full), Ok(None));
    }

    #[test]
    fn a_flipped_bit_anywhere_is_seen() {
        let digest = suite(CHEAP).digest;
        let frame = &cut(&digest, &KEY, head(Kind::S2), None, b"message")[0];
        assert!(checked(&digest, &KEY, frame).is_ok());
        for at in 0..frame.len() {
            let mut bad = frame.clone();
            bad[at] ^= 1;
            assert_eq!(checked(&digest, &KEY, &bad), Err(FragmentError::Mac));
        }
        assert_eq!(
            checked(&digest, &KEY, &[0; 15]),
            Err(FragmentError::Length(0))
        );
    }
}
