//! The parts of one flight, until it is whole. Anybody can write a part.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::packet::Part;

/// Parts are kept for so many lengths of the flight, of which one is the true one.
const MOST_TOTALS: usize = 4;

/// The parts of one flight that have come.
#[derive(Default)]
pub(super) struct Assembly(Vec<Pieces>);

/// Parts that say the same length.
struct Pieces {
    total: usize,
    parts: BTreeMap<usize, Vec<u8>>,
    held: usize,
    /// How many parts fitted, less those that said a length for which there was no room: what many
    /// say stays (Misra and Gries, *Finding repeated elements*, 1982).
    votes: u32,
}

impl Assembly {
    /// How many bytes are kept.
    pub(super) fn held(&self) -> usize {
        self.0.iter().map(|pieces| pieces.held).sum()
    }

    /// Takes a part in; gives the flight once it is whole, and forgets it.
    pub(super) fn add(&mut self, part: &Part<'_>) -> Option<Vec<u8>> {
        let at = self.place(part.total)?;
        let pieces = self.0.get_mut(at)?;
        pieces.add(part);
        let whole = pieces.held == pieces.total;
        whole.then(|| self.0.remove(at).parts.into_values().flatten().collect())
    }

    /// Where parts of this length are kept.
    fn place(&mut self, total: usize) -> Option<usize> {
        if let Some(at) = self.0.iter().position(|pieces| pieces.total == total) {
            return Some(at);
        }
        if self.0.len() == MOST_TOTALS {
            self.0.retain_mut(|pieces| {
                pieces.votes -= 1;
                pieces.votes > 0
            });
        }
        if self.0.len() == MOST_TOTALS {
            return None;
        }
        self.0.push(Pieces {
            total,
            parts: BTreeMap::new(),
            held: 0,
            votes: 0,
        });
        Some(self.0.len() - 1)
    }
}

impl Pieces {
    fn add(&mut self, part: &Part<'_>) {
        self.votes = self.votes.saturating_add(1);
        // Of two at one offset the first stays.
        if let Entry::Vacant(place) = self.parts.entry(part.offset) {
            place.insert(part.bytes.to_vec());
            self.held += part.bytes.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::packet::{Datagram, parts};
    use super::*;

    fn cut(flight: &[u8]) -> Vec<Vec<u8>> {
        parts([1; 8], 2, [0; 16], flight).collect()
    }

    fn add(assembly: &mut Assembly, part: &[u8]) -> Option<Vec<u8>> {
        match Datagram::read(part) {
            Some(Datagram::Part(part)) => assembly.add(&part),
            _ => unreachable!("a part of our own"),
        }
    }

    #[test]
    fn parts_come_in_any_order_and_more_than_once() {
        let flight: Vec<u8> = (0..5000_u16).map(|n| n.to_le_bytes()[0]).collect();
        let mut assembly = Assembly::default();
        let parts = cut(&flight);
        for at in [4, 0, 0, 2, 4, 1] {
            assert_eq!(add(&mut assembly, &parts[at]), None);
        }
        assert_eq!(assembly.held(), 3 * 1100 + 5000 - 4 * 1100);
        assert_eq!(add(&mut assembly, &parts[3]), Some(flight));
        assert_eq!(assembly.held(), 0);
    }

    #[test]
    fn of_two_parts_at_one_offset_the_first_stays() {
        let (one, other) = (vec![1; 2000], vec![2; 2000]);
        let mut assembly = Assembly::default();
        add(&mut assembly, &cut(&one)[0]);
        add(&mut assembly, &cut(&other)[0]);
        let whole = add(&mut assembly, &cut(&other)[1]).unwrap();
        assert!(whole[..1100] == one[..1100] && whole[1100..] == other[1100..]);
    }

    #[test]
    fn lengths_that_few_parts_say_give_way() {
        let honest = cut(&[1; 3000]);
        let forged = |total: usize| cut(&vec![2; total]).remove(0);
        // Forged parts beside the true ones do not touch them, however many say the same.
        let mut assembly = Assembly::default();
        for number in 0..100 {
            add(&mut assembly, &cut(&[2; 200_000])[number]);
        }
        for part in &honest[..2] {
            assert_eq!(add(&mut assembly, part), None);
        }
        assert_eq!(add(&mut assembly, &honest[2]), Some(vec![1; 3000]));
        // Of a fifth length a part is dropped, and counts against the others.
        let mut assembly = Assembly::default();
        add(&mut assembly, &honest[0]);
        add(&mut assembly, &honest[1]);
        for total in 2001..=2003 {
            add(&mut assembly, &forged(total));
            add(&mut assembly, &forged(total));
        }
        let full = assembly.held();
        add(&mut assembly, &forged(2004));
        assert_eq!(assembly.held(), full);
        add(&mut assembly, &forged(2005));
        assert_eq!(assembly.held(), 1100, "all had as many against them");
        // A true part finds a place between forged ones that nobody repeats.
        for total in 2006..2100 {
            add(&mut assembly, &forged(total));
        }
        for part in &honest {
            add(&mut assembly, part);
        }
        add(&mut assembly, &honest[0]);
        assert!(
            add(&mut assembly, &honest[1]).is_some() || add(&mut assembly, &honest[2]).is_some()
        );
    }
}
