//! The peer: stock rustls on AWS-LC, TLS 1.3 with X25519MLKEM768 and AES-256-GCM, both ends
//! authenticated, no tickets and no resumption.
//!
//! Its keys are shown in certificates, each signed by one authority, which takes one verification
//! more at each end; or bare and pinned (RFC 7250), which is the channel's own work.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SignatureAlgorithm,
};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{AlwaysResolvesClientRawPublicKeys, Resumption, WebPkiServerVerifier};
use rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384;
use rustls::crypto::aws_lc_rs::{default_provider, kx_group::X25519MLKEM768};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, verify_tls13_signature_with_raw_key,
};
use rustls::pki_types::{
    CertificateDer, PrivateKeyDer, ServerName, SubjectPublicKeyInfoDer, UnixTime,
};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{
    AlwaysResolvesServerRawPublicKeys, NoServerSessionStorage, WebPkiClientVerifier,
};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, RootCertStore,
    ServerConfig, SignatureScheme,
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::pair::{BULK_BYTES, CHUNK, loopback, memory};

/// Both ends.
pub(crate) struct Peer {
    client: TlsConnector,
    server: TlsAcceptor,
}

impl Peer {
    /// Ends with certificates.
    pub(crate) fn with_certificates(algorithm: &'static SignatureAlgorithm) -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate_for(algorithm).expect("generates");
        let authority = params.self_signed(&key).expect("signs");
        let issuer = Issuer::new(params, key);
        let mut roots = RootCertStore::empty();
        roots.add(authority.der().clone()).expect("an authority");
        let roots = Arc::new(roots);

        let provider = provider();
        let servers = WebPkiServerVerifier::builder_with_provider(roots.clone(), provider.clone());
        let clients = WebPkiClientVerifier::builder_with_provider(roots, provider);
        let [(server, server_key), (client, client_key)] = [
            ExtendedKeyUsagePurpose::ServerAuth,
            ExtendedKeyUsagePurpose::ClientAuth,
        ]
        .map(|usage| leaf(algorithm, &issuer, usage));
        let client = client_builder(servers.build().expect("verifies"))
            .with_client_auth_cert(vec![client], client_key);
        let server = server_builder(clients.build().expect("verifies"))
            .with_single_cert(vec![server], server_key);
        Self::of(client.expect("a client"), server.expect("a server"))
    }

    /// Ends with bare keys, each pinned by the other.
    pub(crate) fn with_bare_keys(algorithm: &'static SignatureAlgorithm) -> Self {
        let [of_client, of_server] = [(); 2].map(|()| bare(algorithm));
        let client = client_builder(Pinned::of(&of_server)).with_client_cert_resolver(Arc::new(
            AlwaysResolvesClientRawPublicKeys::new(of_client.clone()),
        ));
        let server = server_builder(Pinned::of(&of_client))
            .with_cert_resolver(Arc::new(AlwaysResolvesServerRawPublicKeys::new(of_server)));
        Self::of(client, server)
    }

    fn of(mut client: ClientConfig, mut server: ServerConfig) -> Self {
        client.resumption = Resumption::disabled();
        server.send_tls13_tickets = 0;
        server.session_storage = Arc::new(NoServerSessionStorage {});
        Self {
            client: Arc::new(client).into(),
            server: Arc::new(server).into(),
        }
    }

    /// An open connection over a stream in memory, both ends.
    pub(crate) async fn in_memory(&self) -> Ends<DuplexStream> {
        let (near, far) = memory();
        self.shake(near, far).await
    }

    /// An open connection over TCP, both ends.
    pub(crate) async fn over_tcp(&self) -> Ends<TcpStream> {
        let (near, far) = loopback().await;
        self.shake(near, far).await
    }

    async fn shake<S>(&self, near: S, far: S) -> Ends<S>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = ServerName::try_from(NAME).expect("a name");
        let (near, far) = tokio::join!(self.client.connect(name, near), self.server.accept(far));
        (near.expect("is accepted"), far.expect("accepts"))
    }
}

