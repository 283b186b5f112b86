//! The admission gate: what every provider must show before it may be used.
//!
//! Known answers, then pairwise consistency with fresh keys, then the sizes that the row declares.
//! Built-in providers pass through the same gate as everybody else's. The gate is no proof of
//! correctness; it is there because verified libraries have given wrong output on one CPU.

use rand_core::CryptoRng;
use thiserror::Error;

use super::Code;
use crate::aead::{Aead, AeadError};
use crate::catalogue::{AeadSizes, AlgorithmInfo, HashSizes, Kat, KatCase, KatError};
use crate::catalogue::{KdfSizes, KemSizes, SignatureSizes, Sizes};
use crate::hash::Hash;
use crate::kdf::Kdf;
use crate::kem::{Kem, KemError};
use crate::provider::{ProviderInfo, Randomness};
use crate::secret::{SecretBytes, SecretForm, SecretKind};
use crate::signature::{Signature, SignatureError, fits};

/// Why a provider was quarantined.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum GateError {
    /// The row has no known answers, so nothing can be shown.
    #[error("there are no known answers for this algorithm; its row must bring some")]
    NoKnownAnswers,
    /// The row's known answers do not parse.
    #[error(transparent)]
    Unreadable(#[from] KatError),
    /// A known answer came out differently.
    #[error("known answer, case {case}: {what} differs")]
    KnownAnswer {
        /// The case, from 1.
        case: usize,
        /// What differs.
        what: &'static str,
    },
    /// Fresh keys do not work with each other.
    #[error("pairwise consistency: {0}")]
    Pairwise(&'static str),
    /// A length that differs from the row's.
    #[error("{what} is {got} bytes, the catalogue says {expected}")]
    Size {
        /// What was measured.
        what: &'static str,
        /// Bytes found.
        got: usize,
        /// Bytes of the row.
        expected: usize,
    },
    /// A declared property that the code does not have.
    #[error("claim not met: {0}")]
    Claim(&'static str),
    /// The code gave an error where it must work.
    #[error("{0}")]
    Failed(String),
    /// The operator rehearses a failure.
    #[error("known-answer failure rehearsed on request")]
    Rehearsed,
}

type Outcome = Result<(), GateError>;

/// Runs the whole gate on one provider's code.
pub(super) fn run(
    info: &AlgorithmInfo,
    provider: &ProviderInfo,
    code: &Code,
    rng: &mut dyn CryptoRng,
) -> Outcome {
    let kat = Kat::parse(&info.known_answers)?;
    if kat.cases.is_empty() {
        return Err(GateError::NoKnownAnswers);
    }
    for (index, case) in kat.cases.iter().enumerate() {
        let case = Case {
            case,
            number: index + 1,
        };
        match (code, &info.sizes) {
            (Code::Kem(kem), Sizes::Kem(sizes)) => kem_answers(&**kem, sizes, case)?,
            (Code::Signature(code), Sizes::Signature(_)) => {
                signature_answers(&**code, provider, case)?;
            }
            (Code::Aead(aead), Sizes::Aead(_)) => aead_answers(&**aead, case)?,
            (Code::Kdf(kdf), Sizes::Kdf(sizes)) => kdf_answers(&**kdf, sizes, case)?,
            (Code::Hash(hash), Sizes::Hash(sizes)) => hash_answers(&**hash, sizes, case)?,
            _ => return Err(GateError::Claim("code of another kind than the row's")),
        }
    }
    match (code, &info.sizes) {
        (Code::Kem(kem), Sizes::Kem(sizes)) => kem_pairwise(&**kem, sizes, provider, rng),
        (Code::Signature(code), Sizes::Signature(sizes)) => signature_pairwise(&**code, sizes, rng),
        (Code::Aead(aead), Sizes::Aead(sizes)) => aead_pairwise(&**aead, sizes),
        _ => Ok(()),
    }
}

#[derive(Clone, Copy)]
struct Case<'a> {
    case: &'a KatCase,
    number: usize,
}

impl<'a> Case<'a> {
    fn value(self, name: &str) -> Option<&'a [u8]> {
        self.case.value(name)
    }

    fn need(self, name: &'static str) -> Result<&'a [u8], GateError> {
        self.value(name).ok_or_else(|| {
            GateError::Failed(format!("known answer, case {}: no `{name}`", self.number))
        })
    }

    fn differs(self, what: &'static str) -> GateError {
        GateError::KnownAnswer {
            case: self.number,
            what,
        }
    }

    fn check(self, what: &'static str, got: &[u8], expected: &[u8]) -> Outcome {
        if got == expected {
            Ok(())
        } else {
            Err(self.differs(what))
        }
    }
}

fn size(what: &'static str, got: usize, expected: usize) -> Outcome {
    if got == expected {
        Ok(())
    } else {
        Err(GateError::Size {
            what,
            got,
            expected,
        })
    }
}

impl From<KemError> for GateError {
    fn from(error: KemError) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<SignatureError> for GateError {
    fn from(error: SignatureError) -> Self {
        Self::Failed(error.to_string())
    }
}

fn kem_answers(kem: &dyn Kem, sizes: &KemSizes, case: Case<'_>) -> Outcome {
    let dk = case.need("dk")?;
    // Code may rely on the row's lengths, so the answers it is measured with must have them too.
    for (what, name, expected) in [
        ("the known dk", "dk", sizes.decapsulation_key),
        ("the known ek", "ek", sizes.encapsulation_key),
        ("the known ct", "ct", sizes.ciphertext),
        ("the known rejected_ct", "rejected_ct", sizes.ciphertext),
        ("the known ss", "ss", sizes.shared_secret),
        ("the known rejected_ss", "rejected_ss", sizes.shared_secret),
        ("the known tampered_ss", "tampered_ss", sizes.shared_secret),
    ] {
        case.value(name)
            .map_or(Ok(()), |value| size(what, value.len(), expected))?;
    }
    let key = kem.import_decapsulation_key(SecretForm::Expanded(dk))?;
    if let Some(ek) = case.value("ek") {
        case.check("ek", &key.encapsulation_key(), ek)?;
        case.check(
            "imported ek",
            &kem.import_encapsulation_key(ek)?.to_bytes(),
            ek,
        )?;
    }
    for (ct, ss) in [("ct", "ss"), ("rejected_ct", "rejected_ss")] {
        let (Some(ct), Some(expected)) = (case.value(ct), case.value(ss)) else {
            continue;
        };
        let mut got = SecretBytes::zeroed(expected.len());
        key.decapsulate(ct, got.expose_mut())?;
        case.check(ss, got.expose(), expected)?;
    }
    if let (Some(ct), Some(expected)) = (case.value("ct"), case.value("tampered_ss")) {
        let mut tampered = ct.to_vec();
        if let Some(first) = tampered.first_mut() {
            *first ^= 1;
        }
        let mut got = SecretBytes::zeroed(expected.len());
        key.decapsulate(&tampered, got.expose_mut())?;
        case.check("tampered_ss", got.expose(), expected)?;
    }
    let Some(seed) = case.value("seed") else {
        return Ok(());
    };
    match kem.import_decapsulation_key(SecretForm::Seed(seed)) {
        Err(KemError::FormUnsupported(_)) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(key) => {
            case.check(
                "dk from seed",
                key.export(SecretKind::Expanded)?.expose(),
                dk,
            )?;
            case.check("seed", key.export(SecretKind::Seed)?.expose(), seed)
        }
    }
}

fn kem_pairwise(
    kem: &dyn Kem,
    sizes: &KemSizes,
    provider: &ProviderInfo,
    rng: &mut dyn CryptoRng,
) -> Outcome {
    let dk = kem.generate(rng)?;
    let ek = dk.encapsulation_key();
    size("the encapsulation key", ek.len(), sizes.encapsulation_key)?;
    let expanded = dk.export(SecretKind::Expanded)?;
    size(
        "the decapsulation key",
        expanded.len(),
        sizes.decapsulation_key,
    )?;
    let again = kem.import_decapsulation_key(SecretForm::Expanded(expanded.expose()))?;
    let ek = kem.import_encapsulation_key(&ek)?;
    let mut ciphertext = vec![0; sizes.ciphertext];
    let [mut theirs, mut ours] = [(); 2].map(|()| SecretBytes::zeroed(sizes.shared_secret));
    ek.encapsulate(rng, &mut ciphertext, theirs.expose_mut())?;
    for key in [&dk, &again] {
        key.decapsulate(&ciphertext, ours.expose_mut())?;
        if !ours.constant_time_eq(theirs.expose()) {
            return Err(GateError::Pairwise("decapsulation gives another secret"));
        }
    }
    if provider.randomness == Randomness::Injected {
        let again = kem.generate(rng)?.encapsulation_key();
        if again == dk.encapsulation_key() {
            return Err(GateError::Claim(
                "injected randomness: two generated keys are equal",
            ));
        }
    }
    Ok(())
}

fn signature_answers(code: &dyn Signature, provider: &ProviderInfo, case: Case<'_>) -> Outcome {
    let context = case.value("context").unwrap_or_default();
    let skip_context = !context.is_empty() && !provider.native_context;
    if let (Some(vk), Some(signature)) = (case.value("vk"), case.value("signature"))
        && !skip_context
    {
        let message = case.need("message")?;
        let key = code.import_verifying_key(vk)?;
        case.check("imported vk", &key.to_bytes(), vk)?;
        key.verify(&[message], context, signature)
            .map_err(|_| case.differs("signature"))?;
        let mut forged = signature.to_vec();
        if let Some(last) = forged.last_mut() {
            *last ^= 1;
        }
        if key.verify(&[message], context, &forged).is_ok() {
            return Err(case.differs("refusal of a forged signature"));
        }
        if key.verify(&[message, &[0]], context, signature).is_ok() {
            return Err(case.differs("refusal of another message"));
        }
    }
    if let Some(sk) = case.value("sk") {
        match code.import_signing_key(SecretForm::Expanded(sk)) {
            Err(SignatureError::FormUnsupported(_)) => {}
            Err(error) => return Err(error.into()),
            Ok(key) => {
                let expected = case
                    .value("vk")
                    .map_or_else(|| key.verifying_key(), <[u8]>::to_vec);
                case.check("vk from sk", &key.verifying_key(), &expected)?;
            }
        }
    }
    let Some(seed) = case.value("seed") else {
        return Ok(());
    };
    match code.import_signing_key(SecretForm::Seed(seed)) {
        Err(SignatureError::FormUnsupported(_)) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(key) => case.check("vk from seed", &key.verifying_key(), case.need("vk")?),
    }
}

fn signature_pairwise(
    code: &dyn Signature,
    sizes: &SignatureSizes,
    rng: &mut dyn CryptoRng,
) -> Outcome {
    let sk = code.generate(rng)?;
    let vk = sk.verifying_key();
    size("the verifying key", vk.len(), sizes.verifying_key)?;
    let message: [&[u8]; 2] = [b"pqfw ", b"admission"];
    let signature = sk.sign(rng, &message, &[])?;
    if !fits(sizes, &signature) {
        size("the signature", signature.len(), sizes.signature)?;
    }
    let vk = code.import_verifying_key(&vk)?;
    vk.verify(&[b"pqfw admission"], &[], &signature)
        .map_err(|_| GateError::Pairwise("its own signature does not verify"))?;
    if vk.verify(&[b"pqfw admissioN"], &[], &signature).is_ok() {
        return Err(GateError::Pairwise(
            "a signature verifies over another message",
        ));
    }
    match sk.export(SecretKind::Expanded) {
        Ok(expanded) => size("the signing key", expanded.len(), sizes.signing_key),
        Err(SignatureError::FormUnsupported(_)) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

impl From<AeadError> for GateError {
    fn from(error: AeadError) -> Self {
        Self::Failed(error.to_string())
    }
}

fn aead_answers(aead: &dyn Aead, case: Case<'_>) -> Outcome {
    let key = aead.key(case.need("key")?)?;
    let (nonce, aad) = (case.need("nonce")?, case.need("aad")?);
    let (plaintext, ciphertext) = (case.need("plaintext")?, case.need("ciphertext")?);
    let expected = case.need("tag")?;
    let (mut buffer, mut tag) = (plaintext.to_vec(), vec![0; expected.len()]);
    key.seal_in_place(nonce, aad, &mut buffer, &mut tag)?;
    case.check("ciphertext", &buffer, ciphertext)?;
    case.check("tag", &tag, expected)?;
    key.open_in_place(nonce, aad, &mut buffer, &tag)?;
    case.check("plaintext", &buffer, plaintext)
}

fn aead_pairwise(aead: &dyn Aead, sizes: &AeadSizes) -> Outcome {
    let key = aead.key(&vec![1; sizes.key])?;
    let (nonce, mut tag) = (vec![2; sizes.nonce], vec![0; sizes.tag]);
    let mut buffer = *b"pqfw admission";
    key.seal_in_place(&nonce, b"aad", &mut buffer, &mut tag)?;
    for byte in 0..sizes.tag {
        let (mut copy, mut forged) = (buffer, tag.clone());
        if let Some(byte) = forged.get_mut(byte) {
            *byte ^= 0x80;
        }
        if key
            .open_in_place(&nonce, b"aad", &mut copy, &forged)
            .is_ok()
        {
            return Err(GateError::Pairwise("a forged tag is accepted"));
        }
    }
    let mut copy = buffer;
    if key.open_in_place(&nonce, b"aae", &mut copy, &tag).is_ok() {
        return Err(GateError::Pairwise("other associated data is accepted"));
    }
    Ok(key.open_in_place(&nonce, b"aad", &mut buffer, &tag)?)
}

fn kdf_answers(kdf: &dyn Kdf, sizes: &KdfSizes, case: Case<'_>) -> Outcome {
    let (mut prk, expected) = (SecretBytes::zeroed(sizes.prk), case.need("okm")?);
    let fail = |error: crate::kdf::KdfError| GateError::Failed(error.to_string());
    kdf.extract(case.need("salt")?, case.need("ikm")?, prk.expose_mut())
        .map_err(fail)?;
    let mut okm = SecretBytes::zeroed(expected.len());
    kdf.expand(prk.expose(), &[case.need("info")?], okm.expose_mut())
        .map_err(fail)?;
    case.check("okm", okm.expose(), expected)
}

fn hash_answers(hash: &dyn Hash, sizes: &HashSizes, case: Case<'_>) -> Outcome {
    let (message, expected) = (case.need("message")?, case.need("digest")?);
    if !sizes.extendable {
        size("the digest", expected.len(), sizes.digest)?;
    }
    let (head, tail) = message.split_at(message.len() / 2);
    let mut state = hash.start();
    state.update(head);
    let mut fork = state.fork();
    state.update(tail);
    fork.update(tail);
    for state in [state, fork] {
        let mut digest = vec![0; expected.len()];
        state.finish(&mut digest);
        case.check("digest", &digest, expected)?;
    }
    Ok(())
}
