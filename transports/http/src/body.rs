//! Bodies, gathered up to a limit: requests at the server, responses at the client.

use http_body_util::BodyExt;
use hyper::body::{Body, Bytes};

/// Why a body was not gathered.
#[derive(Debug)]
pub(crate) enum BodyError<E> {
    /// The peer's fault: it is longer than the limit, or says that it will be.
    TooLarge,
    /// The peer's or network's fault: it ended early or breaks the framing.
    Broken(E),
}

/// Gathers a body of at most `limit` bytes. Nothing is read when the peer declares more, and never
/// more than one frame beyond the limit.
pub(crate) async fn gather<B>(mut body: B, limit: usize) -> Result<Vec<u8>, BodyError<B::Error>>
where
    B: Body<Data = Bytes> + Unpin,
{
    let declared = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if declared > limit {
        return Err(BodyError::TooLarge);
    }
    // What is declared is not allocated in advance: a peer has to send what it makes us keep.
    let mut gathered = Vec::new();
    while let Some(frame) = body.frame().await {
        // Frames that are not data are trailers, which no protocol here uses.
        if let Ok(data) = frame.map_err(BodyError::Broken)?.into_data() {
            if data.len() > limit.saturating_sub(gathered.len()) {
                return Err(BodyError::TooLarge);
            }
            gathered.extend_from_slice(&data);
        }
    }
    Ok(gathered)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use http_body_util::Full;
    use hyper::body::Frame;

    use super::*;

    /// A body that declares nothing and comes in frames.
    struct Streamed(Vec<&'static [u8]>);

    impl Body for Streamed {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            let next = self.0.pop();
            Poll::Ready(next.map(|data| Ok(Frame::data(Bytes::from_static(data)))))
        }
    }

    #[tokio::test]
    async fn the_limit_holds_for_declared_bodies() {
        let body = || Full::new(Bytes::from_static(b"12345"));
        assert_eq!(gather(body(), 6).await.unwrap(), b"12345");
        assert_eq!(gather(body(), 5).await.unwrap(), b"12345");
        assert!(matches!(gather(body(), 4).await, Err(BodyError::TooLarge)));
    }

    #[tokio::test]
    async fn the_limit_holds_for_streamed_bodies() {
        let body = || Streamed(vec![b"45", b"", b"123"]);
        assert_eq!(gather(body(), 6).await.unwrap(), b"12345");
        assert_eq!(gather(body(), 5).await.unwrap(), b"12345");
        assert!(matches!(gather(body(), 4).await, Err(BodyError::TooLarge)));
    }

    #[tokio::test]
    async fn a_limit_of_nothing_takes_the_empty_body() {
        assert_eq!(gather(Full::<Bytes>::default(), 0).await.unwrap(), b"");
    }
}
