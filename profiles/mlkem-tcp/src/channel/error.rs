//! What can end a conversation, or keep it from beginning.

use pqfw_framework::splice::Silent;
use pqfw_framework::system::{Failure, RunError};
use pqfw_framework::transport::TransportError;
use pqfw_session::ChannelError;
use thiserror::Error;

/// What can end a conversation, or keep it from beginning.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ChatError {
    /// What the channel's handshake says.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The network's fault, or what an open channel says: a broken record, an end cut off.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The peer's fault: it does not speak this protocol, or a later version of it.
    #[error("the first line `{0}` is none of this protocol")]
    FirstLine(String),
    /// The peer's fault: a line that never ends, or with more bytes than are allowed.
    #[error("the peer sent a line of more than {0} bytes")]
    LongLine(usize),
    /// The peer's fault: this protocol sends text.
    #[error("the peer sent a line that is not UTF-8")]
    NotText,
    /// The peer's fault: it ended where a line was due.
    #[error("the peer ended the channel before it said {0}")]
    Early(&'static str),
    /// The peer asked for what this end's operator has not allowed.
    #[error("refused to the peer: {0}")]
    NotServed(String),
    /// The server does not do what was asked: its operator decides.
    #[error("the server refused: {0}")]
    Refused(String),
    /// The peer's fault, or the network's: nothing came and nothing went.
    #[error(transparent)]
    Idle(#[from] Silent),
    /// The peer's fault: it takes nothing of what it is sent.
    #[error("the peer does not read: {0} lines wait for it")]
    Unread(usize),
}

impl ChatError {
    /// The kind of failure, for the exit code.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Channel(error) => error.failure(),
            Self::Transport(error) => error.failure(),
            Self::Early(_) | Self::Idle(_) | Self::Unread(_) => Failure::Network,
            Self::FirstLine(_)
            | Self::LongLine(_)
            | Self::NotText
            | Self::NotServed(_)
            | Self::Refused(_) => Failure::Operation,
        }
    }
}

impl From<ChatError> for RunError {
    fn from(error: ChatError) -> Self {
        Self::new(error.failure(), error)
    }
}
