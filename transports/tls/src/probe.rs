//! What a server takes: hellos with one group, or one signature scheme, and nobody believed.
//!
//! A group is taken when the server answers it with a ServerHello, whatever comes after; a scheme
//! when the server signs the handshake with it. The signature itself is not verified: a probe asks
//! what is there, and trusts nothing.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use pqfw_framework::transport::{TlsGroup, TransportError};
use pqfw_framework::world::World;
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, Error, SignatureScheme};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::ends::server_name;
use crate::group;
use crate::world::{Clock, chance};

/// One question to a server.
pub struct Probe {
    config: Arc<ClientConfig>,
    signed: Arc<Signed>,
}

/// What the server answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answered {
    /// The number of the group that it agreed to, if it did.
    pub group: Option<u16>,
    /// The number of the scheme that it signed with, if it came so far.
    pub scheme: Option<u16>,
    /// Why it did not go on, in words; none when the handshake was completed.
    pub end: Option<String>,
}

impl Probe {
    /// Asks with these groups and schemes, best first, and these application protocols.
    ///
    /// # Errors
    /// [`TransportError::Tls`].
    pub fn new(
        groups: &[TlsGroup],
        schemes: &[SignatureScheme],
        alpn: &[&[u8]],
        world: &Arc<dyn World>,
    ) -> Result<Self, TransportError> {
        let groups = groups.iter().map(|one| group::supported(one, world));
        let provider = CryptoProvider {
            kx_groups: groups.collect(),
            secure_random: chance(world),
            ..aws_lc_rs::default_provider()
        };
        let signed = Arc::new(Signed {
            offered: schemes.to_vec(),
            seen: Mutex::default(),
        });
        let clock = Arc::new(Clock(world.clone()));
        let builder = ClientConfig::builder_with_details(Arc::new(provider), clock);
        let builder = builder.with_protocol_versions(&[&TLS13]);
        let mut config = builder
            .map_err(|error| TransportError::Tls(error.to_string()))?
            .dangerous()
            .with_custom_certificate_verifier(signed.clone())
            .with_no_client_auth();
        config.resumption = Resumption::disabled();
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        Ok(Self {
            config: Arc::new(config),
            signed,
        })
    }

    /// What it is to rustls: for QUIC.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }

    /// The number of the scheme that the server signed with.
    #[must_use]
    pub fn scheme(&self) -> Option<u16> {
        let seen = self.signed.seen.lock();
        (*seen.unwrap_or_else(PoisonError::into_inner)).map(u16::from)
    }

    /// Asks the server behind `stream`, which was dialled as `host`.
    ///
    /// # Errors
    /// [`io::ErrorKind::InvalidInput`] for a host that is no name, and what rustls says before it
    /// sends anything.
    pub async fn ask<S>(&self, mut stream: S, host: &str) -> io::Result<Answered>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let tls = ClientConnection::new(self.config.clone(), server_name(host)?);
        let mut tls = tls.map_err(io::Error::other)?;
        let end = shake(&mut tls, &mut stream).await.err();
        let agreed = tls.negotiated_key_exchange_group();
        Ok(Answered {
            group: agreed.map(|group| u16::from(group.name())),
            scheme: self.scheme(),
            end: end.map(|error| error.to_string()),
        })
    }
}

/// Shakes hands by hand: what was agreed on must be known even where the end is a failure.
async fn shake<S>(tls: &mut ClientConnection, stream: &mut S) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut buffer = vec![0; 16 << 10];
    while tls.is_handshaking() {
        let mut outgoing = Vec::new();
        while tls.wants_write() {
            tls.write_tls(&mut outgoing)?;
        }
        stream.write_all(&outgoing).await?;
        stream.flush().await?;
        if !tls.is_handshaking() {
            break;
        }
        let length = stream.read(&mut buffer).await?;
        if length == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut incoming = buffer.get(..length).unwrap_or_default();
        while !incoming.is_empty() {
            tls.read_tls(&mut incoming)?;
            tls.process_new_packets().map_err(io::Error::other)?;
        }
    }
    Ok(())
}

/// Takes every signature and remembers its scheme.
#[derive(Debug)]
struct Signed {
    offered: Vec<SignatureScheme>,
    seen: Mutex<Option<SignatureScheme>>,
}

impl ServerCertVerifier for Signed {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(crate::trust::NOT_1_2)
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(dss.scheme);
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.offered.clone()
    }
}
