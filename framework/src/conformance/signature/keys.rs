//! Keys on their way in and out: checks of the specification, forms, lengths, and silence.

use rand_core::CryptoRng;

use super::agreement::whole;
use super::{MESSAGE, SignatureSubject, exported, refused};
use crate::conformance::curves::{SMALL_ORDER_Y, bad_points, bad_scalars};
use crate::conformance::damage::{flipped, garbage, positions, random, wrong_lengths};
use crate::conformance::family::Family;
use crate::conformance::law::{Stop, Verdict, ensure, fail, not_applicable, without_panic};
use crate::conformance::leak::{bytes_hold, public_by_specification, text_holds};
use crate::secret::{SecretBytes, SecretForm, SecretKind};
use crate::signature::{Sign, SignatureError};

pub(super) fn key_matters(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let signed = subject.signed(rng)?;
    let outcome = signed.other.verify(&[MESSAGE], &[], &signed.signature);
    refused(outcome, "another key's signature")?;
    for index in subject.positions(signed.public_bytes.len(), rng) {
        let other = flipped(&signed.public_bytes, index);
        if let Ok(key) = subject.code.import_verifying_key(&other) {
            let outcome = key.verify(&[MESSAGE], &[], &signed.signature);
            refused(outcome, format!("a public key with another byte {index}"))?;
        }
    }
    Ok(())
}

/// With a key A of small order, R = 0 and S = 0 satisfy S·B = R + h·A for every message, or for
/// one in eight: one signature for many messages.
pub(super) fn weak_keys(subject: &SignatureSubject<'_>, _: &mut dyn CryptoRng) -> Verdict {
    if subject.family != Family::Ed25519 {
        return not_applicable("keys are no points of edwards25519");
    }
    let [neutral, ..] = SMALL_ORDER_Y;
    let forged = [neutral, [0; 32]].concat();
    for y in SMALL_ORDER_Y {
        for sign in [0, 0x80] {
            let mut key = y;
            key[31] |= sign;
            let Ok(key) = subject.code.import_verifying_key(&key) else {
                continue;
            };
            for message in 0..32 {
                let outcome = key.verify(&[&[message]], &[], &forged);
                refused(
                    outcome,
                    "a key of small order: its signature for any message",
                )?;
            }
        }
    }
    Ok(())
}

pub(super) fn bad_points_refused(
    subject: &SignatureSubject<'_>,
    rng: &mut dyn CryptoRng,
) -> Verdict {
    if subject.family != Family::Weierstrass {
        return not_applicable("keys are no points of a curve in Weierstrass form");
    }
    for (what, point) in bad_points(&subject.signed(rng)?.public_bytes)? {
        let imported = without_panic(|| subject.code.import_verifying_key(&point).map(drop))?;
        // Of a wrong length the framework knows more than the provider: any error will do.
        let wrong_length = point.len() != subject.lengths().verifying_key;
        let refused = imported == Err(SignatureError::VerifyingKeyInvalid);
        let refused = refused || wrong_length && imported.is_err();
        ensure(refused, format!("{what}: {imported:?}"))?;
    }
    Ok(())
}

pub(super) fn scalar_range(subject: &SignatureSubject<'_>, _: &mut dyn CryptoRng) -> Verdict {
    if subject.family != Family::Weierstrass {
        return not_applicable("private keys are no scalars of a curve in Weierstrass form");
    }
    for (what, scalar) in bad_scalars(subject.lengths().signing_key) {
        let scalar = SecretBytes::own(scalar);
        let form = SecretForm::Expanded(scalar.expose());
        let refused = subject.code.import_signing_key(form).map(drop);
        let seen = format!("{what}: {refused:?}");
        ensure(refused == Err(SignatureError::SigningKeyInvalid), seen)?;
    }
    Ok(())
}

