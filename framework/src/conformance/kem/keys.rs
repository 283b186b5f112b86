//! Keys on their way in and out: checks of the specification, forms, lengths, and silence.

use rand_core::CryptoRng;

use super::agreement::whole;
use super::{KemSubject, Pair, exported};
use crate::conformance::damage::{
    below, flipped, garbage, positions, random, with_bit_flipped, wrong_lengths,
};
use crate::conformance::family::Family;
use crate::conformance::law::{Stop, Verdict, ensure, fail, not_applicable, without_panic};
use crate::conformance::leak::{bytes_hold, public_by_specification, text_holds};
use crate::kem::{Decapsulate, KemError};
use crate::secret::{SecretBytes, SecretForm, SecretKind};

/// The modulus q of FIPS 203 section 2.3.
const Q: u16 = 3329;

pub(super) fn public_key_matters(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let pair = subject.pair(rng)?;
    for index in subject.positions(pair.public_bytes.len(), rng) {
        let other = flipped(&pair.public_bytes, index);
        let Ok(public) = subject.code.import_encapsulation_key(&other) else {
            continue;
        };
        let Ok((ciphertext, theirs)) = subject.encapsulate(&*public, rng) else {
            continue;
        };
        let ours = subject.decapsulate(&*pair.private, &ciphertext);
        let seen = format!("byte {index} of the public key does not matter");
        ensure(ours.map_or(true, |ours| ours != theirs), seen)?;
    }
    Ok(())
}

/// Puts `value` in the place of the coefficient at `index` (ByteEncode₁₂, FIPS 203 Algorithm 5).
fn set_coefficient(key: &mut [u8], index: usize, value: impl FnOnce(u16) -> u16) {
    let at = index / 2 * 3;
    let Some([low, middle, high]) = key.get_mut(at..at + 3) else {
        return;
    };
    let mut word = u32::from_le_bytes([*low, *middle, *high, 0]);
    let shift = 12 * (index % 2);
    let old = u16::try_from(word >> shift & 0xfff).unwrap_or_default();
    word = word & !(0xfff << shift) | u32::from(value(old) & 0xfff) << shift;
    [*low, *middle, *high, _] = word.to_le_bytes();
}

pub(super) fn modulus_check(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let k = match subject.family {
        Family::MlKem { k } => k,
        Family::Kyber => return not_applicable("round 3 of Kyber does not ask for it"),
        _ => return not_applicable("it is a check of ML-KEM"),
    };
    let pair = subject.pair(rng)?;
    let coefficients = 256 * k;
    let mut tried = vec![0, 1, 255, 256, coefficients - 2, coefficients - 1];
    tried.extend((0..26).map(|_| below(coefficients, rng)));
    for index in tried {
        // The last maps to the key's own coefficient for whoever reduces instead of refusing.
        let values: [fn(u16) -> u16; 3] = [|_| Q, |_| 0xfff, |old| (old + Q).clamp(Q, 0xfff)];
        for value in values {
            let mut key = pair.public_bytes.clone();
            set_coefficient(&mut key, index, value);
            let refused = subject.code.import_encapsulation_key(&key).map(drop);
            let seen = format!("coefficient {index} is not reduced: {refused:?}");
            ensure(refused == Err(KemError::EncapsulationKeyInvalid), seen)?;
        }
    }
    Ok(())
}

pub(super) fn hash_check(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let k = match subject.family {
        Family::MlKem { k } => k,
        Family::Kyber => return not_applicable("round 3 of Kyber does not ask for it"),
        _ => return not_applicable("it is a check of ML-KEM"),
    };
    let pair = subject.pair(rng)?;
    let Some(bytes) = exported(&*pair.private, SecretKind::Expanded)? else {
        return not_applicable("the provider does not export the expanded form");
    };
    // FIPS 203, Algorithm 16: dk_PKE ‖ ek ‖ H(ek) ‖ z.
    let (ek, hash, z) = (384 * k, 768 * k + 32, 768 * k + 64);
    let mut tried = vec![ek, hash - 1, hash, z - 1];
    tried.extend((0..8).map(|_| ek + below(z - ek, rng)));
    for index in tried {
        let damaged = SecretBytes::own(flipped(bytes.expose(), index));
        let form = SecretForm::Expanded(damaged.expose());
        let refused = subject.code.import_decapsulation_key(form).map(drop);
        let seen = format!("byte {index}, of the public part or its hash: {refused:?}");
        ensure(refused == Err(KemError::DecapsulationKeyInvalid), seen)?;
    }
    Ok(())
}

