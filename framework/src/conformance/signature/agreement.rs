//! Honest use: signatures verify, lengths are right, and chance is used.

use rand_core::CryptoRng;

use super::{MESSAGE, SignatureSubject, exported, is_deterministic};
use crate::conformance::family::Family;
use crate::conformance::law::{Stop, Verdict, Wiped, ensure, not_applicable};
use crate::conformance::tape::{Tape, depends_on_enough};
use crate::secret::{SecretForm, SecretKind};
use crate::signature::{Sign, fits};

pub(super) fn round_trip(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let signed = subject.signed(rng)?;
    let Some(bytes) = exported(&*signed.private, SecretKind::Expanded)? else {
        return Ok(());
    };
    let key = subject
        .code
        .import_signing_key(SecretForm::Expanded(bytes.expose()))?;
    let signature = key.sign(rng, &[MESSAGE], &[])?;
    let outcome = signed.public.verify(&[MESSAGE], &[], &signature);
    ensure(
        outcome.is_ok(),
        "the imported key's signature does not verify",
    )
}

pub(super) fn sizes(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let (signed, sizes) = (subject.signed(rng)?, subject.lengths());
    let imported = signed.public.to_bytes();
    let mut lengths = vec![
        (
            "the public key",
            signed.public_bytes.len(),
            sizes.verifying_key,
        ),
        (
            "the imported public key",
            imported.len(),
            sizes.verifying_key,
        ),
    ];
    if let Some(bytes) = exported(&*signed.private, SecretKind::Expanded)? {
        lengths.push(("the private key", bytes.len(), sizes.signing_key));
    }
    if let Some(seed) = exported(&*signed.private, SecretKind::Seed)? {
        lengths.push(("the seed", seed.len(), sizes.seed.unwrap_or_default()));
    }
    if !fits(sizes, &signed.signature) {
        lengths.push(("the signature", signed.signature.len(), sizes.signature));
    }
    for (what, got, expected) in lengths {
        let seen = format!("{what} is {got} bytes, the row says {expected}");
        ensure(got == expected, seen)?;
    }
    Ok(())
}

pub(super) fn fresh_keys(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let keys = [subject.code.generate(rng)?, subject.code.generate(rng)?];
    let [one, other] = keys.each_ref().map(|key| key.verifying_key());
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

/// Everything of a key that can be compared.
pub(super) fn whole(key: &dyn Sign) -> Result<Wiped, Stop> {
    let mut whole = Wiped::new(key.verifying_key());
    if let Some(bytes) = exported(key, SecretKind::Expanded)? {
        whole.extend_from_slice(bytes.expose());
    }
    Ok(whole)
}

fn generated(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Result<Wiped, Stop> {
    whole(&*subject.code.generate(rng)?)
}

pub(super) fn injected_randomness(
    subject: &SignatureSubject<'_>,
    rng: &mut dyn CryptoRng,
) -> Verdict {
    subject.needs_injected_randomness()?;
    let mut tape = Tape::new(rng);
    let first = generated(subject, &mut tape)?;
    tape.rewind();
    let again = generated(subject, &mut tape)?;
    ensure(first == again, "the same random bytes gave two keys")?;
    tape.clear();
    let other = generated(subject, &mut tape)?;
    ensure(first != other, "other random bytes gave the same key")?;

    let signed = subject.signed(&mut tape)?;
    tape.clear();
    let first = signed.private.sign(&mut tape, &[MESSAGE], &[])?;
    tape.rewind();
    let again = signed.private.sign(&mut tape, &[MESSAGE], &[])?;
    ensure(first == again, "the same random bytes gave two signatures")
}

pub(super) fn enough_randomness(
    subject: &SignatureSubject<'_>,
    rng: &mut dyn CryptoRng,
) -> Verdict {
    subject.needs_injected_randomness()?;
    let mut tape = Tape::new(rng);
    depends_on_enough("a generated key", &mut tape, |tape| {
        generated(subject, tape)
    })
}

/// FIPS 204 section 3.4 and FIPS 205 section 9.2 hedge by default, against faults and for devices
/// whose generator fails; Falcon must never sign one message twice with one salt.
pub(super) fn hedged(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let hedges = match subject.family {
        Family::MlDsa(_) | Family::SlhDsa | Family::Falcon => true,
        _ if is_deterministic(subject.info) => false,
        _ => return not_applicable("the specification leaves it open, or is not known"),
    };
    let signed = subject.signed(rng)?;
    let again = signed.private.sign(rng, &[MESSAGE], &[])?;
    let same = again == signed.signature;
    if hedges {
        ensure(!same, "two signatures of one message are the same")
    } else {
        ensure(same, "two signatures of one message differ")
    }
}

pub(super) fn fresh_commitment(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    if !matches!(subject.family, Family::Ed25519 | Family::Weierstrass) {
        return not_applicable("signatures do not begin with the commitment to a nonce");
    }
    let signed = subject.signed(rng)?;
    let other = signed.private.sign(rng, &[MESSAGE, b"."], &[])?;
    // R of 32 bytes; of ECDSA a part of r, behind at most a few bytes of DER.
    let [one, other] = [&signed.signature, &other].map(|signature| signature.get(8..28));
    ensure(one != other, "two messages were signed with one nonce")
}
