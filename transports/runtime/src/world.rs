//! The operating system's clock and generator: the one file that asks for either.
//!
//! Everything else takes a [`Now`] or a generator as an argument, and `clippy.toml` keeps it so.

use std::convert::Infallible;
use std::io::Write;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use getrandom::SysRng;
use pqfw_framework::rand_core::{CryptoRng, TryCryptoRng, TryRng};
use pqfw_framework::transport::BoxFuture;
use pqfw_framework::world::{Now, World};

/// The world that the operating system shows.
pub struct OsWorld {
    began: Instant,
}

impl OsWorld {
    /// Starts the monotonic clock. A process makes one world, first thing.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the file that reads the clock"
    )]
    #[must_use]
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
        }
    }
}

impl Default for OsWorld {
    fn default() -> Self {
        Self::new()
    }
}

impl World for OsWorld {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the file that reads the clock"
    )]
    fn now(&self) -> Now {
        Now {
            since_start: self.began.elapsed(),
            unix_micros: unix_micros(SystemTime::now()),
        }
    }

    fn sleep_until(&self, moment: Duration) -> BoxFuture<'static, ()> {
        let left = moment.saturating_sub(self.now().since_start);
        Box::pin(tokio::time::sleep(left))
    }

    fn rng(&self) -> Box<dyn CryptoRng + Send> {
        Box::new(OrEnd(SysRng))
    }
}

/// A clock that is set before 1970 reads as 1970: every calendar rule then errs on the same side,
/// and the operator sees the year in the first line of the log.
fn unix_micros(time: SystemTime) -> u64 {
    let since_epoch = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX)
}

/// A generator that ends the process when its source fails: there is no key to be made without
/// randomness, and no caller that could do better.
struct OrEnd<R>(R);

impl<R: TryRng> TryRng for OrEnd<R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(or_end(self.0.try_next_u32()))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(or_end(self.0.try_next_u64()))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        or_end(self.0.try_fill_bytes(bytes));
        Ok(())
    }
}

impl<R: TryCryptoRng> TryCryptoRng for OrEnd<R> {}

fn or_end<T>(outcome: Result<T, impl std::fmt::Display>) -> T {
    outcome.unwrap_or_else(|error| end(&error))
}

/// A panic will not do: the transports catch those and go on serving.
fn end(error: &dyn std::fmt::Display) -> ! {
    // Where the message itself cannot be written there is nobody left to tell.
    let _ = writeln!(
        std::io::stderr(),
        "pqfw: the operating system's random generator failed ({error}); ending the process, \
         because every key and nonce would be weak. Check that getrandom(2) is allowed in this \
         sandbox, or that /dev/urandom exists."
    );
    std::process::exit(EXIT_OS_FAILURE)
}

/// `EX_OSERR` of sysexits(3). It is not the 70 that `pqfw` uses for its own bugs.
const EXIT_OS_FAILURE: i32 = 71;

#[cfg(test)]
mod tests {
    use pqfw_framework::rand_core::Rng;

    use super::*;

    #[test]
    fn the_monotonic_clock_never_goes_back() {
        let world = OsWorld::new();
        let moments: Vec<_> = (0..1000).map(|_| world.now().since_start).collect();
        assert!(moments.is_sorted());
    }

    #[test]
    fn the_wall_clock_counts_microseconds_from_1970() {
        assert_eq!(unix_micros(UNIX_EPOCH), 0);
        assert_eq!(
            unix_micros(UNIX_EPOCH + Duration::from_nanos(1_234_567_891)),
            1_234_567
        );
        assert_eq!(unix_micros(UNIX_EPOCH - Duration::from_secs(1)), 0);
        let year_2025 = 1_735_689_600_000_000;
        assert!(OsWorld::new().now().unix_micros > year_2025);
    }

    #[test]
    fn generators_differ_from_call_to_call_and_from_each_other() {
        let world = OsWorld::new();
        let mut drawn = [[0; 32]; 4];
        world.rng().fill_bytes(&mut drawn[0]);
        let mut rng = world.rng();
        rng.fill_bytes(&mut drawn[1]);
        rng.fill_bytes(&mut drawn[2]);
        for (i, one) in drawn.iter().enumerate() {
            assert!(drawn.iter().skip(i + 1).all(|other| one != other));
        }
    }

    struct Broken;

    impl TryRng for Broken {
        type Error = std::io::Error;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Err(std::io::Error::other("no entropy here"))
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Err(std::io::Error::other("no entropy here"))
        }

        fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
            Err(std::io::Error::other("no entropy here"))
        }
    }

    impl TryCryptoRng for Broken {}

    /// What the process of the next test runs. On its own it does nothing.
    #[test]
    fn draw_from_a_broken_generator() {
        let Ok(call) = std::env::var(DRAW) else {
            return;
        };
        let mut rng = OrEnd(Broken);
        // A caught panic must not be a way to go on.
        let _ = std::panic::catch_unwind(move || match call.as_str() {
            "u32" => drop(rng.next_u32()),
            "u64" => drop(rng.next_u64()),
            _ => rng.fill_bytes(&mut [0; 32]),
        });
    }

    #[test]
    fn a_failing_generator_ends_the_process_with_a_message() {
        for call in ["u32", "u64", "bytes"] {
            let ended = std::process::Command::new(std::env::current_exe().unwrap())
                .args([
                    "--exact",
                    "world::tests::draw_from_a_broken_generator",
                    "--nocapture",
                ])
                .env(DRAW, call)
                .output()
                .unwrap();
            assert_eq!(ended.status.code(), Some(EXIT_OS_FAILURE), "{call}");
            let message = String::from_utf8(ended.stderr).unwrap();
            assert!(message.contains("no entropy here"), "{message}");
            assert!(message.contains("getrandom(2)"), "{message}");
        }
    }

    const DRAW: &str = "PQFW_TEST_DRAW_FROM_A_BROKEN_GENERATOR";
}
