//! Gives the TLS adapter what a peer or a file may hold: shares, signatures, certificates, records,
//! and a handshake with a bit flipped. It refuses or takes them; both ends never disagree.
#![no_main]

use std::sync::{Arc, LazyLock};

use libfuzzer_sys::arbitrary::{self, Arbitrary};
use libfuzzer_sys::fuzz_target;
use pqfw_framework::keys::Fingerprint;
use pqfw_framework::transport::{TlsIdentity, TlsSettings, TlsTrust};
use pqfw_framework::world::World;
use pqfw_fuzz::resolve;
use pqfw_memory::SeededWorld;
use pqfw_tls::rustls::crypto::CryptoProvider;
use pqfw_tls::rustls::pki_types::ServerName;
use pqfw_tls::rustls::{ClientConnection, ConnectionCommon, ServerConnection};
use pqfw_tls::{TlsClient, TlsServer, certificates, crypto_provider};

#[derive(Arbitrary, Debug)]
enum Input {
    /// A key share for a server, or for a client that waits for one.
    Share {
        group: u8,
        share: Vec<u8>,
        started: bool,
    },
    /// A key and a signature of it.
    Signature {
        scheme: u8,
        key: Vec<u8>,
        signature: Vec<u8>,
    },
    /// A file of certificates, and each of them as one's own and as an authority.
    Certificates { file: Vec<u8> },
    /// The first bytes of a client, or of a server.
    Records { bytes: Vec<u8>, server: bool },
    /// A handshake, one bit of which changes on its way.
    Flip { server: bool, at: u16, bit: u8 },
}

struct Ends {
    provider: Arc<CryptoProvider>,
    client: TlsClient,
    server: TlsServer,
}

static ENDS: LazyLock<Ends> = LazyLock::new(|| {
    let settings = settings(Vec::new(), TlsTrust::Carrier, true);
    let (key, sha256) = (
        settings.identity.as_ref().expect("a server has one"),
        resolve(|resolver| resolver.hash("SHA-256").expect("admitted")),
    );
    let public = key.key.verifying_key();
    let pin = Fingerprint::of(&sha256, key.key.info(), &public).expect("a fingerprint");
    let pinned = TlsTrust::Pinned {
        sha256,
        keys: vec![pin],
    };
    let client = TlsSettings {
        servers: pinned,
        ..self::settings(Vec::new(), TlsTrust::Carrier, true)
    };
    Ends {
        provider: crypto_provider(&settings).expect("groups and signatures"),
        client: TlsClient::new(&client, &[]).expect("a client"),
        server: TlsServer::new(&settings, &[]).expect("a server"),
    }
});

static WORLD: LazyLock<Arc<SeededWorld>> = LazyLock::new(|| Arc::new(SeededWorld::new(1)));

/// An end with the same key each time.
fn settings(certificates: Vec<Vec<u8>>, servers: TlsTrust, raw_public_keys: bool) -> TlsSettings {
    let signature = |name| resolve(|resolver| resolver.signature(name).expect("admitted"));
    let groups = ["X25519MLKEM768", "MLKEM768", "SecP256r1MLKEM768"];
    let groups = groups.map(|name| resolve(|resolver| resolver.tls_group(name).expect("admitted")));
    let signatures = vec![signature("Ed25519"), signature("ECDSA-P256")];
    let key = signatures
        .first()
        .expect("two of them")
        .generate(&mut *SeededWorld::new(7).rng());
    TlsSettings {
        groups: groups.into(),
        signatures,
        identity: Some(TlsIdentity {
            certificates,
            key: Arc::new(key.expect("a key")),
        }),
        servers,
        clients: None,
        require_client: false,
        raw_public_keys,
        world: WORLD.clone(),
    }
}

/// Carries what one end says to the other; `false` when it was refused.
fn carry<A, B>(
    from: &mut ConnectionCommon<A>,
    to: &mut ConnectionCommon<B>,
    change: impl FnOnce(&mut Vec<u8>),
) -> bool {
    let mut bytes = Vec::new();
    while from.wants_write() {
        from.write_tls(&mut bytes).expect("a vector takes all");
    }
    change(&mut bytes);
    hear(to, &bytes)
}

fn hear<T>(to: &mut ConnectionCommon<T>, mut bytes: &[u8]) -> bool {
    while !bytes.is_empty() {
        match to.read_tls(&mut bytes) {
            Ok(0) | Err(_) => return false,
            Ok(_) if to.process_new_packets().is_err() => return false,
            Ok(_) => {}
        }
    }
    true
}

fn connections() -> (ClientConnection, ServerConnection) {
    let name = ServerName::try_from("localhost").expect("a name");
    (
        ClientConnection::new(ENDS.client.config(), name).expect("a client"),
        ServerConnection::new(ENDS.server.config()).expect("a server"),
    )
}

fuzz_target!(|input: Input| {
    match input {
        Input::Share {
            group,
            share,
            started,
        } => {
            let groups = &ENDS.provider.kx_groups;
            let group = groups[usize::from(group) % groups.len()];
            let _ = match started {
                true => group.start().expect("a key").complete(&share).map(drop),
                false => group.start_and_complete(&share).map(drop),
            };
        }
        Input::Signature {
            scheme,
            key,
            signature,
        } => {
            let all = ENDS.provider.signature_verification_algorithms.all;
            let algorithm = all[usize::from(scheme) % all.len()];
            let verified = algorithm.verify_signature(&key, b"what nobody signed", &signature);
            assert!(verified.is_err(), "a signature that nobody made");
        }
        Input::Certificates { file } => {
            for certificate in certificates(&file).unwrap_or_else(|_| vec![file]) {
                let chain = vec![certificate];
                let server = settings(chain.clone(), TlsTrust::Carrier, false);
                let _ = TlsServer::new(&server, &[]);
                let client = settings(Vec::new(), TlsTrust::Authorities(chain), false);
                let _ = TlsClient::new(&client, &[]);
            }
        }
        Input::Records { bytes, server } => {
            let (mut near, mut far) = connections();
            if server {
                hear(&mut near, &bytes);
            } else {
                hear(&mut far, &bytes);
            }
            assert!(near.is_handshaking() && far.is_handshaking());
        }
        Input::Flip { server, at, bit } => {
            let (mut near, mut far) = connections();
            let mut left = Some(usize::from(at));
            let mut flip = |bytes: &mut Vec<u8>| {
                left = left.and_then(|at| match bytes.get_mut(at) {
                    Some(byte) => {
                        *byte ^= 1 << (bit % 8);
                        None
                    }
                    None => Some(at - bytes.len()),
                });
            };
            for _ in 0..4 {
                let to_server = |bytes: &mut Vec<u8>| {
                    if !server {
                        flip(bytes)
                    }
                };
                if !carry(&mut near, &mut far, to_server) {
                    return;
                }
                let to_client = |bytes: &mut Vec<u8>| {
                    if server {
                        flip(bytes)
                    }
                };
                if !carry(&mut far, &mut near, to_client) {
                    return;
                }
            }
            if near.is_handshaking() || far.is_handshaking() {
                return;
            }
            let near = near.export_keying_material([0; 32], b"EXPERIMENTAL", None);
            let far = far.export_keying_material([0; 32], b"EXPERIMENTAL", None);
            assert_eq!(near.expect("open"), far.expect("open"));
        }
    }
});
