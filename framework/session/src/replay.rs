//! The replay window: each counter is accepted once (RFC 4303 section 3.4.3, RFC 9147 section 4.5.1).

/// How many counters below the highest are remembered.
pub const WINDOW: u64 = 4096;

const WORDS: usize = 64;

/// Which counters were accepted. One bit for each of the last [`WINDOW`].
pub struct ReplayWindow {
    /// The highest accepted, if any was.
    highest: Option<u64>,
    bits: [u64; WORDS],
}

impl Default for ReplayWindow {
    fn default() -> Self {
        Self {
            highest: None,
            bits: [0; WORDS],
        }
    }
}

impl ReplayWindow {
    /// Makes a window that has seen nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a counter would be accepted: ask before opening what it numbers.
    #[must_use]
    pub fn is_new(&self, counter: u64) -> bool {
        let Some(highest) = self.highest else {
            return true;
        };
        counter > highest || (highest - counter < WINDOW && !self.bit(counter))
    }

    /// Accepts a counter, after what it numbers was opened; says whether it was new.
    pub fn accept(&mut self, counter: u64) -> bool {
        if !self.is_new(counter) {
            return false;
        }
        match self.highest {
            Some(highest) if counter <= highest => {}
            Some(highest) if counter - highest < WINDOW => {
                for skipped in highest + 1..counter {
                    self.set(skipped, false);
                }
                self.highest = Some(counter);
            }
            _ => {
                self.bits = [0; WORDS];
                self.highest = Some(counter);
            }
        }
        self.set(counter, true);
        true
    }

    fn bit(&self, counter: u64) -> bool {
        let (word, mask) = place(counter);
        self.bits.get(word).is_some_and(|bits| bits & mask != 0)
    }

    fn set(&mut self, counter: u64, seen: bool) {
        let (word, mask) = place(counter);
        if let Some(bits) = self.bits.get_mut(word) {
            *bits = if seen { *bits | mask } else { *bits & !mask };
        }
    }
}

fn place(counter: u64) -> (usize, u64) {
    let within = counter % WINDOW;
    let word = usize::try_from(within / 64).unwrap_or(0);
    (word, 1 << (within % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn near(base: u64) -> impl Strategy<Value = u64> {
        prop_oneof![
            base..base + 3 * WINDOW,
            base..base + 20,
            any::<u64>(),
            Just(u64::MAX),
            Just(0)
        ]
    }

    proptest! {
        #[test]
        fn the_window_is_a_set_with_a_lower_edge(counters in prop::collection::vec(near(70_000), 1..400)) {
            let (mut window, mut seen) = (ReplayWindow::new(), BTreeSet::new());
            let mut highest = None;
            for counter in counters {
                let above_edge = highest.is_none_or(|h: u64| h < counter || h - counter < WINDOW);
                let new = above_edge && !seen.contains(&counter);
                prop_assert_eq!(window.is_new(counter), new);
                prop_assert_eq!(window.accept(counter), new);
                if new {
                    seen.insert(counter);
                    highest = highest.max(Some(counter));
                }
            }
        }
    }

    #[test]
    fn the_edge_is_where_it_is_said_to_be() {
        let mut window = ReplayWindow::new();
        assert!(window.accept(WINDOW));
        assert!(!window.is_new(0));
        assert!(window.accept(1));
        assert!(!window.accept(1));
        assert!(window.accept(2 * WINDOW));
        assert!(!window.is_new(WINDOW));
        assert!(window.is_new(WINDOW + 1));
    }
}
