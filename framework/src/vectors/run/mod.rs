//! Shows the cases of a file to one provider's code.
//!
//! | a check … | when |
//! |---|---|
//! | passes | the output is the case's; or the input is refused, and must be |
//! | fails | the output is another one; or what must be refused is accepted, or the reverse |
//! | does not apply | the code has no such function, or draws bytes that the case cannot give |
//!
//! Providers that take injected randomness are given the case's own bytes. If the output is the
//! case's, that settles it. If it is not, the case is lost to code that drew exactly these bytes,
//! and to code that drew fewer, because a key or a ciphertext with less randomness than its
//! standard asks for is a fault; code that drew more derives its values in another way, which no
//! published vector can follow, and the check does not apply. Signing may draw nothing at all: then
//! the provider signs deterministically, and a hedged signature does not apply.

mod aead;
mod kdf;
mod kem;
mod signature;

use std::sync::Arc;

use super::case::{Case, CaseKind, Expected, VectorFile};
use super::scripted::Scripted;
use super::tally::{Check, Tally};
use crate::aead::AdmittedAead;
use crate::catalogue::{AlgorithmInfo, Sizes};
use crate::kdf::AdmittedKdf;
use crate::kem::AdmittedKem;
use crate::provider::{ProviderInfo, Randomness};
use crate::registry::{Code, Entry, Registry, reads_seeds};
use crate::signature::AdmittedSignature;

/// Runs every case of `file` that is for `info` on the code of `provider`.
///
/// The code need not have passed the admission gate: it is measured here. Inputs of a wrong length
/// never reach it; as for everybody else, the handle refuses them.
#[must_use]
pub fn run(file: &VectorFile, info: &AlgorithmInfo, provider: &ProviderInfo, code: &Code) -> Tally {
    run_with_expander(file, info, provider, code, None)
}

/// As [`run`], with another provider's code that expands the seeds of private keys which `code`
/// does not read, as the registry arranges for everybody else. Key generation does not take it.
#[must_use]
pub fn run_with_expander(
    file: &VectorFile,
    info: &AlgorithmInfo,
    provider: &ProviderInfo,
    code: &Code,
    expander: Option<&Code>,
) -> Tally {
    let handle = Handle::new(info, provider, code, expander);
    let mut tally = Tally::default();
    for case in file.cases.iter().filter(|case| case.subject.is(info)) {
        tally.add(case, handle.checks(case));
    }
    tally
}

/// The first other provider of the entry's algorithm that reads seeds, if the entry does not.
#[must_use]
pub fn seed_expander<'a>(registry: &'a Registry, entry: &Entry) -> Option<&'a Code> {
    let length = match entry.info().sizes {
        Sizes::Kem(sizes) => sizes.seed?,
        Sizes::Signature(sizes) => sizes.seed?,
        Sizes::Aead(_) | Sizes::Kdf(_) | Sizes::Hash(_) => return None,
    };
    let probe = vec![0; length];
    if reads_seeds(entry.code(), &probe) {
        return None;
    }
    let others = registry.entries_of(&entry.info().id).iter();
    others
        .map(Entry::code)
        .find(|code| reads_seeds(code, &probe))
}

/// The handle that everybody else would get from the registry; and, where keys have seeds, one
/// that reads them with another provider's help.
enum Handle {
    Kem {
        alone: AdmittedKem,
        helped: AdmittedKem,
    },
    Signature {
        alone: AdmittedSignature,
        helped: AdmittedSignature,
    },
    Aead(AdmittedAead),
    Kdf(AdmittedKdf),
    /// Code for which there are no cases, or code of another kind than its row's.
    Other,
}

impl Handle {
    fn new(
        info: &AlgorithmInfo,
        provider: &ProviderInfo,
        code: &Code,
        expander: Option<&Code>,
    ) -> Self {
        let row = Arc::new(info.clone());
        let provider = Arc::new(provider.clone());
        match (code, info.sizes) {
            (Code::Kem(code), Sizes::Kem(sizes)) => {
                let expander = match expander {
                    Some(Code::Kem(expander)) => Some(expander.clone()),
                    _ => None,
                };
                let handle = |expander| {
                    let (row, provider) = (row.clone(), provider.clone());
                    AdmittedKem::new(row, sizes, provider, code.clone(), expander)
                };
                Self::Kem {
                    alone: handle(None),
                    helped: handle(expander),
                }
            }
            (Code::Signature(code), Sizes::Signature(sizes)) => {
                let expander = match expander {
                    Some(Code::Signature(expander)) => Some(expander.clone()),
                    _ => None,
                };
                let handle = |expander| {
                    let (row, provider) = (row.clone(), provider.clone());
                    AdmittedSignature::new(row, sizes, provider, code.clone(), expander)
                };
                Self::Signature {
                    alone: handle(None),
                    helped: handle(expander),
                }
            }
            (Code::Aead(code), Sizes::Aead(sizes)) => {
                Self::Aead(AdmittedAead::new(row, sizes, provider, code.clone()))
            }
            (Code::Kdf(code), Sizes::Kdf(sizes)) => {
                Self::Kdf(AdmittedKdf::new(row, sizes, provider, code.clone()))
            }
            _ => Self::Other,
        }
    }

