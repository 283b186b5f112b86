//! A registry, settings of it, and two ends that talk through vectors.

use std::sync::{Arc, LazyLock};

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::registry::{Registry, ResolveError, Resolver};
use pqfw_framework::transport::{TlsIdentity, TlsSettings, TlsTrust};
use pqfw_framework::world::World;
use pqfw_memory::SeededWorld;
use pqfw_tls::rustls::pki_types::ServerName;
use pqfw_tls::rustls::{
    ClientConfig, ClientConnection, ConnectionCommon, Error, ServerConfig, ServerConnection,
};
use pqfw_tls::{TlsClient, TlsServer};

static REGISTRY: LazyLock<Registry> = LazyLock::new(|| {
    Registry::builder()
        .with(pqfw_aws_lc::plugin())
        .with(pqfw_classical::plugin())
        .with(pqfw_frodokem::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_ml_dsa::plugin())
        .with(pqfw_ml_kem::plugin())
        .build()
        .unwrap()
});

static WORLD: LazyLock<Arc<SeededWorld>> = LazyLock::new(|| Arc::new(SeededWorld::new(1)));

pub(crate) fn world() -> Arc<dyn World> {
    WORLD.clone()
}

pub(crate) fn resolve<T>(
    want: impl FnOnce(&mut Resolver<'_>) -> Result<T, ResolveError>,
) -> Result<T, ResolveError> {
    resolve_preferring("aws-lc", want)
}

pub(crate) fn resolve_preferring<T>(
    provider: &str,
    want: impl FnOnce(&mut Resolver<'_>) -> Result<T, ResolveError>,
) -> Result<T, ResolveError> {
    let (mut rng, prefer) = (WORLD.rng(), [provider.to_owned()]);
    want(&mut Resolver::new(
        &REGISTRY,
        &mut *rng,
        &[],
        &prefer,
        "2026-01-01",
    ))
}

pub(crate) fn sha256() -> AdmittedHash {
    resolve(|r| r.hash("SHA-256")).unwrap()
}

/// A fresh raw public key of that algorithm.
pub(crate) fn raw_key(signature: &str) -> TlsIdentity {
    let signature = resolve(|r| r.signature(signature)).unwrap();
    let key = signature.generate(&mut *WORLD.rng()).unwrap();
    TlsIdentity {
        certificates: Vec::new(),
        key: Arc::new(key),
    }
}

pub(crate) fn fingerprint(identity: &TlsIdentity) -> Fingerprint {
    let key = identity.key.verifying_key();
    Fingerprint::of(&sha256(), identity.key.info(), &key).unwrap()
}

/// Trust in these identities alone.
pub(crate) fn pinned(identities: &[&TlsIdentity]) -> TlsTrust {
    TlsTrust::Pinned {
        sha256: sha256(),
        keys: identities.iter().map(|one| fingerprint(one)).collect(),
    }
}

/// An end that speaks these groups, takes that signature, and believes anybody's bare key.
pub(crate) fn carrier(groups: &[&str], signature: &str) -> TlsSettings {
    let groups = groups.iter();
    let groups = groups.map(|name| resolve(|r| r.tls_group(name)).unwrap());
    TlsSettings {
        groups: groups.collect(),
        signatures: vec![resolve(|r| r.signature(signature)).unwrap()],
        identity: Some(raw_key(signature)),
        servers: TlsTrust::Carrier,
        clients: None,
        require_client: false,
        raw_public_keys: true,
        world: world(),
    }
}

pub(crate) fn client(settings: &TlsSettings) -> Arc<ClientConfig> {
    TlsClient::new(settings, &[]).unwrap().config()
}

pub(crate) fn server(settings: &TlsSettings) -> Arc<ServerConfig> {
    TlsServer::new(settings, &[]).unwrap().config()
}

/// Which end refused, and why.
#[derive(Debug, PartialEq)]
pub(crate) enum Refused {
    Client(Error),
    Server(Error),
}

pub(crate) struct Ends {
    pub(crate) client: ClientConnection,
    pub(crate) server: ServerConnection,
}

/// Shakes hands; `way` sees, and may change, what each end sends: `true` for the server.
pub(crate) fn shake_through(
    client: Arc<ClientConfig>,
    server: Arc<ServerConfig>,
    mut way: impl FnMut(bool, &mut Vec<u8>),
) -> Result<Ends, Refused> {
    let name = ServerName::try_from("localhost").unwrap();
    let mut ends = Ends {
        client: ClientConnection::new(client, name).unwrap(),
        server: ServerConnection::new(server).unwrap(),
    };
    // A handshake takes four flights, with a retry six.
    for _ in 0..8 {
        carry(&mut ends.client, &mut ends.server, |b| way(false, b)).map_err(Refused::Server)?;
        carry(&mut ends.server, &mut ends.client, |b| way(true, b)).map_err(Refused::Client)?;
    }
    assert!(!ends.client.is_handshaking() && !ends.server.is_handshaking());
    Ok(ends)
}

pub(crate) fn shake(client: Arc<ClientConfig>, server: Arc<ServerConfig>) -> Result<Ends, Refused> {
    shake_through(client, server, |_, _| ())
}

fn carry<A, B>(
    from: &mut ConnectionCommon<A>,
    to: &mut ConnectionCommon<B>,
    way: impl FnOnce(&mut Vec<u8>),
) -> Result<(), Error> {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).unwrap();
    }
    way(&mut bytes);
    let mut rest = bytes.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest).unwrap();
        to.process_new_packets()?;
    }
    Ok(())
}
