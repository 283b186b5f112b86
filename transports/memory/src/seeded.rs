//! A world that a seed repeats: for tests, simulation and demonstrations, never for keys.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::{CryptoRng, SeedableRng};
use pqfw_framework::world::{Now, World};

/// A clock that moves when it is told to, and chance that a seed repeats.
///
/// Each call of [`World::rng`] gives the next ChaCha20 stream of the seed (the 64-bit stream
/// number is the nonce of the original cipher), so the bytes depend on the seed and on the order
/// of the calls. Threads that race for generators race for streams.
pub struct SeededWorld {
    seed: u64,
    began_unix_micros: u64,
    state: Mutex<State>,
}

struct State {
    since_start: Duration,
    streams: u64,
}

impl SeededWorld {
    /// Makes a world whose clock stands at 2026-01-01T00:00:00 UTC.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::starting_at(seed, YEAR_2026_UNIX_MICROS)
    }

    /// Makes a world whose clock stands at another moment, for rules that look at the calendar.
    #[must_use]
    pub fn starting_at(seed: u64, unix_micros: u64) -> Self {
        Self {
            seed,
            began_unix_micros: unix_micros,
            state: Mutex::new(State {
                since_start: Duration::ZERO,
                streams: 0,
            }),
        }
    }

    /// Moves both clocks on. They stand at the end of time rather than overflow.
    pub fn advance(&self, by: Duration) {
        let mut state = self.lock();
        state.since_start = state.since_start.saturating_add(by);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each holder makes one change, which is there whole or not at all.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl World for SeededWorld {
    fn now(&self) -> Now {
        let since_start = self.lock().since_start;
        let passed_micros = u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX);
        Now {
            since_start,
            unix_micros: self.began_unix_micros.saturating_add(passed_micros),
        }
    }

    fn rng(&self) -> Box<dyn CryptoRng + Send> {
        let mut state = self.lock();
        let mut rng = ChaCha20Rng::seed_from_u64(self.seed);
        rng.set_stream(state.streams);
        state.streams = state.streams.wrapping_add(1);
        Box::new(rng)
    }
}

/// 2026-01-01T00:00:00 UTC.
const YEAR_2026_UNIX_MICROS: u64 = 1_767_225_600_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(world: &SeededWorld) -> [u8; 32] {
        let mut bytes = [0; 32];
        world.rng().fill_bytes(&mut bytes);
        bytes
    }

    #[test]
    fn a_seed_repeats_every_stream() {
        let (one, other) = (SeededWorld::new(7), SeededWorld::new(7));
        for _ in 0..5 {
            assert_eq!(draw(&one), draw(&other));
        }
    }

    #[test]
    fn streams_and_seeds_are_apart() {
        let world = SeededWorld::new(7);
        let (first, second) = (draw(&world), draw(&world));
        assert_ne!(first, second);
        assert_ne!(first, draw(&SeededWorld::new(8)));
    }

    #[test]
    fn the_clock_moves_only_when_told() {
        let world = SeededWorld::new(0);
        assert_eq!(world.now().iso8601(), "2026-01-01T00:00:00+00:00");
        assert_eq!(world.now(), world.now());
        world.advance(Duration::from_micros(90_000_001));
        assert_eq!(world.now().since_start, Duration::from_micros(90_000_001));
        assert_eq!(world.now().iso8601(), "2026-01-01T00:01:30.000001+00:00");
        world.advance(Duration::MAX);
        world.advance(Duration::MAX);
        assert_eq!(world.now().since_start, Duration::MAX);
        assert_eq!(world.now().unix_micros, u64::MAX);
    }

    #[test]
    fn the_calendar_can_start_anywhere() {
        let world = SeededWorld::starting_at(0, 0);
        assert_eq!(world.now().day(), "1970-01-01");
    }
}