    fn checks(&self, case: &Case) -> Vec<Check> {
        if let CaseKind::NotApplicable { reason } = &case.kind {
            return vec![Check::NotApplicable(reason.clone())];
        }
        let checks = match self {
            Self::Kem { alone, helped } => kem::checks(alone, helped, case),
            Self::Signature { alone, helped } => signature::checks(alone, helped, case),
            Self::Aead(aead) => aead::checks(aead, case),
            Self::Kdf(kdf) => kdf::checks(kdf, case),
            Self::Other => None,
        };
        checks.unwrap_or_else(|| vec![not_applicable("a case for another kind of algorithm")])
    }
}

/// What an operation on the case's input came to.
enum Outcome<T> {
    Output(T),
    /// Refused, with what the provider says.
    Refused(String),
    /// The provider's code gave up where it must work or refuse.
    Broke(String),
    /// The provider does not have the function.
    Lacks(String),
}

impl<T> Outcome<T> {
    fn and_then<U>(self, next: impl FnOnce(T) -> Outcome<U>) -> Outcome<U> {
        match self {
            Self::Output(output) => next(output),
            Self::Refused(why) => Outcome::Refused(why),
            Self::Broke(why) => Outcome::Broke(why),
            Self::Lacks(why) => Outcome::Lacks(why),
        }
    }

    fn map<U>(self, change: impl FnOnce(T) -> U) -> Outcome<U> {
        self.and_then(|output| Outcome::Output(change(output)))
    }
}

/// Judges a check by whether the input was refused, and else by `compare`.
fn judge<T>(
    expected: Expected,
    what: &str,
    outcome: Outcome<T>,
    compare: impl FnOnce(T) -> Check,
) -> Check {
    match (outcome, expected) {
        (Outcome::Output(_), Expected::Invalid) => failed(format!("{what}: accepted, not refused")),
        (Outcome::Output(output), Expected::Valid) => compare(output),
        (Outcome::Output(output), Expected::Acceptable) => match compare(output) {
            Check::Passed => Check::Accepted,
            other => other,
        },
        (Outcome::Refused(_), Expected::Invalid) => Check::Passed,
        (Outcome::Refused(_), Expected::Acceptable) => Check::Refused,
        (Outcome::Refused(why), Expected::Valid) => failed(format!("{what}: refused: {why}")),
        (Outcome::Broke(why), _) => failed(format!("{what}: {why}")),
        (Outcome::Lacks(why), _) => Check::NotApplicable(why),
    }
}

/// Judges an output that depends on randomness. `may_draw_none`: deterministic signing is sound.
fn judge_scripted(
    what: &str,
    equal: bool,
    script: &[u8],
    rng: &Scripted<'_>,
    may_draw_none: bool,
) -> Check {
    let (drawn, given) = (rng.drawn(), script.len());
    match drawn {
        _ if equal => Check::Passed,
        0 if may_draw_none => {
            not_applicable("hedged signing: the provider signs deterministically")
        }
        _ if drawn < given => failed(format!(
            "{what}: differs, and draws {drawn} random bytes where the standard takes {given}"
        )),
        _ if drawn > given => Check::NotApplicable(format!(
            "given randomness: the provider draws {drawn} bytes where the case has {given}"
        )),
        _ => failed(format!("{what}: differs")),
    }
}

fn same(what: &str, equal: bool) -> Check {
    if equal {
        Check::Passed
    } else {
        failed(format!("{what}: differs"))
    }
}

fn failed(why: String) -> Check {
    Check::Failed(why)
}

fn not_applicable(reason: &str) -> Check {
    Check::NotApplicable(reason.into())
}

fn draws_its_own(provider: &ProviderInfo) -> bool {
    provider.randomness == Randomness::Provider
}

const OWN_RANDOMNESS: &str = "given randomness: the provider draws its own";
const NO_SEEDS: &str = "private keys as seeds: the provider does not read them";
const NO_EXPANDED: &str = "expanded private keys: the provider does not read them";
const NO_GENERATION: &str =
    "key generation: the provider reads no such seeds and draws its own bytes";
