//! Which net catches a mutant.

use rand_core::CryptoRng;

use super::Mutant;
use crate::catalogue::AlgorithmInfo;
use crate::conformance::{Outcome, Tools, check};
use crate::provider::ProviderInfo;
use crate::registry::{Code, Entry, Registry};

/// What one net did to a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It was caught.
    Killed,
    /// It passed.
    Survived,
    /// This net has nothing for its algorithm, or was not cast.
    NotTried,
}

impl Fate {
    /// The word used on the command line and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Killed => "killed",
            Self::Survived => "survived",
            Self::NotTried => "-",
        }
    }

    fn of(passed: bool) -> Self {
        if passed { Self::Survived } else { Self::Killed }
    }
}

/// Runs published test vectors over a provider: whether all passed, or `None` when there are none
/// for it.
pub type VectorCheck<'a> = dyn Fn(&AlgorithmInfo, &ProviderInfo, &Code) -> Option<bool> + 'a;

/// One row of the kill matrix.
pub struct Examination {
    /// The mutant.
    pub mutant: &'static Mutant,
    /// `algorithm@mutant`.
    pub subject: String,
    /// What it was made of.
    pub made_of: String,
    /// What the admission gate did.
    pub admission: Fate,
    /// What honest use did: for KDFs and hashes there is none.
    pub round_trip: Fate,
    /// What published vectors did.
    pub vectors: Fate,
    /// The checks of the kit that failed.
    pub killers: Vec<&'static str>,
}

impl Examination {
    /// Whether the kit let it live, whatever the other nets did.
    #[must_use]
    pub fn lives(&self) -> bool {
        self.killers.is_empty()
    }

    /// Whether it would be in use if there were no kit.
    #[must_use]
    pub fn only_the_kit_kills(&self) -> bool {
        let others = [self.admission, self.round_trip, self.vectors];
        !self.lives() && !others.contains(&Fate::Killed)
    }
}

/// Casts every net on one mutant. `registry` is the mutants' own, from [`registry`](super::registry).
#[must_use]
pub fn examine(
    mutant: &'static Mutant,
    registry: &Registry,
    entry: &Entry,
    tools: &Tools,
    vectors: Option<&VectorCheck<'_>>,
    rng: &mut dyn CryptoRng,
) -> Examination {
    let (info, provider, code) = (entry.info(), entry.provider(), entry.code());
    let report = check(info, provider, code, tools, rng);
    let round_trip = report
        .checks
        .iter()
        .find(|check| check.name == "round-trip");
    let vectors = vectors.and_then(|vectors| {
        let run = || vectors(info, provider, code);
        let passed = crate::conformance::law::without_panic(run);
        passed.unwrap_or(Some(false))
    });
    let admission = crate::conformance::law::without_panic(|| registry.admit(entry, rng));
    Examination {
        mutant,
        subject: entry.full_name(),
        made_of: provider.version.clone(),
        admission: Fate::of(matches!(admission, Ok(Ok(())))),
        round_trip: round_trip.map_or(Fate::NotTried, |check| {
            Fate::of(!matches!(check.outcome, Outcome::Fail(_)))
        }),
        vectors: vectors.map_or(Fate::NotTried, Fate::of),
        killers: report.failures().map(|check| check.name).collect(),
    }
}
