//! `pqfw qu3 generate-keys` and `inspect-keys` where an end is one signing key: the identity.

use pqfw_framework::keys::{Fingerprint, new_identity, stored_identity};
use pqfw_framework::peers::PeerList;
use pqfw_framework::profile::Profile;
use pqfw_framework::signature::SigningKey;
use pqfw_framework::system::Host;
use serde_json::json;

use crate::error::CliError;
use crate::output::{Output, Tone};

/// Makes an identity for the profile's first suite.
pub(super) fn generate(
    host: &Host,
    profile: &Profile,
    force: bool,
    output: &Output,
) -> Result<(), CliError> {
    let (place, name) = (host.keys.describe(), &profile.common.keys.identity);
    if host.keys.read(name)?.is_some() && !force {
        return Err(CliError::operation(format!(
            "{place} holds an identity; --force replaces it, and every peer that knows it will \
             refuse the new one"
        )));
    }
    let mut rng = host.world.rng();
    let key = new_identity(&*host.keys, name, &host.suite.signature, &mut *rng)
        .map_err(CliError::usage)?;
    let fingerprint = fingerprint(host, &key)?;
    if output.json {
        output.document(&json!({ "directory": place, "fingerprint": fingerprint.as_str() }));
    } else {
        output.line(&format!("{name} is in {place}\nidentity {fingerprint}"));
    }
    Ok(())
}

/// Says who this end is and whom it knows.
pub(super) fn inspect(host: &Host, profile: &Profile, output: &Output) -> Result<(), CliError> {
    let (place, name) = (host.keys.describe(), &profile.common.keys.identity);
    let key = stored_identity(&*host.keys, name, &host.suite.signature).map_err(CliError::usage)?;
    let identity = key.map(|key| fingerprint(host, &key)).transpose()?;
    let peers = PeerList::load(&profile.common.peers, host.keys.clone());
    let peers = peers.map_err(CliError::usage)?.known();
    let algorithm = &host.suite.signature.info().id;
    if output.json {
        let peers = peers.iter().map(|peer| {
            json!({
                "name": peer.name,
                "fingerprint": peer.fingerprint.as_str(),
                "first_seen": peer.first_seen,
            })
        });
        output.document(&json!({
            "directory": place,
            "identity": identity.map(|identity| {
                json!({ "algorithm": algorithm, "fingerprint": identity.as_str() })
            }),
            "peers": peers.collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    output.line(&format!("key files in {place}"));
    match identity {
        Some(identity) => output.line(&format!("identity {identity} ({algorithm})")),
        None => output.line("no identity; make one with `pqfw qu3 generate-keys`"),
    }
    for peer in peers {
        let name = output.paint(Tone::Strong, &peer.name);
        output.line(&format!("knows    {} {name}", peer.fingerprint));
    }
    Ok(())
}

fn fingerprint(host: &Host, key: &SigningKey) -> Result<Fingerprint, CliError> {
    let public = key.verifying_key();
    Fingerprint::of(&host.suite.digest, key.info(), &public).map_err(CliError::usage)
}