pub(super) fn key_forms(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let pair = subject.pair(rng)?;
    let imported = pair.public.to_bytes();
    ensure(
        imported == pair.public_bytes,
        "the public key comes back different",
    )?;
    let (ciphertext, secret) = subject.encapsulate(&*pair.public, rng)?;
    let mut forms = 0;
    for kind in [SecretKind::Seed, SecretKind::Expanded] {
        let Some(bytes) = exported(&*pair.private, kind)? else {
            continue;
        };
        forms += 1;
        let key = subject.code.import_decapsulation_key(form(kind, &bytes))?;
        let seen = |what: &str| format!("from its {kind:?} form the key gives another {what}");
        let public = key.encapsulation_key();
        ensure(public == pair.public_bytes, seen("public key"))?;
        let again = exported(&*key, kind)?;
        let same = again.is_some_and(|again| again.constant_time_eq(bytes.expose()));
        ensure(same, seen("export"))?;
        ensure(
            subject.decapsulate(&*key, &ciphertext)? == secret,
            seen("secret"),
        )?;
    }
    ensure(forms > 0, "the key can be exported in no form")
}

fn form(kind: SecretKind, bytes: &SecretBytes) -> SecretForm<'_> {
    match kind {
        SecretKind::Seed => SecretForm::Seed(bytes.expose()),
        SecretKind::Expanded => SecretForm::Expanded(bytes.expose()),
    }
}

