//! Asks an HTTPS server for `/` with one group and one signature algorithm of the registry's.
//!
//! ```sh
//! cargo run -p pqfw-tls --example https_client -- \
//!     localhost 127.0.0.1:8443 X25519MLKEM768 ML-DSA-65 ca.pem
//! ```
//!
//! With a certificate and its key behind the authority it shows who it is. Prints the group that was
//! agreed and the first line of the answer.

#![expect(clippy::print_stdout, reason = "an example says what it saw")]

use std::error::Error;
use std::sync::Arc;

use pqfw_framework::keys::private_from_file;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::transport::{TlsIdentity, TlsSettings, TlsTrust};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use pqfw_tls::TlsClient;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

type Failed = Box<dyn Error + Send + Sync>;

const USAGE: &str = "https_client NAME ADDRESS GROUP SIGNATURE AUTHORITY [CERTIFICATE KEY]";

fn settings(args: &[String]) -> Result<TlsSettings, Failed> {
    let [group, signature, authority, own @ ..] = args else {
        return Err(USAGE.into());
    };
    let registry = Registry::builder()
        .with(pqfw_aws_lc::plugin())
        .with(pqfw_classical::plugin())
        .with(pqfw_frodokem::plugin())
        .with(pqfw_hash::plugin())
        .with(pqfw_ml_dsa::plugin())
        .with(pqfw_ml_kem::plugin())
        .build()?;
    let world: Arc<dyn World> = Arc::new(OsWorld::new());
    let (mut rng, today) = (world.rng(), world.now().day());
    let mut resolver = Resolver::new(&registry, &mut *rng, &[], &[], &today);
    let authorities = pqfw_tls::certificates(&std::fs::read(authority)?)?;
    let signature = resolver.signature(signature)?;
    let identity = match own {
        [] => None,
        [certificate, key] => {
            let parts = private_from_file(signature.info(), &std::fs::read(key)?)?;
            Some(TlsIdentity {
                certificates: pqfw_tls::certificates(&std::fs::read(certificate)?)?,
                key: Arc::new(signature.import_private_key(&parts)?),
            })
        }
        _ => return Err(USAGE.into()),
    };
    Ok(TlsSettings {
        groups: vec![resolver.tls_group(group)?],
        signatures: vec![signature],
        identity,
        servers: TlsTrust::Authorities(authorities),
        clients: None,
        require_client: false,
        raw_public_keys: false,
        world,
    })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let [name, address, rest @ ..] = args.as_slice() else {
        return Err(USAGE.into());
    };
    let client = TlsClient::new(&settings(rest)?, &[])?;
    let stream = TcpStream::connect(address).await?;
    let mut stream = client.connect(stream, name).await?;
    let agreed = stream.get_ref().1.negotiated_key_exchange_group();
    println!("agreed {agreed:?}");
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    let answer = String::from_utf8_lossy(&answer);
    println!("{}", answer.lines().next().unwrap_or_default());
    Ok(())
}
