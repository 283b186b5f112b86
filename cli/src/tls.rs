//! A profile's `transport.tls`, resolved: names into admitted algorithms, files into keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use pqfw_framework::catalogue::Kind;
use pqfw_framework::keys::{Fingerprint, identify, private_from_file};
use pqfw_framework::profile::{OneOrMany, TlsChoice, TlsTable};
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::signature::SigningKey;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::KeyFiles;
use pqfw_framework::transport::{TlsIdentity, TlsSettings, TlsTrust, Transport, TransportError};
use pqfw_framework::world::World;
use pqfw_runtime::DirectoryKeys;

use crate::error::CliError;

/// What a profile gets that names no group: the one that browsers and servers prefer.
const GROUP: &str = "X25519MLKEM768";

/// What a profile gets that names no signature.
const SIGNATURE: &str = "ML-DSA-65";

/// Where names and files are looked up.
pub(crate) struct Place<'a> {
    pub(crate) registry: &'a Registry,
    pub(crate) world: &'a Arc<dyn World>,
    /// Paths in the table are relative to it.
    pub(crate) directory: &'a Path,
}

/// Resolves what the profile says, or for a transport that speaks nothing else what it needs: a carrier
/// that signs with the suite's own signature, which the policy allows.
pub(crate) fn resolve(
    choice: &TlsChoice,
    suite: &Suite,
    transport: &dyn Transport,
    place: &Place<'_>,
    resolver: &mut Resolver<'_>,
) -> Result<Option<Arc<TlsSettings>>, CliError> {
    let info = transport.info();
    let refused = |what: String| Err(CliError::from(TransportError::Tls(what)));
    let carrier = TlsTable {
        raw_public_keys: true,
        carrier: true,
        signatures: Some(OneOrMany(vec![suite.signature.info().id.to_string()])),
        ..TlsTable::default()
    };
    let table = match choice {
        TlsChoice::Table(_) if !info.tls => {
            return refused(format!("{} does not speak it; take it out", info.name));
        }
        TlsChoice::Table(table) => table,
        TlsChoice::Off if transport.needs_tls() => {
            return refused(format!("{} speaks nothing else; take it out", info.name));
        }
        TlsChoice::Unsaid if transport.needs_tls() => &carrier,
        TlsChoice::Off | TlsChoice::Unsaid => return Ok(None),
    };
    let settings = settings(table, place, resolver).map_err(|error| error.during("transport.tls"));
    Ok(Some(Arc::new(settings?)))
}

fn settings(
    table: &TlsTable,
    place: &Place<'_>,
    resolver: &mut Resolver<'_>,
) -> Result<TlsSettings, CliError> {
    let mut groups = Vec::new();
    for name in names(&table.groups, GROUP) {
        groups.push(resolver.tls_group(&name)?);
    }
    let mut signatures = Vec::new();
    for name in names(&table.signatures, SIGNATURE) {
        signatures.push(resolver.signature(&name)?);
    }
    let identity = match (&table.key, &table.certificate, table.raw_public_keys) {
        (Some(key), Some(certificate), false) => Some(TlsIdentity {
            certificates: certificates(certificate, place)?,
            key: Arc::new(private_key(key, place, resolver)?),
        }),
        (Some(key), None, true) => Some(TlsIdentity {
            certificates: Vec::new(),
            key: Arc::new(private_key(key, place, resolver)?),
        }),
        (None, None, true) => {
            // `names` gives at least one.
            let first = signatures
                .first()
                .map(|one| one.generate(&mut *place.world.rng()));
            first.transpose()?.map(|key| TlsIdentity {
                certificates: Vec::new(),
                key: Arc::new(key),
            })
        }
        (None, None, false) => None,
        (Some(_), None, false) => {
            return Err(CliError::usage(
                "a key without a certificate: name its certificate, or say raw_public_keys = true",
            ));
        }
        (None, Some(_), false) => {
            return Err(CliError::usage(
                "a certificate without its key: name the key",
            ));
        }
        (_, Some(_), true) => {
            return Err(CliError::usage(
                "a certificate with raw_public_keys = true: take one of them out",
            ));
        }
    };
    Ok(TlsSettings {
        groups,
        signatures,
        identity,
        servers: servers(table, place, resolver)?,
        clients: clients(table, place, resolver)?,
        require_client: table.require_client,
        raw_public_keys: table.raw_public_keys,
        world: place.world.clone(),
    })
}

