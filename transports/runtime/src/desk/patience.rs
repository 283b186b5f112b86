//! Limits in seconds as durations that timers can add to any moment.

use std::time::Duration;

/// Gives a limit as a duration, cut at a year: hyper adds it to the present, which would overflow
/// and panic at the largest numbers that a profile can hold.
#[must_use]
pub fn seconds(limit_secs: u64) -> Duration {
    Duration::from_secs(limit_secs.min(YEAR_SECS))
}

const YEAR_SECS: u64 = 365 * 24 * 60 * 60;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_after_a_year() {
        assert_eq!(seconds(30), Duration::from_secs(30));
        assert_eq!(seconds(YEAR_SECS), Duration::from_secs(31_536_000));
        assert_eq!(seconds(u64::MAX), seconds(YEAR_SECS));
    }
}