pub(super) fn key_forms(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let signed = subject.signed(rng)?;
    let imported = signed.public.to_bytes();
    ensure(
        imported == signed.public_bytes,
        "the public key comes back different",
    )?;
    for kind in [SecretKind::Seed, SecretKind::Expanded] {
        let Some(bytes) = exported(&*signed.private, kind)? else {
            continue;
        };
        let key = subject.code.import_signing_key(form(kind, &bytes))?;
        let seen = |what: &str| format!("from its {kind:?} form the key gives another {what}");
        let public = key.verifying_key();
        ensure(public == signed.public_bytes, seen("public key"))?;
        let again = exported(&*key, kind)?;
        let same = again.is_some_and(|again| again.constant_time_eq(bytes.expose()));
        ensure(same, seen("export"))?;
    }
    Ok(())
}

fn form(kind: SecretKind, bytes: &SecretBytes) -> SecretForm<'_> {
    match kind {
        SecretKind::Seed => SecretForm::Seed(bytes.expose()),
        SecretKind::Expanded => SecretForm::Expanded(bytes.expose()),
    }
}

/// The key of a seed; `None` when the provider does not read seeds.
fn from_seed(subject: &SignatureSubject<'_>, seed: &[u8]) -> Result<Option<Box<dyn Sign>>, Stop> {
    match subject.code.import_signing_key(SecretForm::Seed(seed)) {
        Ok(key) => Ok(Some(key)),
        Err(SignatureError::FormUnsupported(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

pub(super) fn seed_matters(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let Some(length) = subject.lengths().seed else {
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

/// Where a private key says twice what it is: a difference means damage. A key that signs with one
/// half of it damaged can give itself away (fault attacks).
pub(super) fn key_consistency(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let parts: &[(&str, usize)] = match subject.family {
        // FIPS 204, Algorithm 24: rho 32 ‖ K 32 ‖ tr 64 ‖ s1 ‖ …; K may be any bytes.
        Family::MlDsa(_) => &[
            ("rho", 0),
            ("tr", 64),
            ("tr", 127),
            ("s1", 128),
            ("s1", 200),
        ],
        // FIPS 205 section 9.1: SK.seed ‖ SK.prf ‖ PK.seed ‖ PK.root; SK.prf may be any bytes.
        Family::SlhDsa => &[("SK.seed", 0), ("PK.seed", 2), ("PK.root", 3)],
        _ => return not_applicable("the specification asks for no such check, or is not known"),
    };
    let Some(bytes) = exported(&*subject.signed(rng)?.private, SecretKind::Expanded)? else {
        return not_applicable("the provider does not export the expanded form");
    };
    let quarter = match subject.family {
        Family::SlhDsa => bytes.len() / 4,
        _ => 1,
    };
    for (what, at) in parts {
        let damaged = SecretBytes::own(flipped(bytes.expose(), at * quarter));
        let form = SecretForm::Expanded(damaged.expose());
        let refused = without_panic(|| subject.code.import_signing_key(form).map(drop))?;
        let seen = format!("damage to {what}: {refused:?}");
        ensure(refused == Err(SignatureError::SigningKeyInvalid), seen)?;
    }
    Ok(())
}

/// Everything that can be imported, with every wrong length, and what came of it.
pub(super) fn refuse_wrong_lengths(
    subject: &SignatureSubject<'_>,
    rng: &mut dyn CryptoRng,
) -> Verdict {
    let (code, signed) = (subject.code, subject.signed(rng)?);
    let taken = |what: &str, bytes: &[u8]| format!("{what} of {} bytes is taken", bytes.len());
    for bytes in wrong_lengths(&signed.public_bytes, &[]) {
        let outcome = without_panic(|| code.import_verifying_key(&bytes).map(drop))?;
        ensure(outcome.is_err(), taken("a public key", &bytes))?;
    }
    for kind in [SecretKind::Seed, SecretKind::Expanded] {
        let Some(bytes) = exported(&*signed.private, kind)? else {
            continue;
        };
        // A seed where the expanded form is due must not pass for it, except where both are one.
        let seed = subject.lengths().seed.into_iter().collect::<Vec<_>>();
        for bytes in wrong_lengths(bytes.expose(), &seed) {
            let bytes = SecretBytes::own(bytes);
            let outcome = without_panic(|| code.import_signing_key(form(kind, &bytes)).map(drop))?;
            let what = format!("a private key ({kind:?})");
            ensure(outcome.is_err(), taken(&what, bytes.expose()))?;
        }
    }
    Ok(())
}

pub(super) fn survive_garbage(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let (code, sizes) = (subject.code, *subject.lengths());
    let signed = subject.signed(rng)?;
    for bytes in garbage(sizes.verifying_key, rng) {
        if let Ok(key) = without_panic(|| code.import_verifying_key(&bytes))? {
            let outcome = without_panic(|| key.verify(&[MESSAGE], &[], &signed.signature))?;
            refused(outcome, "a signature, under a key that nobody made,")?;
        }
    }
    // Imported and not used: what signing with a key that nobody made does, no standard says.
    let import = |form: SecretForm<'_>| without_panic(|| code.import_signing_key(form).map(drop));
    for bytes in garbage(sizes.signing_key, rng) {
        let _ = import(SecretForm::Expanded(&bytes))?;
    }
    for bytes in garbage(sizes.seed.unwrap_or_default(), rng) {
        let _ = import(SecretForm::Seed(&bytes))?;
    }
    Ok(())
}

pub(super) fn silent_errors(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let signed = subject.signed(rng)?;
    let mut texts = Vec::new();
    let mut hear = |outcome: Result<Result<(), SignatureError>, Stop>| match outcome {
        Ok(Ok(())) | Err(Stop::NotApplicable(_)) => {}
        Ok(Err(error)) => texts.push(format!("{error} {error:?}")),
        Err(Stop::Fail(panic)) => texts.push(panic),
    };
    let mut secrets = Vec::new();
    for kind in [SecretKind::Seed, SecretKind::Expanded] {
        let Some(bytes) = exported(&*signed.private, kind)? else {
            continue;
        };
        let mut damaged = wrong_lengths(bytes.expose(), &[]);
        let at = positions(bytes.len(), 24, rng);
        damaged.extend(at.into_iter().map(|at| flipped(bytes.expose(), at)));
        for damaged in damaged {
            let damaged = SecretBytes::own(damaged);
            let import = || subject.code.import_signing_key(form(kind, &damaged));
            hear(without_panic(|| import().map(drop)));
        }
        secrets.push(bytes);
    }
    let long = [7; 256];
    hear(without_panic(|| {
        signed.private.sign(rng, &[MESSAGE], &long).map(drop)
    }));
    let held = secrets
        .iter()
        .any(|secret| texts.iter().any(|text| text_holds(text, secret.expose())));
    ensure(!held, "the text of an error holds bytes of the private key")
}

pub(super) fn silent_outputs(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let signed = subject.signed(rng)?;
    let public = [signed.public_bytes.as_slice(), &signed.signature];
    if let Some(seed) = exported(&*signed.private, SecretKind::Seed)? {
        // PK.seed of SLH-DSA stands in the seed of its keys.
        let marks = public_by_specification(subject.info, "seed", "vk").unwrap_or_default();
        let held = public
            .iter()
            .any(|public| bytes_hold(public, seed.expose(), &marks));
        ensure(!held, "a public output holds bytes of the seed")?;
    }
    let marks = public_by_specification(subject.info, "sk", "vk");
    let expanded = exported(&*signed.private, SecretKind::Expanded)?;
    if let (Some(marks), Some(expanded)) = (marks, expanded) {
        for public in public {
            let held = bytes_hold(public, expanded.expose(), &marks);
            ensure(!held, "a public output holds bytes of the private key")?;
        }
    }
    Ok(())
}
