//! Public keys and ciphertexts that are points of a curve: what SEC 1 and RFC 7748 leave to check.

use rand_core::CryptoRng;

use super::KemSubject;
use crate::conformance::curves::{SMALL_ORDER_U, bad_points, bad_scalars};
use crate::conformance::family::Family;
use crate::conformance::law::{Verdict, ensure, not_applicable};
use crate::kem::KemError;
use crate::secret::{SecretBytes, SecretForm};

/// A point must be refused as a public key, when imported or at the latest when it is used, and
/// as a ciphertext.
fn refuses(subject: &KemSubject<'_>, what: &str, point: &[u8], rng: &mut dyn CryptoRng) -> Verdict {
    let public = subject.code.import_encapsulation_key(point);
    let used = public.and_then(|public| subject.encapsulate(&*public, rng).map(drop));
    // Of a wrong length the framework knows more than the provider: any error will do.
    let wrong_length = point.len() != subject.sizes.encapsulation_key;
    let refused = matches!(used, Err(KemError::EncapsulationKeyInvalid));
    let refused = refused || wrong_length && used.is_err();
    let seen = format!("{what} as a public key: {used:?}");
    ensure(refused, seen)?;
    let key = subject.code.generate(rng)?;
    let used = subject.decapsulate(&*key, point).map(drop);
    let refused = matches!(used, Err(KemError::CiphertextInvalid));
    let refused = refused || wrong_length && used.is_err();
    ensure(refused, format!("{what} as a ciphertext: {used:?}"))
}

pub(super) fn bad_points_refused(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    if subject.family != Family::Weierstrass {
        return not_applicable("keys are no points of a curve in Weierstrass form");
    }
    let good = subject.code.generate(rng)?.encapsulation_key();
    for (what, point) in bad_points(&good)? {
        refuses(subject, what, &point, rng)?;
    }
    Ok(())
}

pub(super) fn small_order(subject: &KemSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    if subject.family != Family::X25519 {
        return not_applicable("keys are no points of Curve25519");
    }
    for point in SMALL_ORDER_U {
        // The highest bit is masked (RFC 7748 section 5): both strings are this point.
        for high in [0, 0x80] {
            let mut point = point;
            point[31] |= high;
            refuses(
                subject,
                &format!("a point of small order, {}", point[0]),
                &point,
                rng,
            )?;
        }
    }
    Ok(())
}

pub(super) fn scalar_range(subject: &KemSubject<'_>, _: &mut dyn CryptoRng) -> Verdict {
    if subject.family != Family::Weierstrass {
        return not_applicable("private keys are no scalars of a curve in Weierstrass form");
    }
    for (what, scalar) in bad_scalars(subject.sizes.decapsulation_key) {
        let scalar = SecretBytes::own(scalar);
        let form = SecretForm::Expanded(scalar.expose());
        let refused = subject.code.import_decapsulation_key(form).map(drop);
        let seen = format!("{what}: {refused:?}");
        ensure(refused == Err(KemError::DecapsulationKeyInvalid), seen)?;
    }
    Ok(())
}
