//! From a name in a profile to admitted code: candidates, policy, gate, and a log of why.

use std::sync::Arc;

use rand_core::CryptoRng;

use super::{Code, Decision, Entry, GateError, OrderSource, Preferences, Registry, ResolveError};
use crate::aead::AdmittedAead;
use crate::catalogue::{AlgorithmInfo, Kind, Sizes};
use crate::hash::AdmittedHash;
use crate::hybrid;
use crate::kdf::AdmittedKdf;
use crate::kem::{AdmittedKem, KemError};
use crate::policy::{self, Policy, Verdict};
use crate::secret::SecretForm;
use crate::signature::{AdmittedSignature, SignatureError};

/// Resolves names under one set of policies and preferences.
pub struct Resolver<'a> {
    pub(super) registry: &'a Registry,
    pub(super) rng: &'a mut dyn CryptoRng,
    pub(super) policies: &'a [Policy],
    prefer: &'a [String],
    measured: Option<&'a Preferences>,
    pub(super) today: &'a str,
    pub(super) decisions: Vec<Decision>,
}

impl<'a> Resolver<'a> {
    /// Begins to resolve. `rng` feeds the pairwise tests of the admission gate; `today` is
    /// `YYYY-MM-DD` for dated rules; `prefer` orders providers before the built-in order.
    #[must_use]
    pub fn new(
        registry: &'a Registry,
        rng: &'a mut dyn CryptoRng,
        policies: &'a [Policy],
        prefer: &'a [String],
        today: &'a str,
    ) -> Self {
        Self {
            registry,
            rng,
            policies,
            prefer,
            measured: None,
            today,
            decisions: Vec::new(),
        }
    }

    /// Orders providers by what was measured on this machine, behind `prefer` and before the
    /// built-in order.
    #[must_use]
    pub fn measured(mut self, preferences: &'a Preferences) -> Self {
        self.measured = Some(preferences);
        self
    }

    /// What was decided, in order; the log is left empty.
    pub fn take_decisions(&mut self) -> Vec<Decision> {
        std::mem::take(&mut self.decisions)
    }

    /// Resolves a KEM.
    ///
    /// # Errors
    /// [`ResolveError`].
    pub fn kem(&mut self, name: &str) -> Result<AdmittedKem, ResolveError> {
        if hybrid::is_hybrid(name) {
            return self.hybrid_kem(name);
        }
        let entry = self.entry(name, Kind::Kem)?;
        self.admitted_kem(entry)
    }

    pub(super) fn admitted_kem(&mut self, entry: &'a Entry) -> Result<AdmittedKem, ResolveError> {
        let (Code::Kem(code), Sizes::Kem(sizes)) = (&entry.code, entry.info.sizes) else {
            return Err(wrong_kind(&entry.info, Kind::Kem));
        };
        let expander = match self.expander(entry, sizes.seed) {
            Some(Code::Kem(kem)) => Some(kem.clone()),
            _ => None,
        };
        let (info, provider) = (entry.info.clone(), entry.provider.clone());
        Ok(AdmittedKem::new(
            info,
            sizes,
            provider,
            code.clone(),
            expander,
        ))
    }

    /// Resolves a signature algorithm.
    ///
    /// # Errors
    /// [`ResolveError`].
    pub fn signature(&mut self, name: &str) -> Result<AdmittedSignature, ResolveError> {
        if hybrid::is_hybrid(name) {
            return self.hybrid_signature(name);
        }
        let entry = self.entry(name, Kind::Signature)?;
        self.admitted_signature(entry)
    }

    pub(super) fn admitted_signature(
        &mut self,
        entry: &'a Entry,
    ) -> Result<AdmittedSignature, ResolveError> {
        let (Code::Signature(code), Sizes::Signature(sizes)) = (&entry.code, entry.info.sizes)
        else {
            return Err(wrong_kind(&entry.info, Kind::Signature));
        };
        let expander = match self.expander(entry, sizes.seed) {
            Some(Code::Signature(signature)) => Some(signature.clone()),
            _ => None,
        };
        let (info, provider) = (entry.info.clone(), entry.provider.clone());
        Ok(AdmittedSignature::new(
            info,
            sizes,
            provider,
            code.clone(),
            expander,
        ))
    }

    /// Resolves an AEAD.
    ///
    /// # Errors
    /// [`ResolveError`].
    pub fn aead(&mut self, name: &str) -> Result<AdmittedAead, ResolveError> {
        let entry = self.entry(name, Kind::Aead)?;
        let (Code::Aead(code), Sizes::Aead(sizes)) = (&entry.code, entry.info.sizes) else {
            return Err(wrong_kind(&entry.info, Kind::Aead));
        };
        let (info, provider) = (entry.info.clone(), entry.provider.clone());
        Ok(AdmittedAead::new(info, sizes, provider, code.clone()))
    }

