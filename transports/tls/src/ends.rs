//! The two ends of TLS 1.3, ready to be put over any stream.
//!
//! Every connection is a fresh key exchange: there are no tickets, no resumption, no early data.

use std::io;
use std::sync::Arc;

use pqfw_framework::transport::{TlsSettings, TransportError};
use rustls::client::Resumption;
use rustls::pki_types::ServerName;
use rustls::server::NoServerSessionStorage;
use rustls::version::TLS13;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::provider::crypto_provider;
use crate::world::Clock;
use crate::{identity, trust};

/// The connecting end.
#[derive(Clone)]
pub struct TlsClient(Arc<ClientConfig>);

impl TlsClient {
    /// Makes the end that `settings` describe; `alpn` are the application protocols that it
    /// offers, best first (RFC 7301).
    ///
    /// # Errors
    /// [`TransportError::Tls`].
    pub fn new(settings: &TlsSettings, alpn: &[&[u8]]) -> Result<Self, TransportError> {
        let provider = crypto_provider(settings)?;
        let clock = Arc::new(Clock(settings.world.clone()));
        let builder = ClientConfig::builder_with_details(provider.clone(), clock);
        let builder = builder.with_protocol_versions(&[&TLS13]);
        let builder = builder.map_err(unusable)?;
        let builder = builder
            .dangerous()
            .with_custom_certificate_verifier(trust::of_servers(settings, &provider)?);
        // RFC 7250 section 4 has a server pick what clients show; rustls ends the handshake where
        // that is not a bare key and the client has one. So a bare key is shown where both ends
        // say that clients must.
        let shown = settings.identity.as_ref();
        let shown = shown.filter(|one| settings.require_client || !one.certificates.is_empty());
        let mut config = match shown {
            Some(identity) => {
                builder.with_client_cert_resolver(identity::client(identity, &settings.world)?)
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        config.resumption = Resumption::disabled();
        Ok(Self(Arc::new(config)))
    }

    /// What it is to rustls: for QUIC, and for programs on rustls.
    #[must_use]
    pub fn config(&self) -> Arc<ClientConfig> {
        self.0.clone()
    }

    /// Shakes hands over `stream` with `host`, the name or address that was dialled.
    ///
    /// # Errors
    /// What the stream or rustls says; the name is at fault when it is no name.
    pub async fn connect<S>(&self, stream: S, host: &str) -> io::Result<client::TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let name = server_name(host)?;
        TlsConnector::from(self.0.clone())
            .connect(name, stream)
            .await
    }
}

/// The name that a certificate must be for; an address of IPv6 with or without its brackets.
pub(crate) fn server_name(host: &str) -> io::Result<ServerName<'static>> {
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let name = ServerName::try_from(bare.unwrap_or(host).to_owned());
    name.map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "this is no name of a host"))
}

/// The accepting end.
#[derive(Clone)]
pub struct TlsServer(Arc<ServerConfig>);

impl TlsServer {
    /// Makes the end that `settings` describe; `alpn` are the application protocols that it
    /// speaks, best first (RFC 7301).
    ///
    /// # Errors
    /// [`TransportError::Tls`].
    pub fn new(settings: &TlsSettings, alpn: &[&[u8]]) -> Result<Self, TransportError> {
        let Some(identity) = &settings.identity else {
            return Err(TransportError::Tls(
                "a server must show who it is: name a key, and a certificate for it or \
                 raw_public_keys = true"
                    .into(),
            ));
        };
        let provider = crypto_provider(settings)?;
        let clock = Arc::new(Clock(settings.world.clone()));
        let builder = ServerConfig::builder_with_details(provider.clone(), clock);
        let builder = builder.with_protocol_versions(&[&TLS13]);
        let mut config = builder
            .map_err(unusable)?
            .with_client_cert_verifier(trust::of_clients(settings, &provider)?)
            .with_cert_resolver(identity::server(identity, &settings.world)?);
        config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
        config.send_tls13_tickets = 0;
        config.session_storage = Arc::new(NoServerSessionStorage {});
        Ok(Self(Arc::new(config)))
    }

    /// What it is to rustls: for QUIC, and for programs on rustls.
    #[must_use]
    pub fn config(&self) -> Arc<ServerConfig> {
        self.0.clone()
    }

    /// Shakes hands over `stream`.
    ///
    /// # Errors
    /// What the stream or rustls says.
    pub async fn accept<S>(&self, stream: S) -> io::Result<server::TlsStream<S>>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        TlsAcceptor::from(self.0.clone()).accept(stream).await
    }
}

fn unusable(error: rustls::Error) -> TransportError {
    TransportError::Tls(error.to_string())
}
