//! Honest use: both ends agree, lengths are right, and chance is used.

use rand_core::CryptoRng;

use super::{KemSubject, exported};
use crate::conformance::law::{Stop, Verdict, Wiped, ensure};
use crate::conformance::tape::{Tape, depends_on_enough};
use crate::kem::{Decapsulate, Encapsulate};
use crate::secret::{SecretForm, SecretKind};

pub(super) fn round_trip(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    for _ in 0..3 {
        let pair = subject.pair(rng)?;
        let (ciphertext, theirs) = subject.encapsulate(&*pair.public, rng)?;
        let mut keys = vec![pair.private];
        if let Some(bytes) = exported(&*keys[0], SecretKind::Expanded)? {
            let form = SecretForm::Expanded(bytes.expose());
            keys.push(subject.code.import_decapsulation_key(form)?);
        }
        for key in &keys {
            let ours = subject.decapsulate(&**key, &ciphertext)?;
            ensure(ours == theirs, "the two ends have different secrets")?;
            let again = subject.decapsulate(&**key, &ciphertext)?;
            ensure(
                again == ours,
                "a ciphertext gives one secret and then another",
            )?;
        }
    }
    Ok(())
}

pub(super) fn sizes(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let pair = subject.pair(rng)?;
    let sizes = subject.sizes;
    let mut lengths = vec![
        (
            "the public key",
            pair.public_bytes.len(),
            sizes.encapsulation_key,
        ),
        (
            "the imported public key",
            pair.public.to_bytes().len(),
            sizes.encapsulation_key,
        ),
    ];
    if let Some(bytes) = exported(&*pair.private, SecretKind::Expanded)? {
        lengths.push(("the private key", bytes.len(), sizes.decapsulation_key));
    }
    if let Some(seed) = exported(&*pair.private, SecretKind::Seed)? {
        lengths.push(("the seed", seed.len(), sizes.seed.unwrap_or_default()));
    }
    for (what, got, expected) in lengths {
        let seen = format!("{what} is {got} bytes, the row says {expected}");
        ensure(got == expected, seen)?;
    }
    // Both are filled to their ends, where otherwise the zeros of the buffer stay.
    let (ciphertext, secret) = subject.encapsulate(&*pair.public, rng)?;
    let filled = |bytes: &[u8]| bytes.iter().rev().take(8).any(|byte| *byte != 0);
    ensure(
        filled(&ciphertext) && filled(&secret),
        "the last bytes of the ciphertext or of the secret stay as they were",
    )
}

pub(super) fn fresh_keys(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let keys = [subject.code.generate(rng)?, subject.code.generate(rng)?];
    let [one, other] = keys.each_ref().map(|key| key.encapsulation_key());
    ensure(one != other, "two generated keys have one public key")?;
    let [one, other] = keys
        .each_ref()
        .map(|key| exported(&**key, SecretKind::Expanded));
    if let (Some(one), Some(other)) = (one?, other?) {
        let same = one.constant_time_eq(other.expose());
        ensure(!same, "two generated keys have one private key")?;
    }
    Ok(())
}

pub(super) fn fresh_secrets(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let pair = subject.pair(rng)?;
    let (one, one_secret) = subject.encapsulate(&*pair.public, rng)?;
    // By the same handle, and by one that was imported anew.
    let again = subject.code.import_encapsulation_key(&pair.public_bytes)?;
    for public in [&*pair.public, &*again] {
        let (other, other_secret) = subject.encapsulate(public, rng)?;
        ensure(one != other, "two encapsulations gave one ciphertext")?;
        ensure(
            one_secret != other_secret,
            "two encapsulations gave one secret",
        )?;
    }
    Ok(())
}

/// Everything of a key that can be compared.
fn generated(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Result<Wiped, Stop> {
    let key = subject.code.generate(rng)?;
    whole(&*key)
}

pub(super) fn whole(key: &dyn Decapsulate) -> Result<Wiped, Stop> {
    let mut whole = Wiped::new(key.encapsulation_key());
    if let Some(bytes) = exported(key, SecretKind::Expanded)? {
        whole.extend_from_slice(bytes.expose());
    }
    Ok(whole)
}

/// Ciphertext and secret as one string.
fn encapsulated(
    subject: &KemSubject<'_>,
    public: &dyn Encapsulate,
    rng: &mut dyn CryptoRng,
) -> Result<Wiped, Stop> {
    let (ciphertext, secret) = subject.encapsulate(public, rng)?;
    let mut whole = Wiped::new(ciphertext);
    whole.extend_from_slice(&secret);
    Ok(whole)
}

pub(super) fn injected_randomness(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    subject.needs_injected_randomness()?;
    let mut tape = Tape::new(rng);
    let first = generated(subject, &mut tape)?;
    tape.rewind();
    let again = generated(subject, &mut tape)?;
    ensure(first == again, "the same random bytes gave two keys")?;
    tape.clear();
    let other = generated(subject, &mut tape)?;
    ensure(first != other, "other random bytes gave the same key")?;

    let pair = subject.pair(&mut tape)?;
    tape.clear();
    let first = encapsulated(subject, &*pair.public, &mut tape)?;
    tape.rewind();
    let again = encapsulated(subject, &*pair.public, &mut tape)?;
    ensure(
        first == again,
        "the same random bytes gave two encapsulations",
    )?;
    tape.clear();
    let other = encapsulated(subject, &*pair.public, &mut tape)?;
    ensure(
        first != other,
        "other random bytes gave the same encapsulation",
    )
}

pub(super) fn enough_randomness(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    subject.needs_injected_randomness()?;
    let mut tape = Tape::new(rng);
    depends_on_enough("a generated key", &mut tape, |tape| {
        generated(subject, tape)
    })?;
    let pair = subject.pair(&mut tape)?;
    tape.clear();
    depends_on_enough("an encapsulation", &mut tape, |tape| {
        encapsulated(subject, &*pair.public, tape)
    })
}
