//! The asking end: a small pool of connections to one server.
//!
//! A connection that the server closed while it was idle is replaced without a word. A request
//! that may have reached the server is never sent twice: the protocols above refuse replays.

use std::error::Error;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request};
use hyper_util::client::legacy::{self, Client};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use pqfw_framework::transport::{
    self, BoxFuture, Exchange, TransportError, TransportLimits, TransportSettings,
};
use pqfw_runtime::desk::seconds;
use tokio::time::timeout;

use crate::address::BaseUrl;
use crate::body::{BodyError, gather};
use crate::connector::Connector;
use crate::desk::SESSION;

/// A client of one server.
pub(crate) struct HttpExchange {
    base: BaseUrl,
    limits: TransportLimits,
    client: Client<Connector, Full<Bytes>>,
}

impl HttpExchange {
    pub(crate) fn new(settings: &TransportSettings) -> Result<Self, TransportError> {
        let limits = settings.limits;
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            // Well before the server's own limit, so that a request seldom meets a connection
            // that is being closed.
            .pool_idle_timeout(seconds(limits.idle_secs) / 2)
            .pool_max_idle_per_host(limits.connections)
            .http1_max_buf_size(limits.header_bytes.max(SMALLEST_BUFFER_BYTES))
            .build(Connector::new(settings)?);
        Ok(Self {
            base: BaseUrl::parse(&settings.connect, settings.tls.is_some())?,
            limits,
            client,
        })
    }

    fn encode(&self, request: transport::Request) -> Result<Request<Full<Bytes>>, TransportError> {
        let url = self.base.join(&request.route)?;
        let method = Method::from_bytes(request.method.as_bytes());
        let method = method.map_err(|_| TransportError::Address {
            address: url.to_string(),
            reason: format!("`{}` is no method", request.method.escape_debug()),
        })?;
        let first = request.body.first().copied();
        let mut encoded = Request::new(Full::from(request.body));
        *encoded.method_mut() = method;
        *encoded.uri_mut() = url;
        if let Some(first) = first {
            let kind = HeaderValue::from_static(content_type(first));
            encoded.headers_mut().insert(CONTENT_TYPE, kind);
        }
        if let Some(session) = request.session {
            let value = HeaderValue::from_str(&session);
            let value = value.map_err(|_| TransportError::Address {
                address: self.base.as_str().to_owned(),
                reason: format!("`{}` is no session", session.escape_debug()),
            })?;
            encoded.headers_mut().insert(SESSION, value);
        }
        Ok(encoded)
    }

    async fn carry(
        &self,
        request: Request<Full<Bytes>>,
    ) -> Result<transport::Response, TransportError> {
        let response = self.client.request(request).await;
        let response = response.map_err(|error| self.failure(&error))?;
        let status = response.status().as_u16();
        let body = gather(response.into_body(), self.limits.body_bytes).await;
        let body = body.map_err(|error| self.body_failure(error))?;
        Ok(transport::Response { status, body })
    }

    fn failure(&self, error: &legacy::Error) -> TransportError {
        let (address, reason) = (self.base.as_str().to_owned(), root_cause(error));
        if error.is_connect() {
            TransportError::Connect { address, reason }
        } else {
            TransportError::Broken { address, reason }
        }
    }

    fn body_failure(
        &self,
        error: BodyError<<Incoming as hyper::body::Body>::Error>,
    ) -> TransportError {
        let address = self.base.as_str().to_owned();
        match error {
            BodyError::TooLarge => TransportError::TooLarge {
                address,
                limit: self.limits.body_bytes,
            },
            BodyError::Broken(error) => TransportError::Broken {
                address,
                reason: root_cause(&error),
            },
        }
    }
}

/// Protocols here speak JSON objects or bytes of their own.
fn content_type(first: u8) -> &'static str {
    match first {
        b'{' => "application/json",
        _ => "application/octet-stream",
    }
}

/// The smallest buffer that hyper takes, for the head of a response.
const SMALLEST_BUFFER_BYTES: usize = 8192;

impl Exchange for HttpExchange {
    fn exchange(
        &self,
        request: transport::Request,
    ) -> BoxFuture<'_, Result<transport::Response, TransportError>> {
        Box::pin(async move {
            let request = self.encode(request)?;
            let secs = self.limits.request_secs;
            match timeout(seconds(secs), self.carry(request)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(TransportError::TimedOut {
                    address: self.base.as_str().to_owned(),
                    secs,
                }),
            }
        })
    }
}

/// What went wrong at the bottom: the layers above it say only that they failed.
fn root_cause(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
