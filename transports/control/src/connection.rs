//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::sync::Arc;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use pqfw_runtime::desk::{Stop, WriteDeadline, linger, seconds};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::LIMITS;
use crate::answer::Answers;

/// Serves a connection until the peer closes it, breaks a rule, or the door is closed: then a
/// request under way is answered first.
pub(crate) async fn drive<S>(stream: S, answers: Arc<dyn Answers>, mut stop: Stop)
where
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let stream = WriteDeadline::new(stream, seconds(LIMITS.request_secs));
    let service = service_fn(move |request| {
        let answers = answers.clone();
        async move { Ok::<_, Infallible>(answers.answer(request).await) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(seconds(LIMITS.idle_secs))
        .max_header_size(LIMITS.header_bytes)
        .max_buf_size(LIMITS.body_bytes);
    let mut connection = http.serve_connection(TokioIo::new(stream), service);
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
