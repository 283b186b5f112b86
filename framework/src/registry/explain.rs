//! Why a name gives this code and no other: every candidate and what became of it.

use std::sync::Arc;

use super::{Decision, GateError, ResolveError, Resolver};
use crate::catalogue::AlgorithmInfo;
use crate::policy::{self, Verdict};
use crate::provider::ProviderInfo;

/// Where the order of the candidates comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderSource {
    /// The name pins one provider: `ML-KEM-768@aws-lc`.
    Pinned,
    /// `providers.prefer` of the profile.
    Profile,
    /// `prefs.lock`, made by `pqfw bench --pin`.
    Measured,
    /// The catalogue's own order.
    BuiltIn,
}

/// What became of a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does the work.
    Chosen,
    /// It would be next.
    InReserve,
    /// It would be next, but claims less than the first and so may not take its place.
    ClaimsLess,
    /// It failed the admission gate.
    Quarantined(GateError),
    /// The catalogue names it, and this build has no code of it.
    NotInThisBuild,
}

/// One provider that was considered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The provider's name.
    pub name: String,
    /// Its description, unless it is not in this build.
    pub provider: Option<Arc<ProviderInfo>>,
    /// What became of it.
    pub fate: Fate,
}

/// How one algorithm is resolved.
#[derive(Clone, Debug)]
pub struct Explanation {
    /// The row.
    pub info: Arc<AlgorithmInfo>,
    /// What the policies say, of the hybrid as a whole when it is one.
    pub verdict: Verdict,
    /// Where the order comes from.
    pub order: OrderSource,
    /// The candidates in order; then those that are not in this build.
    pub candidates: Vec<Candidate>,
}

impl<'a> Resolver<'a> {
    /// Explains a name: one explanation for a plain name, one for each part of a hybrid. Every
    /// candidate goes through its gate.
    ///
    /// # Errors
    /// Names that mean nothing; [`ResolveError::NoProvider`] is no error here but an empty list.
    pub fn explain(&mut self, name: &str) -> Result<Vec<Explanation>, ResolveError> {
        let mut parts = Vec::new();
        for part in crate::hybrid::parts(name) {
            parts.push(self.named(part)?);
        }
        if parts.len() > 1 {
            // Says why parts make no hybrid.
            self.registry.describe(name)?;
        }
        let rows: Vec<_> = parts.iter().map(|(info, _)| info.clone()).collect();
        let verdict = policy::verdict(self.policies, &rows, self.today);
        let explained = parts.into_iter().map(|(info, pinned)| {
            let (candidates, order) = match self.candidates(&info, pinned) {
                Ok(found) => found,
                Err(ResolveError::NoProvider { .. }) => (Vec::new(), OrderSource::BuiltIn),
                Err(error) => return Err(error),
            };
            let first = candidates.first().map(|first| first.provider.clone());
            let mut chosen = false;
            let mut fates = Vec::new();
            for entry in candidates {
                let may = first
                    .as_ref()
                    .is_none_or(|first| entry.provider.claims_no_less_than(first));
                let fate = match self.registry.admit(entry, self.rng) {
                    Err(error) => Fate::Quarantined(error),
                    Ok(()) if !may => Fate::ClaimsLess,
                    Ok(()) if chosen => Fate::InReserve,
                    Ok(()) => Fate::Chosen,
                };
                chosen |= fate == Fate::Chosen;
                fates.push(Candidate {
                    name: entry.provider.name.clone(),
                    provider: Some(entry.provider.clone()),
                    fate,
                });
            }
            if order != OrderSource::Pinned {
                let absent = info.provider_order.iter();
                let absent = absent.filter(|name| !fates.iter().any(|one| one.name == **name));
                let absent: Vec<_> = absent.cloned().collect();
                fates.extend(absent.into_iter().map(|name| Candidate {
                    name,
                    provider: None,
                    fate: Fate::NotInThisBuild,
                }));
            }
            Ok(Explanation {
                info,
                verdict: verdict.clone(),
                order,
                candidates: fates,
            })
        });
        explained.collect()
    }

    /// The names that were read as others so far, without emptying the log.
    #[must_use]
    pub fn renamed(&self) -> Vec<&Decision> {
        let decisions = self.decisions.iter();
        decisions
            .filter(|decision| matches!(decision, Decision::Renamed { .. }))
            .collect()
    }
}
