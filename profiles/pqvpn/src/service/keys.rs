//! A node's own keys: made for one run, or kept in files, which are made on first start.

use std::sync::Arc;

use pqfw_framework::kem::DecapsulationKey;
use pqfw_framework::keys::{PrivateKeyParts, identity_key, private_from_file, private_to_pem};
use pqfw_framework::secret::SecretKind;
use pqfw_framework::system::{Failure, Host, RunError};

use crate::config::KeyPlace;
use crate::identity::Identity;
use crate::suites::Suites;

/// The keys of this run.
pub(crate) fn identity(
    place: &KeyPlace,
    suites: &Suites,
    host: &Host,
) -> Result<Arc<Identity>, RunError> {
    let KeyPlace::Files { signature, kem } = place else {
        return temporary(suites, host);
    };
    let mut rng = host.world.rng();
    let made = identity_key(&*host.keys, signature, &host.suite.signature, &mut *rng);
    let (signing, _) = made.map_err(usage)?;
    let decapsulation = match stored(kem, host)? {
        Some(key) => key,
        None => keep(kem, host)?,
    };
    let identity = Identity::new(suites, signing, decapsulation).map_err(usage)?;
    Ok(Arc::new(identity))
}

/// The keys of somebody new.
pub(crate) fn temporary(suites: &Suites, host: &Host) -> Result<Arc<Identity>, RunError> {
    let mut rng = host.world.rng();
    let signing = host.suite.signature.generate(&mut *rng).map_err(failed)?;
    let decapsulation = host.suite.kem.generate(&mut *rng).map_err(failed)?;
    let identity = Identity::new(suites, signing, decapsulation).map_err(failed)?;
    Ok(Arc::new(identity))
}

/// The KEM key in a file; `None` when there is no such file.
fn stored(name: &str, host: &Host) -> Result<Option<DecapsulationKey>, RunError> {
    let Some(file) = host.keys.read(name).map_err(usage)? else {
        return Ok(None);
    };
    let at =
        |error: &dyn std::fmt::Display| usage(format!("{}/{name}: {error}", host.keys.describe()));
    let parts = private_from_file(host.suite.kem.info(), file.expose());
    let parts = parts.map_err(|error| at(&error))?;
    let key = host.suite.kem.import_private_key(&parts);
    key.map(Some).map_err(|error| at(&error))
}

/// Makes a KEM key and writes it.
fn keep(name: &str, host: &Host) -> Result<DecapsulationKey, RunError> {
    let mut rng = host.world.rng();
    let key = host
        .suite
        .kem
        .generate_storable(&mut *rng)
        .map_err(failed)?;
    let parts = PrivateKeyParts {
        seed: key.export(SecretKind::Seed).ok(),
        expanded: key.export(SecretKind::Expanded).ok(),
        public_key: Some(key.encapsulation_key()),
    };
    let pem = private_to_pem(host.suite.kem.info(), &parts).map_err(failed)?;
    host.keys.write(name, pem.as_bytes(), true).map_err(usage)?;
    Ok(key)
}

fn usage(error: impl std::fmt::Display) -> RunError {
    RunError::new(Failure::Usage, error)
}

fn failed(error: impl std::fmt::Display) -> RunError {
    RunError::new(Failure::Operation, error)
}
