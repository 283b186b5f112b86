//! Welch's t-test over two classes of measurements, cropped and not.

use super::measure::{Class, Runs};

/// How many thresholds are tried, as dudect does.
const CROPS: i32 = 100;

/// With fewer measurements in a class a t-value means nothing.
const FEWEST: usize = 200;

/// What a t-value suggests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Indication {
    /// Fewer measurements than a t-value needs.
    TooFew,
    /// Below 4.5, the usual threshold of test-vector leakage assessment.
    None,
    /// From 4.5 to 10: the best of a hundred tests may get there by chance. Measure longer.
    Weak,
    /// From 10: the classes differ. Find out why.
    Strong,
}

impl Indication {
    fn of(t: Option<f64>) -> Self {
        match t.map(f64::abs) {
            None => Self::TooFew,
            Some(t) if t < 4.5 => Self::None,
            Some(t) if t < 10.0 => Self::Weak,
            Some(_) => Self::Strong,
        }
    }

    /// What to make of it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::TooFew => "too few measurements",
            Self::None => "no indication of a difference",
            Self::Weak => "a weak indication: measure again, and longer",
            Self::Strong => "a difference: find out why",
        }
    }
}

/// What the tests found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finding {
    /// Measurements in the two classes.
    pub runs: (usize, usize),
    /// Median times of the two classes.
    pub medians: (f64, f64),
    /// t over all measurements.
    pub whole: Option<f64>,
    /// The t that is farthest from zero, of all tests.
    pub extreme: Option<f64>,
    /// What the extreme t suggests.
    pub indication: Indication,
}

/// Runs every test: uncropped, cropped at 100 thresholds, and of second order (the squares of the
/// distances from the mean, which show another spread where the means are equal).
#[must_use]
pub fn analyse(runs: &Runs) -> Finding {
    let (left, right) = (runs.of(Class::Left), runs.of(Class::Right));
    let whole = welch(&left, &right);
    let mut tests = vec![whole, welch(&spread(&left), &spread(&right))];
    let mut sorted = [&left[..], &right].concat();
    sorted.sort_by(f64::total_cmp);
    for crop in 1..=CROPS {
        // dudect: thresholds near the top, where the noise is, stand closest.
        let share = 1.0 - 0.5_f64.powf(10.0 * f64::from(crop) / f64::from(CROPS));
        let Some(limit) = percentile(&sorted, share) else {
            continue;
        };
        let below = |times: &[f64]| -> Vec<f64> {
            let kept = times.iter().copied();
            kept.filter(|time| *time < limit).collect()
        };
        tests.push(welch(&below(&left), &below(&right)));
    }
    let extreme = tests
        .into_iter()
        .flatten()
        .max_by(|one, other| one.abs().total_cmp(&other.abs()));
    Finding {
        runs: (left.len(), right.len()),
        medians: (median(&left), median(&right)),
        whole,
        extreme,
        indication: Indication::of(extreme),
    }
}

/// Welch's t: the difference of the means over its standard error. `None` for few measurements.
/// Of two classes without any spread it is zero when they are the same, and infinite when not.
#[must_use]
pub fn welch(left: &[f64], right: &[f64]) -> Option<f64> {
    if left.len() < FEWEST || right.len() < FEWEST {
        return None;
    }
    let ((left_mean, left_error), (right_mean, right_error)) = (moments(left), moments(right));
    let (difference, error) = (left_mean - right_mean, (left_error + right_error).sqrt());
    if difference == 0.0 {
        return Some(0.0);
    }
    Some(difference / error)
}

/// The mean, and the square of its standard error.
fn moments(times: &[f64]) -> (f64, f64) {
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    // Welford's method: no difference of large sums.
    for time in times {
        count += 1.0;
        let distance = time - mean;
        mean += distance / count;
        squares += distance * (time - mean);
    }
    (mean, squares / (count - 1.0) / count)
}

fn spread(times: &[f64]) -> Vec<f64> {
    if times.is_empty() {
        return Vec::new();
    }
    let (mean, _) = moments(times);
    times.iter().map(|time| (time - mean).powi(2)).collect()
}

/// The value below which this share of the sorted values lies.
fn percentile(sorted: &[f64], share: f64) -> Option<f64> {
    let count = u32::try_from(sorted.len()).ok()?;
    let at = (f64::from(count) * share).floor();
    // The number is whole and between zero and the count.
    sorted.get(at as usize).copied()
}

