//! Hybrids in the registry: what a name `A+B` joins, and its code.

use std::sync::Arc;

use super::resolver::wrong_kind;
use super::{Decision, Registry, ResolveError, Resolver};
use crate::catalogue::{AlgorithmInfo, Kind, Sizes};
use crate::hash::AdmittedHash;
use crate::hybrid::{self, HybridKem, HybridSignature};
use crate::kem::AdmittedKem;
use crate::signature::AdmittedSignature;

/// A hybrid's parts in the catalogue's order.
pub(super) struct Composition {
    /// The canonical name.
    name: String,
    /// The rows, each with the provider that the name pins.
    parts: Vec<(Arc<AlgorithmInfo>, Option<String>)>,
}

impl Composition {
    /// Reads a name and checks that its parts make a hybrid.
    pub(super) fn of(registry: &Registry, name: &str) -> Result<Self, ResolveError> {
        let mut parts = Vec::new();
        for part in hybrid::parts(name) {
            let (algorithm, pinned) = match part.split_once('@') {
                Some((algorithm, provider)) => (algorithm, Some(provider.to_owned())),
                None => (part, None),
            };
            parts.push((registry.find(algorithm)?.clone(), pinned));
        }
        Self::checked(registry, name, parts)
    }

    fn checked(
        registry: &Registry,
        name: &str,
        mut parts: Vec<(Arc<AlgorithmInfo>, Option<String>)>,
    ) -> Result<Self, ResolveError> {
        let refuse = |reason: String| ResolveError::Hybrid {
            name: name.into(),
            reason,
        };
        let kind = parts.first().map_or(Kind::Kem, |(row, _)| row.kind());
        if !matches!(kind, Kind::Kem | Kind::Signature) {
            return Err(refuse(
                "KEMs join, and signatures join; nothing else does".into(),
            ));
        }
        if let Some((other, _)) = parts.iter().find(|(row, _)| row.kind() != kind) {
            return Err(wrong_kind(other, kind));
        }
        let rank = |row: &AlgorithmInfo| registry.rows.get(&row.id).map(|row| row.rank);
        parts.sort_by_key(|(row, _)| (row.category > 0, rank(row), row.id.clone()));
        for pair in parts.windows(2) {
            if let [(first, _), (second, _)] = pair
                && first.id == second.id
            {
                return Err(refuse(format!("{} stands in it twice", first.id)));
            }
        }
        let canonical = hybrid::canonical(parts.iter().map(|(row, _)| row.id.as_str()))
            .ok_or_else(|| refuse("its name is longer than 255 bytes".into()))?;
        let known = |shorter: &str| Self::of(registry, shorter).is_ok();
        if let Some(shorter) = hybrid::shadowed(&canonical, known) {
            let what = format!("its label would begin with that of `{shorter}`; rename a part");
            return Err(refuse(what));
        }
        Ok(Self {
            name: canonical,
            parts,
        })
    }

    /// The rows of the parts.
    pub(super) fn rows(&self) -> Vec<Arc<AlgorithmInfo>> {
        self.parts.iter().map(|(row, _)| row.clone()).collect()
    }
}

/// The row of a hybrid, for listings: its lengths are those of its parts' rows.
pub(super) fn row(registry: &Registry, name: &str) -> Result<Arc<AlgorithmInfo>, ResolveError> {
    let composition = Composition::of(registry, name)?;
    let rows = composition.rows();
    let sizes = hybrid::sizes(&rows);
    Ok(Arc::new(hybrid::row(&composition.name, &rows, sizes)))
}

impl<'a> Resolver<'a> {
    pub(super) fn hybrid_kem(&mut self, name: &str) -> Result<AdmittedKem, ResolveError> {
        let composition = self.composition(name, Kind::Kem)?;
        let mut parts = Vec::new();
        for (row, pinned) in &composition.parts {
            let entry = self.admitted(row, pinned.as_deref())?;
            parts.push(self.admitted_kem(entry)?);
        }
        let info = Arc::new(self.joined(&composition));
        let Sizes::Kem(sizes) = info.sizes else {
            return Err(wrong_kind(&info, Kind::Kem));
        };
        let providers: Vec<_> = parts.iter().map(AdmittedKem::provider).collect();
        let provider = Arc::new(hybrid::provider(&providers));
        let (sha3_256, shake256) = (self.helper("SHA3-256")?, self.helper("SHAKE256")?);
        let code = HybridKem::new(&composition.name, parts, sha3_256, shake256);
        Ok(AdmittedKem::new(
            info,
            sizes,
            provider,
            Arc::new(code),
            None,
        ))
    }

    pub(super) fn hybrid_signature(
        &mut self,
        name: &str,
    ) -> Result<AdmittedSignature, ResolveError> {
        let composition = self.composition(name, Kind::Signature)?;
        let mut parts = Vec::new();
        for (row, pinned) in &composition.parts {
            let entry = self.admitted(row, pinned.as_deref())?;
            parts.push(self.admitted_signature(entry)?);
        }
        let info = Arc::new(self.joined(&composition));
        let Sizes::Signature(sizes) = info.sizes else {
            return Err(wrong_kind(&info, Kind::Signature));
        };
        let providers: Vec<_> = parts.iter().map(AdmittedSignature::provider).collect();
        let provider = Arc::new(hybrid::provider(&providers));
        let code = HybridSignature::new(&composition.name, parts, self.helper("SHAKE256")?);
        Ok(AdmittedSignature::new(
            info,
            sizes,
            provider,
            Arc::new(code),
            None,
        ))
    }

    /// The parts of `name` under the policies, checked as one.
    fn composition(&mut self, name: &str, kind: Kind) -> Result<Composition, ResolveError> {
        let mut parts = Vec::new();
        for part in hybrid::parts(name) {
            let (row, pinned) = self.named(part)?;
            parts.push((row, pinned.map(str::to_owned)));
        }
        let given: Vec<_> = parts.iter().map(|(row, _)| row.id.clone()).collect();
        let composition = Composition::checked(self.registry, name, parts)?;
        let rows = composition.rows();
        if let Some(row) = rows.first().filter(|row| row.kind() != kind) {
            return Err(wrong_kind(row, kind));
        }
        if given.join("+") != composition.name {
            self.decisions.push(Decision::Renamed {
                given: name.into(),
                algorithm: composition.name.clone(),
                reason: "the parts of a hybrid stand in the catalogue's order".into(),
            });
        }
        self.check_policy(&composition.name, &rows)?;
        Ok(composition)
    }

    fn joined(&self, composition: &Composition) -> AlgorithmInfo {
        let rows = composition.rows();
        hybrid::row(&composition.name, &rows, hybrid::sizes(&rows))
    }

    /// A hash function that the definition of hybrids fixes, whatever the policies say.
    fn helper(&mut self, id: &str) -> Result<AdmittedHash, ResolveError> {
        let info = self.registry.find(id)?.clone();
        let entry = self.admitted(&info, None)?;
        Self::admitted_hash(entry)
    }
}
