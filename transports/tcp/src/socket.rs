//! Open connections, and the two places where they come from: [`dial`] and [`TcpDoor`].
//!
//! A TCP connection that is simply dropped ends as one that was finished, which a peer cannot
//! tell from the whole. A [`Socket`] that is dropped before its writing half was shut down is
//! therefore reset: the peer sees a break.

use std::future::{Ready, ready};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{self, Context, Poll};

use pqfw_framework::transport::{TransportError, TransportSettings};
use pqfw_runtime::desk::{Door, seconds, usable};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::address::{SCHEME, Target, listen_address};

/// An open connection.
pub(crate) struct Socket {
    stream: TcpStream,
    finished: bool,
}

impl Socket {
    fn plain(stream: TcpStream) -> Self {
        // What is sent is written whole, so there is nothing for Nagle's algorithm to gather.
        // Where it cannot be switched off it is late and not wrong.
        let _ = stream.set_nodelay(true);
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
            let _ = self.stream.set_zero_linger();
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

/// Refuses what this transport cannot do: nothing goes in the clear that was to be protected.
pub(crate) fn check(settings: &TransportSettings) -> Result<(), TransportError> {
    match settings.tls {
        None => Ok(()),
        Some(_) => Err(TransportError::Tls(
            "transport tcp speaks no TLS; remove it, or choose a transport that does".into(),
        )),
    }
}

/// Connects, in the clear, within `request_secs`.
pub(crate) async fn dial(
    target: &Target,
    settings: &TransportSettings,
) -> Result<Socket, TransportError> {
    check(settings)?;
    let secs = settings.limits.request_secs;
    let opened = timeout(seconds(secs), TcpStream::connect(target.authority())).await;
    match opened {
        Ok(Ok(stream)) => Ok(Socket::plain(stream)),
        Ok(Err(error)) => Err(TransportError::Connect {
            address: target.url().to_owned(),
            reason: error.to_string(),
        }),
        Err(_) => Err(TransportError::TimedOut {
            address: target.url().to_owned(),
            secs,
        }),
    }
}

/// A listening socket, and the URL that clients reach it by.
pub(crate) struct TcpDoor(TcpListener);

impl TcpDoor {
    /// Listens on `settings.listen`.
    pub(crate) async fn bind(
        settings: &TransportSettings,
    ) -> Result<(String, Self), TransportError> {
        check(settings)?;
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
        Ok((format!("{SCHEME}{bound}"), Self(socket)))
    }
}

impl Door for TcpDoor {
    type Visitor = Visitor;

    async fn next(&self) -> io::Result<Visitor> {
        let (stream, peer) = self.0.accept().await?;
        Ok(Visitor { stream, peer })
    }
}

/// A connection that came in, before anything was said on it.
pub(crate) struct Visitor {
    stream: TcpStream,
    peer: SocketAddr,
}

impl Visitor {
    /// The other end, for limits by address.
    pub(crate) fn ip(&self) -> IpAddr {
        self.peer.ip().to_canonical()
    }

    /// The other end, for messages.
    pub(crate) fn url(&self) -> String {
        format!("{SCHEME}{}", self.peer)
    }

    /// Opens the connection as [`dial`] does at the other end; `None` when the peer fails at that.
    pub(crate) fn greet(self) -> Ready<Option<Socket>> {
        ready(Some(Socket::plain(self.stream)))
    }
}
