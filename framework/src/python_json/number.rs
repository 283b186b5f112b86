//! Holds a number by the text Python prints for it.

use std::fmt;

use super::float;

/// Holds an integer of any size or a finite float, and remembers which of the two it is.
///
/// Python decides by the token it reads: `1` stays an integer, `1e0` becomes the float `1.0`. A
/// canonical text tells the two apart by a point or an exponent, so the text is all there is to
/// keep, and two numbers are equal when they print the same.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Number {
    canonical: String,
}

impl Number {
    /// Takes an integer by its JSON token. Python's `int` has no negative zero: `-0` becomes `0`.
    pub(super) fn from_integer_token(token: &str) -> Self {
        let canonical = if token == "-0" { "0" } else { token };
        Self {
            canonical: canonical.to_owned(),
        }
    }

    /// Tells whether this is an integer, as opposed to a float with an integral value.
    pub fn is_integer(&self) -> bool {
        !self.canonical.contains(['.', 'e'])
    }

    /// Returns the value, if this is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.canonical.parse().ok()
    }

    /// Returns the value, if this is an integer that fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.canonical.parse().ok()
    }

    /// Returns the nearest float, as Python's `float(x)`; `None` for an integer beyond all floats.
    pub fn as_f64(&self) -> Option<f64> {
        self.canonical
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite())
    }
}

impl fmt::Display for Number {
    /// Prints the number as Python does, the same in every layout.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical)
    }
}

impl From<i64> for Number {
    fn from(integer: i64) -> Self {
        Self {
            canonical: integer.to_string(),
        }
    }
}

impl From<u64> for Number {
    fn from(integer: u64) -> Self {
        Self {
            canonical: integer.to_string(),
        }
    }
}

/// Refuses a float that JSON cannot express. The caller's fault: it should send `null` or nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a JSON number cannot be infinite or NaN")]
pub struct NotFinite;

impl TryFrom<f64> for Number {
    type Error = NotFinite;

    fn try_from(value: f64) -> Result<Self, NotFinite> {
        if value.is_finite() {
            Ok(Self {
                canonical: float::repr(value),
            })
        } else {
            Err(NotFinite)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn integer(token: &str) -> Number {
        Number::from_integer_token(token)
    }

    fn float(value: f64) -> Number {
        Number::try_from(value).unwrap()
    }

    #[test]
    fn floats_that_are_not_finite_are_refused() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(Number::try_from(value), Err(NotFinite));
        }
        assert_eq!(
            NotFinite.to_string(),
            "a JSON number cannot be infinite or NaN"
        );
    }

    #[test]
    fn a_number_remembers_whether_it_is_an_integer() {
        for token in ["0", "-1", "1000000000000000000000000000000"] {
            assert!(integer(token).is_integer());
        }
        for value in [0.0, -1.0, 1e30, 5e-324] {
            assert!(!float(value).is_integer());
        }
    }

    #[test]
    fn an_integer_has_no_negative_zero_but_a_float_has() {
        assert_eq!(integer("-0"), Number::from(0_i64));
        assert_eq!(float(-0.0).to_string(), "-0.0");
        assert_ne!(float(-0.0), float(0.0));
    }

    #[test]
    fn integers_are_read_up_to_the_limits_of_the_type_asked_for() {
        assert_eq!(Number::from(i64::MIN).as_i64(), Some(i64::MIN));
        assert_eq!(integer("9223372036854775807").as_i64(), Some(i64::MAX));
        assert_eq!(integer("9223372036854775808").as_i64(), None);
        assert_eq!(Number::from(u64::MAX).as_u64(), Some(u64::MAX));
        assert_eq!(integer("18446744073709551616").as_u64(), None);
        assert_eq!(integer("-1").as_u64(), None);
    }

    #[test]
    fn a_float_is_never_read_as_an_integer() {
        assert_eq!(float(1.0).as_i64(), None);
        assert_eq!(float(1e16).as_u64(), None);
    }

    #[test]
    fn every_number_is_read_as_the_nearest_float() {
        assert_eq!(float(1.5).as_f64(), Some(1.5));
        assert_eq!(
            integer("9007199254740993").as_f64(),
            Some(9_007_199_254_740_992.0)
        );
        assert_eq!(integer(&"9".repeat(400)).as_f64(), None);
    }
}
