//! Runs an operation on inputs of two classes, in random order, and keeps the times.

use pqfw_framework::rand_core::CryptoRng;

/// The class of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The one: fixed, valid, the first byte.
    Left,
    /// The other: random, forged, the last byte.
    Right,
}

/// The time of every run, in the clock's unit.
#[derive(Clone, Debug, Default)]
pub struct Runs(Vec<(Class, f64)>);

impl Runs {
    /// Adds a run.
    pub fn push(&mut self, class: Class, time: f64) {
        self.0.push((class, time));
    }

    /// The times of one class, in the order of the runs.
    #[must_use]
    pub fn of(&self, class: Class) -> Vec<f64> {
        let ours = self.0.iter().filter(|(found, _)| *found == class);
        ours.map(|(_, time)| *time).collect()
    }
}

/// Measures `count` runs after a tenth as many that are thrown away.
///
/// Only `run` is timed: what it works on is made by `prepare`, before the clock is read. `now`
/// gives a time that never goes back, in a unit of the caller's choice.
pub fn measure<T>(
    count: usize,
    rng: &mut dyn CryptoRng,
    mut now: impl FnMut() -> f64,
    mut prepare: impl FnMut(Class) -> T,
    mut run: impl FnMut(&mut T),
) -> Runs {
    let mut runs = Runs::default();
    let warm_up = count / 10;
    for number in 0..warm_up + count {
        let class = match rng.next_u32() & 1 {
            0 => Class::Left,
            _ => Class::Right,
        };
        let mut input = prepare(class);
        let begin = now();
        run(&mut input);
        let time = now() - begin;
        if number >= warm_up {
            runs.push(class, time);
        }
    }
    runs
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use chacha20::ChaCha20Rng;
    use chacha20::rand_core::SeedableRng;

    use super::*;

    #[test]
    fn only_the_run_is_timed_and_the_classes_are_mixed() {
        let clock = Cell::new(0.0);
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let prepare = |class| {
            clock.set(clock.get() + 100.0);
            class
        };
        let run = |class: &mut Class| {
            let cost = if *class == Class::Left { 1.0 } else { 2.0 };
            clock.set(clock.get() + cost);
        };
        let runs = measure(1000, &mut rng, || clock.get(), prepare, run);
        let (left, right) = (runs.of(Class::Left), runs.of(Class::Right));
        assert_eq!(left.len() + right.len(), 1000);
        assert!(left.len() > 400 && right.len() > 400);
        assert!(left.iter().all(|time| *time == 1.0) && right.iter().all(|time| *time == 2.0));
    }
}
