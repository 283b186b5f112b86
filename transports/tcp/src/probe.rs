//! Probes over TCP.

use pqfw_framework::transport::TransportError;
use pqfw_tls::{Answered, Probe};
use tokio::net::TcpStream;

/// Asks the server at `server`, HOST:PORT, which was dialled as `host`.
///
/// # Errors
/// [`TransportError::Connect`] when it cannot be reached; [`TransportError::Address`] when the
/// host is no name.
pub async fn ask(probe: &Probe, server: &str, host: &str) -> Result<Answered, TransportError> {
    let stream = TcpStream::connect(server).await;
    let stream = stream.map_err(|error| TransportError::Connect {
        address: server.to_owned(),
        reason: error.to_string(),
    })?;
    let answered = probe.ask(stream, host).await;
    answered.map_err(|error| TransportError::Address {
        address: server.to_owned(),
        reason: error.to_string(),
    })
}
