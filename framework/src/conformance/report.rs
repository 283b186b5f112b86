//! What the kit found, as data and as text.

use std::fmt;

/// How one check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The provider does what the check asks.
    Pass,
    /// It does not; the text says what was seen.
    Fail(String),
    /// The check asks for what this algorithm or provider need not have; the text says why.
    NotApplicable(String),
}

impl Outcome {
    /// The word used on the command line and in JSON.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail(_) => "fail",
            Self::NotApplicable(_) => "n/a",
        }
    }

    /// What was seen, or why the check does not apply.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        match self {
            Self::Pass => None,
            Self::Fail(text) | Self::NotApplicable(text) => Some(text),
        }
    }
}

/// One check and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A short name, stable across versions, unique within a kind of algorithm.
    pub name: &'static str,
    /// What it asks for, in one sentence.
    pub what: &'static str,
    /// How it ended.
    pub outcome: Outcome,
}

/// Every check of one provider of one algorithm, in the order of the kit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// `algorithm@provider`.
    pub subject: String,
    /// The checks.
    pub checks: Vec<Check>,
}

impl Report {
    /// Whether no check failed. A report without a check that passed does not conform either: it
    /// shows nothing.
    #[must_use]
    pub fn conforms(&self) -> bool {
        self.count("pass") > 0 && self.failures().next().is_none()
    }

    /// The checks that failed.
    pub fn failures(&self) -> impl Iterator<Item = &Check> {
        let failed = |check: &&Check| matches!(check.outcome, Outcome::Fail(_));
        self.checks.iter().filter(failed)
    }

    /// How many checks ended with this [`Outcome::word`].
    #[must_use]
    pub fn count(&self, word: &str) -> usize {
        let ended = |check: &&Check| check.outcome.word() == word;
        self.checks.iter().filter(ended).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = ["pass", "fail", "n/a"].map(|word| format!("{} {word}", self.count(word)));
        write!(f, "{}: {}", self.subject, counts.join(", "))?;
        for check in &self.checks {
            let detail = check.outcome.detail();
            write!(f, "\n  {:<5}{}", check.outcome.word(), check.name)?;
            match (&check.outcome, detail) {
                (Outcome::Fail(_), Some(seen)) => {
                    write!(f, "\n       asked: {}\n       seen:  {seen}", check.what)?;
                }
                (_, Some(why)) => write!(f, ": {why}")?,
                (_, None) => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(outcomes: &[Outcome]) -> Report {
        let check = |outcome: &Outcome| Check {
            name: "a-check",
            what: "that it holds",
            outcome: outcome.clone(),
        };
        Report {
            subject: "A@b".into(),
            checks: outcomes.iter().map(check).collect(),
        }
    }

    #[test]
    fn one_failure_is_enough_and_nothing_shown_is_not() {
        let fail = || Outcome::Fail("it does not".into());
        let absent = || Outcome::NotApplicable("no seed".into());
        assert!(report(&[Outcome::Pass, absent()]).conforms());
        assert!(!report(&[Outcome::Pass, fail()]).conforms());
        assert!(!report(&[absent()]).conforms());
        assert!(!report(&[]).conforms());
    }

    #[test]
    fn the_text_says_what_was_asked_and_what_was_seen() {
        let text = report(&[Outcome::Pass, Outcome::Fail("it does not".into())]).to_string();
        for part in ["A@b: 1 pass, 1 fail, 0 n/a", "that it holds", "it does not"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
