//! Mutants of ML-DSA and Ed25519: what is signed, and what passes for a signature.

use rand_core::CryptoRng;

use super::rng::constant;
use super::signature_shell::{SignatureFault, signature};
use super::{Given, Mutant, base};
use crate::catalogue::Sizes;
use crate::conformance::curves::{ED25519_ORDER, subtract};
use crate::conformance::damage::with_bit_flipped;
use crate::conformance::family::{Family, Hint};
use crate::conformance::signature::lenient_hint;
use crate::signature::{Sign, SignatureError, Verify};

pub(super) const MUTANTS: &[Mutant] = &[
    Mutant {
        name: "context-ignored",
        what: "ML-DSA signs and verifies as if there were no context",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, ContextIgnored),
    },
    Mutant {
        name: "context-dropped",
        what: "Ed25519, which has no context, takes one and forgets it",
        base: base!("Ed25519"),
        plant: |given| signature(given, ContextIgnored),
    },
    Mutant {
        name: "long-context-cut",
        what: "of a context of more than 255 bytes the first 255 are taken",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, LongContextCut),
    },
    Mutant {
        name: "hint-not-canonical",
        what: "ML-DSA takes a hint with its indices in any order and anything behind them",
        base: base!("ML-DSA-65"),
        plant: |given| match Family::of(given.info) {
            Family::MlDsa(hint) => signature(given, HintNotCanonical(hint)),
            _ => None,
        },
    },
    Mutant {
        name: "scalar-not-reduced",
        what: "Ed25519 takes S + L for S: a signature that others can change",
        base: base!("Ed25519"),
        plant: |given| signature(given, ScalarNotReduced),
    },
    Mutant {
        name: "last-signature-byte-ignored",
        what: "the last byte of a signature may have any one bit flipped",
        base: base!("Ed25519"),
        plant: |given| signature(given, ByteIgnored(63)),
    },
    Mutant {
        name: "commitment-compared-short",
        what: "ML-DSA compares all bytes of the commitment hash but its last",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, ByteIgnored(47)),
    },
    Mutant {
        name: "extended-signature-accepted",
        what: "bytes behind a signature are not looked at",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, Extended(length(given)?)),
    },
    Mutant {
        name: "panic-on-short-signature",
        what: "a signature is indexed without a look at its length",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, PanicOnShortSignature(length(given)?)),
    },
    Mutant {
        name: "zero-signature-accepted",
        what: "a signature of zeros verifies over everything",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, ZeroAccepted),
    },
    Mutant {
        name: "empty-message-accepted",
        what: "every signature verifies over the empty message",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, EmptyMessageAccepted),
    },
    Mutant {
        name: "message-prefix-only",
        what: "of a message the first 64 KiB are signed and verified",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, MessagePrefixOnly),
    },
    Mutant {
        name: "trailing-zeros-ignored",
        what: "zeros at the end of a message are not signed",
        base: base!("Ed25519"),
        plant: |given| signature(given, TrailingZerosIgnored),
    },
    Mutant {
        name: "first-part-only",
        what: "of a message in parts the first is signed and verified",
        base: base!("Ed25519"),
        plant: |given| signature(given, FirstPartOnly),
    },
    Mutant {
        name: "deterministic-signing",
        what: "ML-DSA signs without hedging",
        base: base!("ML-DSA-65"),
        plant: |given| signature(given, Deterministic),
    },
];

fn length(given: &Given<'_>) -> Option<usize> {
    match given.info.sizes {
        Sizes::Signature(sizes) => Some(sizes.signature),
        _ => None,
    }
}

struct ContextIgnored;

impl SignatureFault for ContextIgnored {
    fn sign(
        &self,
        key: &dyn Sign,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        _: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        key.sign(rng, message, &[])
    }

    fn verify(
        &self,
        key: &dyn Verify,
        message: &[&[u8]],
        _: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        key.verify(message, &[], signature)
    }
}

struct LongContextCut;

fn cut(context: &[u8]) -> &[u8] {
    context.get(..255).unwrap_or(context)
}

impl SignatureFault for LongContextCut {
    fn sign(
        &self,
        key: &dyn Sign,
        rng: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        key.sign(rng, message, cut(context))
    }

    fn verify(
        &self,
        key: &dyn Verify,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        key.verify(message, cut(context), signature)
    }
}

