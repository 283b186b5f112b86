//! ECDSA signatures in DER, `SEQUENCE { r INTEGER, s INTEGER }` (RFC 3279 section 2.2.3): one way
//! to write each, and no other is taken.
//!
//! `n - s` in the place of s also verifies: that is ECDSA, not an encoding, and no check here.

use rand_core::CryptoRng;

use super::{MESSAGE, SignatureSubject, refused};
use crate::conformance::family::Family;
use crate::conformance::law::{Verdict, fail, not_applicable};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;

/// A length in the shortest form (X.690 section 10.1).
fn length(content: usize) -> Vec<u8> {
    match u8::try_from(content) {
        Ok(short @ ..=0x7f) => vec![short],
        Ok(one) => vec![0x81, one],
        Err(_) => {
            let [.., high, low] = content.to_be_bytes();
            vec![0x82, high, low]
        }
    }
}

/// A length with more bytes than it needs.
fn long_length(content: usize) -> Vec<u8> {
    let [.., high, low] = content.to_be_bytes();
    vec![0x83, 0, high, low]
}

fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    [&[tag], &length(content.len())[..], content].concat()
}

/// Takes one value of `tag` from the front.
fn take(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (content, rest) = match first {
        ..=0x7f => (usize::from(*first), rest),
        0x81 => rest
            .split_first()
            .map(|(one, rest)| (usize::from(*one), rest))?,
        _ => return None,
    };
    (*found == tag)
        .then(|| rest.split_at_checked(content))
        .flatten()
}

/// The contents of r and s.
fn integers(signature: &[u8]) -> Option<(&[u8], &[u8])> {
    let (inner, []) = take(SEQUENCE, signature)? else {
        return None;
    };
    let (r, rest) = take(INTEGER, inner)?;
    let (s, []) = take(INTEGER, rest)? else {
        return None;
    };
    Some((r, s))
}

/// The same r and s, written as DER forbids.
fn rewritten(r: &[u8], s: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let (der_r, der_s) = (value(INTEGER, r), value(INTEGER, s));
    let inner = [&der_r[..], &der_s].concat();
    let whole = value(SEQUENCE, &inner);
    let padded = |number: &[u8]| value(INTEGER, &[&[0], number].concat());
    let long = |number: &[u8]| [&[INTEGER], &long_length(number.len())[..], number].concat();
    let mut forms = vec![
        ("a byte after the sequence", [&whole[..], &[0]].concat()),
        (
            "an empty value after s",
            value(SEQUENCE, &[&inner[..], &[5, 0]].concat()),
        ),
        (
            "a length in long form",
            [&[SEQUENCE], &long_length(inner.len())[..], &inner].concat(),
        ),
        (
            "an indefinite length",
            [&[SEQUENCE, 0x80], &inner[..], &[0, 0]].concat(),
        ),
        (
            "r with a zero before it",
            value(SEQUENCE, &[&padded(r)[..], &der_s].concat()),
        ),
        (
            "s with a zero before it",
            value(SEQUENCE, &[&der_r[..], &padded(s)].concat()),
        ),
        (
            "r with a length in long form",
            value(SEQUENCE, &[&long(r)[..], &der_s].concat()),
        ),
        (
            "s with a length in long form",
            value(SEQUENCE, &[&der_r[..], &long(s)].concat()),
        ),
        ("a set in the place of the sequence", value(0x31, &inner)),
        (
            "a third integer",
            value(SEQUENCE, &[&inner[..], &der_s].concat()),
        ),
        ("r alone", value(SEQUENCE, &der_r)),
        ("r and s without a sequence", inner),
    ];
    let [bare_r, bare_s] = [r, s].map(|number| match number {
        [0, rest @ ..] => Some(value(INTEGER, rest)),
        _ => None,
    });
    let negative = "an integer that DER reads as negative";
    forms.extend(bare_r.map(|r| (negative, value(SEQUENCE, &[&r[..], &der_s].concat()))));
    forms.extend(bare_s.map(|s| (negative, value(SEQUENCE, &[&der_r[..], &s].concat()))));
    forms
}

pub(super) fn strict_der(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    if subject.family != Family::Weierstrass || !subject.lengths().variable_length {
        return not_applicable("signatures are not in DER");
    }
    let signed = subject.signed(rng)?;
    for attempt in 0..64 {
        // Another message each time: RFC 6979 would sign the same one in the same way.
        let message = [MESSAGE, &[attempt]];
        let signature = signed.private.sign(rng, &message, &[])?;
        let Some((r, s)) = integers(&signature) else {
            return fail("its own signature is not DER");
        };
        for (what, forged) in rewritten(r, s) {
            refused(signed.public.verify(&message, &[], &forged), what)?;
        }
        // Half of all numbers have a zero before them, without which they would be negative.
        if [r, s].iter().any(|number| number.first() == Some(&0)) {
            return Ok(());
        }
    }
    fail("of 128 numbers none needed a zero before it")
}

/// The DER of what may be BER: what a lenient provider sees.
pub(in crate::conformance) fn lenient_der(signature: &[u8]) -> Option<Vec<u8>> {
    let (mut rest, _) = take_ber(signature)?;
    let mut inner = Vec::new();
    for _ in 0..2 {
        let (number, after) = take_ber(rest)?;
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = number.get(zeros..)?;
        let sign = number.first().is_some_and(|first| *first >= 0x80);
        let content = [&[0][..usize::from(sign)], number].concat();
        inner.extend(value(INTEGER, &content));
        rest = after;
    }
    Some(value(SEQUENCE, &inner))
}

/// Takes one value, whatever its tag and however long its length.
fn take_ber(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let [_, first, rest @ ..] = bytes else {
        return None;
    };
    match first {
        ..=0x7f => rest.split_at_checked(usize::from(*first)),
        // An indefinite length: whoever reads on stops by himself.
        0x80 => Some((rest, &[])),
        0x81.. => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let longer = |length: usize, byte: &u8| length << 8 | usize::from(*byte);
            rest.split_at_checked(length.iter().fold(0, longer))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_rewritten_is_read_leniently_as_the_same() {
        let (r, s) = ([0, 0x80, 1], [0x7f; 70]);
        let inner = [value(INTEGER, &r), value(INTEGER, &s)].concat();
        let good = value(SEQUENCE, &inner);
        assert_eq!(integers(&good), Some((&r[..], &s[..])));
        assert_eq!(lenient_der(&good), Some(good.clone()));
        let forms = rewritten(&r, &s);
        let same = forms
            .iter()
            .filter(|(_, form)| lenient_der(form).as_ref() == Some(&good));
        assert!(same.count() >= 11);
        assert!(forms.iter().all(|(_, form)| *form != good));
    }

    #[test]
    fn lengths_are_the_shortest() {
        assert_eq!(length(127), [127]);
        assert_eq!(length(128), [0x81, 128]);
        assert_eq!(length(256), [0x82, 1, 0]);
        assert!(take(INTEGER, &[2, 0x82, 0, 1, 7]).is_none());
    }
}
