//! Prints a float as Python's `repr` does.
//!
//! CPython's `float_repr` asks David Gay's `dtoa` (mode 0) for the shortest digits that read back as
//! the same float, and writes them with an exponent only outside `1e-4 <= |x| < 1e16`
//! (`format_float_short` in `Python/pystrtod.c`, format code `r`). Rust spells both forms otherwise,
//! and where two shortest texts are equally near it takes the upper one, `dtoa` the even one.

/// Returns Python's `repr` of a finite float.
pub(super) fn repr(value: f64) -> String {
    debug_assert!(value.is_finite(), "`Number` holds finite floats only");
    if value == 0.0 || (1e-4..1e16).contains(&value.abs()) {
        plain(value)
    } else {
        with_exponent(value)
    }
}

/// Writes all digits, and at least one after the point: `100000.0`, `-0.0`.
fn plain(value: f64) -> String {
    let shortest = value.to_string();
    let decimals = decimals(&shortest);
    let digits = even_if_tied(value, shortest, format!("{value:.decimals$}"));
    if digits.contains('.') {
        digits
    } else {
        digits + ".0"
    }
}

/// Writes the exponent with its sign and at least two digits: `1e-07`, `1.5e+300`.
fn with_exponent(value: f64) -> String {
    let shortest = format!("{value:e}");
    let decimals = decimals(&shortest);
    let rust = even_if_tied(value, shortest, format!("{value:.decimals$e}"));
    // `LowerExp` always writes an exponent; the alternative only spares us a panic.
    let (digits, exponent) = rust.split_once('e').unwrap_or((&rust, "0"));
    match exponent.strip_prefix('-') {
        Some(exponent) => format!("{digits}e-{exponent:0>2}"),
        None => format!("{digits}e+{exponent:0>2}"),
    }
}

/// Counts the digits between the point and the exponent or the end.
fn decimals(text: &str) -> usize {
    let (_, fraction) = text.split_once('.').unwrap_or((text, ""));
    fraction.chars().take_while(char::is_ascii_digit).count()
}

/// Chooses between the shortest text and the value rounded, half to even, to as many digits.
///
/// They differ in ties, where Python has the rounded one (`20337427365238.3125` is
/// printed as `20337427365238.312`), and at powers of two, where the floats below are denser and the
/// rounded text can be that of another float.
fn even_if_tied(value: f64, shortest: String, rounded: String) -> String {
    if rounded.parse() == Ok(value) {
        rounded
    } else {
        shortest
    }
}

#[cfg(test)]
mod tests {
    use super::repr;

    /// Each text is what Python 3.11 prints for itself.
    const PYTHON: [&str; 24] = [
        "0.0",
        "-0.0",
        "1.0",
        "-1.5",
        "0.1",
        "0.0001",
        "0.00012345678901234567",
        "9.999999999999999e-05",
        "1e-05",
        "1e-07",
        "1.5e-10",
        "5e-324",
        "2.2250738585072014e-308",
        "100000.0",
        "123456.789",
        "9007199254740992.0",
        "1000000000000000.0",
        "9999999999999998.0",
        "1e+16",
        "-1e+16",
        "1.2345678901234568e+17",
        "1e+22",
        "1.5e+300",
        "1.7976931348623157e+308",
    ];

    #[test]
    fn floats_print_as_python_prints_them() {
        for text in PYTHON {
            assert_eq!(repr(text.parse().unwrap()), text);
        }
    }

    #[test]
    fn a_tie_between_two_shortest_texts_goes_to_the_even_one() {
        for (tied, python) in [
            ("20337427365238.3125", "20337427365238.312"),
            ("20337427365238.9375", "20337427365238.938"),
            ("-2093803915567872.25", "-2093803915567872.2"),
            ("9.9658966064453125e-05", "9.965896606445312e-05"),
        ] {
            assert_eq!(repr(tied.parse().unwrap()), python);
        }
    }

    #[test]
    fn rounding_to_even_never_changes_the_float() {
        // The nearest text of as many digits, 5.684341886080801e-14, is that of the float below.
        assert_eq!(repr(2_f64.powi(-44)), "5.684341886080802e-14");
    }

    #[test]
    fn the_exponent_appears_just_below_a_ten_thousandth_and_from_ten_to_the_sixteenth() {
        assert!(!repr(1e-4).contains('e'));
        assert!(repr(1e-4_f64.next_down()).contains('e'));
        assert!(!repr(1e16_f64.next_down()).contains('e'));
        assert!(repr(1e16).contains('e'));
    }

    #[test]
    fn every_power_of_two_reads_back_as_itself() {
        let subnormal = (0..52).map(|place| 1_u64 << place);
        let normal = (1..2047).map(|exponent| exponent << 52);
        for value in subnormal.chain(normal).map(f64::from_bits) {
            assert_eq!(repr(value).parse(), Ok(value));
            assert_eq!(repr(-value).parse(), Ok(-value));
        }
    }
}