struct HintNotCanonical(Hint);

impl SignatureFault for HintNotCanonical {
    fn verify(
        &self,
        key: &dyn Verify,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let canonical = lenient_hint(signature, self.0).ok_or(SignatureError::Rejected)?;
        key.verify(message, context, &canonical)
    }
}

struct ScalarNotReduced;

impl SignatureFault for ScalarNotReduced {
    fn verify(
        &self,
        key: &dyn Verify,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let Some((r, mut s)) = halves(signature) else {
            return Err(SignatureError::Rejected);
        };
        while let Some(less) = subtract(&s, &ED25519_ORDER) {
            s = less;
        }
        key.verify(message, context, &[r, s].concat())
    }
}

fn halves(signature: &[u8]) -> Option<([u8; 32], [u8; 32])> {
    let (r, s) = signature.split_first_chunk()?;
    Some((*r, s.try_into().ok()?))
}

/// The byte at this index is not compared: whichever of its bits was flipped, it verifies.
struct ByteIgnored(usize);

impl SignatureFault for ByteIgnored {
    fn verify(
        &self,
        key: &dyn Verify,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let repaired = (0..8).map(|bit| with_bit_flipped(signature, self.0, bit));
        let mut tried = std::iter::once(signature.to_vec()).chain(repaired);
        let verifies = |tried: Vec<u8>| key.verify(message, context, &tried).is_ok();
        if tried.any(verifies) {
            return Ok(());
        }
        key.verify(message, context, signature)
    }
}

struct Extended(usize);

impl SignatureFault for Extended {
    fn verify(
        &self,
        key: &dyn Verify,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let first = signature.get(..self.0).unwrap_or(signature);
        key.verify(message, context, first)
    }
}

struct PanicOnShortSignature(usize);

impl SignatureFault for PanicOnShortSignature {
    fn verify(
        &self,
        key: &dyn Verify,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        let (first, rest) = signature.split_at(self.0);
        if !rest.is_empty() {
            return Err(SignatureError::Rejected);
        }
        key.verify(message, context, first)
    }
}

struct ZeroAccepted;

impl SignatureFault for ZeroAccepted {
    fn verify(
        &self,
        key: &dyn Verify,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        if signature.iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        key.verify(message, context, signature)
    }
}

struct EmptyMessageAccepted;

impl SignatureFault for EmptyMessageAccepted {
    fn verify(
        &self,
        key: &dyn Verify,
        message: &[&[u8]],
        context: &[u8],
        signature: &[u8],
    ) -> Result<(), SignatureError> {
        if message.iter().all(|part| part.is_empty()) {
            return Ok(());
        }
        key.verify(message, context, signature)
    }
}

/// Signs and verifies a part of the message, which a function chooses.
macro_rules! signs_part {
    ($fault:ident, $part:expr) => {
        struct $fault;

        impl SignatureFault for $fault {
            fn sign(
                &self,
                key: &dyn Sign,
                rng: &mut dyn CryptoRng,
                message: &[&[u8]],
                context: &[u8],
            ) -> Result<Vec<u8>, SignatureError> {
                let part: fn(&[&[u8]]) -> Vec<u8> = $part;
                key.sign(rng, &[&part(message)], context)
            }

            fn verify(
                &self,
                key: &dyn Verify,
                message: &[&[u8]],
                context: &[u8],
                signature: &[u8],
            ) -> Result<(), SignatureError> {
                let part: fn(&[&[u8]]) -> Vec<u8> = $part;
                key.verify(&[&part(message)], context, signature)
            }
        }
    };
}

signs_part!(MessagePrefixOnly, |message| {
    let mut whole = message.concat();
    whole.truncate(1 << 16);
    whole
});

signs_part!(TrailingZerosIgnored, |message| {
    let mut whole = message.concat();
    while whole.pop_if(|last| *last == 0).is_some() {}
    whole
});

signs_part!(FirstPartOnly, |message| {
    message.first().map_or_else(Vec::new, |part| part.to_vec())
});

struct Deterministic;

impl SignatureFault for Deterministic {
    fn sign(
        &self,
        key: &dyn Sign,
        _: &mut dyn CryptoRng,
        message: &[&[u8]],
        context: &[u8],
    ) -> Result<Vec<u8>, SignatureError> {
        key.sign(&mut constant(), message, context)
    }
}
