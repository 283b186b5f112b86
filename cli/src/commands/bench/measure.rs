//! The operations of each kind, and how long they take.

use std::time::Duration;

use pqfw_framework::catalogue::Sizes;
use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::registry::{Code, Entry};
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::world::World;

use crate::error::CliError;

/// The length of a packet, as the data plane has it, and of a TLS record.
const MESSAGES: [(usize, &str, &str); 2] = [
    (1350, "seal 1350 B", "open 1350 B"),
    (16_384, "seal 16 KiB", "open 16 KiB"),
];
/// A median of fewer says nothing.
const LEAST_SAMPLES: usize = 5;

/// Measures one operation: samples of batches that each last long enough for the clock.
fn median(
    world: &dyn World,
    budget: Duration,
    mut operation: impl FnMut() -> Result<(), CliError>,
) -> Result<u64, CliError> {
    let time = |rounds: u32, operation: &mut dyn FnMut() -> Result<(), CliError>| {
        let began = world.now().since_start;
        for _ in 0..rounds {
            operation()?;
        }
        Ok::<_, CliError>(world.now().since_start.saturating_sub(began))
    };
    // The first call warms caches and builds tables.
    operation()?;
    let once = time(1, &mut operation)?.max(Duration::from_nanos(50));
    let sample = budget / 20;
    let rounds = u32::try_from((sample.as_nanos() / once.as_nanos()).clamp(1, 1_000_000));
    let rounds = rounds.unwrap_or(1);
    let began = world.now().since_start;
    let mut samples = Vec::new();
    while samples.len() < LEAST_SAMPLES || world.now().since_start.saturating_sub(began) < budget {
        let nanos = time(rounds, &mut operation)?.as_nanos() / u128::from(rounds);
        samples.push(u64::try_from(nanos).unwrap_or(u64::MAX));
    }
    samples.sort_unstable();
    Ok(samples.get(samples.len() / 2).copied().unwrap_or_default())
}

/// Measures every operation of one provider.
pub(super) fn all(
    entry: &Entry,
    world: &dyn World,
    millis: u64,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<(&'static str, u64)>, CliError> {
    let budget = Duration::from_millis(millis.max(1));
    let mut figures = Vec::new();
    match (entry.code(), &entry.info().sizes) {
        (Code::Kem(kem), Sizes::Kem(sizes)) => {
            let keygen = median(world, budget, || {
                std::hint::black_box(kem.generate(rng)?.encapsulation_key());
                Ok(())
            })?;
            let dk = kem.generate(rng)?;
            let ek = kem.import_encapsulation_key(&dk.encapsulation_key())?;
            let mut ct = vec![0; sizes.ciphertext];
            let mut secret = SecretBytes::zeroed(sizes.shared_secret);
            let encaps = median(world, budget, || {
                Ok(ek.encapsulate(rng, &mut ct, secret.expose_mut())?)
            })?;
            let decaps = median(world, budget, || {
                Ok(dk.decapsulate(&ct, secret.expose_mut())?)
            })?;
            figures.extend([("keygen", keygen), ("encaps", encaps), ("decaps", decaps)]);
        }
        (Code::Signature(code), Sizes::Signature(_)) => {
            let keygen = median(world, budget, || {
                std::hint::black_box(code.generate(rng)?.verifying_key());
                Ok(())
            })?;
            let sk = code.generate(rng)?;
            let vk = code.import_verifying_key(&sk.verifying_key())?;
            let message: [&[u8]; 1] = [&[7; 64]];
            let mut signature = Vec::new();
            let sign = median(world, budget, || {
                signature = sk.sign(rng, &message, &[])?;
                Ok(())
            })?;
            let verify = median(world, budget, || {
                Ok(vk.verify(&message, &[], &signature)?)
            })?;
            figures.extend([("keygen", keygen), ("sign", sign), ("verify", verify)]);
        }
        (Code::Aead(aead), Sizes::Aead(sizes)) => {
            let key = aead.key(&vec![1; sizes.key])?;
            let (nonce, aad) = (vec![2; sizes.nonce], [3; 13]);
            for (length, seal, open) in MESSAGES {
                let (mut sealed, mut tag) = (vec![4; length], vec![0; sizes.tag]);
                figures.push((
                    seal,
                    median(world, budget, || {
                        Ok(key.seal_in_place(&nonce, &aad, &mut sealed, &mut tag)?)
                    })?,
                ));
                sealed.fill(4);
                key.seal_in_place(&nonce, &aad, &mut sealed, &mut tag)?;
                let mut buffer = vec![0; length];
                figures.push((
                    open,
                    median(world, budget, || {
                        buffer.copy_from_slice(&sealed);
                        Ok(key.open_in_place(&nonce, &aad, &mut buffer, &tag)?)
                    })?,
                ));
            }
        }
        (Code::Kdf(kdf), Sizes::Kdf(sizes)) => {
            let mut prk = SecretBytes::zeroed(sizes.prk);
            let mut okm = SecretBytes::zeroed(64);
            let derive = median(world, budget, || {
                kdf.extract(&[1; 32], &[2; 32], prk.expose_mut())?;
                Ok(kdf.expand(prk.expose(), &[b"pqfw bench"], okm.expose_mut())?)
            })?;
            figures.push(("derive 64 B", derive));
        }
        (Code::Hash(hash), Sizes::Hash(sizes)) => {
            let lengths = [(64, "64 B"), (1350, "1350 B"), (16_384, "16 KiB")];
            for (length, name) in lengths {
                let (input, mut digest) = (vec![5; length], vec![0; sizes.digest]);
                let nanos = median(world, budget, || {
                    let mut state = hash.start();
                    state.update(&input);
                    state.finish(&mut digest);
                    std::hint::black_box(&digest);
                    Ok(())
                })?;
                figures.push((name, nanos));
            }
        }
        _ => return Err(CliError::operation("code of another kind than its row's")),
    }
    Ok(figures)
}
