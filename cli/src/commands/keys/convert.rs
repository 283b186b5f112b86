//! `pqfw keys convert`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pqfw_framework::keys::{self, Container, Content, Identified, KeyLengths, PrivateKeyParts};
use pqfw_framework::registry::Registry;
use pqfw_framework::secret::SecretBytes;
use zeroize::Zeroizing;

use super::super::passphrase;
use super::algorithm::Algorithm;
use super::mcp_identity;
use super::packing::{SecretFile, write_public};
use crate::args::keys::{Convert, Half, Source};
use crate::error::CliError;
use crate::files;
use crate::output::Output;

pub(super) fn convert(
    args: &Convert,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let passphrases = [&args.passphrase.passphrase_file, &args.new_passphrase_file];
    let inputs = passphrases.into_iter().flatten().chain([&args.input]);
    files::at_most_one_stdin(inputs.map(AsRef::as_ref))?;
    let file = files::read(&args.input)?;
    let during = |error: CliError| error.during(args.input.display());
    let (algorithm, key) = read(args, &file, registry, output).map_err(during)?;
    let info = algorithm.info();
    match key {
        Key::Public(public) => {
            let for_private_keys = [
                ("--form", args.form.is_some()),
                ("--new-passphrase-file", args.new_passphrase_file.is_some()),
                ("--public-out", args.public_out.is_some()),
            ];
            if let Some((option, _)) = for_private_keys.iter().find(|(_, given)| *given) {
                let what = format!("{option} is for private keys, and this is a public one");
                return Err(during(CliError::usage(what)));
            }
            algorithm
                .check_public(&public)
                .map_err(|error| during(error.into()))?;
            write_public(&args.output, args.to, info, &public, output)
        }
        Key::Private(parts) => {
            let pair = algorithm.import(&parts);
            let pair = pair.map_err(|error| during(error.into()))?;
            SecretFile {
                path: &args.output,
                packing: args.to,
                form: args.form.map(Into::into),
                passphrase_file: args.new_passphrase_file.as_ref(),
                kdf: args.kdf.into(),
                force: args.force,
            }
            .write(info, &pair.secret, output)?;
            match &args.public_out {
                Some(path) => write_public(path, args.to, info, &pair.public, output),
                None => Ok(()),
            }
        }
    }
}

/// One half of a key pair, as a file held it.
enum Key {
    Public(Vec<u8>),
    Private(PrivateKeyParts),
}

fn read(
    args: &Convert,
    file: &SecretBytes,
    registry: &Registry,
    output: &Output,
) -> Result<(Algorithm, Key), CliError> {
    let bare = match args.from {
        None | Some(Source::Pem | Source::Der) => return packed(args, file, registry, output),
        Some(Source::McpIdentity) => {
            let algorithm = named(args, registry, output)?;
            let sha3 = super::super::resolve(registry, output, |r| r.hash("SHA3-256"))?;
            let parts = mcp_identity::read(algorithm.info(), file, &sha3)?;
            return Ok((algorithm, Key::Private(parts)));
        }
        Some(Source::Raw) => SecretBytes::copy_of(file.expose()),
        Some(Source::Hex) => files::hex("--from hex", &one_line(file)?)?,
        Some(Source::Base64) => {
            let bytes = STANDARD.decode(one_line(file)?.as_bytes());
            SecretBytes::own(bytes.map_err(|_| CliError::operation("not base64"))?)
        }
    };
    let algorithm = named(args, registry, output)?;
    let key = match half(args, &algorithm, bare.len())? {
        Half::Public => Key::Public(bare.expose().to_vec()),
        Half::Private => Key::Private(PrivateKeyParts::of_raw(algorithm.info(), bare.expose())),
    };
    Ok((algorithm, key))
}

/// PEM or DER, which say what they are.
fn packed(
    args: &Convert,
    file: &SecretBytes,
    registry: &Registry,
    output: &Output,
) -> Result<(Algorithm, Key), CliError> {
    let identified = keys::identify(registry, file.expose())?;
    let asked = match args.from {
        Some(Source::Pem) => Some(Container::Pem),
        Some(Source::Der) => Some(Container::Der),
        _ => None,
    };
    if asked.is_some_and(|asked| asked != identified.container) {
        let what = "the file is not packed as --from says; leave it out";
        return Err(CliError::usage(what));
    }
    if matches!(identified.content, Content::Encrypted(_)) {
        let der = passphrase::decrypt(file, &args.passphrase, output)?;
        let inside = keys::identify(registry, der.expose())?;
        return plain(args, &inside, &der, registry, output);
    }
    plain(args, &identified, file, registry, output)
}

fn plain(
    args: &Convert,
    identified: &Identified,
    file: &SecretBytes,
    registry: &Registry,
    output: &Output,
) -> Result<(Algorithm, Key), CliError> {
    let algorithm = match (&args.alg, &identified.candidates[..]) {
        (Some(_), _) => named(args, registry, output)?,
        (None, [only]) => Algorithm::resolve(&only.id, registry, output)?,
        (None, []) => {
            let identifier = identified.identifier.as_deref().unwrap_or_default();
            let what = format!("no algorithm of this build has the identifier {identifier}");
            return Err(CliError::operation(what));
        }
        (None, several) => {
            let ids: Vec<_> = several.iter().map(|row| row.id.as_str()).collect();
            let what = format!(
                "this can be a key of {}; say which by --alg",
                ids.join(" or ")
            );
            return Err(CliError::usage(what));
        }
    };
    let key = match &identified.content {
        Content::Public { .. } => {
            Key::Public(keys::public_from_file(algorithm.info(), file.expose())?)
        }
        Content::Private { .. } | Content::Encrypted(_) => {
            Key::Private(keys::private_from_file(algorithm.info(), file.expose())?)
        }
    };
    Ok((algorithm, key))
}

fn named(args: &Convert, registry: &Registry, output: &Output) -> Result<Algorithm, CliError> {
    let Some(name) = &args.alg else {
        let what = "bare keys do not say whose they are; name the algorithm by --alg";
        return Err(CliError::usage(what));
    };
    Algorithm::resolve(name, registry, output)
}

/// Which half bare bytes are: by their length, or as the caller says.
fn half(args: &Convert, algorithm: &Algorithm, length: usize) -> Result<Half, CliError> {
    if let Some(half) = args.half {
        return Ok(half);
    }
    let info = algorithm.info();
    let lengths = KeyLengths::of(info);
    let public = lengths.is_some_and(|own| own.public == length);
    let private = lengths.is_some_and(|own| own.expanded == length || own.seed == Some(length));
    let (id, table) = (&info.id, info.sizes.table());
    match (private, public) {
        (true, false) => Ok(Half::Private),
        (false, true) => Ok(Half::Public),
        (true, true) => Err(CliError::usage(format!(
            "both halves of {id} have {length} bytes; say which this is by --half"
        ))),
        (false, false) => {
            let lengths: Vec<_> = table
                .iter()
                .filter(|(name, _)| name.contains("key") || *name == "seed")
                .map(|(name, bytes)| format!("{} {bytes}", name.replace('_', " ")))
                .collect();
            let lengths = lengths.join(", ");
            let what = format!("{length} bytes are no key of {id} ({lengths})");
            Err(CliError::operation(what))
        }
    }
}

/// Text that people copied, without the white space around it.
fn one_line(file: &SecretBytes) -> Result<Zeroizing<String>, CliError> {
    let text = std::str::from_utf8(file.expose()).map_err(|_| CliError::operation("not text"))?;
    let mut line = Zeroizing::new(String::with_capacity(text.len()));
    line.extend(text.split_ascii_whitespace());
    Ok(line)
}
