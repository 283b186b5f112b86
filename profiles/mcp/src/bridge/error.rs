//! What can end a bridged session, or keep it from beginning.

use pqfw_framework::process::ProcessError;
use pqfw_framework::splice::Silent;
use pqfw_framework::system::{Failure, RunError};
use pqfw_framework::transport::TransportError;
use pqfw_session::ChannelError;
use thiserror::Error;

/// What can end a bridged session, or keep it from beginning.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum BridgeError {
    /// What the channel's handshake says.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The network's fault, or what an open channel says: a broken record, an end cut off.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The peer's fault: it does not speak this protocol, or a later version of it.
    #[error("the first line `{0}` is none of this protocol")]
    FirstLine(String),
    /// The peer's fault, or the network's: it said nothing where a line was due.
    #[error("the peer did not say in time what the channel is for")]
    Early,
    /// The server's end does not do what was asked: its operator decides.
    #[error("the server's end refused: {0}")]
    Refused(String),
    /// The peer asked for what is not served here.
    #[error("refused to the peer: {0}")]
    NotServed(String),
    /// The MCP server's fault, or its operator's: it has ended.
    #[error("the MCP server has ended: {0}")]
    ServerEnded(String),
    /// The session cannot be taken up again with a new server.
    #[error("the session cannot go on with a new server: {0}")]
    NotResumed(String),
    /// The operator's limit, or the machine's: no child for the session.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The host's fault: it speaks HTTP that nothing can be told from.
    #[error("HTTP: {0}")]
    Http(&'static str),
    /// Nobody's fault: nothing came and nothing went.
    #[error(transparent)]
    Idle(#[from] Silent),
}

impl BridgeError {
    /// The kind of failure, for the exit code.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Channel(error) => error.failure(),
            Self::Transport(error) => error.failure(),
            Self::Early | Self::Idle(_) | Self::NotResumed(_) => Failure::Network,
            Self::FirstLine(_)
            | Self::Refused(_)
            | Self::NotServed(_)
            | Self::ServerEnded(_)
            | Self::Process(_)
            | Self::Http(_) => Failure::Operation,
        }
    }
}

impl From<BridgeError> for RunError {
    fn from(error: BridgeError) -> Self {
        Self::new(error.failure(), error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_has_its_exit_code() {
        let text = || "x".to_owned();
        let start = ProcessError::Start {
            program: text(),
            reason: text(),
        };
        let unreachable = TransportError::TimedOut {
            address: text(),
            secs: 1,
        };
        for (error, failure) in [
            (
                BridgeError::Channel(ChannelError::Closed),
                Failure::Operation,
            ),
            (BridgeError::Transport(unreachable), Failure::Network),
            (BridgeError::FirstLine(text()), Failure::Operation),
            (BridgeError::Early, Failure::Network),
            (BridgeError::Refused(text()), Failure::Operation),
            (BridgeError::NotServed(text()), Failure::Operation),
            (BridgeError::ServerEnded(text()), Failure::Operation),
            (BridgeError::NotResumed(text()), Failure::Network),
            (BridgeError::Process(start), Failure::Operation),
            (BridgeError::Http("x"), Failure::Operation),
            (BridgeError::Idle(Silent(1)), Failure::Network),
        ] {
            let message = error.to_string();
            let error = RunError::from(error);
            assert_eq!((error.failure, error.message), (failure, message));
        }
    }
}
