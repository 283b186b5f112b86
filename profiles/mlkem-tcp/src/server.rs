//! The server's driver: one task a connection, whose faults end that connection alone.

use std::sync::Arc;

use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::{BoxFuture, Connection, StreamService, TransportError};

use crate::console;
use crate::session::{Said, ServerSession, SessionError};
use crate::trust::ServerKeys;

/// Bytes read at once.
const CHUNK: usize = 16 << 10;

/// What every connection shares.
pub struct Server {
    suite: Suite,
    keys: Arc<ServerKeys>,
    max_frame_bytes: usize,
    report: Arc<dyn Report>,
}

impl Server {
    /// Makes a server of these keys, which tells what it hears to `report`.
    #[must_use]
    pub fn new(
        suite: Suite,
        keys: ServerKeys,
        max_frame_bytes: usize,
        report: Arc<dyn Report>,
    ) -> Self {
        Self {
            suite,
            keys: Arc::new(keys),
            max_frame_bytes,
            report,
        }
    }
}

impl StreamService for Server {
    fn serve(&self, connection: Connection) -> BoxFuture<'static, ()> {
        let session =
            ServerSession::new(self.suite.clone(), self.keys.clone(), self.max_frame_bytes);
        let report = self.report.clone();
        Box::pin(async move {
            let mut connection = connection;
            let peer = console::escape(&connection.peer);
            if let Err(ending) = converse(session, &mut connection, &*report).await {
                let what = match ending {
                    Ending::Transport(error) => error.to_string(),
                    Ending::Session(error) => error.to_string(),
                };
                report.event(&Event::Warning(format!(
                    "connection from {peer} ended: {what}"
                )));
            }
        })
    }
}

async fn converse(
    mut session: ServerSession,
    connection: &mut Connection,
    report: &dyn Report,
) -> Result<(), Ending> {
    let line = |text: String| report.event(&Event::Line(text));
    line(console::connected(&connection.peer));
    connection.writer.write_all(&session.greeting()?).await?;
    line(console::KEY_SENT.into());
    let mut buffer = vec![0; CHUNK];
    loop {
        let read = connection.reader.read(&mut buffer).await?;
        let mut bytes = buffer.get(..read).unwrap_or_default();
        if bytes.is_empty() {
            return Ok(session.end()?);
        }
        while let Some(said) = session.receive(&mut bytes)? {
            match said {
                Said::Line(text) => line(console::decrypted(&text)),
                Said::Exit(text) => {
                    line(console::decrypted(&text));
                    line(console::CLIENT_EXIT.into());
                    connection.writer.finish().await?;
                    return Ok(());
                }
            }
        }
    }
}

/// Why a connection ended before its time.
enum Ending {
    Transport(TransportError),
    Session(SessionError),
}

impl From<TransportError> for Ending {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

impl From<SessionError> for Ending {
    fn from(error: SessionError) -> Self {
        Self::Session(error)
    }
}
