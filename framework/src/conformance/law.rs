//! One check as data, and how checks are run: each by itself, with a panic counted as a failure.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use super::damage::positions;
use super::family::Family;
use super::report::{Check, Outcome};
use super::tools::Tools;
use crate::catalogue::AlgorithmInfo;
use crate::provider::{ProviderInfo, Randomness};

/// Why a check ended without passing.
pub(super) enum Stop {
    /// See [`Outcome::Fail`].
    Fail(String),
    /// See [`Outcome::NotApplicable`].
    NotApplicable(String),
}

/// A secret of the kit's own making, to be compared and wiped.
pub(super) type Wiped = Zeroizing<Vec<u8>>;

/// How a check ends.
pub(super) type Verdict = Result<(), Stop>;

/// An error of the provider's where it must work.
impl<E: std::error::Error> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Fail(format!("an error where it must work: {error}"))
    }
}

/// Ends a check that does not apply.
pub(super) fn not_applicable<T>(why: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::NotApplicable(why.into()))
}

/// Ends a check that failed.
pub(super) fn fail<T>(seen: impl Into<String>) -> Result<T, Stop> {
    Err(Stop::Fail(seen.into()))
}

/// Fails, with what was seen, unless `holds`.
pub(super) fn ensure(holds: bool, seen: impl Into<String>) -> Verdict {
    if holds { Ok(()) } else { fail(seen) }
}

/// What is under test: one provider's code for one algorithm.
pub(super) struct Subject<'a, C: ?Sized, S> {
    pub(super) code: &'a C,
    /// The row's lengths.
    pub(super) sizes: S,
    pub(super) info: &'a AlgorithmInfo,
    pub(super) provider: &'a ProviderInfo,
    pub(super) tools: &'a Tools,
    pub(super) family: Family,
}

impl<C: ?Sized, S> Subject<'_, C, S> {
    /// Ends a check of injected randomness for a provider that owns its generator.
    pub(super) fn needs_injected_randomness(&self) -> Verdict {
        match self.provider.randomness {
            Randomness::Injected => Ok(()),
            Randomness::Provider => not_applicable("the provider owns its generator and says so"),
        }
    }

    /// The indices of the bytes to be tried one by one: all, or of what is very long or very slow
    /// a choice.
    pub(super) fn positions(&self, length: usize, rng: &mut dyn CryptoRng) -> Vec<usize> {
        let tries = match (self.info.slow, length) {
            (true, _) => FEW_TRIES,
            (false, ..=EVERY_BYTE) => length,
            (false, _) => MANY_TRIES,
        };
        positions(length, tries, rng)
    }
}

/// A choice of bytes, and of a slow algorithm's.
const MANY_TRIES: usize = 192;
const FEW_TRIES: usize = 24;

/// Strings up to this length are tried byte by byte: everything but FrodoKEM and SLH-DSA.
const EVERY_BYTE: usize = 8192;

/// One check.
pub(super) struct Law<C: ?Sized + 'static, S: 'static> {
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    pub(super) run: fn(&Subject<'_, C, S>, &mut dyn CryptoRng) -> Verdict,
}

/// Runs every check, whatever the ones before it found.
pub(super) fn run<C: ?Sized, S>(
    laws: &[Law<C, S>],
    subject: &Subject<'_, C, S>,
    rng: &mut dyn CryptoRng,
) -> Vec<Check> {
    let check = |law: &Law<C, S>| {
        let verdict = without_panic(|| (law.run)(subject, rng)).and_then(|verdict| verdict);
        let outcome = match verdict {
            Ok(()) => Outcome::Pass,
            Err(Stop::Fail(seen)) => Outcome::Fail(seen),
            Err(Stop::NotApplicable(why)) => Outcome::NotApplicable(why),
        };
        Check {
            name: law.name,
            what: law.what,
            outcome,
        }
    };
    laws.iter().map(check).collect()
}

/// Runs `work` and turns a panic into a failure.
pub(super) fn without_panic<T>(work: impl FnOnce() -> T) -> Result<T, Stop> {
    catch_unwind(AssertUnwindSafe(work))
        .map_err(|panic| Stop::Fail(format!("it panicked: {}", message(&*panic))))
}

fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("without a message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_a_failure_with_its_message() {
        let seen = |work: fn()| match without_panic(work) {
            Err(Stop::Fail(seen)) => seen,
            _ => "nothing".into(),
        };
        assert!(seen(|| panic!("plain")).contains("plain"));
        assert!(seen(|| panic!("{}", 7)).contains('7'));
        assert!(seen(|| std::panic::panic_any(7)).contains("without a message"));
        assert_eq!(seen(|| ()), "nothing");
    }

    #[test]
    fn an_error_of_the_provider_is_a_failure() {
        let stop = Stop::from(crate::kem::KemError::ProviderFailed);
        assert!(matches!(stop, Stop::Fail(text) if text.contains("must work")));
        assert!(ensure(true, "").is_ok());
        assert!(matches!(ensure(false, "seen"), Err(Stop::Fail(_))));
    }
}