/// The key of a seed; `None` when the provider does not read seeds.
fn from_seed(subject: &KemSubject<'_>, seed: &[u8]) -> Result<Option<Box<dyn Decapsulate>>, Stop> {
    match subject
        .code
        .import_decapsulation_key(SecretForm::Seed(seed))
    {
        Ok(key) => Ok(Some(key)),
        Err(KemError::FormUnsupported(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn seed_matters(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let Some(length) = subject.sizes.seed else {
        return not_applicable("the specification defines no seed");
    };
    let seed = SecretBytes::own(random(length, rng));
    let Some(key) = from_seed(subject, seed.expose())? else {
        return not_applicable("the provider does not read seeds");
    };
    let first = whole(&*key)?;
    for index in subject.positions(length, rng) {
        let other = SecretBytes::own(flipped(seed.expose(), index));
        let Some(key) = from_seed(subject, other.expose())? else {
            return fail("the provider reads one seed and not another");
        };
        let seen = format!("byte {index} of the seed does not matter");
        ensure(whole(&*key)? != first, seen)?;
    }
    // Last, so that nothing is left over from the key before.
    let again = from_seed(subject, seed.expose())?;
    let again = again.map(|key| whole(&*key)).transpose()?;
    ensure(again == Some(first), "one seed gives two keys")
}

/// What was tried, and what came of it.
type Attempt = (String, Result<(), KemError>);

/// Every wrong length of everything that is imported, with what came of it.
fn attempts(
    subject: &KemSubject<'_>,
    pair: &Pair,
    ciphertext: &[u8],
) -> Result<Vec<Attempt>, Stop> {
    let (code, sizes) = (subject.code, subject.sizes);
    let mut outcomes = Vec::new();
    let mut note = |what: &str, bytes: &[u8], work: &dyn Fn() -> Result<(), KemError>| {
        let outcome = without_panic(work);
        outcomes.push((format!("{what} of {} bytes", bytes.len()), outcome?));
        Ok::<_, Stop>(())
    };
    for bytes in wrong_lengths(&pair.public_bytes, &[]) {
        let import = || code.import_encapsulation_key(&bytes).map(drop);
        note("a public key", &bytes, &import)?;
    }
    for kind in [SecretKind::Seed, SecretKind::Expanded] {
        let Some(bytes) = exported(&*pair.private, kind)? else {
            continue;
        };
        // A seed where the expanded form is due must not pass for it.
        for bytes in wrong_lengths(
            bytes.expose(),
            &sizes.seed.map_or(vec![], |seed| vec![seed]),
        ) {
            let bytes = SecretBytes::own(bytes);
            if kind == SecretKind::Seed && Some(bytes.len()) == sizes.seed {
                continue;
            }
            let import = || code.import_decapsulation_key(form(kind, &bytes)).map(drop);
            note(
                &format!("a private key ({kind:?})"),
                bytes.expose(),
                &import,
            )?;
        }
    }
    for bytes in wrong_lengths(ciphertext, &[]) {
        let work = || subject.decapsulate(&*pair.private, &bytes).map(drop);
        note("a ciphertext", &bytes, &work)?;
    }
    Ok(outcomes)
}

pub(super) fn refuse_wrong_lengths(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let pair = subject.pair(rng)?;
    let (ciphertext, _) = subject.encapsulate(&*pair.public, rng)?;
    for (what, outcome) in attempts(subject, &pair, &ciphertext)? {
        ensure(outcome.is_err(), format!("{what} is taken"))?;
    }
    Ok(())
}

pub(super) fn survive_garbage(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let (code, sizes) = (subject.code, subject.sizes);
    let pair = subject.pair(rng)?;
    for bytes in garbage(sizes.encapsulation_key, rng) {
        // Whether it is refused is the specification's business; `Ok` must be usable.
        if let Ok(public) = without_panic(|| code.import_encapsulation_key(&bytes))? {
            let _ = without_panic(|| subject.encapsulate(&*public, rng).map(drop))?;
        }
    }
    let (ciphertext, _) = subject.encapsulate(&*pair.public, rng)?;
    let mut strings: Vec<_> = garbage(sizes.decapsulation_key, rng)
        .into_iter()
        .map(|bytes| (SecretKind::Expanded, SecretBytes::own(bytes)))
        .collect();
    if let Some(length) = sizes.seed {
        let seeds = garbage(length, rng).into_iter();
        strings.extend(seeds.map(|bytes| (SecretKind::Seed, SecretBytes::own(bytes))));
    }
    for (kind, bytes) in &strings {
        let key = without_panic(|| code.import_decapsulation_key(form(*kind, bytes)))?;
        if let Ok(key) = key {
            let _ = without_panic(|| subject.decapsulate(&*key, &ciphertext).map(drop))?;
        }
    }
    for bytes in garbage(sizes.ciphertext, rng) {
        let _ = without_panic(|| subject.decapsulate(&*pair.private, &bytes).map(drop))?;
    }
    Ok(())
}

pub(super) fn silent_errors(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let pair = subject.pair(rng)?;
    let (ciphertext, secret) = subject.encapsulate(&*pair.public, rng)?;
    let seed = exported(&*pair.private, SecretKind::Seed)?;
    let expanded = exported(&*pair.private, SecretKind::Expanded)?;
    let mut texts = Vec::new();
    let mut hear = |outcome: Result<Result<(), KemError>, Stop>| match outcome {
        Ok(Ok(())) => {}
        Ok(Err(error)) => texts.push(format!("{error} {error:?}")),
        Err(Stop::Fail(panic)) => texts.push(panic),
        Err(Stop::NotApplicable(_)) => {}
    };
    for bytes in wrong_lengths(&ciphertext, &[])
        .iter()
        .chain([&flipped(&ciphertext, 0), &vec![0; ciphertext.len()]])
    {
        let work = || subject.decapsulate(&*pair.private, bytes).map(drop);
        hear(without_panic(work));
    }
    for (kind, bytes) in [(SecretKind::Seed, &seed), (SecretKind::Expanded, &expanded)] {
        let Some(bytes) = bytes else { continue };
        let mut damaged = wrong_lengths(bytes.expose(), &[]);
        let at = positions(bytes.len(), 24, rng);
        damaged.extend(
            at.into_iter()
                .map(|at| with_bit_flipped(bytes.expose(), at, 7)),
        );
        for damaged in damaged {
            let damaged = SecretBytes::own(damaged);
            let import = || subject.code.import_decapsulation_key(form(kind, &damaged));
            hear(without_panic(|| import().map(drop)));
        }
    }
    let secrets = [seed, expanded, Some(SecretBytes::copy_of(&secret))];
    let held = secrets
        .iter()
        .flatten()
        .any(|secret| texts.iter().any(|text| text_holds(text, secret.expose())));
    ensure(!held, "the text of an error holds bytes of a secret")
}

pub(super) fn silent_outputs(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let pair = subject.pair(rng)?;
    let (ciphertext, secret) = subject.encapsulate(&*pair.public, rng)?;
    let public = [pair.public_bytes.as_slice(), &ciphertext];
    let seed = exported(&*pair.private, SecretKind::Seed)?;
    for secret in [
        Some(secret.as_slice()),
        seed.as_ref().map(SecretBytes::expose),
    ] {
        let held = secret
            .is_some_and(|secret| public.iter().any(|public| bytes_hold(public, secret, &[])));
        ensure(
            !held,
            "a public output holds bytes of the seed or of the secret",
        )?;
    }
    let marks = public_by_specification(subject.info, "dk", "ek");
    let expanded = exported(&*pair.private, SecretKind::Expanded)?;
    if let (Some(marks), Some(expanded)) = (marks, expanded) {
        for public in public {
            let held = bytes_hold(public, expanded.expose(), &marks);
            ensure(!held, "a public output holds bytes of the private key")?;
        }
    }
    Ok(())
}
