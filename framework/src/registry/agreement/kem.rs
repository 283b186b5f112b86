//! Every ordered triple of providers of a KEM.

use rand_core::CryptoRng;

use super::{Agreement, Disagreement, Step, codes, flip, hand_over, name};
use crate::catalogue::KemSizes;
use crate::kem::{Decapsulate, Kem, KemError};
use crate::registry::{Code, Entry};
use crate::secret::SecretBytes;

pub(super) fn compare(
    entries: &[&Entry],
    sizes: &KemSizes,
    rng: &mut dyn CryptoRng,
    agreement: &mut Agreement,
) -> Result<(), Disagreement> {
    for (maker, made) in codes(entries, as_kem) {
        let step = Step(&maker.info.id, format!("keygen by {}", name(maker)));
        let key = made.generate(rng).map_err(|error| step.failed(error))?;
        let ek = key.encapsulation_key();
        // Who can take the key over, with the key in that provider's hands.
        let mut holders: Vec<(&Entry, Box<dyn Decapsulate>)> = Vec::new();
        for (holder, code) in codes(entries, as_kem) {
            let step = Step(
                &maker.info.id,
                format!("{}, import by {}", step.1, name(holder)),
            );
            match hand_over(
                |kind| key.export(kind),
                |form| code.import_decapsulation_key(form),
                |error| matches!(error, KemError::FormUnsupported(_)),
            ) {
                Ok(Some(taken)) if taken.encapsulation_key() != ek => {
                    return Err(step.failed("the public key differs"));
                }
                Ok(Some(taken)) => holders.push((holder, taken)),
                Ok(None) => agreement.impossible.push(step.1),
                Err(error) => return Err(step.failed(error)),
            }
        }
        for (sender, code) in codes(entries, as_kem) {
            let step = Step(
                &maker.info.id,
                format!("{}, encaps by {}", step.1, name(sender)),
            );
            let (mut ct, mut secret) = (
                vec![0; sizes.ciphertext],
                SecretBytes::zeroed(sizes.shared_secret),
            );
            code.import_encapsulation_key(&ek)
                .and_then(|key| key.encapsulate(rng, &mut ct, secret.expose_mut()))
                .map_err(|error| step.failed(error))?;
            let mut forged = ct.clone();
            flip(&mut forged, rng);
            let mut rejected: Option<Result<SecretBytes, KemError>> = None;
            for (holder, key) in &holders {
                let step = Step(
                    &maker.info.id,
                    format!("{}, decaps by {}", step.1, name(holder)),
                );
                let mut got = SecretBytes::zeroed(sizes.shared_secret);
                key.decapsulate(&ct, got.expose_mut())
                    .map_err(|error| step.failed(error))?;
                if !got.constant_time_eq(secret.expose()) {
                    return Err(step.failed("the secrets differ"));
                }
                let mut got = SecretBytes::zeroed(sizes.shared_secret);
                let outcome = key.decapsulate(&forged, got.expose_mut()).map(|()| got);
                match (&rejected, &outcome) {
                    (None, _) => {}
                    (Some(Ok(first)), Ok(second)) if first.constant_time_eq(second.expose()) => {}
                    (Some(Err(first)), Err(second)) if first == second => {}
                    _ => return Err(step.failed("a forged ciphertext gives another outcome")),
                }
                rejected.get_or_insert(outcome);
                agreement.agreed += 1;
            }
        }
    }
    Ok(())
}

fn as_kem(code: &Code) -> Option<&(dyn Kem + 'static)> {
    match code {
        Code::Kem(kem) => Some(&**kem),
        _ => None,
    }
}
