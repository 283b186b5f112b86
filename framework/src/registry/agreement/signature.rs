//! Every ordered triple of providers of a signature algorithm.

use rand_core::CryptoRng;

use super::{Agreement, Disagreement, Step, codes, flip, hand_over, name};
use crate::catalogue::SignatureSizes;
use crate::registry::{Code, Entry};
use crate::signature::{Sign, Signature, SignatureError, fits};

pub(super) fn compare(
    entries: &[&Entry],
    sizes: &SignatureSizes,
    rng: &mut dyn CryptoRng,
    agreement: &mut Agreement,
) -> Result<(), Disagreement> {
    let mut message = [0; 47];
    rng.fill_bytes(&mut message);
    for (maker, made) in codes(entries, as_signature) {
        let step = Step(&maker.info.id, format!("keygen by {}", name(maker)));
        let key = made.generate(rng).map_err(|error| step.failed(error))?;
        let vk = key.verifying_key();
        for (signer, code) in codes(entries, as_signature) {
            let step = Step(
                &maker.info.id,
                format!("{}, sign by {}", step.1, name(signer)),
            );
            let taken: Box<dyn Sign>;
            let held: &dyn Sign = if signer.provider.name == maker.provider.name {
                &*key
            } else {
                match hand_over(
                    |kind| key.export(kind),
                    |form| code.import_signing_key(form),
                    |error| matches!(error, SignatureError::FormUnsupported(_)),
                ) {
                    Ok(Some(imported)) => {
                        taken = imported;
                        &*taken
                    }
                    Ok(None) => {
                        agreement.impossible.push(step.1);
                        continue;
                    }
                    Err(error) => return Err(step.failed(error)),
                }
            };
            if held.verifying_key() != vk {
                return Err(step.failed("the public key differs"));
            }
            let signature = held
                .sign(rng, &[&message], &[])
                .map_err(|error| step.failed(error))?;
            if !fits(sizes, &signature) {
                return Err(step.failed("the signature has a length of no signature"));
            }
            let mut forged = signature.clone();
            flip(&mut forged, rng);
            for (verifier, code) in codes(entries, as_signature) {
                let step = Step(
                    &maker.info.id,
                    format!("{}, verify by {}", step.1, name(verifier)),
                );
                let key = code
                    .import_verifying_key(&vk)
                    .map_err(|error| step.failed(error))?;
                key.verify(&[&message], &[], &signature)
                    .map_err(|error| step.failed(error))?;
                if key.verify(&[&message], &[], &forged).is_ok() {
                    return Err(step.failed("a forged signature verifies"));
                }
                agreement.agreed += 1;
            }
        }
    }
    Ok(())
}

fn as_signature(code: &Code) -> Option<&(dyn Signature + 'static)> {
    match code {
        Code::Signature(signature) => Some(&**signature),
        _ => None,
    }
}
