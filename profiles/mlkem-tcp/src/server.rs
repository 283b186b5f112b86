//! The server's driver: one task a connection, whose faults end that connection alone.

use std::sync::Arc;

use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Event, Report};
use pqfw_framework::transport::{BoxFuture, Connection, StreamService, TransportError};
use pqfw_framework::world::World;

use crate::config::Bounds;
use crate::console;
use crate::session::{Said, ServerSession, SessionError};
use crate::trust::ServerKeys;
use pqfw_framework::waiting::Closing;
use pqfw_framework::waiting::{First, race, within};

/// Bytes read at once.
const CHUNK: usize = 16 << 10;

/// A server of many clients.
pub struct Server {
    shared: Arc<Shared>,
}

/// What every connection shares.
struct Shared {
    suite: Suite,
    keys: Arc<ServerKeys>,
    bounds: Bounds,
    world: Arc<dyn World>,
    report: Arc<dyn Report>,
    closing: Closing,
    first_over: Closing,
}

impl Server {
    /// Makes a server of these keys, which tells what it hears to `report`.
    #[must_use]
    pub fn new(
        suite: Suite,
        keys: ServerKeys,
        bounds: Bounds,
        world: Arc<dyn World>,
        report: Arc<dyn Report>,
    ) -> Self {
        let keys = Arc::new(keys);
        Self {
            shared: Arc::new(Shared {
                suite,
                keys,
                bounds,
                world,
                report,
                closing: Closing::default(),
                first_over: Closing::default(),
            }),
        }
    }

    /// Waits until one client has come and gone, however that was.
    pub async fn first_is_over(&self) {
        self.shared.first_over.wait().await;
    }

    /// Ends every connection, between two messages.
    pub fn close(&self) {
        self.shared.closing.close();
    }
}

impl StreamService for Server {
    fn serve(&self, mut connection: Connection) -> BoxFuture<'static, ()> {
        let shared = self.shared.clone();
        Box::pin(async move {
            let ended = shared.converse(&mut connection);
            let ended = match race(shared.closing.wait(), ended).await {
                First::Left(()) => Ok(()),
                First::Right(ended) => ended,
            };
            if let Err(ending) = ended {
                let what = match ending {
                    Ending::Transport(error) => error.to_string(),
                    Ending::Session(error) => error.to_string(),
                };
                let peer = console::escape(&connection.peer);
                let warning = format!("the connection from {peer} is over: {what}");
                shared.report.event(&Event::Warning(warning));
            }
            // A client that is gone hears nothing, and that is no fault any more.
            let finish = connection.writer.finish();
            let _ = within(&*shared.world, shared.bounds.greeting, finish).await;
            shared.first_over.close();
        })
    }
}

impl Shared {
    async fn converse(&self, connection: &mut Connection) -> Result<(), Ending> {
        let line = |text: String| self.report.event(&Event::Line(text));
        let idle = self.bounds.idle;
        let frame_bytes = self.bounds.frame_bytes;
        let mut session = ServerSession::new(self.suite.clone(), self.keys.clone(), frame_bytes);
        line(console::connected(&connection.peer));
        let greeting = session.greeting()?;
        let sent = within(&*self.world, idle, connection.writer.write_all(&greeting)).await;
        sent.ok_or(SessionError::Idle(idle.as_secs()))??;
        line(console::KEY_SENT.into());
        let mut buffer = vec![0; CHUNK];
        loop {
            let read = within(&*self.world, idle, connection.reader.read(&mut buffer)).await;
            let read = read.ok_or(SessionError::Idle(idle.as_secs()))??;
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
                        return Ok(());
                    }
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
