//! Whether the providers of one algorithm agree: every ordered triple of them.
//!
//! One makes a key, the next encapsulates or signs, the third decapsulates or verifies. Forged
//! ciphertexts are given to all: where the standard fixes the implicit-rejection secret, all must
//! give the same. Symmetric algorithms are compared byte for byte in both directions.

mod kem;
mod signature;
mod symmetric;

use rand_core::CryptoRng;
use thiserror::Error;

use super::{Code, Entry};
use crate::catalogue::Sizes;
use crate::secret::{SecretBytes, SecretForm, SecretKind};

/// What was shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Agreement {
    /// Combinations that were run and agreed.
    pub agreed: usize,
    /// Combinations that cannot be run, each with the reason: a private key that one provider
    /// cannot hand over and another cannot take.
    pub impossible: Vec<String>,
}

/// Two providers of one algorithm that do not agree: the fault of one of them, and a finding.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("{algorithm}: {combination}: {what}")]
pub struct Disagreement {
    /// The algorithm.
    pub algorithm: String,
    /// Who did what.
    pub combination: String,
    /// What came out differently, or failed.
    pub what: String,
}

/// Compares `entries`, which are providers of one algorithm.
///
/// # Errors
/// The first [`Disagreement`].
pub fn agree(entries: &[&Entry], rng: &mut dyn CryptoRng) -> Result<Agreement, Disagreement> {
    let mut agreement = Agreement::default();
    let Some(first) = entries.first() else {
        return Ok(agreement);
    };
    match &first.info.sizes {
        Sizes::Kem(sizes) => kem::compare(entries, sizes, rng, &mut agreement)?,
        Sizes::Signature(sizes) => signature::compare(entries, sizes, rng, &mut agreement)?,
        Sizes::Aead(sizes) => symmetric::aeads(entries, sizes, rng, &mut agreement)?,
        Sizes::Kdf(sizes) => symmetric::kdfs(entries, sizes, rng, &mut agreement)?,
        Sizes::Hash(sizes) => symmetric::hashes(entries, sizes, rng, &mut agreement)?,
    }
    Ok(agreement)
}

/// Says who did what, for the one error type of this room.
struct Step<'a>(&'a str, String);

impl Step<'_> {
    fn failed(&self, what: impl ToString) -> Disagreement {
        Disagreement {
            algorithm: self.0.into(),
            combination: self.1.clone(),
            what: what.to_string(),
        }
    }
}

/// Hands a private key from one provider to another in the first form that both know; `None` when
/// there is no such form.
fn hand_over<K, E>(
    export: impl Fn(SecretKind) -> Result<SecretBytes, E>,
    import: impl Fn(SecretForm<'_>) -> Result<K, E>,
    unsupported: impl Fn(&E) -> bool,
) -> Result<Option<K>, E> {
    for kind in [SecretKind::Expanded, SecretKind::Seed] {
        let outcome = export(kind).and_then(|secret| match kind {
            SecretKind::Seed => import(SecretForm::Seed(secret.expose())),
            SecretKind::Expanded => import(SecretForm::Expanded(secret.expose())),
        });
        match outcome {
            Ok(key) => return Ok(Some(key)),
            Err(error) if unsupported(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

/// Flips one random bit.
fn flip(bytes: &mut [u8], rng: &mut dyn CryptoRng) {
    let place = rng.next_u64();
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX).max(1);
    let index = usize::try_from(place % length).unwrap_or_default();
    if let Some(byte) = bytes.get_mut(index) {
        *byte ^= 1 << ((place >> 40) & 7);
    }
}

fn name(entry: &Entry) -> &str {
    &entry.provider.name
}

fn codes<'e, 'a: 'e, T: ?Sized + 'a>(
    entries: &'e [&'a Entry],
    of: fn(&Code) -> Option<&T>,
) -> impl Iterator<Item = (&'a Entry, &'a T)> + 'e {
    let mut entries = entries.iter();
    std::iter::from_fn(move || entries.next())
        .filter_map(move |entry| of(&entry.code).map(|code| (*entry, code)))
}
