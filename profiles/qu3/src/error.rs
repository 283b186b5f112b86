//! What the server refuses, in the deployed server's words, and what the client finds wrong.

use pqfw_framework::aead::AeadError;
use pqfw_framework::kdf::KdfError;
use pqfw_framework::kem::KemError;
use pqfw_framework::python_json::Json;
use pqfw_framework::signature::SignatureError;
use pqfw_framework::store::StoreError;
use pqfw_framework::system::{Failure, KeyFileError, RunError};
use pqfw_framework::transport::{Response, TransportError};
use pqfw_session::ChannelError;
use thiserror::Error;

use crate::wire;

/// A request that the server does not carry out. The peer's fault, except where said.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Refusal {
    /// 400: what was sent cannot be read.
    #[error("{0}")]
    BadRequest(String),
    /// 401: no session with this key.
    #[error("No active session key. Perform KEM handshake.")]
    NoSession,
    /// 401: the session's hour or its messages are used up.
    #[error("Session expired. Perform KEM handshake again.")]
    SessionExpired,
    /// 401: the same two, in the words of the policy route.
    #[error("Session not established or expired.")]
    NoPolicySession,
    /// 403: the request's signature does not verify.
    #[error("Invalid client signature")]
    Signature,
    /// 403: the policy's signature does not verify.
    #[error("Invalid client signature on policy.")]
    PolicySignature,
    /// 403: this KEM key is pinned to another sign key.
    #[error("Client signing key does not match the key pinned to this KEM key.")]
    PinMismatch,
    /// 404.
    #[error("Not Found")]
    NotFound,
    /// 405.
    #[error("Method Not Allowed")]
    MethodNotAllowed,
    /// 409: exactly this message was accepted before.
    #[error("Request replayed.")]
    Replayed,
    /// 422: fields are missing or of the wrong type; FastAPI's list of details.
    #[error("unprocessable")]
    Unprocessable(Json),
    /// 503, nobody's fault: a bound is reached, and nothing is evicted for a newcomer.
    #[error("{0}")]
    Full(&'static str),
    /// 500, ours or the machine's fault; the cause goes to the log, not to the peer.
    #[error("Internal Server Error")]
    Internal(String),
}

impl Refusal {
    /// The response that says so.
    #[must_use]
    pub fn response(&self) -> Response {
        let detail = match self {
            Self::Unprocessable(details) => details.clone(),
            other => other.to_string().as_str().into(),
        };
        wire::response(self.status(), &Json::object([("detail", detail)]))
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::NoSession | Self::SessionExpired | Self::NoPolicySession => 401,
            Self::Signature | Self::PolicySignature | Self::PinMismatch => 403,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::Replayed => 409,
            Self::Unprocessable(_) => 422,
            Self::Full(_) => 503,
            Self::Internal(_) => 500,
        }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Full { .. } => Self::Full("The server's store is full."),
            StoreError::Failed(reason) => Self::Internal(reason),
        }
    }
}

/// What goes wrong for a client.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ClientError {
    /// The network's or the server's fault.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The channel's peer, an attacker or the network.
    #[error(transparent)]
    Channel(#[from] ChannelError),
    /// The server refused; its words.
    #[error("the server answered {status}: {detail}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// The server's `detail`.
        detail: String,
    },
    /// The server's fault: an answer that is not of the protocol.
    #[error("the server's answer to {0} is not of this protocol")]
    Unreadable(&'static str),
    /// Somebody's fault between here and the server: the answer does not authenticate.
    #[error(
        "the server's answer to {0} does not decrypt: it was changed, or comes from another server"
    )]
    Undecryptable(&'static str),
    /// The server's fault, or a man in the middle: a signature that does not verify.
    #[error(
        "the server's signature on {0} does not verify; if its keys changed on purpose, remove server_kem.pub and server_sign.pub"
    )]
    BadSignature(&'static str),
    /// The server's fault: it attests something else than what was asked.
    #[error("the server attests another {0} than this request's")]
    Attestation(&'static str),
    /// The caller's fault: a policy that nobody would enforce.
    #[error("policy: {0}")]
    Policy(String),
    /// The caller's fault: a workflow without steps, or with an empty one.
    #[error("workflow `{0}`: write model->model, each with a name")]
    Workflow(String),
    /// The operator's fault: a value of the `[qu3]` table that cannot be used.
    #[error("{0}")]
    Config(String),
    /// The caller's fault: key files that do not fit.
    #[error("key files in {dir}: {reason}")]
    Keys {
        /// Where.
        dir: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// A file that cannot be read or written.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// A provider's fault.
    #[error("cryptography: {0}")]
    Crypto(String),
}

impl ClientError {
    /// The kind of failure, for the exit code.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Transport(error) => error.failure(),
            Self::Channel(error) => error.failure(),
            Self::Refused {
                status: 401 | 403, ..
            }
            | Self::Undecryptable(_)
            | Self::BadSignature(_)
            | Self::Attestation(_) => Failure::Authentication,
            Self::Refused { .. } | Self::Unreadable(_) | Self::KeyFile(_) => Failure::Operation,
            Self::Policy(_) | Self::Workflow(_) | Self::Config(_) | Self::Keys { .. } => {
                Failure::Usage
            }
            Self::Crypto(_) => Failure::Operation,
        }
    }
}

impl From<ClientError> for RunError {
    fn from(error: ClientError) -> Self {
        Self::new(error.failure(), error)
    }
}

macro_rules! crypto {
    ($($error:ty),*) => {$(
        impl From<$error> for ClientError {
            fn from(error: $error) -> Self {
                Self::Crypto(error.to_string())
            }
        }

        impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                Self::Internal(error.to_string())
            }
        }
    )*};
}

crypto!(AeadError, KdfError, KemError, SignatureError);
