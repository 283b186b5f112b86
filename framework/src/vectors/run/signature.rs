//! Signatures.

use super::{
    NO_EXPANDED, NO_GENERATION, NO_SEEDS, OWN_RANDOMNESS, Outcome, draws_its_own, failed, judge,
    judge_scripted, not_applicable, same,
};
use crate::secret::{SecretForm, SecretKind};
use crate::signature::{AdmittedSignature, SignatureError, SigningKey};
use crate::vectors::case::{Case, CaseKind, Expected, PrivateKey};
use crate::vectors::scripted::Scripted;
use crate::vectors::tally::Check;

/// The checks of a case, or `None` for a case of another kind. `helped` reads the seeds of keys
/// that are not the point of the case.
pub(super) fn checks(
    code: &AdmittedSignature,
    helped: &AdmittedSignature,
    case: &Case,
) -> Option<Vec<Check>> {
    Some(match &case.kind {
        CaseKind::SignatureKeygen { seed, vk, sk } => {
            let expected = case.expected;
            vec![
                generation(code, expected, seed, vk, sk),
                import(code, expected, vk, sk),
            ]
        }
        CaseKind::Sign {
            key,
            vk,
            message,
            context,
            randomness,
            signature,
        } => {
            let key = import_private(helped, key);
            let vk = vk.clone().or_else(|| match &key {
                Outcome::Output(key) => Some(key.verifying_key()),
                _ => None,
            });
            let signed = Signed {
                vk: vk.as_deref(),
                message,
                context,
                signature,
            };
            let made = signing(code, case.expected, key, &signed, randomness);
            let verified = match case.expected {
                Expected::Valid | Expected::Acceptable => {
                    verification(code, case.expected, &signed)
                }
                // What must not be signed has no signature to verify.
                Expected::Invalid => None,
            };
            std::iter::once(made).chain(verified).collect()
        }
        CaseKind::Verify {
            vk,
            message,
            context,
            signature,
        } => {
            let signed = Signed {
                vk: Some(vk),
                message,
                context,
                signature,
            };
            let check = verification(code, case.expected, &signed);
            check.into_iter().collect()
        }
        _ => return None,
    })
}

/// A message with its signature, under a key.
struct Signed<'a> {
    vk: Option<&'a [u8]>,
    message: &'a [u8],
    context: &'a [u8],
    signature: &'a [u8],
}

fn outcome<T>(result: Result<T, SignatureError>) -> Outcome<T> {
    match result {
        Ok(output) => Outcome::Output(output),
        Err(SignatureError::FormUnsupported(SecretKind::Seed)) => Outcome::Lacks(NO_SEEDS.into()),
        Err(SignatureError::FormUnsupported(_)) => Outcome::Lacks(NO_EXPANDED.into()),
        Err(SignatureError::ContextUnsupported) => {
            Outcome::Lacks("contexts: the provider takes none".into())
        }
        Err(SignatureError::ProviderFailed) => {
            Outcome::Broke(SignatureError::ProviderFailed.to_string())
        }
        Err(error) => Outcome::Refused(error.to_string()),
    }
}

fn import_private(code: &AdmittedSignature, key: &PrivateKey) -> Outcome<SigningKey> {
    outcome(code.import_signing_key(match key {
        PrivateKey::Seed(seed) => SecretForm::Seed(seed),
        PrivateKey::Expanded(expanded) => SecretForm::Expanded(expanded),
    }))
}

/// Key generation: from the seed where the algorithm has one of that length and the provider reads
/// it, else with injected randomness.
fn generation(
    code: &AdmittedSignature,
    expected: Expected,
    seed: &[u8],
    vk: &[u8],
    sk: &[u8],
) -> Check {
    let equal = |key: &SigningKey| key.verifying_key() == vk && exports(key, sk);
    let what = "generated keys";
    if code.sizes().seed == Some(seed.len()) {
        let from_seed = import_private(code, &PrivateKey::Seed(seed.to_vec()));
        if !matches!(from_seed, Outcome::Lacks(_)) {
            return judge(expected, what, from_seed, |key| same(what, equal(&key)));
        }
    }
    if draws_its_own(code.provider()) {
        return not_applicable(NO_GENERATION);
    }
    let mut rng = Scripted::new(seed);
    let key = outcome(code.generate(&mut rng));
    judge(expected, what, key, |key| {
        judge_scripted(what, equal(&key), seed, &rng, false)
    })
}

/// Whether the key is exported as `sk`, or not at all.
fn exports(key: &SigningKey, sk: &[u8]) -> bool {
    match key.export(SecretKind::Expanded) {
        Ok(exported) => exported.expose() == sk,
        Err(error) => error == SignatureError::FormUnsupported(SecretKind::Expanded),
    }
}

/// Import of the expanded private key.
fn import(code: &AdmittedSignature, expected: Expected, vk: &[u8], sk: &[u8]) -> Check {
    let key = import_private(code, &PrivateKey::Expanded(sk.to_vec()));
    judge(expected, "imported private key", key, |key| {
        let equal = key.verifying_key() == vk && exports(&key, sk);
        same("what an imported private key gives back", equal)
    })
}

fn signing(
    code: &AdmittedSignature,
    expected: Expected,
    key: Outcome<SigningKey>,
    signed: &Signed<'_>,
    randomness: &[u8],
) -> Check {
    let mut rng = Scripted::new(randomness);
    if let (Outcome::Output(key), Some(vk)) = (&key, signed.vk)
        && key.verifying_key() != vk
    {
        return failed("the public key of the private key: differs".into());
    }
    let message = [signed.message];
    let made =
        key.and_then(|key| outcome(key.sign_with_context(&mut rng, &message, signed.context)));
    judge(expected, "signing", made, |made| {
        if draws_its_own(code.provider()) {
            return not_applicable(OWN_RANDOMNESS);
        }
        let equal = made == signed.signature;
        judge_scripted("the signature", equal, randomness, &rng, true)
    })
}

/// Verification, or `None` where there is no public key.
fn verification(
    code: &AdmittedSignature,
    expected: Expected,
    signed: &Signed<'_>,
) -> Option<Check> {
    let key = code.import_verifying_key(signed.vk?);
    let verified = key.and_then(|key| {
        key.verify(&[signed.message], signed.context, signed.signature)?;
        Ok(key)
    });
    Some(judge(expected, "verification", outcome(verified), |key| {
        let equal = Some(key.to_bytes().as_slice()) == signed.vk;
        same("what an imported public key gives back", equal)
    }))
}
