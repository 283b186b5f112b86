//! QUIC sockets: what both ends agree on, the one that dials and the one that listens.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use pqfw_framework::rand_core::Rng;
use pqfw_framework::transport::{
    BoxFuture, Listener, TlsSettings, TransportError, TransportLimits, TransportSettings,
};
use pqfw_runtime::desk::{self, Door, Stop, seconds, usable};
use pqfw_runtime::{Target, listen_address};
use pqfw_tls::{TlsClient, TlsServer};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{
    ClientConfig, Connection, ConnectionError, Endpoint, EndpointConfig, IdleTimeout, Incoming,
    ServerConfig, TokioRuntime, TransportConfig, VarInt,
};
use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::SCHEME;

/// What a connection carries, which both ends must mean alike: its name in ALPN (RFC 7301).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    Exchange,
    Stream,
    Datagram,
}

impl Use {
    fn alpn(self) -> &'static [u8] {
        match self {
            Self::Exchange => b"pqfw-exchange/1",
            Self::Stream => b"pqfw-stream/1",
            Self::Datagram => b"pqfw-datagram/1",
        }
    }

    /// What the peer may open and send.
    fn config(self, limits: &TransportLimits) -> TransportConfig {
        let mut config = TransportConfig::default();
        let streams: u32 = match self {
            Self::Exchange => EXCHANGES_AT_ONCE,
            Self::Stream => 1,
            Self::Datagram => 0,
        };
        config.max_concurrent_bidi_streams(streams.into());
        config.max_concurrent_uni_streams(0_u8.into());
        let idle_ms = limits.idle_secs.saturating_mul(1000);
        let idle = VarInt::from_u64(idle_ms).unwrap_or(VarInt::MAX);
        config.max_idle_timeout(Some(IdleTimeout::from(idle)));
        match self {
            Self::Exchange => {}
            // How long these may be silent is for the protocols above to say; a peer that is gone
            // does not answer, and then idle_secs end it.
            Self::Stream | Self::Datagram => {
                config.keep_alive_interval(Some(seconds(limits.idle_secs) / 3));
            }
        }
        if matches!(self, Self::Datagram) {
            config.initial_mtu(PACKET_BYTES).min_mtu(PACKET_BYTES);
        }
        let buffered = matches!(self, Self::Datagram).then_some(DATAGRAM_BUFFER_BYTES);
        config.datagram_receive_buffer_size(buffered);
        config
    }
}

/// Requests of one connection under way; further ones wait at the client.
const EXCHANGES_AT_ONCE: u32 = 64;

/// What every packet of a connection of datagrams may hold from the first on, for a packet cannot be
/// promised and cut up later: an Ethernet's 1500 bytes less 40 of IPv6 and 8 of UDP. Paths with less
/// carry no datagrams; those of streams and exchanges begin with 1200 (RFC 9000 section 14).
pub(crate) const PACKET_BYTES: u16 = 1452;

/// Datagrams of one connection that nobody received yet; the oldest give way.
const DATAGRAM_BUFFER_BYTES: usize = 256 << 10;

/// Handshakes that wait for a place; further ones are refused.
const WAITING: usize = 256;

fn tls(settings: &TransportSettings) -> Result<&TlsSettings, TransportError> {
    let missing = "quic speaks nothing but TLS: the settings lack it";
    let tls = settings.tls.as_deref();
    tls.ok_or_else(|| TransportError::Tls(missing.into()))
}

/// No suite for the first packets would be a fault of the provider, and has a name all the same.
fn unusable(error: impl std::fmt::Display) -> TransportError {
    TransportError::Tls(error.to_string())
}

pub(crate) fn client_config(
    settings: &TransportSettings,
    uses: Use,
) -> Result<ClientConfig, TransportError> {
    let tls = TlsClient::new(tls(settings)?, &[uses.alpn()])?;
    let crypto = QuicClientConfig::try_from(tls.config()).map_err(unusable)?;
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(uses.config(&settings.limits)));
    Ok(config)
}

pub(crate) fn server_config(
    settings: &TransportSettings,
    uses: Use,
) -> Result<ServerConfig, TransportError> {
    let tls = TlsServer::new(tls(settings)?, &[uses.alpn()])?;
    let crypto = QuicServerConfig::try_from(tls.config()).map_err(unusable)?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(Arc::new(uses.config(&settings.limits)));
    config.max_incoming(WAITING);
    Ok(config)
}

/// Opens a socket of QUIC, whose connection ids come from the world's randomness.
pub(crate) fn endpoint(
    address: SocketAddr,
    server: Option<ServerConfig>,
    settings: &TransportSettings,
) -> Result<Endpoint, TransportError> {
    let mut seed = [0; 32];
    tls(settings)?.world.rng().fill_bytes(&mut seed);
    let mut config = EndpointConfig::default();
    config.rng_seed(Some(seed));
    let opened = UdpSocket::bind(address)
        .and_then(|socket| Endpoint::new(config, server, socket, Arc::new(TokioRuntime)));
    opened.map_err(|error| TransportError::Listen {
        address: address.to_string(),
        reason: error.to_string(),
    })
}

/// A socket that dials.
pub(crate) struct Dialer {
    target: Target,
    settings: TransportSettings,
    config: ClientConfig,
}

