//! `pqfw kem`.

use pqfw_framework::kem::{AdmittedKem, KemError};
use pqfw_framework::keys::{self, PrivateKeyParts};
use pqfw_framework::registry::Registry;
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;

use crate::args::primitives::{Kem, Keygen};
use crate::error::CliError;
use crate::files;
use crate::output::Output;

pub(super) fn run(kem: Kem, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let find = |alg: &str| super::resolve(registry, output, |resolver| resolver.kem(alg));
    match kem {
        Kem::Keygen(args) => keygen(&args, &find(&args.alg)?, output),
        Kem::Encaps {
            alg,
            public,
            ciphertext,
            shared_secret,
            raw,
        } => {
            let kem = find(&alg)?;
            let file = files::read(&public)?;
            let bytes = if raw {
                file.expose().to_vec()
            } else {
                keys::public_from_file(kem.info(), file.expose())?
            };
            let key = kem.import_encapsulation_key(&bytes)?;
            let (ct, ss) = kem.encapsulate(&key, &mut *OsWorld::new().rng())?;
            files::write(output, &ciphertext, &ct)?;
            files::write_secret(output, &shared_secret, ss.expose(), true)
        }
        Kem::Decaps {
            alg,
            secret,
            ciphertext,
            shared_secret,
            raw,
            passphrase,
        } => {
            let kem = find(&alg)?;
            let file = files::read(&secret)?;
            let parts =
                super::passphrase::private_key(kem.info(), &file, raw, &passphrase, output)?;
            let key = kem.import_private_key(&parts)?;
            let ss = kem.decapsulate(&key, files::read(&ciphertext)?.expose())?;
            files::write_secret(output, &shared_secret, ss.expose(), true)
        }
    }
}

fn keygen(args: &Keygen, kem: &AdmittedKem, output: &Output) -> Result<(), CliError> {
    let key = match &args.seed {
        None => kem.generate_storable(&mut *OsWorld::new().rng())?,
        Some(seed) => {
            let seed = files::hex("--seed", seed)?;
            let made = kem.import_decapsulation_key(SecretForm::Seed(seed.expose()));
            made.map_err(|error| match error {
                KemError::FormUnsupported(_) => {
                    CliError::usage(format!("{} keys are not made from a seed", kem.info().id))
                }
                other => other.into(),
            })?
        }
    };
    let public = key.encapsulation_key();
    let parts = PrivateKeyParts {
        seed: key.export(SecretKind::Seed).ok(),
        expanded: Some(key.export(SecretKind::Expanded)?),
        public_key: Some(public.clone()),
    };
    super::write_key_pair(kem.info(), args, &parts, &public, output)
}
