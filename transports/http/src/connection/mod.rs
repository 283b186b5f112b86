//! One connection, from its first byte to its end.

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use pqfw_framework::transport::{BoxFuture, TransportLimits};
use pqfw_runtime::desk::{Desk, Stop, WriteDeadline, linger, seconds};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::desk::answer;
use crate::refusal::Encoded;

/// Serves a connection until the peer closes it, breaks a rule, or the server stops: then a
/// request under way is answered first.
pub(crate) async fn drive<S>(stream: S, peer: IpAddr, desk: Arc<Desk>, mut stop: Stop)
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let limits = *desk.limits();
    let stream = WriteDeadline::new(stream, seconds(limits.request_secs));
    let requests = Requests { desk, peer };
    let mut connection = http(&limits).serve_connection(TokioIo::new(stream), requests);
    let mut stopping = false;
    loop {
        tokio::select! {
            // Errors are the peer's: there is nobody to tell who could do anything about them.
            _ = &mut connection => break,
            () = stop.requested(), if !stopping => {
                stopping = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
    let stream = connection.into_parts().io.into_inner();
    tokio::select! {
        () = linger(stream) => {}
        // A peer that keeps an idle connection open does not hold up the end.
        () = stop.requested() => {}
    }
}

fn http(limits: &TransportLimits) -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(seconds(limits.idle_secs))
        .max_header_size(limits.header_bytes)
        .max_buf_size(limits.header_bytes.max(READ_BUFFER_BYTES));
    builder
}

/// What one connection may have buffered; hyper's own limit is six times as much. A head must fit.
const READ_BUFFER_BYTES: usize = 64 << 10;

/// Hands the requests of one connection to the desk.
struct Requests {
    desk: Arc<Desk>,
    peer: IpAddr,
}

impl Service<Request<Incoming>> for Requests {
    type Response = Encoded;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Encoded, Infallible>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let (desk, peer) = (self.desk.clone(), self.peer);
        Box::pin(async move { Ok(answer(&desk, peer, request).await) })
    }
}