impl Dialer {
    pub(crate) fn new(settings: &TransportSettings, uses: Use) -> Result<Self, TransportError> {
        Ok(Self {
            target: Target::parse(SCHEME, &settings.connect)?,
            config: client_config(settings, uses)?,
            settings: settings.clone(),
        })
    }

    /// As errors name the other end.
    pub(crate) fn url(&self) -> &str {
        self.target.url()
    }

    /// Connects, from a socket of its own, within `request_secs`.
    pub(crate) async fn dial(&self) -> Result<Connection, TransportError> {
        let secs = self.settings.limits.request_secs;
        let address = || self.url().to_owned();
        match timeout(seconds(secs), self.connect()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(TransportError::TimedOut {
                address: address(),
                secs,
            }),
        }
    }

    async fn connect(&self) -> Result<Connection, TransportError> {
        let no = |reason: String| TransportError::Connect {
            address: self.url().to_owned(),
            reason,
        };
        let found = lookup_host(self.target.authority()).await;
        let mut found = found.map_err(|error| no(error.to_string()))?;
        let server = found.next();
        let server = server.ok_or_else(|| no("the name has no address".into()))?;
        let endpoint = endpoint(any(server), None, &self.settings)?;
        let host = self.target.host();
        let bare = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        let connecting = endpoint.connect_with(self.config.clone(), server, bare.unwrap_or(host));
        let connecting = connecting.map_err(|error| no(error.to_string()))?;
        connecting.await.map_err(|error| match &error {
            ConnectionError::TimedOut => no("nobody answers".into()),
            _ => broken(self.url(), &error),
        })
    }
}

/// Any address of this machine from which that one can be reached.
fn any(server: SocketAddr) -> SocketAddr {
    match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    }
}

/// A socket that listens.
pub(crate) struct QuicDoor(Endpoint);

impl QuicDoor {
    /// Listens on `settings.listen`; also gives the URL that clients reach it by.
    pub(crate) fn bind(
        settings: &TransportSettings,
        uses: Use,
    ) -> Result<(String, Self), TransportError> {
        let address = listen_address(&settings.listen)?;
        let no = |reason: String| TransportError::Listen {
            address: settings.listen.clone(),
            reason,
        };
        usable(&settings.limits).map_err(|limit| {
            no(format!(
                "with transport.limits.{limit} = 0 nobody would be served"
            ))
        })?;
        let endpoint = endpoint(address, Some(server_config(settings, uses)?), settings)?;
        let bound = endpoint
            .local_addr()
            .map_err(|error| no(error.to_string()))?;
        Ok((format!("{SCHEME}{bound}"), Self(endpoint)))
    }
}

impl Door for QuicDoor {
    type Visitor = Incoming;

    async fn next(&self) -> io::Result<Incoming> {
        let incoming = self.0.accept().await;
        incoming.ok_or_else(|| io::Error::other("the socket is closed"))
    }
}

impl Drop for QuicDoor {
    /// Whoever knocks from here on is turned away at once; who is inside stays.
    fn drop(&mut self) {
        self.0.set_server_config(None);
    }
}

/// Opens the door, and closes the socket with it: by a shutdown once every peer knows, by a drop at
/// once.
pub(crate) fn open<F>(
    (url, door): (String, QuicDoor),
    limits: TransportLimits,
    drive: impl Fn(Incoming, Stop) -> F + Send + Sync + 'static,
) -> Box<dyn Listener>
where
    F: Future<Output = ()> + Send + 'static,
{
    let endpoint = door.0.clone();
    Box::new(QuicListener {
        open: Some(desk::open(url.clone(), door, limits, drive)),
        url,
        endpoint,
        secs: limits.request_secs,
    })
}

struct QuicListener {
    url: String,
    open: Option<Box<dyn Listener>>,
    endpoint: Endpoint,
    secs: u64,
}

impl Listener for QuicListener {
    fn url(&self) -> &str {
        &self.url
    }

    fn shutdown(mut self: Box<Self>) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            if let Some(open) = self.open.take() {
                open.shutdown().await;
            }
            // What was finished is still on its way; peers that do not take it are left.
            let _ = timeout(seconds(self.secs), self.endpoint.wait_idle()).await;
        })
    }
}

impl Drop for QuicListener {
    fn drop(&mut self) {
        self.endpoint.close(GOODBYE, b"goodbye");
    }
}

/// The server closes: what it did not answer it did not look at, or was told to give up.
pub(crate) const GOODBYE: VarInt = VarInt::from_u32(0);

/// Shakes hands with a visitor; `None` when it fails at that, or takes longer than that.
pub(crate) async fn greet(visitor: Incoming, secs: u64) -> Option<Connection> {
    let shaken = timeout(seconds(secs), visitor.accept().ok()?).await;
    shaken.ok()?.ok()
}

/// A connection's end, in words.
pub(crate) fn broken(peer: &str, error: &dyn std::error::Error) -> TransportError {
    let mut reason = error.to_string();
    let mut cause = error.source();
    while let Some(deeper) = cause {
        let text = deeper.to_string();
        if !reason.ends_with(&text) {
            reason = format!("{reason}: {text}");
        }
        cause = deeper.source();
    }
    TransportError::Broken {
        address: peer.to_owned(),
        reason,
    }
}
