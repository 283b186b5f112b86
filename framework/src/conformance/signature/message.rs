//! What is signed: every byte of the message, and of the context.

use rand_core::CryptoRng;

use super::{MESSAGE, SignatureSubject, Signed, refused};
use crate::conformance::damage::{flipped, random};
use crate::conformance::law::{Stop, Verdict, ensure, fail, not_applicable};
use crate::signature::SignatureError;

/// FIPS 204 section 5.2, FIPS 205 section 10.2.
const LONGEST_CONTEXT: usize = 255;

pub(super) fn message_matters(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let signed = subject.signed(rng)?;
    let (head, last) = MESSAGE.split_at(MESSAGE.len() - 1);
    let mut others = vec![
        ("without its last byte", head.to_vec()),
        ("without its first byte", MESSAGE[1..].to_vec()),
        ("with a zero appended", [MESSAGE, &[0]].concat()),
        ("with a zero before it", [&[0], MESSAGE].concat()),
        ("twice", [MESSAGE, MESSAGE].concat()),
        ("its last byte alone", last.to_vec()),
    ];
    for at in [0, 1, 31, 32, 63, 64, MESSAGE.len() - 1] {
        others.push(("with a bit flipped", flipped(MESSAGE, at)));
    }
    for (what, message) in others {
        let outcome = signed.public.verify(&[&message], &[], &signed.signature);
        refused(outcome, format!("the message {what}"))?;
    }
    Ok(())
}

pub(super) fn long_message(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let signed = subject.signed(rng)?;
    let mut message = random(1_000_001, rng);
    let signature = signed.private.sign(rng, &[&message], &[])?;
    let outcome = signed.public.verify(&[&message], &[], &signature);
    ensure(
        outcome.is_ok(),
        "a signature over a million bytes does not verify",
    )?;
    for at in [message.len() - 1, message.len() / 2, 1 << 16, 1 << 12] {
        message[at] ^= 1;
        let outcome = signed.public.verify(&[&message], &[], &signature);
        refused(outcome, format!("a message with another byte {at}"))?;
        message[at] ^= 1;
    }
    Ok(())
}

pub(super) fn message_parts(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let signed = subject.signed(rng)?;
    let [(one, rest), (most, last)] = [1, MESSAGE.len() - 1].map(|at| MESSAGE.split_at(at));
    let partings: [&[&[u8]]; 4] = [
        &[one, rest],
        &[most, last],
        &[&[], MESSAGE, &[]],
        &[one, &[], rest],
    ];
    for parts in partings {
        let outcome = signed.public.verify(parts, &[], &signed.signature);
        let seen = format!("in {} parts the message does not verify", parts.len());
        ensure(outcome.is_ok(), seen)?;
    }
    let signature = signed.private.sign(rng, &[most, last], &[])?;
    let outcome = signed.public.verify(&[MESSAGE], &[], &signature);
    ensure(
        outcome.is_ok(),
        "what was signed in parts does not verify as a whole",
    )?;
    for parts in [&[most, b"?"][..], &[most], &[one, one, rest], &[rest, one]] {
        let outcome = signed.public.verify(parts, &[], &signed.signature);
        refused(outcome, "a message with another part")?;
    }
    Ok(())
}

pub(super) fn empty_message(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let signed = subject.signed(rng)?;
    for empty in [&[][..], &[&[][..]]] {
        let outcome = signed.public.verify(empty, &[], &signed.signature);
        refused(outcome, "a signature of another message over the empty one")?;
    }
    let signature = signed.private.sign(rng, &[], &[])?;
    for empty in [&[][..], &[&[][..]], &[&[][..], &[]]] {
        let outcome = signed.public.verify(empty, &[], &signature);
        ensure(
            outcome.is_ok(),
            "a signature over the empty message does not verify",
        )?;
    }
    for other in [MESSAGE, &[0]] {
        let outcome = signed.public.verify(&[other], &[], &signature);
        refused(outcome, "a signature of the empty message over another")?;
    }
    Ok(())
}

fn under(
    signed: &Signed,
    message: &[u8],
    context: &[u8],
    signature: &[u8],
) -> Result<(), SignatureError> {
    signed.public.verify(&[message], context, signature)
}

pub(super) fn context(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    if !subject.provider.native_context {
        return not_applicable("the provider takes no context and says so");
    }
    let signed = subject.signed(rng)?;
    let (message, context) = (MESSAGE, &b"context"[..]);
    let signature = signed.private.sign(rng, &[message], context)?;
    let outcome = under(signed, message, context, &signature);
    ensure(
        outcome.is_ok(),
        "a signature under a context does not verify",
    )?;
    for (what, other) in [
        ("no context", &b""[..]),
        ("another context", b"Context"),
        ("a shorter context", b"contex"),
        ("a longer context", b"context\0"),
    ] {
        refused(under(signed, message, other, &signature), what)?;
    }
    // The border between context and message cannot be moved.
    let moved = [context, message].concat();
    refused(
        under(signed, &moved, b"", &signature),
        "the context as message",
    )?;
    refused(
        under(signed, &moved[3..], b"con", &signature),
        "a moved border",
    )?;
    let outcome = under(signed, message, context, &signed.signature);
    refused(outcome, "a signature under no context, under one")
}

pub(super) fn context_unsupported(
    subject: &SignatureSubject<'_>,
    rng: &mut dyn CryptoRng,
) -> Verdict {
    if subject.provider.native_context {
        return not_applicable("the provider takes a context");
    }
    let signed = subject.signed(rng)?;
    let sign = signed.private.sign(rng, &[MESSAGE], b"context").map(drop);
    let verify = under(signed, MESSAGE, b"context", &signed.signature);
    for (what, outcome) in [("to sign", sign), ("to verify", verify)] {
        let seen = format!("{what}: {outcome:?}");
        ensure(outcome == Err(SignatureError::ContextUnsupported), seen)?;
    }
    Ok(())
}

pub(super) fn context_length(subject: &SignatureSubject<'_>, rng: &mut dyn CryptoRng) -> Verdict {
    let signed = subject.signed(rng)?;
    let long = [7; LONGEST_CONTEXT + 1];
    let longest = &long[..LONGEST_CONTEXT];
    if subject.provider.native_context {
        let signature = signed.private.sign(rng, &[MESSAGE], longest)?;
        let outcome = under(signed, MESSAGE, longest, &signature);
        ensure(outcome.is_ok(), "a context of 255 bytes does not verify")?;
        let outcome = under(signed, MESSAGE, &long, &signature);
        ensure(
            outcome.is_err(),
            "a context of 256 bytes passes for one of 255",
        )?;
    }
    match signed.private.sign(rng, &[MESSAGE], &long) {
        Err(SignatureError::ContextTooLong(_) | SignatureError::ContextUnsupported) => Ok(()),
        Err(error) => fail(format!("256 bytes gave the wrong error: {error}")),
        Ok(_) => Err(Stop::Fail("a context of 256 bytes is signed".into())),
    }
}
