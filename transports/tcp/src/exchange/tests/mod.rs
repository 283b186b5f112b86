//! Every limit of a connection, at it, below and above: on a pipe in memory, with tokio's clock
//! paused, so that a minute passes as soon as everybody waits.

mod client;
mod server;

use pqfw_framework::transport::TransportLimits;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use crate::frame::{Event, Inbox, PREFACE, Side};

const LIMITS: TransportLimits = TransportLimits {
    body_bytes: 1000,
    header_bytes: 500,
    connections: 10,
    idle_secs: 60,
    request_secs: 30,
    per_ip_per_minute: 0,
};

/// One end of a connection, frame by frame.
struct Raw {
    stream: DuplexStream,
    inbox: Inbox,
}

impl Raw {
    /// Reads what this side does and has sent its preface.
    async fn new(mut stream: DuplexStream, side: Side) -> Self {
        stream.write_all(&PREFACE).await.unwrap();
        let inbox = Inbox::new(side, usize::MAX, usize::MAX);
        Self { stream, inbox }
    }

    async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// What comes next; `None` at the end of the connection.
    async fn event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.inbox.next().unwrap() {
                return Some(event);
            }
            let mut buffer = [0; 1000];
            match self.stream.read(&mut buffer).await.unwrap() {
                0 => return None,
                length => self.inbox.push(&buffer[..length]),
            }
        }
    }

    /// The next message: its id, head and body.
    async fn message(&mut self) -> (u32, Vec<u8>, Vec<u8>) {
        let Some(Event::Began { id, head }) = self.event().await else {
            panic!("no message");
        };
        match self.event().await {
            Some(Event::Complete { id: same, body }) if same == id => (id, head, body),
            other => panic!("{other:?}"),
        }
    }
}
