//! What the cryptography of one device costs on this machine, beside what the original publishes.

use pqfw_framework::suite::Suite;
use pqfw_framework::system::RunError;
use pqfw_framework::world::World;

use super::scene::failed;
use crate::learning::untrained;
use crate::model::read_raw;

/// One operation.
pub(super) struct Timing {
    pub(super) what: &'static str,
    /// Milliseconds, the median of some runs.
    pub(super) ours: f64,
    /// Milliseconds, as the original publishes them.
    pub(super) original: &'static str,
}

/// Measures each operation a few times.
pub(super) fn measure(suite: &Suite, world: &dyn World) -> Result<Vec<Timing>, RunError> {
    let rng = &mut *world.rng();
    let (kem, sign) = (&suite.kem, &suite.signature);
    let (kem_key, sign_key) = (kem.generate(rng), sign.generate(rng));
    let (kem_key, sign_key) = (kem_key.map_err(failed)?, sign_key.map_err(failed)?);
    let kem_public = kem_key.encapsulation_key();
    let sign_public = sign.import_verifying_key(&sign_key.verifying_key());
    let sign_public = sign_public.map_err(failed)?;
    let model = untrained().map_err(failed)?;
    let update = model.to_raw();
    let signature = sign_key.sign(rng, &[&update]).map_err(failed)?;
    let to = kem.import_encapsulation_key(&kem_public).map_err(failed)?;
    let (ciphertext, _) = to.encapsulate(rng).map_err(failed)?;

    let mut rows = Vec::new();
    let mut row = |what, original, run: &mut dyn FnMut() -> Result<(), RunError>| {
        let ours = median(world, run)?;
        rows.push(Timing {
            what,
            ours,
            original,
        });
        Ok::<_, RunError>(())
    };
    row("KEM key pair", "10 to 50", &mut || {
        kem.generate(&mut *world.rng()).map(drop).map_err(failed)
    })?;
    row("signature key pair", "5 to 20", &mut || {
        sign.generate(&mut *world.rng()).map(drop).map_err(failed)
    })?;
    row("challenge", "1 to 5", &mut || {
        let to = kem.import_encapsulation_key(&kem_public).map_err(failed)?;
        to.encapsulate(&mut *world.rng()).map(drop).map_err(failed)
    })?;
    row("model verification", "1 to 10", &mut || {
        let verified = sign.verify(&sign_public, &[&update], &[], &signature);
        verified.map_err(failed)?;
        read_raw(&update, model.layout()).map(drop).map_err(failed)
    })?;
    row("decapsulation", "1 to 5", &mut || {
        kem_key.decapsulate(&ciphertext).map(drop).map_err(failed)
    })?;
    Ok(rows)
}

fn median(
    world: &dyn World,
    run: &mut dyn FnMut() -> Result<(), RunError>,
) -> Result<f64, RunError> {
    let mut all = Vec::new();
    for _ in 0..RUNS {
        let began = world.now().since_start;
        run()?;
        let elapsed = world.now().since_start.saturating_sub(began);
        all.push(elapsed.as_secs_f64() * 1000.0);
    }
    all.sort_by(f64::total_cmp);
    Ok(all.get(RUNS / 2).copied().unwrap_or_default())
}

/// Odd, so that one of them is the median.
const RUNS: usize = 9;
