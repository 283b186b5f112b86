//! What is compared: pairs of classes that an attacker could tell apart by time, if there is a
//! leak.

use std::error::Error;

use pqfw_framework::aead::AdmittedAead;
use pqfw_framework::kem::{AdmittedKem, DecapsulationKey, KemError};
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::{SecretForm, SecretKind};

use super::measure::{Class, Runs, measure};

/// How many inputs of each class there are: enough that no branch predictor learns them all.
const POOL: usize = 64;

/// A comparison, measured.
pub struct Scenario {
    /// What is compared with what.
    pub name: &'static str,
    /// The measurements.
    pub runs: Runs,
}

/// Decapsulation: a valid against a forged ciphertext, and one private key against many.
///
/// # Errors
/// Those of honest use, which must not fail.
pub fn kem_scenarios(
    kem: &AdmittedKem,
    count: usize,
    rng: &mut dyn CryptoRng,
    mut now: impl FnMut() -> f64,
) -> Result<Vec<Scenario>, Box<dyn Error>> {
    let key = kem.generate_storable(rng)?;
    let public = kem.import_encapsulation_key(&key.encapsulation_key())?;
    let mut pool = Vec::new();
    for index in 0..POOL {
        let (valid, _) = kem.encapsulate(&public, rng)?;
        let mut forged = valid.clone();
        let at = index * forged.len() / POOL;
        forged[at] ^= 1;
        // Some KEMs refuse a forged ciphertext from public data, quickly and with every right.
        if kem.decapsulate(&key, &forged).is_ok() {
            pool.push((valid, forged));
        }
    }
    let mut scenarios = Vec::new();
    let mut turn = 0;
    if !pool.is_empty() {
        let prepare = |class| {
            turn += 1;
            let (valid, forged) = &pool[turn % pool.len()];
            if class == Class::Left { valid } else { forged }
        };
        let run = |ciphertext: &mut &Vec<u8>| drop(kem.decapsulate(&key, ciphertext));
        scenarios.push(Scenario {
            name: "decapsulation: a valid against a forged ciphertext",
            runs: measure(count, rng, &mut now, prepare, run),
        });
    }

    // The one key stands in memory as often as the many, so that caches do not tell them apart,
    // and all came in by the same way.
    let (mut fixed, mut random) = (Vec::new(), Vec::new());
    for _ in 0..POOL {
        fixed.push(copy(kem, &key)?);
        random.push(copy(kem, &kem.generate_storable(rng)?)?);
    }
    let (ciphertext, _) = kem.encapsulate(&public, rng)?;
    let prepare = |class| {
        turn += 1;
        let pool = if class == Class::Left {
            &fixed
        } else {
            &random
        };
        &pool[turn % POOL]
    };
    let run = |key: &mut &DecapsulationKey| drop(kem.decapsulate(key, &ciphertext));
    scenarios.push(Scenario {
        name: "decapsulation: one private key against many",
        runs: measure(count, rng, now, prepare, run),
    });
    Ok(scenarios)
}

fn copy(kem: &AdmittedKem, key: &DecapsulationKey) -> Result<DecapsulationKey, KemError> {
    let bytes = key.export(SecretKind::Expanded)?;
    kem.import_decapsulation_key(SecretForm::Expanded(bytes.expose()))
}

/// Opening: a tag whose first byte is wrong against one whose last byte is wrong.
///
/// # Errors
/// Those of honest use, which must not fail.
pub fn aead_scenarios(
    aead: &AdmittedAead,
    count: usize,
    rng: &mut dyn CryptoRng,
    now: impl FnMut() -> f64,
) -> Result<Vec<Scenario>, Box<dyn Error>> {
    let sizes = *aead.sizes();
    let mut random = |length| {
        let mut bytes = vec![0; length];
        rng.fill_bytes(&mut bytes);
        bytes
    };
    let (key, nonce, message) = (random(sizes.key), random(sizes.nonce), random(256));
    let key = aead.key(&key)?;
    let (mut sealed, mut tag) = (message, vec![0; sizes.tag]);
    key.seal_in_place(&nonce, &[], &mut sealed, &mut tag)?;
    let prepare = |class| {
        let mut tag = tag.clone();
        let wrong = match class {
            Class::Left => tag.first_mut(),
            Class::Right => tag.last_mut(),
        };
        wrong.into_iter().for_each(|byte| *byte ^= 1);
        (sealed.clone(), tag)
    };
    let run = |(buffer, tag): &mut (Vec<u8>, Vec<u8>)| {
        drop(key.open_in_place(&nonce, &[], buffer, tag));
    };
    Ok(vec![Scenario {
        name: "opening: a tag wrong in its first byte against one wrong in its last",
        runs: measure(count, rng, now, prepare, run),
    }])
}
