//! Key encapsulation.

use super::{
    NO_EXPANDED, NO_GENERATION, NO_SEEDS, OWN_RANDOMNESS, Outcome, draws_its_own, failed, judge,
    judge_scripted, not_applicable, same,
};
use crate::kem::{AdmittedKem, DecapsulationKey, EncapsulationKey, KemError};
use crate::keys;
use crate::secret::{SecretForm, SecretKind};
use crate::vectors::case::{Case, CaseKind, Expected, PrivateKey, PublicKey};
use crate::vectors::scripted::Scripted;
use crate::vectors::tally::Check;

/// The checks of a case, or `None` for a case of another kind. `helped` reads the seeds of keys
/// that are not the point of the case.
pub(super) fn checks(kem: &AdmittedKem, helped: &AdmittedKem, case: &Case) -> Option<Vec<Check>> {
    Some(match &case.kind {
        CaseKind::KemKeygen { seed, ek, dk } => {
            let expected = case.expected;
            vec![
                generation(kem, expected, seed, ek, dk),
                import(kem, expected, ek, dk),
            ]
        }
        CaseKind::KemEncapsulate {
            ek,
            randomness,
            ciphertext,
            secret,
            dk,
        } => {
            let sent = encapsulation(kem, case.expected, ek, randomness, (ciphertext, secret));
            let received = dk.as_ref().map(|dk| {
                let key = PrivateKey::Expanded(dk.clone());
                decapsulation(kem, case.expected, &key, Some(ek), ciphertext, secret)
            });
            std::iter::once(sent).chain(received).collect()
        }
        CaseKind::KemDecapsulate {
            key,
            ek,
            ciphertext,
            secret,
        } => {
            let ek = ek.as_deref();
            vec![decapsulation(
                helped,
                case.expected,
                key,
                ek,
                ciphertext,
                secret,
            )]
        }
        CaseKind::KemPublicKey { key, left_out } => {
            let rest = left_out.map(not_applicable);
            let check = public_key(kem, case.expected, key);
            std::iter::once(check).chain(rest).collect()
        }
        CaseKind::KemPrivateKey { dk } => {
            let key = import_private(kem, &PrivateKey::Expanded(dk.clone()));
            let what = "private key";
            vec![judge(case.expected, what, key, |_| Check::Passed)]
        }
        _ => return None,
    })
}

fn outcome<T>(result: Result<T, KemError>) -> Outcome<T> {
    match result {
        Ok(output) => Outcome::Output(output),
        Err(KemError::FormUnsupported(SecretKind::Seed)) => Outcome::Lacks(NO_SEEDS.into()),
        Err(KemError::FormUnsupported(_)) => Outcome::Lacks(NO_EXPANDED.into()),
        Err(KemError::ProviderFailed) => Outcome::Broke(KemError::ProviderFailed.to_string()),
        Err(error) => Outcome::Refused(error.to_string()),
    }
}

fn import_private(kem: &AdmittedKem, key: &PrivateKey) -> Outcome<DecapsulationKey> {
    outcome(kem.import_decapsulation_key(match key {
        PrivateKey::Seed(seed) => SecretForm::Seed(seed),
        PrivateKey::Expanded(expanded) => SecretForm::Expanded(expanded),
    }))
}

/// Key generation: from the seed where the provider reads seeds, else with injected randomness.
fn generation(kem: &AdmittedKem, expected: Expected, seed: &[u8], ek: &[u8], dk: &[u8]) -> Check {
    let equal = |key: &DecapsulationKey| key.encapsulation_key() == ek && exports(key, dk);
    let what = "generated keys";
    let from_seed = import_private(kem, &PrivateKey::Seed(seed.to_vec()));
    if !matches!(from_seed, Outcome::Lacks(_)) {
        return judge(expected, what, from_seed, |key| same(what, equal(&key)));
    }
    if draws_its_own(kem.provider()) {
        return not_applicable(NO_GENERATION);
    }
    let mut rng = Scripted::new(seed);
    let key = outcome(kem.generate(&mut rng));
    judge(expected, what, key, |key| {
        judge_scripted(what, equal(&key), seed, &rng, false)
    })
}

/// Whether the key is exported as `dk`, or not at all.
fn exports(key: &DecapsulationKey, dk: &[u8]) -> bool {
    match key.export(SecretKind::Expanded) {
        Ok(exported) => exported.expose() == dk,
        Err(error) => error == KemError::FormUnsupported(SecretKind::Expanded),
    }
}

/// Import of the expanded private key.
fn import(kem: &AdmittedKem, expected: Expected, ek: &[u8], dk: &[u8]) -> Check {
    let key = import_private(kem, &PrivateKey::Expanded(dk.to_vec()));
    judge(expected, "imported private key", key, |key| {
        let equal = key.encapsulation_key() == ek && exports(&key, dk);
        same("what an imported private key gives back", equal)
    })
}

fn encapsulation(
    kem: &AdmittedKem,
    expected: Expected,
    ek: &[u8],
    randomness: &[u8],
    (ciphertext, secret): (&[u8], &[u8]),
) -> Check {
    let mut rng = Scripted::new(randomness);
    let imported = kem.import_encapsulation_key(ek);
    let sent = imported.and_then(|key| {
        let sent = key.encapsulate(&mut rng)?;
        Ok((key, sent))
    });
    let what = "encapsulation";
    judge(expected, what, outcome(sent), |(key, sent)| {
        if key.to_bytes() != ek {
            return failed("the imported public key is given back otherwise".into());
        }
        if draws_its_own(kem.provider()) {
            return not_applicable(OWN_RANDOMNESS);
        }
        let equal = sent.0 == ciphertext && sent.1.expose() == secret;
        judge_scripted(what, equal, randomness, &rng, false)
    })
}

fn decapsulation(
    kem: &AdmittedKem,
    expected: Expected,
    key: &PrivateKey,
    ek: Option<&[u8]>,
    ciphertext: &[u8],
    secret: &[u8],
) -> Check {
    let received = import_private(kem, key)
        .and_then(|key| outcome(key.decapsulate(ciphertext)).map(|secret| (key, secret)));
    judge(expected, "decapsulation", received, |(key, received)| {
        if ek.is_some_and(|ek| key.encapsulation_key() != ek) {
            return failed("the public key of the private key: differs".into());
        }
        same("the shared secret", received.expose() == secret)
    })
}

fn public_key(kem: &AdmittedKem, expected: Expected, key: &PublicKey) -> Check {
    let bytes = match key {
        PublicKey::Raw(bytes) => Ok(bytes.clone()),
        PublicKey::Spki(der) => keys::public_from_file(kem.info(), der),
    };
    let imported: Outcome<(EncapsulationKey, Vec<u8>)> = match bytes {
        Err(error) => Outcome::Refused(error.to_string()),
        Ok(bytes) => {
            let key = kem.import_encapsulation_key(&bytes);
            outcome(key.map(|key| (key, bytes)))
        }
    };
    let what = "public key";
    judge(expected, what, imported, |(key, bytes)| {
        same(
            "what an imported public key gives back",
            key.to_bytes() == bytes,
        )
    })
}
