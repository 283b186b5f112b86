//! Open connections, and the two places where they come from: [`dial`] and [`TcpDoor`].
//!
//! A TCP connection that is simply dropped ends as one that was finished, which a peer cannot
//! tell from the whole. A [`Socket`] that is dropped before its writing half was shut down is
//! therefore reset: the peer sees a break.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{self, Context, Poll};

use pqfw_framework::transport::{TransportError, TransportSettings};
use pqfw_runtime::desk::{Door, seconds, usable};
use pqfw_runtime::{Target, listen_address};
use pqfw_tls::{TlsClient, TlsServer, Wire};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::SCHEME;

/// An open connection.
pub(crate) struct Socket {
    stream: Wire<TcpStream>,
    finished: bool,
}

impl Socket {
    fn of(stream: Wire<TcpStream>) -> Self {
        Self {
            stream,
            finished: false,
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if !self.finished {
            // Where it cannot be set, the peer sees an end; that is the most that can be done.
            let _ = self.stream.below().set_zero_linger();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        task::ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
        this.finished = true;
        Poll::Ready(Ok(()))
    }
}

/// TLS for [`dial`], if the settings have it.
pub(crate) fn dialled_tls(
    settings: &TransportSettings,
) -> Result<Option<TlsClient>, TransportError> {
    let tls = settings.tls.as_deref();
    tls.map(|tls| TlsClient::new(tls, &[])).transpose()
}

/// Connects, in the clear or under TLS, within `secs`.
pub(crate) async fn dial(
    target: &Target,
    tls: Option<&TlsClient>,
    secs: u64,
) -> Result<Socket, TransportError> {
    let address = || target.url().to_owned();
    let opened = async {
        let stream = TcpStream::connect(target.authority()).await;
        let stream = at_once(stream.map_err(|error| TransportError::Connect {
            address: address(),
            reason: error.to_string(),
        })?);
        let Some(tls) = tls else {
            return Ok(Wire::Plain(stream));
        };
        let shaken = tls.connect(stream, target.host()).await;
        let shaken = shaken.map_err(|error| TransportError::Broken {
            address: address(),
            reason: format!("TLS: {error}"),
        })?;
        Ok(Wire::tls(shaken))
    };
    match timeout(seconds(secs), opened).await {
        Ok(opened) => opened.map(Socket::of),
        Err(_) => Err(TransportError::TimedOut {
            address: address(),
            secs,
        }),
    }
}

/// What is sent is written whole, so there is nothing for Nagle's algorithm to gather. Where it
/// cannot be switched off it is late and not wrong.
fn at_once(stream: TcpStream) -> TcpStream {
    let _ = stream.set_nodelay(true);
    stream
}

/// A listening socket, and the URL that clients reach it by.
pub(crate) struct TcpDoor {
    socket: TcpListener,
    greeting: Greeting,
}

/// What comes before the first byte of a protocol.
#[derive(Clone)]
struct Greeting {
    tls: Option<TlsServer>,
    /// How long a handshake may take.
    secs: u64,
}

impl TcpDoor {
    /// Listens on `settings.listen`.
    pub(crate) async fn bind(
        settings: &TransportSettings,
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
        let socket = TcpListener::bind(address).await;
        let socket = socket.map_err(|error| no(error.to_string()))?;
        let bound = socket.local_addr().map_err(|error| no(error.to_string()))?;
        let tls = settings.tls.as_deref();
        let greeting = Greeting {
            tls: tls.map(|tls| TlsServer::new(tls, &[])).transpose()?,
            secs: settings.limits.request_secs,
        };
        Ok((format!("{SCHEME}{bound}"), Self { socket, greeting }))
    }
}

impl Door for TcpDoor {
    type Visitor = Visitor;

    async fn next(&self) -> io::Result<Visitor> {
        let (stream, peer) = self.socket.accept().await?;
        Ok(Visitor {
            stream: at_once(stream),
            peer,
            greeting: self.greeting.clone(),
        })
    }
}

/// A connection that came in, before anything was said on it.
pub(crate) struct Visitor {
    stream: TcpStream,
    peer: SocketAddr,
    greeting: Greeting,
}

impl Visitor {
    /// The other end, for limits by address.
    pub(crate) fn ip(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }

    /// The other end, for answers.
    pub(crate) fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The other end, for messages.
    pub(crate) fn url(&self) -> String {
        format!("{SCHEME}{}", self.peer)
    }

    /// Opens the connection as [`dial`] does at the other end; `None` when the peer fails at that.
    pub(crate) async fn greet(self) -> Option<Socket> {
        let Greeting { tls, secs } = self.greeting;
        let Some(tls) = tls else {
            return Some(Socket::of(Wire::Plain(self.stream)));
        };
        let shaken = timeout(seconds(secs), tls.accept(self.stream)).await;
        Some(Socket::of(Wire::tls(shaken.ok()?.ok()?)))
    }
}
