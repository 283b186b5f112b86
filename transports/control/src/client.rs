//! The asking end: one connection for each request.

use std::path::PathBuf;
use std::sync::Arc;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::{self, BoxFuture, Exchange, TransportError, TransportLimits};
use pqfw_runtime::desk::seconds;
use pqfw_runtime::listen_address;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::LIMITS;

/// A client of one door.
pub struct Client {
    place: Place,
    limits: TransportLimits,
}

enum Place {
    Socket(PathBuf),
    Loopback {
        address: String,
        token: Arc<SecretBytes>,
    },
}

/// The largest answer that is read.
const MOST_ANSWER_BYTES: usize = 4 << 20;

impl Client {
    /// A client of the socket at a path.
    #[must_use]
    pub fn socket(path: impl Into<PathBuf>) -> Self {
        Self::of(Place::Socket(path.into()))
    }

    /// A client of the port at an address, such as `127.0.0.1:9002`.
    #[must_use]
    pub fn loopback(address: &str, token: Arc<SecretBytes>) -> Self {
        let address = address.to_owned();
        Self::of(Place::Loopback { address, token })
    }

    fn of(place: Place) -> Self {
        let limits = TransportLimits {
            body_bytes: MOST_ANSWER_BYTES,
            ..LIMITS
        };
        Self { place, limits }
    }

    fn address(&self) -> String {
        match &self.place {
            Place::Socket(path) => format!("unix:{}", path.display()),
            Place::Loopback { address, .. } => format!("http://{address}"),
        }
    }

    async fn carry(
        &self,
        request: transport::Request,
    ) -> Result<transport::Response, TransportError> {
        let encoded = self.encode(request)?;
        match &self.place {
            #[cfg(unix)]
            Place::Socket(path) => {
                let stream = tokio::net::UnixStream::connect(path).await;
                self.ask(stream.map_err(|error| self.unreachable(&error))?, encoded)
                    .await
            }
            #[cfg(not(unix))]
            Place::Socket(_) => Err(self.unreachable(&"this system has no Unix sockets")),
            Place::Loopback { address, .. } => {
                let stream = TcpStream::connect(listen_address(address)?).await;
                self.ask(stream.map_err(|error| self.unreachable(&error))?, encoded)
                    .await
            }
        }
    }

    fn encode(&self, request: transport::Request) -> Result<Request<Full<Bytes>>, TransportError> {
        let refused = |reason: &str| TransportError::Address {
            address: format!("{}{}", self.address(), request.route.escape_debug()),
            reason: reason.into(),
        };
        if !request.route.starts_with('/') {
            return Err(refused("a route begins with /"));
        }
        let uri = request.route.parse();
        let uri = uri.map_err(|_| refused("the route holds characters that a URL cannot"))?;
        let method = Method::from_bytes(request.method.as_bytes());
        let method = method.map_err(|_| refused("that is no method"))?;
        let mut encoded = Request::new(Full::from(request.body));
        *encoded.uri_mut() = uri;
        *encoded.method_mut() = method;
        let headers = encoded.headers_mut();
        headers.insert(HOST, HeaderValue::from_static("localhost"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Place::Loopback { token, .. } = &self.place {
            let shown = SecretBytes::own([b"Bearer ", token.expose()].concat());
            let value = HeaderValue::from_bytes(shown.expose());
            let mut value = value.map_err(|error| TransportError::Address {
                address: self.address(),
                reason: format!("the token cannot be shown in a header: {error}"),
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        Ok(encoded)
    }

    async fn ask(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        request: Request<Full<Bytes>>,
    ) -> Result<transport::Response, TransportError> {
        let broken = |error: hyper::Error| TransportError::Broken {
            address: self.address(),
            reason: error.to_string(),
        };
        let shaken = http1::handshake(TokioIo::new(stream)).await;
        let (mut sender, connection) = shaken.map_err(broken)?;
        // It ends when `sender` is dropped; what breaks it, the answer says too.
        tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status().as_u16();
        let body = Limited::new(response.into_body(), self.limits.body_bytes);
        let body = body.collect().await;
        let body = body.map_err(|error| match error.is::<LengthLimitError>() {
            true => TransportError::TooLarge {
                address: self.address(),
                limit: self.limits.body_bytes,
            },
            false => TransportError::Broken {
                address: self.address(),
                reason: error.to_string(),
            },
        })?;
        let body = body.to_bytes().to_vec();
        Ok(transport::Response { status, body })
    }

    fn unreachable(&self, reason: &dyn std::fmt::Display) -> TransportError {
        TransportError::Connect {
            address: self.address(),
            reason: reason.to_string(),
        }
    }
}

impl Exchange for Client {
    fn exchange(
        &self,
        request: transport::Request,
    ) -> BoxFuture<'_, Result<transport::Response, TransportError>> {
        Box::pin(async move {
            let secs = self.limits.request_secs;
            match timeout(seconds(secs), self.carry(request)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(TransportError::TimedOut {
                    address: self.address(),
                    secs,
                }),
            }
        })
    }
}
