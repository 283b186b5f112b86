//! Answers must be taken in time.
//!
//! A peer that asks for a large answer and does not read it would hold its connection and our
//! buffers for ever. hyper bounds the wait for heads alone, so the stream itself is bounded: from
//! the first write that the peer does not take, everything that is waiting to be written must be
//! gone within the limit. Taking a byte now and then does not help.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// A stream whose writes fail with [`io::ErrorKind::TimedOut`] when the peer does not take them.
pub struct WriteDeadline<S> {
    stream: S,
    limit: Duration,
    /// Runs from the first write that had to wait until a flush says that nothing is left.
    running: Option<Pin<Box<Sleep>>>,
}

impl<S> WriteDeadline<S> {
    /// Bounds a stream.
    pub fn new(stream: S, limit: Duration) -> Self {
        Self {
            stream,
            limit,
            running: None,
        }
    }

    /// Gives the stream back, unbounded.
    pub fn into_inner(self) -> S {
        self.stream
    }

    fn bounded<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            return outcome;
        }
        let limit = self.limit;
        let running = self.running.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(running.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for WriteDeadline<S> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_read(cx, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for WriteDeadline<S> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.bounded(cx, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_write_vectored(cx, parts);
        this.bounded(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    /// hyper flushes when its own buffer is empty, so a flush that succeeds ends the wait.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_flush(cx);
        if matches!(outcome, Poll::Ready(Ok(()))) {
            this.running = None;
        }
        this.bounded(cx, outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.stream).poll_shutdown(cx);
        this.bounded(cx, outcome)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
    use tokio::time::{Instant, timeout};

    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_given_up_at_the_limit() {
        let (ours, _theirs) = duplex(8);
        let (mut ours, began) = (WriteDeadline::new(ours, LIMIT), Instant::now());
        let error = ours.write_all(&[0; 9]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), LIMIT.as_secs());
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_a_byte_now_and_then_is_given_up_at_the_limit() {
        let (ours, mut theirs) = duplex(8);
        let (mut ours, began) = (WriteDeadline::new(ours, LIMIT), Instant::now());
        let slow = tokio::spawn(async move {
            loop {
                sleep(Duration::from_secs(1)).await;
                theirs.read_u8().await.unwrap();
            }
        });
        let error = ours.write_all(&[0; 1000]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(began.elapsed().as_secs(), LIMIT.as_secs());
        slow.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn time_between_answers_does_not_count() {
        let (ours, mut theirs) = duplex(8);
        let mut ours = WriteDeadline::new(ours, LIMIT);
        for _ in 0..3 {
            let almost = tokio::spawn(async move {
                sleep(LIMIT - Duration::from_millis(1)).await;
                theirs.read_exact(&mut [0; 16]).await.unwrap();
                theirs
            });
            ours.write_all(&[0; 16]).await.unwrap();
            ours.flush().await.unwrap();
            theirs = almost.await.unwrap();
            sleep(2 * LIMIT).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn reading_is_not_bounded_here() {
        let (ours, _theirs) = duplex(8);
        let mut ours = WriteDeadline::new(ours, LIMIT);
        let waited = timeout(10 * LIMIT, ours.read_u8()).await;
        assert!(waited.is_err());
    }
}