fn median(times: &[f64]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    percentile(&sorted, 0.5).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random and are the same everywhere: the sum of twelve uniform ones is
    /// nearly normal, with mean 6 and deviation 1.
    struct Noise(u64);

    impl Noise {
        fn uniform(&mut self) -> f64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            f64::from(u32::try_from(self.0 >> 32).unwrap()) / f64::from(u32::MAX)
        }

        fn normal(&mut self) -> f64 {
            (0..12).map(|_| self.uniform()).sum()
        }
    }

    fn runs(count: usize, time: impl Fn(Class, &mut Noise) -> f64) -> Runs {
        let mut noise = Noise(7);
        let mut runs = Runs::default();
        for _ in 0..count {
            let class = [Class::Left, Class::Right][usize::from(noise.uniform() < 0.5)];
            let time = time(class, &mut noise);
            runs.push(class, time);
        }
        runs
    }

    #[test]
    fn t_is_what_the_formula_says() {
        // Means 1.5 and 3.5, and variance 0.25·400/399 each: t = -2 / √(2 · 0.25 / 399).
        let left: Vec<_> = (0..400).map(|n| f64::from(1 + n % 2)).collect();
        let right: Vec<_> = (0..400).map(|n| f64::from(3 + n % 2)).collect();
        let expected = -2.0 / (0.5_f64 / 399.0).sqrt();
        assert!((welch(&left, &right).unwrap() - expected).abs() < 1e-9);
        assert!((welch(&right, &left).unwrap() + expected).abs() < 1e-9);
    }

    #[test]
    fn without_spread_t_is_zero_or_infinite() {
        assert_eq!(welch(&[5.0; 200], &[5.0; 200]), Some(0.0));
        assert_eq!(welch(&[6.0; 200], &[5.0; 200]), Some(f64::INFINITY));
    }

    #[test]
    fn few_measurements_say_nothing() {
        assert_eq!(welch(&[1.0; 199], &[2.0; 500]), None);
        let finding = analyse(&Runs::default());
        assert_eq!(
            (finding.extreme, finding.indication),
            (None, Indication::TooFew)
        );
        assert!(finding.medians.0.is_nan());
    }

    #[test]
    fn equal_classes_give_no_strong_indication() {
        let finding = analyse(&runs(20_000, |_, noise| 1000.0 + noise.normal()));
        assert!(finding.extreme.unwrap().abs() < 4.5, "{finding:?}");
        assert_eq!(finding.indication, Indication::None);
        assert_eq!(finding.runs.0 + finding.runs.1, 20_000);
    }

    #[test]
    fn another_mean_is_found() {
        let finding = analyse(&runs(20_000, |class, noise| match class {
            Class::Left => 1000.0 + noise.normal(),
            Class::Right => 1000.2 + noise.normal(),
        }));
        assert_eq!(finding.indication, Indication::Strong);
        assert!(finding.medians.0 < finding.medians.1);
    }

    #[test]
    fn another_spread_is_found_where_the_means_are_equal() {
        let finding = analyse(&runs(20_000, |class, noise| match class {
            Class::Left => 1000.0 + noise.normal(),
            Class::Right => 1000.0 - 6.0 + 2.0 * noise.normal(),
        }));
        assert!(finding.whole.unwrap().abs() < 4.5, "{finding:?}");
        assert_eq!(finding.indication, Indication::Strong);
    }

    #[test]
    fn cropping_finds_what_interrupts_hide() {
        let finding = analyse(&runs(20_000, |class, noise| {
            let time = match class {
                Class::Left => 1000.0 + noise.normal(),
                Class::Right => 1000.2 + noise.normal(),
            };
            let interrupted = noise.uniform() < 0.02;
            if interrupted {
                time + 20_000.0 * noise.uniform()
            } else {
                time
            }
        }));
        assert!(finding.whole.unwrap().abs() < 4.5, "{finding:?}");
        assert_eq!(finding.indication, Indication::Strong);
    }

    #[test]
    fn the_words_go_by_the_distance_from_zero() {
        for (t, indication) in [
            (-3.0, Indication::None),
            (4.6, Indication::Weak),
            (-11.0, Indication::Strong),
            (f64::INFINITY, Indication::Strong),
        ] {
            assert_eq!(Indication::of(Some(t)), indication);
            assert!(!indication.text().is_empty());
        }
    }
}