    /// Resolves a KDF.
    ///
    /// # Errors
    /// [`ResolveError`].
    pub fn kdf(&mut self, name: &str) -> Result<AdmittedKdf, ResolveError> {
        let entry = self.entry(name, Kind::Kdf)?;
        let (Code::Kdf(code), Sizes::Kdf(sizes)) = (&entry.code, entry.info.sizes) else {
            return Err(wrong_kind(&entry.info, Kind::Kdf));
        };
        let (info, provider) = (entry.info.clone(), entry.provider.clone());
        Ok(AdmittedKdf::new(info, sizes, provider, code.clone()))
    }

    /// Resolves a hash function.
    ///
    /// # Errors
    /// [`ResolveError`].
    pub fn hash(&mut self, name: &str) -> Result<AdmittedHash, ResolveError> {
        let entry = self.entry(name, Kind::Hash)?;
        Self::admitted_hash(entry)
    }

    pub(super) fn admitted_hash(entry: &Entry) -> Result<AdmittedHash, ResolveError> {
        let (Code::Hash(code), Sizes::Hash(sizes)) = (&entry.code, entry.info.sizes) else {
            return Err(wrong_kind(&entry.info, Kind::Hash));
        };
        let (info, provider) = (entry.info.clone(), entry.provider.clone());
        Ok(AdmittedHash::new(info, sizes, provider, code.clone()))
    }

    /// Resolves the first usable name of an ordered list and records why earlier ones were not.
    ///
    /// A failed admission is no reason to fall through to a weaker algorithm: it ends the search.
    ///
    /// # Errors
    /// [`ResolveError::NoAlternative`], or the error of the only name; [`ResolveError::NoSuccessor`].
    pub fn first<T>(
        &mut self,
        names: &[String],
        mut resolve: impl FnMut(&mut Self, &str) -> Result<T, ResolveError>,
    ) -> Result<T, ResolveError> {
        let mut refused = Vec::new();
        for name in names {
            match resolve(self, name) {
                Err(error) if names.len() == 1 => return Err(error),
                Err(error @ ResolveError::NoSuccessor { .. }) => return Err(error),
                Err(error) => {
                    let reason = error.to_string();
                    refused.push(reason.clone());
                    self.decisions.push(Decision::PassedOver {
                        name: name.clone(),
                        reason,
                    });
                }
                Ok(found) => return Ok(found),
            }
        }
        Err(ResolveError::NoAlternative(refused.join("; ")))
    }

