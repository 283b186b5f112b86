//! What goes wrong between two peers of the dialect.

use pqfw_framework::audit::AuditError;
use pqfw_framework::keys::IdentityError;
use pqfw_framework::peers::PeerError;
use pqfw_framework::signature::SignatureError;
use pqfw_framework::store::StoreError;
use pqfw_framework::system::{Failure, RunError};
use pqfw_framework::transport::TransportError;
use thiserror::Error;

/// The first five are the published package's; a peer is told none of them apart.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum PqcTransportError {
    /// The peer's fault, or somebody's in between: a signature that is not there, not of the
    /// profile's algorithm, or not over these bytes by this key.
    #[error("signature: {0}")]
    SignatureVerification(String),
    /// The peer's fault: a handshake that is not of the dialect or not of this time.
    #[error("handshake: {0}")]
    Handshake(String),
    /// Nobody's fault: connect again.
    #[error("the session has ended; connect again")]
    SessionExpired,
    /// An attack, or a peer that sends one message twice.
    #[error("replay: {0}")]
    ReplayAttack(String),
    /// The peer's fault, or the operator's, who has not listed it.
    #[error("peer: {0}")]
    PeerNotAuthenticated(String),
    /// The peer's fault: a message that is not of the dialect.
    #[error("message: {0}")]
    Malformed(String),
    /// Nobody's fault: a bound is reached, and nothing is forgotten for a newcomer.
    #[error("{0}")]
    Full(String),
    /// The server's answer: the call did not work; its words.
    #[error("the server answered {code}: {message}")]
    Rpc {
        /// The code of JSON-RPC.
        code: i64,
        /// The server's words, fit for a terminal.
        message: String,
    },
    /// The server's fault, or its refusal: deployed servers say no more.
    #[error("the server answered with status {0}; its log says why")]
    Status(u16),
    /// The network's fault.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The operator's fault: a value of the profile that cannot be used.
    #[error("{0}")]
    Config(String),
    /// Ours or the machine's: a provider, the store or the audit log failed.
    #[error("{0}")]
    Internal(String),
}

impl PqcTransportError {
    /// The kind of failure, for the exit code.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::SignatureVerification(_)
            | Self::Handshake(_)
            | Self::SessionExpired
            | Self::ReplayAttack(_)
            | Self::PeerNotAuthenticated(_) => Failure::Authentication,
            Self::Transport(error) => error.failure(),
            Self::Config(_) => Failure::Usage,
            Self::Malformed(_)
            | Self::Full(_)
            | Self::Rpc { .. }
            | Self::Status(_)
            | Self::Internal(_) => Failure::Operation,
        }
    }
}

impl From<PqcTransportError> for RunError {
    fn from(error: PqcTransportError) -> Self {
        Self::new(error.failure(), error)
    }
}

impl From<StoreError> for PqcTransportError {
    fn from(error: StoreError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<AuditError> for PqcTransportError {
    fn from(error: AuditError) -> Self {
        Self::Internal(error.to_string())
    }
}

impl From<IdentityError> for PqcTransportError {
    fn from(error: IdentityError) -> Self {
        Self::Config(error.to_string())
    }
}

impl From<PeerError> for PqcTransportError {
    fn from(error: PeerError) -> Self {
        match error {
            PeerError::Unknown { .. } | PeerError::Changed { .. } => {
                Self::PeerNotAuthenticated(error.to_string())
            }
            PeerError::Full(_) => Self::Full(error.to_string()),
            PeerError::NotAFingerprint(_) | PeerError::File { .. } | PeerError::KeyFile(_) => {
                Self::Config(error.to_string())
            }
        }
    }
}

/// A provider's refusal of its own key or chance; what a peer sent is mapped where it is read.
impl From<SignatureError> for PqcTransportError {
    fn from(error: SignatureError) -> Self {
        Self::Internal(error.to_string())
    }
}
