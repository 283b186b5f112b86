//! `pqfw sig`.

use pqfw_framework::keys::{self, PrivateKeyParts};
use pqfw_framework::registry::Registry;
use pqfw_framework::secret::{SecretForm, SecretKind};
use pqfw_framework::signature::{AdmittedSignature, SignatureError};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use serde_json::json;

use crate::args::primitives::{Keygen, Sig};
use crate::error::CliError;
use crate::files;
use crate::output::{Output, Tone};

pub(super) fn run(sig: Sig, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let find = |alg: &str| super::resolve(registry, output, |resolver| resolver.signature(alg));
    let context = |context: &Option<String>| match context {
        None => Ok(Vec::new()),
        Some(hex) => files::hex("--context", hex).map(|bytes| bytes.expose().to_vec()),
    };
    match sig {
        Sig::Keygen(args) => keygen(&args, &find(&args.alg)?, output),
        Sig::Sign {
            alg,
            secret,
            input,
            signature,
            context: hex,
            raw,
            passphrase,
        } => {
            let algorithm = find(&alg)?;
            let (file, info) = (files::read(&secret)?, algorithm.info());
            let parts = super::passphrase::private_key(info, &file, raw, &passphrase, output)?;
            let key = algorithm.import_private_key(&parts)?;
            let (message, context) = (files::read(&input)?, context(&hex)?);
            let mut rng = OsWorld::new().rng();
            let signed = key.sign_with_context(&mut *rng, &[message.expose()], &context)?;
            files::write(output, &signature, &signed)
        }
        Sig::Verify {
            alg,
            public,
            input,
            signature,
            context: hex,
            raw,
        } => {
            let algorithm = find(&alg)?;
            let file = files::read(&public)?;
            let bytes = if raw {
                file.expose().to_vec()
            } else {
                keys::public_from_file(algorithm.info(), file.expose())?
            };
            let key = algorithm.import_verifying_key(&bytes)?;
            let (message, signature) = (files::read(&input)?, files::read(&signature)?);
            algorithm.verify(
                &key,
                &[message.expose()],
                &context(&hex)?,
                signature.expose(),
            )?;
            if output.json {
                output.document(&json!({ "verified": true, "algorithm": algorithm.info().id }));
            } else {
                output.line(&output.paint(Tone::Good, "the signature verifies"));
            }
            Ok(())
        }
    }
}

fn keygen(args: &Keygen, sig: &AdmittedSignature, output: &Output) -> Result<(), CliError> {
    let key = match &args.seed {
        None => sig.generate_storable(&mut *OsWorld::new().rng())?,
        Some(seed) => {
            let seed = files::hex("--seed", seed)?;
            let made = sig.import_signing_key(SecretForm::Seed(seed.expose()));
            made.map_err(|error| match error {
                SignatureError::FormUnsupported(_) => {
                    CliError::usage(format!("{} keys are not made from a seed", sig.info().id))
                }
                other => other.into(),
            })?
        }
    };
    let public = key.verifying_key();
    let parts = PrivateKeyParts {
        seed: key.export(SecretKind::Seed).ok(),
        expanded: key.export(SecretKind::Expanded).ok(),
        public_key: Some(public.clone()),
    };
    super::write_key_pair(sig.info(), args, &parts, &public, output)
}
