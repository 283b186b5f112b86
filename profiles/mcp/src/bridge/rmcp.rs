//! The official Rust SDK directly on a channel, with no process in between. Feature `rmcp`.
//!
//! `examples/rmcp_channel.rs` serves tools so, and calls them.

use std::sync::Arc;

use futures_util::lock::Mutex;
use pqfw_framework::lines::Lines;
use pqfw_framework::transport::{Connection, StreamWriter, TransportError};
use rmcp::service::{RxJsonRpcMessage, ServiceRole, TxJsonRpcMessage};

/// A channel, or any other connection, that carries one message of MCP a line.
pub struct LineTransport {
    lines: Lines,
    writer: Arc<Mutex<Box<dyn StreamWriter>>>,
    address: String,
}

impl LineTransport {
    /// Takes a connection whose messages have at most `message_bytes`.
    #[must_use]
    pub fn new(connection: Connection, message_bytes: usize) -> Self {
        Self {
            lines: Lines::new(connection.reader, message_bytes),
            writer: Arc::new(Mutex::new(connection.writer)),
            address: connection.peer,
        }
    }
}

impl<R: ServiceRole> rmcp::transport::Transport<R> for LineTransport {
    type Error = TransportError;

    fn send(
        &mut self,
        message: TxJsonRpcMessage<R>,
    ) -> impl Future<Output = Result<(), TransportError>> + Send + 'static {
        let (writer, address) = (self.writer.clone(), self.address.clone());
        let line = serde_json::to_string(&message);
        async move {
            let line = line.map_err(|error| TransportError::Broken {
                address,
                reason: error.to_string(),
            })?;
            let mut writer = writer.lock().await;
            writer.write_all(format!("{line}\n").as_bytes()).await
        }
    }

    /// A line that is no message of this role is passed over, as the SDK's own transports do. A line
    /// that is too long, or no text, ends the session: somebody may wait for its answer.
    async fn receive(&mut self) -> Option<RxJsonRpcMessage<R>> {
        loop {
            let line = self.lines.next().await.ok()??.ok()?;
            if let Ok(message) = serde_json::from_str(line) {
                return Some(message);
            }
        }
    }

    async fn close(&mut self) -> Result<(), TransportError> {
        self.writer.lock().await.finish().await
    }
}
