//! Time and chance, as arguments.
//!
//! Protocol machines take a [`Now`] and a `&mut dyn CryptoRng`. The shells that drive them get
//! both from a [`World`]: the operating system's in production, a seeded one in simulation.

use std::time::Duration;

use rand_core::CryptoRng;

use crate::transport::BoxFuture;

/// A moment, on two clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Now {
    /// Monotonic time since the process began: for lifetimes and time-outs.
    pub since_start: Duration,
    /// Microseconds since 1970-01-01T00:00:00 UTC: for what others read. It may jump.
    pub unix_micros: u64,
}

impl Now {
    /// The day in UTC, `YYYY-MM-DD`.
    #[must_use]
    pub fn day(&self) -> String {
        let date = self.utc().date();
        format!(
            "{:04}-{:02}-{:02}",
            date.year(),
            u8::from(date.month()),
            date.day()
        )
    }

    /// ISO 8601 in UTC as Python's `datetime.isoformat` prints it:
    /// `2026-11-20T09:52:52.486927+00:00`, without the fraction when it is zero.
    #[must_use]
    pub fn iso8601(&self) -> String {
        let utc = self.utc();
        let fraction = match utc.microsecond() {
            0 => String::new(),
            micros => format!(".{micros:06}"),
        };
        let (hour, minute, second) = utc.time().as_hms();
        format!(
            "{}T{hour:02}:{minute:02}:{second:02}{fraction}+00:00",
            self.day()
        )
    }

    fn utc(&self) -> time::UtcDateTime {
        // Years past 9999 do not occur: they would take a clock set beyond 2.5e17 microseconds.
        time::UtcDateTime::from_unix_timestamp_nanos(i128::from(self.unix_micros) * 1000)
            .unwrap_or(time::UtcDateTime::UNIX_EPOCH)
    }
}

/// Where a shell gets time and randomness from.
pub trait World: Send + Sync {
    /// The present moment.
    fn now(&self) -> Now;

    /// Waits until [`Now::since_start`] is at least `moment`.
    fn sleep_until(&self, moment: Duration) -> BoxFuture<'static, ()>;

    /// A generator fit for keys.
    fn rng(&self) -> Box<dyn CryptoRng + Send>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(unix_micros: u64) -> Now {
        Now {
            since_start: Duration::ZERO,
            unix_micros,
        }
    }

    #[test]
    fn a_moment_prints_as_python_prints_it() {
        assert_eq!(
            at(1_763_632_372_486_927).iso8601(),
            "2025-11-20T09:52:52.486927+00:00"
        );
        assert_eq!(
            at(951_782_400_000_000).iso8601(),
            "2000-02-29T00:00:00+00:00"
        );
        assert_eq!(
            at(951_782_400_000_007).iso8601(),
            "2000-02-29T00:00:00.000007+00:00"
        );
        assert_eq!(at(0).day(), "1970-01-01");
    }
}
