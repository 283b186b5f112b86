//! Forged ciphertexts: what they give, and what that tells.
//!
//! FIPS 203, Algorithm 18, rejects implicitly: a forged ciphertext gives a secret that nobody can
//! predict, and the same one every time. An error instead would be an oracle. Where a KEM does
//! refuse, as DHKEM refuses some points, it does so from public data: every key refuses them.

use rand_core::CryptoRng;

use super::{KemSubject, exported};
use crate::conformance::damage::{flipped, garbage, random};
use crate::conformance::family::Family;
use crate::conformance::law::{Stop, Verdict, Wiped, ensure, fail, not_applicable};
use crate::kem::{Decapsulate, KemError};
use crate::secret::{SecretForm, SecretKind};

/// What a forged ciphertext gave; `None` when it was refused.
fn answer(
    subject: &KemSubject<'_>,
    key: &dyn Decapsulate,
    forged: &[u8],
) -> Result<Option<Wiped>, Stop> {
    match subject.decapsulate(key, forged) {
        Ok(secret) => Ok(Some(secret)),
        Err(KemError::CiphertextInvalid) => Ok(None),
        Err(error) => fail(format!("a forged ciphertext gave the wrong error: {error}")),
    }
}

pub(super) fn ciphertext_matters(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let pair = subject.pair(rng)?;
    let (ciphertext, secret) = subject.encapsulate(&*pair.public, rng)?;
    for index in subject.positions(ciphertext.len(), rng) {
        let given = answer(subject, &*pair.private, &flipped(&ciphertext, index))?;
        let seen =
            format!("byte {index} of the ciphertext does not matter: the secret is the same");
        ensure(given.is_none_or(|given| given != secret), seen)?;
    }
    Ok(())
}

pub(super) fn foreign_ciphertext(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let (theirs, ours) = (subject.pair(rng)?, subject.pair(rng)?);
    let (ciphertext, secret) = subject.encapsulate(&*theirs.public, rng)?;
    match subject.decapsulate(&*ours.private, &ciphertext) {
        Ok(given) => ensure(given != secret, "another key gives the same secret"),
        Err(error) => fail(format!("an error that depends on the private key: {error}")),
    }
}

/// Ciphertexts that nobody made for this key, of many kinds.
fn forgeries(subject: &KemSubject<'_>, honest: &[u8], rng: &mut dyn CryptoRng) -> Vec<Vec<u8>> {
    let length = subject.sizes.ciphertext;
    let mut forged = garbage(length, rng);
    forged.extend([0, length / 2, length.saturating_sub(1)].map(|at| flipped(honest, at)));
    forged
}

pub(super) fn public_rejection(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let (ours, others) = (subject.pair(rng)?, subject.pair(rng)?);
    let (ciphertext, _) = subject.encapsulate(&*ours.public, rng)?;
    for forged in forgeries(subject, &ciphertext, rng) {
        let one = answer(subject, &*ours.private, &forged)?;
        let other = answer(subject, &*others.private, &forged)?;
        ensure(
            one.is_some() == other.is_some(),
            "one key refuses a ciphertext that another takes",
        )?;
    }
    Ok(())
}

pub(super) fn implicit_rejection(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    if !subject.family.takes_every_ciphertext() {
        return not_applicable("the specification may refuse some ciphertexts, or is not known");
    }
    let pair = subject.pair(rng)?;
    let (ciphertext, _) = subject.encapsulate(&*pair.public, rng)?;
    for forged in forgeries(subject, &ciphertext, rng) {
        let given = answer(subject, &*pair.private, &forged)?;
        ensure(given.is_some(), "a forged ciphertext gives an error")?;
    }
    Ok(())
}

