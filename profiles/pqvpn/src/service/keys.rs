//! A node's own keys: made for one run, or kept in files, which are made on first start.

use std::sync::Arc;

use pqfw_framework::system::{Event, Failure, Host, KeyFiles, RunError};

use crate::config::KeyPlace;
use crate::identity::Identity;
use crate::keyring::{self, KeyNames, KeyringError};
use crate::suites::Suites;

/// An identity, and the directory that goes with it when it is temporary.
pub(super) type Mine = (Arc<Identity>, Option<Box<dyn KeyFiles>>);

/// The keys of this run, and the directory that goes with them when they are temporary.
pub(super) fn identity(place: &KeyPlace, suites: &Suites, host: &Host) -> Result<Mine, RunError> {
    let mut rng = host.world.rng();
    match place {
        KeyPlace::Files { signature, kem } => {
            let names = KeyNames {
                signature: signature.clone(),
                kem: kem.clone(),
            };
            let read = keyring::identity(&*host.keys, &names, suites, &mut *rng);
            let (identity, made) = read.map_err(|error| fault(&error))?;
            if made {
                let place = host.keys.describe();
                let text = format!("keys were made in {place}");
                host.report.event(&Event::Info(text));
            }
            Ok((Arc::new(identity), None))
        }
        KeyPlace::Temporary { prefix } => {
            let made = host.outside.temporary.make(prefix);
            let (files, removed) =
                made.map_err(|error| RunError::new(Failure::Operation, error))?;
            if removed > 0 {
                let text = format!("keys of {removed} processes that were killed are removed");
                host.report.event(&Event::Info(text));
            }
            let names = KeyNames {
                signature: "signature.pem".into(),
                kem: "kem.pem".into(),
            };
            let made = keyring::identity(&*files, &names, suites, &mut *rng);
            let (identity, _) = made.map_err(|error| fault(&error))?;
            Ok((Arc::new(identity), Some(files)))
        }
    }
}

fn fault(error: &KeyringError) -> RunError {
    let failure = match error {
        KeyringError::Identity(_) | KeyringError::Keys(_) | KeyringError::Statement(_) => {
            Failure::Usage
        }
        KeyringError::File(_) | KeyringError::Nothing(_) => Failure::Operation,
    };
    RunError::new(failure, error)
}

/// The keys of somebody new, in no file.
pub(crate) fn of_somebody_new(suites: &Suites, host: &Host) -> Result<Arc<Identity>, RunError> {
    let failed = |error: &dyn std::fmt::Display| RunError::new(Failure::Operation, error);
    let mut rng = host.world.rng();
    let signing = host.suite.signature.generate(&mut *rng);
    let signing = signing.map_err(|error| failed(&error))?;
    let decapsulation = host.suite.kem.generate(&mut *rng);
    let decapsulation = decapsulation.map_err(|error| failed(&error))?;
    let identity = Identity::new(suites, signing, decapsulation);
    Ok(Arc::new(identity.map_err(|error| failed(&error))?))
}
