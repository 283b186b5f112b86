//! What came out.

use std::collections::BTreeMap;

use super::case::Case;

/// What came out of one provider's code and one file.
///
/// A case is one check or two: signing, for instance, is the making of the signature and its
/// verification, and a provider with a generator of its own can still be shown the second. Checks
/// are what `passed`, `failed`, `acceptable` and `not_applicable` count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Cases of the file that are for the algorithm.
    pub cases: usize,
    /// Cases of which at least one check ran.
    pub applied: usize,
    /// Checks that came out as they must.
    pub passed: usize,
    /// Checks that did not.
    pub failed: Vec<Failure>,
    /// Checks of cases that may end either way, and did not end wrongly.
    pub acceptable: Acceptable,
    /// Checks that could not be run, by their reason.
    pub not_applicable: BTreeMap<String, usize>,
}

/// Checks of cases that their author calls acceptable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Acceptable {
    /// The provider took the input, and gave what the case gives.
    pub accepted: usize,
    /// The provider refused the input.
    pub refused: usize,
}

/// A check that came out wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The case's id.
    pub case: String,
    /// What came out wrong.
    pub why: String,
}

/// How one check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Check {
    Passed,
    Accepted,
    Refused,
    Failed(String),
    NotApplicable(String),
}

impl Tally {
    /// Whether nothing came out wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.failed.is_empty()
    }

    pub(super) fn add(&mut self, case: &Case, checks: Vec<Check>) {
        self.cases += 1;
        let mut ran = false;
        for check in checks {
            ran |= !matches!(check, Check::NotApplicable(_));
            match check {
                Check::Passed => self.passed += 1,
                Check::Accepted => self.acceptable.accepted += 1,
                Check::Refused => self.acceptable.refused += 1,
                Check::Failed(why) => self.failed.push(Failure {
                    case: case.id.clone(),
                    why: with_remarks(why, case),
                }),
                Check::NotApplicable(reason) => {
                    *self.not_applicable.entry(reason).or_default() += 1;
                }
            }
        }
        self.applied += usize::from(ran);
    }
}

/// Adds what the author says of the case.
fn with_remarks(why: String, case: &Case) -> String {
    let remarks: Vec<_> = std::iter::once(&case.comment)
        .chain(&case.flags)
        .filter(|remark| !remark.is_empty())
        .map(String::as_str)
        .collect();
    if remarks.is_empty() {
        why
    } else {
        format!("{why} ({})", remarks.join("; "))
    }
}