/// A ciphertext near an honest one that the key does not refuse; `None` when it refuses many.
fn forged_and_taken(
    subject: &KemSubject<'_>,
    key: &dyn Decapsulate,
    honest: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Option<(Vec<u8>, Wiped)>, Stop> {
    for try_number in 0..8 {
        let forged = if try_number < 4 {
            flipped(honest, try_number * honest.len() / 4)
        } else {
            random(honest.len(), rng)
        };
        if let Some(secret) = answer(subject, key, &forged)? {
            return Ok(Some((forged, secret)));
        }
    }
    Ok(None)
}

const REFUSES: &str = "the algorithm refuses forged ciphertexts from public data";

pub(super) fn stable_rejection(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let pair = subject.pair(rng)?;
    let (ciphertext, _) = subject.encapsulate(&*pair.public, rng)?;
    let Some((forged, secret)) = forged_and_taken(subject, &*pair.private, &ciphertext, rng)?
    else {
        return not_applicable(REFUSES);
    };
    let again = answer(subject, &*pair.private, &forged)?;
    ensure(
        again.as_ref() == Some(&secret),
        "another secret the second time",
    )?;
    if let Some(bytes) = exported(&*pair.private, SecretKind::Expanded)? {
        let form = SecretForm::Expanded(bytes.expose());
        let key = subject.code.import_decapsulation_key(form)?;
        let again = answer(subject, &*key, &forged)?;
        ensure(
            again == Some(secret),
            "another secret from the imported key",
        )?;
    }
    Ok(())
}

pub(super) fn rejection_per_ciphertext(
    subject: &KemSubject<'_>,
    rng: &mut dyn CryptoRng,
) -> Verdict {
    let pair = subject.pair(rng)?;
    let (ciphertext, _) = subject.encapsulate(&*pair.public, rng)?;
    let mut secrets: Vec<Wiped> = Vec::new();
    for forged in forgeries(subject, &ciphertext, rng) {
        let Some(secret) = answer(subject, &*pair.private, &forged)? else {
            continue;
        };
        ensure(
            !secrets.contains(&secret),
            "two forged ciphertexts give one secret",
        )?;
        secrets.push(secret);
    }
    if secrets.len() < 2 {
        return not_applicable(REFUSES);
    }
    Ok(())
}

pub(super) fn rejection_per_key(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let (ours, others) = (subject.pair(rng)?, subject.pair(rng)?);
    let (ciphertext, _) = subject.encapsulate(&*ours.public, rng)?;
    let Some((forged, secret)) = forged_and_taken(subject, &*ours.private, &ciphertext, rng)?
    else {
        return not_applicable(REFUSES);
    };
    let other = answer(subject, &*others.private, &forged)?;
    ensure(
        other != Some(secret),
        "two keys give one secret for a forged ciphertext",
    )
}

pub(super) fn rejection_value(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let pair = subject.pair(rng)?;
    let (ciphertext, _) = subject.encapsulate(&*pair.public, rng)?;
    for forged in [
        flipped(&ciphertext, 0),
        flipped(&ciphertext, ciphertext.len().saturating_sub(1)),
        random(ciphertext.len(), rng),
    ] {
        let expected = specified_rejection(subject, &*pair.private, &forged)?;
        let given = answer(subject, &*pair.private, &forged)?;
        ensure(
            given == Some(expected),
            "the secret is not the specification's",
        )?;
    }
    Ok(())
}

/// FIPS 203, Algorithm 18, line 7: J(z ‖ c), with z the end of the expanded key; round 3 of Kyber
/// (algorithm 9) hashes the ciphertext first.
fn specified_rejection(
    subject: &KemSubject<'_>,
    private: &dyn Decapsulate,
    forged: &[u8],
) -> Result<Wiped, Stop> {
    let hashes_ciphertext = match subject.family {
        Family::MlKem { .. } => false,
        Family::Kyber => true,
        _ => return not_applicable("the kit knows the specified value of ML-KEM and Kyber alone"),
    };
    let tools = subject.tools;
    let Some(expanded) = exported(private, SecretKind::Expanded)? else {
        return not_applicable("the provider does not export the expanded key, which holds z");
    };
    let Some(z) = expanded.expose().last_chunk::<32>() else {
        return fail("the expanded key is too short to hold z");
    };
    let hashed = if hashes_ciphertext {
        tools.sha3_256(&[forged])
    } else {
        Some(forged.to_vec())
    };
    let value = hashed.and_then(|hashed| tools.shake256(&[z, &hashed]));
    match value {
        Some(value) => Ok(Wiped::new(value)),
        None => not_applicable("there is no admitted SHAKE256 and SHA3-256 to compute it with"),
    }
}