pub(crate) type Ends<S> = (client::TlsStream<S>, server::TlsStream<S>);

/// Sends all that is to be sent there and back.
pub(crate) async fn bulk((near, far): &mut Ends<TcpStream>) {
    tokio::join!(send(near), receive(far));
    tokio::join!(send(far), receive(near));
}

async fn send(writer: &mut (impl AsyncWrite + Unpin)) {
    let chunk = vec![7; CHUNK];
    for _ in 0..BULK_BYTES / CHUNK {
        writer.write_all(&chunk).await.expect("is sent");
    }
    writer.flush().await.expect("is sent");
}

async fn receive(reader: &mut (impl AsyncRead + Unpin)) {
    let (mut chunk, mut left) = (vec![0; CHUNK], BULK_BYTES);
    while left > 0 {
        let read = reader.read(&mut chunk).await.expect("comes");
        assert_ne!(read, 0, "cut off");
        left -= read;
    }
}

const NAME: &str = "localhost";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(CryptoProvider {
        cipher_suites: vec![TLS13_AES_256_GCM_SHA384],
        kx_groups: vec![X25519MLKEM768],
        ..default_provider()
    })
}

fn client_builder(
    servers: Arc<dyn ServerCertVerifier>,
) -> rustls::ConfigBuilder<ClientConfig, rustls::client::WantsClientCert> {
    ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .dangerous()
        .with_custom_certificate_verifier(servers)
}

fn server_builder(
    clients: Arc<dyn ClientCertVerifier>,
) -> rustls::ConfigBuilder<ServerConfig, rustls::server::WantsServerCert> {
    ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .expect("TLS 1.3")
        .with_client_cert_verifier(clients)
}

fn leaf(
    algorithm: &'static SignatureAlgorithm,
    issuer: &Issuer<'_, KeyPair>,
    usage: ExtendedKeyUsagePurpose,
) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
    let mut params = CertificateParams::new([NAME.to_owned()]).expect("a name");
    params.extended_key_usages = vec![usage];
    let key = KeyPair::generate_for(algorithm).expect("generates");
    let certificate = params.signed_by(&key, issuer).expect("signs");
    (certificate.into(), key.into())
}

/// A key, with its SubjectPublicKeyInfo where a certificate would stand (RFC 7250 section 3).
fn bare(algorithm: &'static SignatureAlgorithm) -> Arc<CertifiedKey> {
    let key = KeyPair::generate_for(algorithm).expect("generates");
    let key = provider().key_provider.load_private_key(key.into());
    let key = key.expect("loads");
    let spki = key.public_key().expect("has a public half");
    let spki = CertificateDer::from(spki.as_ref().to_vec());
    Arc::new(CertifiedKey::new(vec![spki], key))
}

/// The one bare key that is accepted.
#[derive(Debug)]
struct Pinned {
    spki: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Pinned {
    fn of(key: &CertifiedKey) -> Arc<Self> {
        Arc::new(Self {
            spki: key.cert[0].clone(),
            algorithms: provider().signature_verification_algorithms,
        })
    }

    fn known(&self, shown: &CertificateDer<'_>) -> Result<(), Error> {
        if *shown == self.spki {
            return Ok(());
        }
        Err(CertificateError::ApplicationVerificationFailure.into())
    }

    fn signed(
        &self,
        message: &[u8],
        shown: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let spki = SubjectPublicKeyInfoDer::from(shown.as_ref());
        verify_tls13_signature_with_raw_key(message, &spki, signature, &self.algorithms)
    }
}

type Signed = Result<HandshakeSignatureValid, Error>;

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.known(end_entity)
            .map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Signed {
        unreachable!("TLS 1.3 alone is spoken")
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Signed {
        self.signed(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

impl ClientCertVerifier for Pinned {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.known(end_entity)
            .map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Signed {
        unreachable!("TLS 1.3 alone is spoken")
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Signed {
        self.signed(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}
