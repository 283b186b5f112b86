//! Timestamps as Python's `datetime.isoformat` prints them in UTC.

use time::{Date, Month};

/// Reads `2026-11-20T09:52:52.486927+00:00`, with or without the fraction, as microseconds since
/// 1970. Other offsets and other forms of ISO 8601 are not of the dialect.
#[must_use]
pub fn parse(text: &str) -> Option<u64> {
    let local = text.strip_suffix("+00:00")?;
    let (seconds, fraction) = match local.split_once('.') {
        Some((seconds, fraction)) => (seconds, fraction),
        None => (local, "000000"),
    };
    let bytes = seconds.as_bytes();
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    let marked = marks.iter().all(|(at, mark)| bytes.get(*at) == Some(mark));
    if bytes.len() != 19 || !marked || fraction.len() != 6 {
        return None;
    }
    let year = i32::try_from(digits(seconds.get(..4)?)?).ok()?;
    let part = |at: usize| digits(seconds.get(at..at + 2)?);
    let month = Month::try_from(u8::try_from(part(5)?).ok()?).ok()?;
    let date = Date::from_calendar_date(year, month, u8::try_from(part(8)?).ok()?).ok()?;
    let (hour, minute, second) = (part(11)?, part(14)?, part(17)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = date.to_julian_day() - Date::from_ordinal_date(1970, 1).ok()?.to_julian_day();
    let days = u64::try_from(days).ok()?;
    let secs = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some(secs * 1_000_000 + digits(fraction)?)
}

fn digits(text: &str) -> Option<u64> {
    let all = text.bytes().all(|byte| byte.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pqfw_framework::world::Now;

    use super::*;

    #[test]
    fn what_the_framework_prints_is_read_back() {
        for unix_micros in [
            0,
            1,
            951_782_400_000_000,
            1_763_632_372_486_927,
            253_402_300_799_999_999,
        ] {
            let now = Now {
                since_start: Duration::ZERO,
                unix_micros,
            };
            assert_eq!(parse(&now.iso8601()), Some(unix_micros));
        }
        let golden = parse("2025-01-15T10:30:00+00:00");
        assert_eq!(golden, Some(1_736_937_000_000_000));
    }

    #[test]
    fn other_forms_are_refused() {
        for bad in [
            "",
            "+00:00",
            "2025-01-15T10:30:00",
            "2025-01-15T10:30:00Z",
            "2025-01-15T10:30:00+01:00",
            "2025-01-15 10:30:00+00:00",
            "2025-01-15T10:30:00.1+00:00",
            "2025-01-15T10:30:00.+00:00",
            "2025-02-30T10:30:00+00:00",
            "2025-13-15T10:30:00+00:00",
            "2025-01-15T24:30:00+00:00",
            "2025-01-15T10:60:00+00:00",
            "2025-01-15T10:30:60+00:00",
            "1969-12-31T23:59:59+00:00",
            "+025-01-15T10:30:00+00:00",
            "2025-01-15T10:30:00.00000é+00:00",
            "2025-01-é5T10:30:00+00:00",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
