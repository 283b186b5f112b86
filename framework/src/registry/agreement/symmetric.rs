//! Providers of AEADs in both directions; KDFs and hashes byte for byte.

use rand_core::CryptoRng;

use super::{Agreement, Disagreement, Step, codes, name};
use crate::aead::Aead;
use crate::catalogue::{AeadSizes, HashSizes, KdfSizes};
use crate::hash::Hash;
use crate::kdf::Kdf;
use crate::registry::{Code, Entry};
use crate::secret::SecretBytes;

pub(super) fn aeads(
    entries: &[&Entry],
    sizes: &AeadSizes,
    rng: &mut dyn CryptoRng,
    agreement: &mut Agreement,
) -> Result<(), Disagreement> {
    let [key, nonce, aad, plaintext] = [sizes.key, sizes.nonce, 13, 100].map(|length| {
        let mut bytes = SecretBytes::zeroed(length);
        rng.fill_bytes(bytes.expose_mut());
        bytes
    });
    for (sealer, code) in codes(entries, as_aead) {
        let step = Step(&sealer.info.id, format!("seal by {}", name(sealer)));
        let (mut sealed, mut tag) = (plaintext.expose().to_vec(), vec![0; sizes.tag]);
        code.key(key.expose())
            .and_then(|key| key.seal_in_place(nonce.expose(), aad.expose(), &mut sealed, &mut tag))
            .map_err(|error| step.failed(error))?;
        for (opener, code) in codes(entries, as_aead) {
            let step = Step(
                &sealer.info.id,
                format!("{}, open by {}", step.1, name(opener)),
            );
            let mut opened = sealed.clone();
            code.key(key.expose())
                .and_then(|key| key.open_in_place(nonce.expose(), aad.expose(), &mut opened, &tag))
                .map_err(|error| step.failed(error))?;
            if opened != plaintext.expose() {
                return Err(step.failed("the plaintext differs"));
            }
            agreement.agreed += 1;
        }
    }
    Ok(())
}

pub(super) fn kdfs(
    entries: &[&Entry],
    sizes: &KdfSizes,
    rng: &mut dyn CryptoRng,
    agreement: &mut Agreement,
) -> Result<(), Disagreement> {
    let mut input = [0; 96];
    rng.fill_bytes(&mut input);
    let (salt, rest) = input.split_at(20);
    let (ikm, info) = rest.split_at(33);
    let outputs = codes(entries, as_kdf).map(|(entry, code)| {
        let step = Step(&entry.info.id, format!("derive by {}", name(entry)));
        let [mut prk, mut okm] = [sizes.prk, 3 * sizes.prk + 1].map(SecretBytes::zeroed);
        code.extract(salt, ikm, prk.expose_mut())
            .and_then(|()| code.expand(prk.expose(), &[info], okm.expose_mut()))
            .map_err(|error| step.failed(error))?;
        Ok((step, okm.expose().to_vec()))
    });
    same(outputs, agreement)
}

pub(super) fn hashes(
    entries: &[&Entry],
    sizes: &HashSizes,
    rng: &mut dyn CryptoRng,
    agreement: &mut Agreement,
) -> Result<(), Disagreement> {
    let mut input = vec![0; 3 * sizes.block + 1];
    rng.fill_bytes(&mut input);
    let length = if sizes.extendable {
        2 * sizes.block + 3
    } else {
        sizes.digest
    };
    let outputs = codes(entries, as_hash).map(|(entry, code)| {
        let mut state = code.start();
        for part in input.chunks(41) {
            state.update(part);
        }
        let mut digest = vec![0; length];
        state.finish(&mut digest);
        Ok((
            Step(&entry.info.id, format!("hash by {}", name(entry))),
            digest,
        ))
    });
    same(outputs, agreement)
}

/// Checks that every provider gives what the first gives.
fn same<'a>(
    mut outputs: impl Iterator<Item = Result<(Step<'a>, Vec<u8>), Disagreement>>,
    agreement: &mut Agreement,
) -> Result<(), Disagreement> {
    let Some((_, first)) = outputs.next().transpose()? else {
        return Ok(());
    };
    agreement.agreed += 1;
    for output in outputs {
        let (step, output) = output?;
        if output != first {
            return Err(step.failed("the output differs"));
        }
        agreement.agreed += 1;
    }
    Ok(())
}

fn as_aead(code: &Code) -> Option<&(dyn Aead + 'static)> {
    match code {
        Code::Aead(aead) => Some(&**aead),
        _ => None,
    }
}

fn as_kdf(code: &Code) -> Option<&(dyn Kdf + 'static)> {
    match code {
        Code::Kdf(kdf) => Some(&**kdf),
        _ => None,
    }
}

fn as_hash(code: &Code) -> Option<&(dyn Hash + 'static)> {
    match code {
        Code::Hash(hash) => Some(&**hash),
        _ => None,
    }
}
