//! A world that a seed repeats: for tests, simulation and demonstrations, never for keys.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chacha20::ChaCha20Rng;
use pqfw_framework::rand_core::{CryptoRng, SeedableRng};
use pqfw_framework::transport::BoxFuture;
use pqfw_framework::world::{Now, World};
use tokio::sync::watch;

/// A clock that moves when it is told to, and chance that a seed repeats.
///
/// Each call of [`World::rng`] gives the next ChaCha20 stream of the seed (the 64-bit stream
/// number is the nonce of the original cipher), so the bytes depend on the seed and on the order
/// of the calls. Threads that race for generators race for streams.
pub struct SeededWorld {
    seed: u64,
    began_unix_micros: u64,
    clock: watch::Sender<Duration>,
    streams: AtomicU64,
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
            clock: watch::Sender::new(Duration::ZERO),
            streams: AtomicU64::new(0),
        }
    }

    /// Moves both clocks on. They stand at the end of time rather than overflow.
    pub fn advance(&self, by: Duration) {
        self.clock
            .send_modify(|since_start| *since_start = since_start.saturating_add(by));
    }
}

impl World for SeededWorld {
    fn now(&self) -> Now {
        let since_start = *self.clock.borrow();
        let passed_micros = u64::try_from(since_start.as_micros()).unwrap_or(u64::MAX);
        Now {
            since_start,
            unix_micros: self.began_unix_micros.saturating_add(passed_micros),
        }
    }

    fn sleep_until(&self, moment: Duration) -> BoxFuture<'static, ()> {
        let mut clock = self.clock.subscribe();
        Box::pin(async move {
            // The sender is gone when the world is, and then its clock moves no more.
            if clock.wait_for(|now| *now >= moment).await.is_err() {
                std::future::pending::<()>().await;
            }
        })
    }

    fn rng(&self) -> Box<dyn CryptoRng + Send> {
        let mut rng = ChaCha20Rng::seed_from_u64(self.seed);
        rng.set_stream(self.streams.fetch_add(1, Ordering::Relaxed));
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

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_moved_far_enough() {
        let world = SeededWorld::new(0);
        let mut sleep = world.sleep_until(Duration::from_secs(2));
        let wakes_at_once = async |sleep: &mut BoxFuture<'static, ()>| {
            tokio::select! { biased; () = sleep => true, () = std::future::ready(()) => false }
        };
        assert!(!wakes_at_once(&mut sleep).await);
        world.advance(Duration::from_secs(1));
        assert!(!wakes_at_once(&mut sleep).await);
        world.advance(Duration::from_secs(1));
        assert!(wakes_at_once(&mut sleep).await);
    }

    #[test]
    fn the_calendar_can_start_anywhere() {
        let world = SeededWorld::starting_at(0, 0);
        assert_eq!(world.now().day(), "1970-01-01");
    }
}
