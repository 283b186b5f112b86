//! The sending half of a QUIC stream, which ends only when it is told to.
//!
//! quinn finishes a stream that is dropped, and a peer cannot tell such an end from the whole. This
//! one is reset instead, so that what was cut off is seen to be.

use std::time::Duration;

use pqfw_runtime::desk::{Stop, seconds};
use quinn::{Connection, SendStream, VarInt, WriteError};
use tokio::time::{sleep, timeout};

/// The sending half.
pub(crate) struct Sending {
    /// `None` once it was finished.
    stream: Option<SendStream>,
    connection: Connection,
}

/// RFC 9000 section 20.2: what the codes of resets mean is for the application to say.
pub(crate) const CUT_OFF: VarInt = VarInt::from_u32(1);

impl Sending {
    pub(crate) fn new(stream: SendStream, connection: &Connection) -> Self {
        Self {
            stream: Some(stream),
            connection: connection.clone(),
        }
    }

    /// Sends all of it, waiting while the peer takes none.
    pub(crate) async fn write_all(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        match &mut self.stream {
            Some(stream) => stream.write_all(bytes).await,
            None => Err(WriteError::ClosedStream),
        }
    }

    /// Ends the stream, and keeps the connection until the peer has everything, at most so long.
    pub(crate) fn finish(&mut self, secs: u64) -> Result<(), WriteError> {
        let Some(mut stream) = self.stream.take() else {
            return Err(WriteError::ClosedStream);
        };
        stream.finish().map_err(|_| WriteError::ClosedStream)?;
        let connection = self.connection.clone();
        tokio::spawn(async move {
            // However it goes, there is nobody left to tell.
            let _ = timeout(seconds(secs), stream.stopped()).await;
            drop(connection);
        });
        Ok(())
    }

    /// As [`Self::finish`], and waits until the peer has everything.
    pub(crate) async fn finish_and_wait(mut self) {
        if let Some(mut stream) = self.stream.take()
            && stream.finish().is_ok()
        {
            // An error means that the peer is gone.
            let _ = stream.stopped().await;
        }
    }
}

/// Waits until the server is to stop and nothing comes from the peer any more: a process that has
/// ended without a word acknowledges nothing, and one that lives does within a round trip.
pub(crate) async fn abandoned(connection: &Connection, mut stop: Stop) {
    stop.requested().await;
    let heard = || connection.stats().udp_rx.datagrams;
    loop {
        let before = heard();
        sleep(SILENCE).await;
        if heard() == before {
            return;
        }
    }
}

/// Longer than a packet that was lost takes to be sent again and acknowledged on a slow path.
const SILENCE: Duration = Duration::from_secs(2);

impl Drop for Sending {
    fn drop(&mut self) {
        if let Some(stream) = &mut self.stream {
            // An error means that it is over already.
            let _ = stream.reset(CUT_OFF);
        }
    }
}
