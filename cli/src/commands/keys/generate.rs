//! `pqfw keys generate`.

use pqfw_framework::kem::KemError;
use pqfw_framework::keys::{Fingerprint, KeyImportError, PrivateKeyParts};
use pqfw_framework::registry::Registry;
use pqfw_framework::signature::SignatureError;
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use serde_json::json;

use super::algorithm::Algorithm;
use super::packing::{SecretFile, write_public};
use crate::args::keys::Generate;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

pub(super) fn generate(
    args: &Generate,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let outputs = [Some(&args.secret), args.public.as_ref()];
    super::stdout_is_free(outputs.into_iter().flatten().map(AsRef::as_ref), output)?;
    let algorithm = Algorithm::resolve(&args.alg, registry, output)?;
    let info = algorithm.info();
    let pair = match &args.seed {
        None => algorithm.generate(&mut *OsWorld::new().rng())?,
        Some(hex) => {
            let seed = files::hex("--seed", hex)?;
            let made = algorithm.import(&PrivateKeyParts::of_seed(seed.expose()));
            made.map_err(|error| not_from_seed(&info.id, error))?
        }
    };
    SecretFile {
        path: &args.secret,
        packing: args.format,
        form: args.form.map(Into::into),
        passphrase_file: args.passphrase_file.as_ref(),
        kdf: args.kdf.into(),
        force: args.force,
    }
    .write(info, &pair.secret, output)?;
    if let Some(path) = &args.public {
        write_public(path, args.format, info, &pair.public, output)?;
    }
    let sha256 = super::sha256(registry, output)?;
    let fingerprint = Fingerprint::of(&sha256, info, &pair.public).ok();
    let fingerprint = fingerprint.as_ref().map(Fingerprint::as_str);
    let provider = algorithm.provider();
    if output.json {
        output.document(&json!({
            "event": "keys.generate",
            "algorithm": info.id,
            "provider": provider.name,
            "secret": args.secret,
            "public": args.public,
            "encrypted": args.passphrase_file.is_some(),
            "fingerprint": fingerprint,
        }));
    } else {
        let fingerprint = fingerprint.unwrap_or("no fingerprint: the algorithm has no identifier");
        output.line_err(&format!("{}@{} {fingerprint}", info.id, provider.name));
    }
    Ok(())
}

fn not_from_seed(id: &str, error: KeyImportError) -> CliError {
    match error {
        KeyImportError::Kem(KemError::FormUnsupported(_))
        | KeyImportError::Signature(SignatureError::FormUnsupported(_)) => {
            CliError::usage(format!("{id} keys are not made from a seed"))
        }
        other => other.into(),
    }
}
