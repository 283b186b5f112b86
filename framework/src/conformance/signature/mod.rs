//! What a signature algorithm must do and refuse.
//!
//! `agreement` is about honest use and chance, `message` about what is signed, `encoding` about
//! forged and rewritten signatures, `keys` about what is imported and exported, `der` about ECDSA
//! in ASN.1.

mod agreement;
mod der;
mod encoding;
mod keys;
mod message;

use std::cell::OnceCell;

use rand_core::CryptoRng;

use super::law::{Law, Stop, Subject, Verdict, fail};
use crate::catalogue::{AlgorithmInfo, SignatureSizes};
use crate::secret::{SecretBytes, SecretKind};
use crate::signature::{Sign, Signature, SignatureError, Verify};

pub(super) use der::lenient_der;
pub(super) use encoding::lenient_hint;

/// The lengths, and one signed message that most checks share: some algorithms take seconds for
/// one.
pub(super) struct Bench {
    pub(super) sizes: SignatureSizes,
    signed: OnceCell<Signed>,
}

impl Bench {
    pub(super) fn new(sizes: SignatureSizes) -> Self {
        let signed = OnceCell::new();
        Self { sizes, signed }
    }
}

/// A signature algorithm under test.
pub(super) type SignatureSubject<'a> = Subject<'a, dyn Signature, Bench>;

type SignatureLaw = Law<dyn Signature, Bench>;

/// What the shared signature is over.
const MESSAGE: &[u8] = b"pqfw conformance: a message of more than one block of SHA-256, in parts";

/// A key with its signature over [`MESSAGE`], and another key.
struct Signed {
    private: Box<dyn Sign>,
    public: Box<dyn Verify>,
    public_bytes: Vec<u8>,
    other: Box<dyn Verify>,
    signature: Vec<u8>,
}

impl SignatureSubject<'_> {
    /// The shared signature, made when it is first asked for.
    fn signed(&self, rng: &mut dyn CryptoRng) -> Result<&Signed, Stop> {
        if let Some(signed) = self.sizes.signed.get() {
            return Ok(signed);
        }
        let (private, other) = (self.code.generate(rng)?, self.code.generate(rng)?);
        let public_bytes = private.verifying_key();
        let made = Signed {
            public: self.code.import_verifying_key(&public_bytes)?,
            other: self.code.import_verifying_key(&other.verifying_key())?,
            signature: private.sign(rng, &[MESSAGE], &[])?,
            private,
            public_bytes,
        };
        made.public.verify(&[MESSAGE], &[], &made.signature)?;
        Ok(self.sizes.signed.get_or_init(|| made))
    }

    /// The row's lengths.
    fn lengths(&self) -> &SignatureSizes {
        &self.sizes.sizes
    }
}

impl Signed {
    /// A signature that must be refused over the shared message.
    fn refuses(&self, signature: &[u8], what: impl Into<String>) -> Verdict {
        refused(self.public.verify(&[MESSAGE], &[], signature), what)
    }
}

/// A verification that must have been refused, with the one error that there is for it.
fn refused(outcome: Result<(), SignatureError>, what: impl Into<String>) -> Verdict {
    match outcome {
        Err(SignatureError::Rejected) => Ok(()),
        Ok(()) => fail(format!("{} is accepted", what.into())),
        Err(error) => fail(format!("{} gave the wrong error: {error}", what.into())),
    }
}

