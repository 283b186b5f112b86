//! A stock hyper server whose TLS is the registry's.
//!
//! ```sh
//! cargo run -p pqfw-tls --example https_server -- \
//!     127.0.0.1:8443 X25519MLKEM768 ML-DSA-65 leaf.pem leaf.key
//! ```
//!
//! hyper and tokio-rustls are as anybody uses them; `TlsServer::config` is the one line of ours.
//! With `-` for the certificate the key is shown bare (RFC 7250). With an authority at the end clients
//! must show a certificate of it.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use pqfw_framework::keys::private_from_file;
use pqfw_framework::registry::{Registry, Resolver};
use pqfw_framework::transport::{TlsIdentity, TlsSettings, TlsTrust};
use pqfw_framework::world::World;
use pqfw_runtime::OsWorld;
use pqfw_tls::TlsServer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

type Failed = Box<dyn Error + Send + Sync>;

const USAGE: &str = "https_server ADDRESS GROUP SIGNATURE CERTIFICATE KEY [AUTHORITY]";

fn settings(args: &[String]) -> Result<TlsSettings, Failed> {
    let [_, group, signature, certificate, key, authority @ ..] = args else {
        return Err(USAGE.into());
    };
    let clients = match authority {
        [] => None,
        [file] => Some(TlsTrust::Authorities(pqfw_tls::certificates(
            &std::fs::read(file)?,
        )?)),
        _ => return Err(USAGE.into()),
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
    let signature = resolver.signature(signature)?;
    let parts = private_from_file(signature.info(), &std::fs::read(key)?)?;
    let identity = TlsIdentity {
        certificates: match certificate.as_str() {
            "-" => Vec::new(),
            file => pqfw_tls::certificates(&std::fs::read(file)?)?,
        },
        key: Arc::new(signature.import_private_key(&parts)?),
    };
    Ok(TlsSettings {
        groups: vec![resolver.tls_group(group)?],
        signatures: vec![signature],
        identity: Some(identity),
        servers: TlsTrust::Carrier,
        require_client: clients.is_some(),
        clients,
        raw_public_keys: false,
        world,
    })
}

async fn hello(_: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("hello from pqfw\n")))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failed> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    let acceptor = TlsAcceptor::from(TlsServer::new(&settings(&args)?, &[b"http/1.1"])?.config());
    let listener = TcpListener::bind(args.first().ok_or(USAGE)?).await?;
    eprintln!("listening on https://{}", listener.local_addr()?);
    loop {
        let (stream, peer) = listener.accept().await?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let outcome = async {
                let stream = acceptor.accept(stream).await?;
                let agreed = stream.get_ref().1.negotiated_key_exchange_group();
                eprintln!("{peer}: {agreed:?}");
                http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service_fn(hello))
                    .await?;
                Ok::<(), Failed>(())
            };
            if let Err(error) = outcome.await {
                eprintln!("{peer}: {error}");
            }
        });
    }
}
