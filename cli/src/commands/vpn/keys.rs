//! `pqfw vpn peer-id` and `pqfw vpn keys`: key files, without a node.

use std::path::PathBuf;
use std::sync::Arc;

use pqfw_framework::keys::{self, KeyCodecError};
use pqfw_framework::profile::Profile;
use pqfw_framework::registry::Registry;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Failure, Host, Report, Role, RunError};
use pqfw_pqvpn::config::{KeyPlace, Settings};
use pqfw_pqvpn::keyring::{self, KeyNames, KeyringError};
use pqfw_pqvpn::{PeerId, Suites};
use serde_json::json;

use super::ours;
use crate::args::Common;
use crate::args::vpn::VpnKeys;
use crate::compose;
use crate::error::CliError;
use crate::files;
use crate::output::Output;

/// Nothing is told while keys are looked at.
struct Silent;

impl Report for Silent {
    fn event(&self, _: &Event) {}
}

pub(super) fn host(
    profile: Profile,
    registry: &Registry,
    output: &Output,
) -> Result<Host, CliError> {
    let composed = compose::compose(profile, Role::Node, registry, Arc::new(Silent), output)?;
    Ok(composed.host.clone())
}

pub(super) fn peer_id(
    files: &[PathBuf],
    profile: Profile,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let host = host(profile, registry, output)?;
    let (mut verifying, mut encapsulation) = (None, None);
    for path in files {
        let file = files::read(path)?;
        let during = |error: KeyCodecError| CliError::from(error).during(path.display());
        match public_of(&host.suite, file.expose()).map_err(during)? {
            Public::Signature(key) => verifying = Some(key),
            Public::Kem(key) => encapsulation = Some(key),
        }
    }
    let missing =
        |which| CliError::usage(format!("a peer id is over two keys: name the {which}, too"));
    let verifying = verifying.ok_or_else(|| missing("signature's key"))?;
    let encapsulation = encapsulation.ok_or_else(|| missing("KEM's key"))?;
    let id = PeerId::of(&host.suite, &verifying, &encapsulation)?;
    match output.json {
        true => output.document(&json!({ "peer_id": id.to_string() })),
        false => output.line(&id.to_string()),
    }
    Ok(())
}

enum Public {
    Signature(Vec<u8>),
    Kem(Vec<u8>),
}

/// The public key of a file, private or public, of one of the suite's algorithms.
fn public_of(suite: &Suite, file: &[u8]) -> Result<Public, KeyCodecError> {
    let (kem, signature) = (suite.kem.info(), suite.signature.info());
    if let Ok(key) = keys::public_from_file(signature, file) {
        return Ok(Public::Signature(key));
    }
    if let Ok(key) = keys::public_from_file(kem, file) {
        return Ok(Public::Kem(key));
    }
    let broken = |error: &dyn std::fmt::Display| KeyCodecError::Unrecognised(error.to_string());
    match keys::private_from_file(signature, file) {
        Ok(parts) => {
            let key = suite.signature.import_private_key(&parts);
            let key = key.map_err(|error| broken(&error))?;
            return Ok(Public::Signature(key.verifying_key()));
        }
        Err(KeyCodecError::WrongAlgorithm { .. }) => {}
        Err(error) => return Err(error),
    }
    let parts = keys::private_from_file(kem, file)?;
    let key = suite.kem.import_private_key(&parts);
    Ok(Public::Kem(
        key.map_err(|error| broken(&error))?.encapsulation_key(),
    ))
}

pub(super) fn run(
    command: VpnKeys,
    _: &Common,
    registry: &Registry,
    output: &Output,
) -> Result<(), CliError> {
    let (VpnKeys::Make(args) | VpnKeys::Show(args) | VpnKeys::Rotate(args)) = &command;
    let profile = ours(args.clone(), registry)?;
    let KeyPlace::Files { signature, kem } = Settings::read(&profile)?.keys else {
        let text = "keys.runtime_temp_keys is true: such a node has no keys before it runs";
        return Err(CliError::usage(text));
    };
    let host = host(profile, registry, output)?;
    let names = KeyNames { signature, kem };
    let all = std::iter::once(&host.suite).chain(&host.alternatives);
    let suites = Suites::new(all.cloned().collect()).map_err(CliError::usage)?;
    let mut rng = host.world.rng();
    match command {
        VpnKeys::Make(_) => {
            let made = keyring::identity(&*host.keys, &names, &suites, &mut *rng);
            let (identity, _) = made.map_err(failed)?;
            show(identity.id(), &names, &host, output);
        }
        VpnKeys::Show(_) => {
            let stored = keyring::stored(&*host.keys, &names, &suites);
            show(stored.map_err(failed)?.id(), &names, &host, output);
        }
        VpnKeys::Rotate(_) => {
            let rotated = keyring::rotate(&*host.keys, &names, &suites, &mut *rng);
            let (former, new) = rotated.map_err(failed)?;
            if output.json {
                let ids = json!({ "former": former.to_string(), "peer_id": new.to_string() });
                output.document(&ids);
                return Ok(());
            }
            output.line(&format!("{new} follows {former}"));
            output.line(
                "restart the node; peers in mode pinned or tofu believe the statement; an allow-list, \
                 strict_tofu and everything that names the former id need the new one",
            );
        }
    }
    Ok(())
}

/// Who has these keys, and where they are.
fn show(id: PeerId, names: &KeyNames, host: &Host, output: &Output) {
    let directory = host.keys.describe();
    if output.json {
        output.document(&json!({
            "peer_id": id.to_string(),
            "directory": directory,
            "signature": names.signature,
            "kem": names.kem,
        }));
        return;
    }
    output.line(&id.to_string());
    output.line(&format!("{directory}/{}", names.signature));
    output.line(&format!("{directory}/{}", names.kem));
}

fn failed(error: KeyringError) -> CliError {
    RunError::new(Failure::Operation, error).into()
}