    fn entry(&mut self, name: &str, kind: Kind) -> Result<&'a Entry, ResolveError> {
        let (info, pinned) = self.named(name)?;
        if info.kind() != kind {
            return Err(wrong_kind(&info, kind));
        }
        self.check_policy(&info.id, std::slice::from_ref(&info))?;
        self.admitted(&info, pinned)
    }

    /// The row that `name` means under the policies, and the provider that it pins.
    pub(super) fn named<'n>(
        &mut self,
        name: &'n str,
    ) -> Result<(Arc<AlgorithmInfo>, Option<&'n str>), ResolveError> {
        let (algorithm, pinned) = match name.split_once('@') {
            Some((algorithm, provider)) => (algorithm, Some(provider)),
            None => (name, None),
        };
        let Some((policy, meant)) = policy::alias(self.policies, algorithm) else {
            return Ok((self.registry.find(algorithm)?.clone(), pinned));
        };
        let info = self.registry.find(meant)?.clone();
        self.decisions.push(Decision::Renamed {
            given: algorithm.into(),
            algorithm: info.id.clone(),
            reason: format!("policy {policy} reads it as deployed peers do"),
        });
        Ok((info, pinned))
    }

    /// The first provider that passes the gate, with a log of those that do not.
    pub(super) fn admitted(
        &mut self,
        info: &AlgorithmInfo,
        pinned: Option<&str>,
    ) -> Result<&'a Entry, ResolveError> {
        let (candidates, _) = self.candidates(info, pinned)?;
        let Some((first, successors)) = candidates.split_first() else {
            let id = info.id.clone();
            return Err(ResolveError::NoProvider { id });
        };
        let Err(reason) = self.registry.admit(first, self.rng) else {
            return Ok(self.chosen(first));
        };
        self.quarantined(first, &reason);
        for successor in successors {
            if !successor.provider.claims_no_less_than(&first.provider) {
                continue;
            }
            match self.registry.admit(successor, self.rng) {
                Ok(()) => return Ok(self.chosen(successor)),
                Err(reason) => self.quarantined(successor, &reason),
            }
        }
        let why = match (pinned, successors.is_empty()) {
            (Some(_), _) => "the profile pins it",
            (None, true) => "there is none",
            (None, false) => "the others failed too, or claim less",
        };
        Err(ResolveError::NoSuccessor {
            id: info.id.clone(),
            provider: first.provider.name.clone(),
            reason,
            why: why.into(),
        })
    }

    pub(super) fn check_policy(
        &mut self,
        id: &str,
        parts: &[Arc<AlgorithmInfo>],
    ) -> Result<(), ResolveError> {
        match policy::verdict(self.policies, parts, self.today) {
            Verdict::Allowed => Ok(()),
            Verdict::Warned(warning) => {
                self.decisions.push(Decision::Warned {
                    algorithm: id.into(),
                    warning,
                });
                Ok(())
            }
            Verdict::Denied(reason) => Err(ResolveError::Refused {
                id: id.into(),
                reason,
            }),
        }
    }

    /// The candidates in order of preference, and where that order comes from.
    pub(super) fn candidates(
        &self,
        info: &AlgorithmInfo,
        pinned: Option<&str>,
    ) -> Result<(Vec<&'a Entry>, OrderSource), ResolveError> {
        let mut entries: Vec<&Entry> = self.registry.entries_of(&info.id).iter().collect();
        if entries.is_empty() {
            return Err(ResolveError::NoProvider {
                id: info.id.clone(),
            });
        }
        if let Some(pinned) = pinned {
            let known = || {
                entries
                    .iter()
                    .map(|e| e.provider.name.as_str())
                    .collect::<Vec<_>>()
            };
            let Some(entry) = entries.iter().find(|e| e.provider.is_called(pinned)) else {
                return Err(ResolveError::UnknownProvider {
                    id: info.id.clone(),
                    provider: pinned.into(),
                    known: known().join(", "),
                });
            };
            return Ok((vec![entry], OrderSource::Pinned));
        }
        let measured = self.measured.and_then(|known| known.order(&info.id));
        let mut source = OrderSource::BuiltIn;
        if let Some(order) = measured {
            // Speed never goes before a stronger claim.
            let place = |e: &Entry| order.iter().position(|name| *name == e.provider.name);
            entries.sort_by_key(|e| {
                let claim = std::cmp::Reverse(e.provider.constant_time);
                (claim, place(e).unwrap_or(usize::MAX))
            });
            source = OrderSource::Measured;
        }
        let wished = |e: &Entry| {
            self.prefer
                .iter()
                .position(|name| e.provider.is_called(name))
        };
        if entries.iter().any(|e| wished(e).is_some()) {
            entries.sort_by_key(|entry| wished(entry).unwrap_or(usize::MAX));
            source = OrderSource::Profile;
        }
        Ok((entries, source))
    }

    /// Another admitted provider that reads seeds, when `entry` does not.
    fn expander(&mut self, entry: &Entry, seed: Option<usize>) -> Option<&'a Code> {
        let probe = vec![0; seed?];
        if reads_seeds(&entry.code, &probe) {
            return None;
        }
        let others = self.registry.entries_of(&entry.info.id).iter();
        others
            .filter(|other| other.provider.name != entry.provider.name)
            // It will see seeds, so it must claim what the chosen one claims, and be admitted first.
            .filter(|other| other.provider.claims_no_less_than(&entry.provider))
            .filter(|other| self.registry.admit(other, self.rng).is_ok())
            .find(|other| reads_seeds(&other.code, &probe))
            .map(|other| &other.code)
    }

    fn chosen(&mut self, entry: &'a Entry) -> &'a Entry {
        self.decisions.push(Decision::Chosen {
            algorithm: entry.info.id.clone(),
            provider: entry.provider.name.clone(),
        });
        entry
    }

    fn quarantined(&mut self, entry: &Entry, reason: &GateError) {
        self.decisions.push(Decision::Quarantined {
            algorithm: entry.info.id.clone(),
            provider: entry.provider.name.clone(),
            reason: reason.clone(),
        });
    }
}

pub(crate) fn reads_seeds(code: &Code, probe: &[u8]) -> bool {
    let form = SecretForm::Seed(probe);
    match code {
        Code::Kem(kem) => !matches!(
            kem.import_decapsulation_key(form),
            Err(KemError::FormUnsupported(_))
        ),
        Code::Signature(signature) => !matches!(
            signature.import_signing_key(form),
            Err(SignatureError::FormUnsupported(_))
        ),
        Code::Aead(_) | Code::Kdf(_) | Code::Hash(_) => false,
    }
}

pub(super) fn wrong_kind(info: &AlgorithmInfo, expected: Kind) -> ResolveError {
    ResolveError::WrongKind {
        id: info.id.clone(),
        got: info.kind(),
        expected,
    }
}
