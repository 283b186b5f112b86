//! Connections to a server: TCP, and TLS over it.

use std::error::Error;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use pqfw_framework::transport::{BoxFuture, TransportError, TransportSettings};
use pqfw_tls::{TlsClient, Wire};
use tokio::net::TcpStream;
use tower_service::Service;

/// Makes connections for hyper's pool.
#[derive(Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector,
    tls: Option<TlsClient>,
}

impl Connector {
    pub(crate) fn new(settings: &TransportSettings) -> Result<Self, TransportError> {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        let tls = settings.tls.as_deref();
        let tls = tls.map(|tls| TlsClient::new(tls, &[HTTP_1_1]));
        Ok(Self {
            tcp,
            tls: tls.transpose()?,
        })
    }
}

/// RFC 7301 section 6.
pub(crate) const HTTP_1_1: &[u8] = b"http/1.1";

impl Service<Uri> for Connector {
    type Response = Opened;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Opened, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, url: Uri) -> Self::Future {
        let host = url.host().unwrap_or_default().to_owned();
        let (connecting, tls) = (self.tcp.call(url), self.tls.clone());
        Box::pin(async move {
            let stream = connecting.await?.into_inner();
            let wire = match tls {
                Some(tls) => Wire::tls(tls.connect(stream, &host).await?),
                None => Wire::Plain(stream),
            };
            Ok(Opened(TokioIo::new(wire)))
        })
    }
}

/// An open connection, as hyper's pool wants it.
pub(crate) struct Opened(TokioIo<Wire<TcpStream>>);

impl Connection for Opened {
    fn connected(&self) -> Connected {
        self.0.inner().below().connected()
    }
}

impl Read for Opened {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl Write for Opened {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write_vectored(cx, parts)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
