//! Closing so that the peer gets the last answer.
//!
//! RFC 9112 section 9.6: to close a socket while bytes from the peer are unread makes TCP send a
//! reset, which may wipe the answer from the peer's buffer before it is read. A refusal such as
//! 413 comes when the body is still on its way. So the server closes its own direction first and
//! discards what still comes, for a while.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

/// How long a peer may take to see the answer and close: a few round trips across the world.
const LINGER: Duration = Duration::from_secs(2);

/// Closes our direction, then waits until the peer closes the other or two seconds are over.
pub async fn linger(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let discard = async {
        // It may be closed already, as far as it goes; the reads below find out.
        let _ = stream.shutdown().await;
        let mut waste = [0; 4096];
        while stream.read(&mut waste).await? > 0 {}
        std::io::Result::Ok(())
    };
    // However it ended, the connection is over.
    let _ = timeout(LINGER, discard).await;
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_peer_can_finish_writing_and_then_read() {
        let (mut ours, mut theirs) = duplex(16);
        ours.write_all(b"the answer").await.unwrap();
        let peer = async {
            theirs.write_all(&[0; 100_000]).await.unwrap();
            let mut answer = Vec::new();
            theirs.read_to_end(&mut answer).await.unwrap();
            drop(theirs);
            answer
        };
        let ((), answer) = tokio::join!(linger(ours), peer);
        assert_eq!(answer, b"the answer");
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_stays_is_left() {
        let (ours, _theirs) = duplex(16);
        let began = Instant::now();
        linger(ours).await;
        assert_eq!(began.elapsed().as_secs(), LINGER.as_secs());
    }
}
