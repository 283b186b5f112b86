//! The replay window of RFC 6479: a ring of words, of which one is always being cleared, so that
//! nothing is shifted.

const WORDS: u64 = 128;
/// The bits of the ring.
pub const RING: u64 = 64 * WORDS;
/// How many counters below the highest are told apart: the ring without the word in the making.
pub const WINDOW: u64 = RING - 64;

/// Which counters were accepted.
pub struct ReplayWindow {
    highest: Option<u64>,
    ring: [u64; WORDS as usize],
}

impl Default for ReplayWindow {
    fn default() -> Self {
        let ring = [0; WORDS as usize];
        Self {
            highest: None,
            ring,
        }
    }
}

impl ReplayWindow {
    /// The highest accepted.
    #[must_use]
    pub fn highest(&self) -> Option<u64> {
        self.highest
    }

    /// Whether a counter would be accepted: ask before opening what it numbers.
    #[must_use]
    pub fn is_new(&self, counter: u64) -> bool {
        match self.highest {
            None => true,
            Some(highest) if counter > highest => true,
            Some(highest) => highest - counter < WINDOW && !self.bit(counter),
        }
    }

    /// Accepts a counter that is new, after what it numbers was opened.
    pub fn accept(&mut self, counter: u64) {
        let before = self.highest.map_or(0, |highest| highest / 64);
        if self.highest.is_none_or(|highest| counter > highest) {
            let steps = (counter / 64 - before).min(WORDS);
            for step in 0..steps {
                if let Some(word) = self.ring.get_mut(place(counter - 64 * step)) {
                    *word = 0;
                }
            }
            self.highest = Some(counter);
        }
        if let Some(word) = self.ring.get_mut(place(counter)) {
            *word |= 1 << (counter % 64);
        }
    }

    fn bit(&self, counter: u64) -> bool {
        let word = self.ring.get(place(counter));
        word.is_some_and(|word| word >> (counter % 64) & 1 == 1)
    }
}

fn place(counter: u64) -> usize {
    usize::try_from(counter / 64 % WORDS).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn near(base: u64) -> impl Strategy<Value = u64> {
        prop_oneof![
            base..base + 3 * RING,
            base..base + 200,
            any::<u64>(),
            Just(u64::MAX),
            Just(0)
        ]
    }

    proptest! {
        #[test]
        fn the_window_is_a_set_with_a_lower_edge(
            counters in prop::collection::vec(near(70_000), 1..600),
        ) {
            let (mut window, mut seen) = (ReplayWindow::default(), BTreeSet::new());
            for counter in counters {
                let above = window.highest().is_none_or(|h| h < counter || h - counter < WINDOW);
                let new = above && !seen.contains(&counter);
                prop_assert_eq!(window.is_new(counter), new);
                if new {
                    window.accept(counter);
                    seen.insert(counter);
                }
            }
        }
    }

    #[test]
    fn the_edge_is_where_it_is_said_to_be() {
        let mut window = ReplayWindow::default();
        window.accept(WINDOW);
        assert!(!window.is_new(0) && window.is_new(1) && !window.is_new(WINDOW));
        window.accept(1);
        assert!(!window.is_new(1));
        window.accept(3 * WINDOW);
        assert!(!window.is_new(2 * WINDOW) && window.is_new(2 * WINDOW + 1));
    }
}
