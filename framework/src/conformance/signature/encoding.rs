//! Forged signatures, and good ones written in another way.

use rand_core::CryptoRng;

use super::{MESSAGE, SignatureSubject, refused};
use crate::conformance::curves::{ED25519_ORDER, add};
use crate::conformance::damage::{flipped, garbage, wrong_lengths};
use crate::conformance::family::{Family, Hint};
use crate::conformance::law::{Verdict, ensure, fail, not_applicable, without_panic};

pub(super) fn signature_matters(
    subject: &SignatureSubject<'_>,
    rng: &mut dyn CryptoRng,
) -> Verdict {
    let signed = subject.signed(rng)?;
    let length = signed.signature.len();
    for index in subject.positions(length, rng) {
        let forged = flipped(&signed.signature, index);
        let outcome = without_panic(|| signed.public.verify(&[MESSAGE], &[], &forged))?;
        refused(outcome, format!("a signature with another byte {index}"))?;
    }
    Ok(())
}

pub(super) fn signature_length(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let signed = subject.signed(rng)?;
    let mut forged = wrong_lengths(&signed.signature, &[32, 64]);
    forged.push([&signed.signature[..], &[1]].concat());
    forged.push([&[0], &signed.signature[..]].concat());
    forged.push([&signed.signature[..], &signed.signature[..]].concat());
    for forged in forged {
        let outcome = without_panic(|| signed.public.verify(&[MESSAGE], &[], &forged))?;
        refused(outcome, format!("a signature of {} bytes", forged.len()))?;
    }
    Ok(())
}

pub(super) fn trivial_signatures(
    subject: &SignatureSubject<'_>,
    rng: &mut dyn CryptoRng,
) -> Verdict {
    let signed = subject.signed(rng)?;
    let mut forged = garbage(signed.signature.len(), rng);
    if subject.family == Family::Weierstrass {
        // r and s of zero or one: CVE-2022-21449.
        for (r, s) in [(0, 0), (0, 1), (1, 0), (1, 1)] {
            forged.push(vec![0x30, 6, 2, 1, r, 2, 1, s]);
        }
    }
    for forged in forged {
        let outcome = without_panic(|| signed.public.verify(&[MESSAGE], &[], &forged))?;
        refused(outcome, "a signature that nobody made")?;
    }
    Ok(())
}

/// The hint as FIPS 204, Algorithm 20, writes it: for each polynomial its indices, ascending.
struct Hints {
    polynomials: Vec<Vec<u8>>,
    omega: usize,
}

impl Hints {
    /// Reads the end of a signature; `None` when its counts make no sense. Lenient in everything
    /// that [`canonical_hint`] is about.
    fn read(signature: &[u8], hint: Hint) -> Option<Self> {
        let start = signature.len().checked_sub(hint.omega + hint.k)?;
        let (indices, counts) = signature.get(start..)?.split_at(hint.omega);
        let (mut polynomials, mut first) = (Vec::new(), 0);
        for count in counts {
            let end = usize::from(*count);
            polynomials.push(indices.get(first..end)?.to_vec());
            first = end;
        }
        let omega = hint.omega;
        Some(Self { polynomials, omega })
    }

    /// Writes the indices in the order in which they are, with `padding` after them.
    fn write(&self, padding: u8) -> Option<Vec<u8>> {
        let mut bytes = self.polynomials.concat();
        let unused = self.omega.checked_sub(bytes.len())?;
        bytes.resize(bytes.len() + unused, padding);
        let mut end = 0;
        for indices in &self.polynomials {
            end += indices.len();
            bytes.push(u8::try_from(end).ok()?);
        }
        Some(bytes)
    }
}

/// `signature` with its hint as FIPS 204 writes it, if it can be read without the checks of
/// Algorithm 21: what a provider without them sees.
pub(in crate::conformance) fn lenient_hint(signature: &[u8], hint: Hint) -> Option<Vec<u8>> {
    let mut hints = Hints::read(signature, hint)?;
    for indices in &mut hints.polynomials {
        indices.sort_unstable();
        indices.dedup();
    }
    let start = signature.len().checked_sub(hint.omega + hint.k)?;
    Some([signature.get(..start)?, &hints.write(0)?].concat())
}

pub(super) fn canonical_hint(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let (Family::MlDsa(hint) | Family::Dilithium(hint)) = subject.family else {
        return not_applicable("signatures hold no hint of ML-DSA");
    };
    let signed = subject.signed(rng)?;
    let (mut tried_order, mut tried_spare) = (false, false);
    // Not every signature has two hints in one polynomial, or room for one more.
    for attempt in 0..64 {
        let message = [MESSAGE, &[attempt]];
        let signature = signed.private.sign(rng, &message, &[])?;
        let refuses = |forged: &[u8], what| {
            let outcome = without_panic(|| signed.public.verify(&message, &[], forged))?;
            refused(outcome, what)
        };
        let start = signature.len() - (hint.omega + hint.k);
        let Some(hints) = Hints::read(&signature, hint) else {
            return fail("the hint of its own signature cannot be read");
        };
        ensure(
            hints.write(0).as_deref() == signature.get(start..),
            "the hint of its own signature is not canonical",
        )?;
        let with = |hint: Option<Vec<u8>>| hint.map(|hint| [&signature[..start], &hint].concat());
        let spare = with(hints.write(1)).filter(|other| *other != signature);
        if let Some(forged) = &spare {
            refuses(forged, "a hint with something in its padding")?;
        }
        let several = hints
            .polynomials
            .iter()
            .position(|indices| indices.len() > 1);
        if let Some(several) = several {
            let mut swapped = Hints {
                polynomials: hints.polynomials.clone(),
                ..hints
            };
            swapped.polynomials[several].swap(0, 1);
            if let Some(forged) = with(swapped.write(0)) {
                refuses(&forged, "a hint with indices that descend")?;
            }
            if spare.is_some() {
                let mut doubled = hints.polynomials.clone();
                let first = doubled[several][0];
                doubled[several].insert(0, first);
                let doubled = Hints {
                    polynomials: doubled,
                    ..hints
                };
                if let Some(forged) = with(doubled.write(0)) {
                    refuses(&forged, "a hint with an index twice")?;
                }
            }
        }
        let mut counts = signature.clone();
        if let Some(last) = counts.last_mut() {
            *last = u8::try_from(hint.omega + 1).unwrap_or(u8::MAX);
            refuses(&counts, "a hint with more indices than fit")?;
        }
        tried_spare |= spare.is_some();
        tried_order |= several.is_some();
        if tried_order && tried_spare {
            return Ok(());
        }
    }
    not_applicable("64 signatures, and in none a hint that can be written in another way")
}

pub(super) fn canonical_scalar(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    if subject.family != Family::Ed25519 {
        return not_applicable("signatures hold no scalar of Ed25519");
    }
    let signed = subject.signed(rng)?;
    let Some((r, s)) = signed.signature.split_first_chunk::<32>() else {
        return fail("a signature too short for R and S");
    };
    let Ok(mut s) = <[u8; 32]>::try_from(s) else {
        return fail("a signature that is not R and S");
    };
    let mut tried = 0;
    while let Some(sum) = add(&s, &ED25519_ORDER) {
        s = sum;
        tried += 1;
        let forged = [&r[..], &s].concat();
        signed.refuses(&forged, format!("S + {tried}·L"))?;
    }
    ensure(tried > 0, "its own S is far from reduced")
}
