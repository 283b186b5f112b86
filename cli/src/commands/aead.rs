//! `pqfw aead`.

use pqfw_framework::registry::Registry;

use crate::args::primitives::{Aead, AeadArgs};
use crate::error::CliError;
use crate::files;
use crate::output::Output;

pub(super) fn run(aead: Aead, registry: &Registry, output: &Output) -> Result<(), CliError> {
    let (Aead::Seal(args) | Aead::Open(args)) = &aead;
    let AeadArgs {
        alg,
        key,
        nonce,
        aad,
        input,
        output: path,
    } = args;
    let algorithm = super::resolve(registry, output, |resolver| resolver.aead(alg))?;
    let key = algorithm.key(files::read(key)?.expose())?;
    let nonce = files::hex("--nonce", nonce)?;
    let aad = match aad {
        Some(path) => files::read(path)?.expose().to_vec(),
        None => Vec::new(),
    };
    let input = files::read(input)?;
    match &aead {
        Aead::Seal(_) => {
            let sealed = key.seal(nonce.expose(), &aad, input.expose())?;
            files::write(output, path, &sealed)
        }
        Aead::Open(_) => {
            let plaintext = key.open(nonce.expose(), &aad, input.expose())?;
            files::write_secret(output, path, &plaintext, true)
        }
    }
}
