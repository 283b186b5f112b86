//! Numbers for operators: counters, gauges and histograms, and the text in which Prometheus reads
//! them (exposition format 0.0.4).
//!
//! A source is asked and tells what it has at that moment: there is no global registry, and who
//! counts keeps its own numbers. Names are written as they are given. Crates that follow
//! OpenMetrics put `_total` behind every counter, and dashboards that exist would lose theirs.

use std::fmt::Write as _;
use std::time::Duration;

use crate::world::Now;

/// Whoever has numbers.
pub trait MetricsSource: Send + Sync {
    /// Tells them.
    fn families(&self, now: Now) -> Vec<Family>;
}

/// The `content-type` of [`text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The numbers of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    name: &'static str,
    help: &'static str,
    kind: &'static str,
    samples: Vec<Sample>,
}

/// One number: what follows the name, its labels, its value.
#[derive(Clone, Debug, PartialEq)]
struct Sample {
    suffix: &'static str,
    labels: Vec<(&'static str, String)>,
    value: f64,
}

impl Family {
    fn new(name: &'static str, help: &'static str, kind: &'static str) -> Self {
        Self {
            name,
            help,
            kind,
            samples: Vec::new(),
        }
    }

    fn with(mut self, labels: Vec<(&'static str, String)>, value: f64) -> Self {
        self.samples.push(Sample {
            suffix: "",
            labels,
            value,
        });
        self
    }

    /// A number that only grows.
    #[must_use]
    pub fn counter(name: &'static str, help: &'static str, value: u64) -> Self {
        Self::new(name, help, "counter").with(Vec::new(), number(value))
    }

    /// Numbers that only grow, one for each value of a label.
    #[must_use]
    pub fn counters(
        name: &'static str,
        help: &'static str,
        label: &'static str,
        values: impl IntoIterator<Item = (String, u64)>,
    ) -> Self {
        let family = Self::new(name, help, "counter");
        values.into_iter().fold(family, |family, (of, value)| {
            family.with(vec![(label, of)], number(value))
        })
    }

    /// A number that rises and falls.
    #[must_use]
    pub fn gauge(name: &'static str, help: &'static str, value: f64) -> Self {
        Self::new(name, help, "gauge").with(Vec::new(), value)
    }

    /// A distribution.
    #[must_use]
    pub fn histogram(name: &'static str, help: &'static str, histogram: &Histogram) -> Self {
        let mut family = Self::new(name, help, "histogram");
        let mut below = 0;
        let bounds = histogram.bounds.iter().copied().chain([f64::INFINITY]);
        for (bound, count) in bounds.zip(&histogram.counts) {
            below += count;
            family.samples.push(Sample {
                suffix: "_bucket",
                labels: vec![("le", written(bound))],
                value: number(below),
            });
        }
        for (suffix, value) in [("_sum", histogram.sum_secs), ("_count", number(below))] {
            let labels = Vec::new();
            family.samples.push(Sample {
                suffix,
                labels,
                value,
            });
        }
        family
    }
}

/// How long things took, by buckets of seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Histogram {
    bounds: &'static [f64],
    counts: Vec<u64>,
    sum_secs: f64,
}

impl Histogram {
    /// An empty one, with the upper bounds of its buckets in ascending order.
    #[must_use]
    pub fn new(bounds_secs: &'static [f64]) -> Self {
        Self {
            bounds: bounds_secs,
            counts: vec![0; bounds_secs.len() + 1],
            sum_secs: 0.0,
        }
    }

    /// Counts one.
    pub fn observe(&mut self, time: Duration) {
        let secs = time.as_secs_f64();
        let bucket = self.bounds.partition_point(|bound| *bound < secs);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.sum_secs += secs;
    }
}

/// Writes numbers down for Prometheus.
#[must_use]
pub fn text(families: &[Family]) -> String {
    let mut text = String::new();
    for family in families {
        let (name, kind) = (family.name, family.kind);
        let help = family.help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing to a string cannot fail.
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for sample in &family.samples {
            let labels: Vec<_> = sample.labels.iter().map(label).collect();
            let labels = match labels.is_empty() {
                true => String::new(),
                false => format!("{{{}}}", labels.join(",")),
            };
            let (suffix, value) = (sample.suffix, written(sample.value));
            let _ = writeln!(text, "{name}{suffix}{labels} {value}");
        }
    }
    text
}

fn label((name, value): &(&'static str, String)) -> String {
    let value = value.replace('\\', "\\\\");
    let value = value.replace('"', "\\\"").replace('\n', "\\n");
    format!("{name}=\"{value}\"")
}

fn written(value: f64) -> String {
    match value.is_infinite() {
        true if value > 0.0 => "+Inf".into(),
        true => "-Inf".into(),
        false => value.to_string(),
    }
}

/// Prometheus reads doubles: counters beyond 2^53 lose their last digits there anyway.
#[expect(
    clippy::cast_precision_loss,
    reason = "the format's numbers are doubles"
)]
fn number(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_prometheus_reads_them() {
        let mut took = Histogram::new(&[0.1, 1.0]);
        for millis in [50, 100, 101, 5000] {
            took.observe(Duration::from_millis(millis));
        }
        let families = [
            Family::counter("sent_total", "What was\nsent.", 7),
            Family::gauge("sessions_active", "Sessions.", 2.5),
            Family::counters(
                "drops_total",
                "Drops.",
                "reason",
                [("a \"b\" \\\n".to_owned(), 1), ("rate".to_owned(), 2)],
            ),
            Family::histogram("took_seconds", "Time.", &took),
        ];
        let expected = "\
# HELP sent_total What was\\nsent.
# TYPE sent_total counter
sent_total 7
# HELP sessions_active Sessions.
# TYPE sessions_active gauge
sessions_active 2.5
# HELP drops_total Drops.
# TYPE drops_total counter
drops_total{reason=\"a \\\"b\\\" \\\\\\n\"} 1
drops_total{reason=\"rate\"} 2
# HELP took_seconds Time.
# TYPE took_seconds histogram
took_seconds_bucket{le=\"0.1\"} 2
took_seconds_bucket{le=\"1\"} 3
took_seconds_bucket{le=\"+Inf\"} 4
took_seconds_sum 5.251
took_seconds_count 4
";
        assert_eq!(text(&families), expected);
    }

    #[test]
    fn a_histogram_that_saw_nothing_is_all_zeros() {
        let family = Family::histogram("t", "T.", &Histogram::new(&[]));
        let zeros = "t_bucket{le=\"+Inf\"} 0\nt_sum 0\nt_count 0\n";
        assert!(text(&[family]).ends_with(zeros));
    }

    #[test]
    fn numbers_that_are_none_are_written_too() {
        for (value, expected) in [
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Inf"),
            (1e21, "1000000000000000000000"),
        ] {
            assert_eq!(written(value), expected);
        }
    }
}