/// The key in this form; `None` when it does not exist in it.
fn exported(private: &dyn Sign, kind: SecretKind) -> Result<Option<SecretBytes>, Stop> {
    match private.export(kind) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(SignatureError::FormUnsupported(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether a signature's bytes are the same for the same key and message, by specification.
fn is_deterministic(info: &AlgorithmInfo) -> bool {
    // RFC 8032 section 5.1.6.
    info.oid.as_deref() == Some("1.3.101.112")
}

/// Every check of a signature algorithm.
pub(super) const LAWS: &[SignatureLaw] = &[
    Law {
        name: "round-trip",
        what: "a signature verifies, with generated and with imported keys",
        run: agreement::round_trip,
    },
    Law {
        name: "sizes",
        what: "every output has the length of the catalogue's row",
        run: agreement::sizes,
    },
    Law {
        name: "fresh-keys",
        what: "two generated keys differ, in their public and in their private part",
        run: agreement::fresh_keys,
    },
    Law {
        name: "injected-randomness",
        what: "the same random bytes give the same key and signature; others give another key",
        run: agreement::injected_randomness,
    },
    Law {
        name: "enough-randomness",
        what: "a key depends on at least 16 bytes of the generator's",
        run: agreement::enough_randomness,
    },
    Law {
        name: "hedged",
        what: "two signatures of one message differ where the specification hedges, and are the \
               same where it is deterministic",
        run: agreement::hedged,
    },
    Law {
        name: "fresh-commitment",
        what: "signatures of two messages do not share their first part: a nonce used twice gives \
               the key away",
        run: agreement::fresh_commitment,
    },
    Law {
        name: "message-matters",
        what: "a signature is refused over any other message, longer and shorter ones too",
        run: message::message_matters,
    },
    Law {
        name: "long-message",
        what: "the last byte of a message of a million matters",
        run: message::long_message,
    },
    Law {
        name: "message-parts",
        what: "a message is the concatenation of its parts, however it is parted",
        run: message::message_parts,
    },
    Law {
        name: "empty-message",
        what: "an empty message is one like any other",
        run: message::empty_message,
    },
    Law {
        name: "key-matters",
        what: "another key refuses the signature",
        run: keys::key_matters,
    },
    Law {
        name: "signature-matters",
        what: "a flipped bit, in any byte of a signature, is refused",
        run: encoding::signature_matters,
    },
    Law {
        name: "signature-length",
        what: "a signature that is cut or has bytes appended is refused, without a panic",
        run: encoding::signature_length,
    },
    Law {
        name: "trivial-signatures",
        what: "signatures of zeros, of ones and of chance are refused, without a panic",
        run: encoding::trivial_signatures,
    },
    Law {
        name: "context",
        what: "a signature under one context is refused under another and under none",
        run: message::context,
    },
    Law {
        name: "context-unsupported",
        what: "a provider that takes no context refuses to sign or verify under one",
        run: message::context_unsupported,
    },
    Law {
        name: "context-length",
        what: "255 bytes of context are taken and 256 are refused (FIPS 204 section 5.2)",
        run: message::context_length,
    },
    Law {
        name: "canonical-hint",
        what: "a hint written in another way is refused (FIPS 204, Algorithm 21)",
        run: encoding::canonical_hint,
    },
    Law {
        name: "canonical-scalar",
        what: "S plus the group order is refused (RFC 8032 section 5.1.7)",
        run: encoding::canonical_scalar,
    },
    Law {
        name: "strict-der",
        what: "a signature in BER, or with bytes to spare, is refused",
        run: der::strict_der,
    },
    Law {
        name: "weak-keys",
        what: "a public key of small order verifies nothing",
        run: keys::weak_keys,
    },
    Law {
        name: "bad-points",
        what: "public keys off the curve, at infinity, unreduced, compressed or hybrid are refused",
        run: keys::bad_points_refused,
    },
    Law {
        name: "scalar-range",
        what: "a private scalar of zero, or beyond the order of the curve, is refused",
        run: keys::scalar_range,
    },
    Law {
        name: "key-forms",
        what: "a key comes back the same from each form in which it can be exported",
        run: keys::key_forms,
    },
    Law {
        name: "seed-matters",
        what: "a seed gives the same key every time, and any other byte in it another key",
        run: keys::seed_matters,
    },
    Law {
        name: "key-consistency",
        what: "a private key whose parts do not fit each other is refused",
        run: keys::key_consistency,
    },
    Law {
        name: "wrong-lengths",
        what: "keys and seeds of a wrong length are refused, without a panic",
        run: keys::refuse_wrong_lengths,
    },
    Law {
        name: "garbage",
        what: "keys of the right length that nobody made cause no panic",
        run: keys::survive_garbage,
    },
    Law {
        name: "silent-errors",
        what: "no error's text holds bytes of the private key",
        run: keys::silent_errors,
    },
    Law {
        name: "silent-outputs",
        what: "no public key or signature holds bytes of the private key or its seed",
        run: keys::silent_outputs,
    },
];
