//! What can end a channel, or keep it from beginning.

use pqfw_framework::aead::AeadError;
use pqfw_framework::kdf::KdfError;
use pqfw_framework::kem::KemError;
use pqfw_framework::keys::KeyCodecError;
use pqfw_framework::signature::SignatureError;
use pqfw_framework::system::Failure;
use pqfw_framework::transport::TransportError;
use pqfw_framework::wire::WireError;
use thiserror::Error;

use crate::alert::Alert;
use crate::peers::PeerRefused;

/// What can end a channel, or keep it from beginning.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ChannelError {
    /// The peer's or an attacker's fault: what came is not what the protocol asks for.
    #[error("the channel was ended with {alert}: {reason}")]
    Refused {
        /// What the peer was told.
        alert: Alert,
        /// What was wrong.
        reason: &'static str,
    },
    /// The peer's fault, or the peer list is incomplete: it proved who it is and is not accepted.
    #[error(transparent)]
    UnknownPeer(#[from] PeerRefused),
    /// The peer ended it. Look into its log for the reason.
    #[error("the peer ended the channel with {}{}", Alert::in_words(*.code), if *.proven { "" } else { " (so says an unprotected alert, which anybody can write)" })]
    RefusedByPeer {
        /// The alert's code.
        code: u8,
        /// Whether it came under the channel's keys.
        proven: bool,
    },
    /// The network's or an attacker's fault: the bytes ended before the peer said that they would.
    /// How the transport saw it break, if it did not take it for an end.
    #[error("the stream ended without close_notify: what came may be cut off{}", .0.as_ref().map(|broke| format!(" ({broke})")).unwrap_or_default())]
    Truncated(Option<TransportError>),
    /// The caller's fault: the channel was closed or has failed before.
    #[error("the channel is closed")]
    Closed,
    /// The peer's or network's fault: the handshake took too long.
    #[error("the channel was not open within {millis} ms")]
    TimedOut {
        /// The limit.
        millis: u128,
    },
    /// The peer's fault: a refusal of an exchange, unprotected as all of them are.
    #[error("the service refused the exchange with status {status}{}", .code.map(|code| format!(" and {}", Alert::in_words(code))).unwrap_or_default())]
    RefusedExchange {
        /// The status.
        status: u16,
        /// The alert's code, if there was one.
        code: Option<u8>,
    },
    /// Nobody's fault that is known: the service has forgotten the handshake, as its
    /// [limits](crate::exchange::ServiceLimits) say, or it began anew.
    #[error(
        "the service does not know this handshake any more: it began anew, or the handshake took longer \
         than the 10 s for which it waits; take a signature that is made faster"
    )]
    HandshakeGone,
    /// Nobody's fault that is known: the session is gone, and with it the answer to whether the
    /// request was carried out. Send it again if that does no harm.
    #[error("status {status}: it is not known whether the request was carried out")]
    Unanswered {
        /// The status that said so.
        status: u16,
    },
    /// The caller's fault: a request or response that does not fit its fields.
    #[error("{field}: {got} bytes, at most {limit}")]
    TooLong {
        /// The field.
        field: &'static str,
        /// Its length.
        got: usize,
        /// The most that it may have.
        limit: usize,
    },
    /// The provider's or the caller's fault: a primitive refused to work.
    #[error("a primitive of the suite failed: {0}")]
    Primitive(String),
    /// What the transport says.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

impl ChannelError {
    /// The kind of failure, for the exit code.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Transport(error) => error.failure(),
            Self::Refused { .. } | Self::UnknownPeer(_) => Failure::Authentication,
            Self::RefusedByPeer { .. } | Self::RefusedExchange { .. } => Failure::Authentication,
            Self::Truncated(_)
            | Self::TimedOut { .. }
            | Self::HandshakeGone
            | Self::Unanswered { .. } => Failure::Network,
            Self::Closed | Self::TooLong { .. } | Self::Primitive(_) => Failure::Operation,
        }
    }

    /// What the peer is told, if it is told anything.
    #[must_use]
    pub fn alert(&self) -> Option<Alert> {
        match self {
            Self::Refused { alert, .. } => Some(*alert),
            Self::UnknownPeer(_) => Some(Alert::UnknownPeer),
            Self::Primitive(_) | Self::TooLong { .. } => Some(Alert::InternalError),
            Self::RefusedByPeer { .. }
            | Self::Truncated(_)
            | Self::Closed
            | Self::TimedOut { .. }
            | Self::RefusedExchange { .. }
            | Self::HandshakeGone
            | Self::Unanswered { .. }
            | Self::Transport(_) => None,
        }
    }
}

pub(crate) fn refused<T>(alert: Alert, reason: &'static str) -> Result<T, ChannelError> {
    Err(ChannelError::Refused { alert, reason })
}

/// A message that cannot be read.
impl From<WireError> for ChannelError {
    fn from(error: WireError) -> Self {
        let reason = match error {
            WireError::Truncated { field, .. } | WireError::TooLong { field, .. } => field,
            WireError::Trailing(_) => "bytes after the end",
        };
        Self::Refused {
            alert: Alert::DecodeError,
            reason,
        }
    }
}

macro_rules! primitive {
    ($($error:ty),*) => {
        $(impl From<$error> for ChannelError {
            fn from(error: $error) -> Self {
                Self::Primitive(error.to_string())
            }
        })*
    };
}

primitive!(AeadError, KdfError, KemError, KeyCodecError, SignatureError);