fn names(given: &Option<OneOrMany<String>>, default: &str) -> Vec<String> {
    given
        .as_ref()
        .map_or_else(|| vec![default.to_owned()], |names| names.0.clone())
}

/// Whom a client believes. Where nothing says so, nobody: a server alone needs no more.
fn servers(
    table: &TlsTable,
    place: &Place<'_>,
    resolver: &mut Resolver<'_>,
) -> Result<TlsTrust, CliError> {
    match (&table.ca, table.pins.is_empty(), table.carrier) {
        (None, true, true) => Ok(TlsTrust::Carrier),
        (None, false, false) => pins(&table.pins, resolver),
        (ca, true, false) => authorities(ca, place),
        _ => Err(CliError::usage(
            "ca, pins and carrier are three ways to believe a server: name one",
        )),
    }
}

/// Whom a server believes; `None` when it does not ask.
fn clients(
    table: &TlsTable,
    place: &Place<'_>,
    resolver: &mut Resolver<'_>,
) -> Result<Option<TlsTrust>, CliError> {
    match (&table.client_ca, table.require_client) {
        (Some(_), _) => Ok(Some(authorities(&table.client_ca, place)?)),
        (None, true) if !table.pins.is_empty() => Ok(Some(pins(&table.pins, resolver)?)),
        (None, _) => Ok(None),
    }
}

fn authorities(files: &Option<OneOrMany<String>>, place: &Place<'_>) -> Result<TlsTrust, CliError> {
    let mut all = Vec::new();
    for file in files.iter().flat_map(|files| &files.0) {
        all.extend(certificates(file, place)?);
    }
    Ok(TlsTrust::Authorities(all))
}

fn pins(texts: &[String], resolver: &mut Resolver<'_>) -> Result<TlsTrust, CliError> {
    let read = |text: &String| {
        Fingerprint::parse(text).ok_or_else(|| {
            CliError::usage(format!(
                "`{text}` is no fingerprint: `sha256:` and 64 lower-case hexadecimal digits, as \
                 `pqfw keys inspect` prints"
            ))
        })
    };
    let keys: Result<_, _> = texts.iter().map(read).collect();
    Ok(TlsTrust::Pinned {
        sha256: resolver.hash("SHA-256")?,
        keys: keys?,
    })
}

fn certificates(file: &str, place: &Place<'_>) -> Result<Vec<Vec<u8>>, CliError> {
    let path = place.directory.join(file);
    let bytes = crate::files::read(&path)?;
    let found = pqfw_tls::certificates(bytes.expose());
    found.map_err(|error| CliError::from(error).during(path.display()))
}

fn private_key(
    file: &str,
    place: &Place<'_>,
    resolver: &mut Resolver<'_>,
) -> Result<SigningKey, CliError> {
    let path = place.directory.join(file);
    let during = |error: CliError| error.during(path.display());
    let bytes = secret_file(&path)?;
    let identified = identify(place.registry, bytes.expose());
    let identified = identified.map_err(|error| during(error.into()))?;
    let rows = identified.candidates;
    let Some(row) = rows.iter().find(|row| row.kind() == Kind::Signature) else {
        let what = "this is no private key of a signature algorithm that this build knows";
        return Err(during(CliError::usage(what)));
    };
    let signature = resolver.signature(&row.id)?;
    let parts = private_from_file(row, bytes.expose());
    let parts = parts.map_err(|error| during(error.into()))?;
    let key = signature.import_private_key(&parts);
    key.map_err(|error| during(error.into()))
}

/// Reads a file that must be its owner's alone.
fn secret_file(path: &Path) -> Result<SecretBytes, CliError> {
    let missing = || CliError::usage(format!("{}: no such file", path.display()));
    let directory = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let name = path.file_name().and_then(|name| name.to_str());
    let name = name.ok_or_else(missing)?;
    DirectoryKeys::new(directory)
        .read(name)?
        .ok_or_else(missing)
}
