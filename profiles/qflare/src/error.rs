//! Why a request is not carried out, in the words and with the status that its sender gets; and
//! what goes wrong for a device.

use pqfw_framework::kem::KemError;
use pqfw_framework::signature::SignatureError;
use pqfw_framework::store::StoreError;
use pqfw_framework::system::{Failure, KeyFileError, RunError};
use pqfw_framework::transport::{Response, TransportError};
use pqfw_session::ChannelError;
use serde_json::{Value, json};
use thiserror::Error;

use crate::aggregate::{AggregateError, ReadError};
use crate::model::FormatError;
use crate::state::{AuditError, StateError};

/// Why a request is not carried out. Except for the last two it is its sender's fault.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Refusal {
    /// 400: it is not of the protocol.
    #[error("{0}")]
    BadRequest(String),
    /// 401: it does not authenticate. One text for each route.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// 403: the device is revoked, or the route is not for it.
    #[error("{0}")]
    Forbidden(&'static str),
    /// 404.
    #[error("{0}")]
    NotFound(&'static str),
    /// 405.
    #[error("Method Not Allowed")]
    MethodNotAllowed,
    /// 409: the state is another than it expects.
    #[error("{detail}")]
    Conflict {
        /// What is in the way.
        detail: String,
        /// The newest round, and the model that it begins from, where that helps.
        current: Option<(u64, String)>,
    },
    /// 410: the route is gone for good.
    #[error("{0}")]
    Gone(&'static str),
    /// 415: a file of a kind that is never opened.
    #[error("{0}")]
    Unsupported(String),
    /// 416: a range that the file does not have.
    #[error("the file has {0} bytes")]
    Range(u64),
    /// 422: fields that are missing or not what they should be, as FastAPI lists them.
    #[error("unprocessable")]
    Unprocessable(Vec<Value>),
    /// 429: too often, in the name of one device.
    #[error("too many requests in this minute")]
    TooMany,
    /// 500: the profile's fault.
    #[error("{0}")]
    Setting(String),
    /// 500: ours, or the provider's; the cause goes to the log alone.
    #[error("Internal Server Error")]
    Internal(String),
    /// 503: the machine's; the cause goes to the log alone.
    #[error("the storage is not available; try again later")]
    Unavailable(String),
}

impl Refusal {
    /// A conflict that another request does not resolve.
    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::Conflict {
            detail: detail.into(),
            current: None,
        }
    }

    /// A single field that is not what it should be.
    pub(crate) fn field(field: &str, message: &str) -> Self {
        Self::Unprocessable(vec![json!({
            "type": "value_error",
            "loc": ["body", field],
            "msg": format!("Value error, {message}"),
            "input": null,
        })])
    }

    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::Unauthorized(_) => 401,
            Self::Forbidden(_) => 403,
            Self::NotFound(_) => 404,
            Self::MethodNotAllowed => 405,
            Self::Conflict { .. } => 409,
            Self::Gone(_) => 410,
            Self::Unsupported(_) => 415,
            Self::Range(_) => 416,
            Self::Unprocessable(_) => 422,
            Self::TooMany => 429,
            Self::Setting(_) | Self::Internal(_) => 500,
            Self::Unavailable(_) => 503,
        }
    }

    /// The JSON that says so.
    #[must_use]
    pub fn json(&self) -> Value {
        match self {
            Self::Unprocessable(faults) => json!({ "detail": faults }),
            Self::Conflict {
                detail,
                current: Some((round, model)),
            } => json!({ "detail": detail, "current_round": round, "model_version": model }),
            other => json!({ "detail": other.to_string() }),
        }
    }

    /// The response that says so.
    #[must_use]
    pub fn response(&self) -> Response {
        Response {
            status: self.status(),
            body: self.json().to_string().into_bytes(),
        }
    }

    /// What the operator's log says.
    #[must_use]
    pub fn for_the_log(&self) -> String {
        match self {
            Self::Internal(cause) | Self::Unavailable(cause) => format!("{self}: {cause}"),
            Self::Unprocessable(faults) => {
                let faults = faults
                    .iter()
                    .map(|fault| format!("{} {}", fault["loc"], fault["msg"]));
                faults.collect::<Vec<_>>().join("; ")
            }
            other => other.to_string(),
        }
    }
}

/// What a device is told for every fault of its token.
pub const BAD_TOKEN: &str = "Invalid or expired enrollment token";
/// What a device is told when it is not there.
pub const NO_DEVICE: &str = "Device not found or not enrolled";
/// What a device is told for a signature that does not verify, also one of nobody.
pub const BAD_SIGNATURE: &str = "Invalid model signature";
/// What a device is told when the operator has revoked it.
pub const REVOKED: &str = "Device revoked";

impl From<StateError> for Refusal {
    fn from(error: StateError) -> Self {
        match error {
            StateError::DeviceId => Self::field("device_id", &error.to_string()),
            StateError::Token => Self::Unauthorized(BAD_TOKEN),
            StateError::UnknownDevice => Self::NotFound(NO_DEVICE),
            StateError::Revoked => Self::Forbidden(REVOKED),
            StateError::Stale { .. }
            | StateError::AlreadyEnrolled
            | StateError::AlreadySubmitted
            | StateError::Exhausted { .. }
            | StateError::NoModel
            | StateError::RoundUnderWay(_)
            | StateError::NoRound
            | StateError::NoTerms
            | StateError::Leased { .. }
            | StateError::LeaseLost => Self::conflict(error.to_string()),
            StateError::Full { .. } | StateError::Busy | StateError::Store(_) => {
                Self::Unavailable(error.to_string())
            }
            StateError::Newer { .. } | StateError::Damaged(_) => Self::Internal(error.to_string()),
        }
    }
}

impl From<FormatError> for Refusal {
    fn from(error: FormatError) -> Self {
        match error {
            FormatError::Pickle => Self::Unsupported(error.to_string()),
            other => Self::field("model_weights", &other.to_string()),
        }
    }
}

impl From<AggregateError> for Refusal {
    fn from(error: AggregateError) -> Self {
        match error {
            AggregateError::TooFew { .. } | AggregateError::NobodySelected { .. } => {
                Self::conflict(error.to_string())
            }
            other => Self::Internal(other.to_string()),
        }
    }
}

macro_rules! ours {
    ($($error:ty => $refusal:ident;)*) => {$(
        impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                Self::$refusal(error.to_string())
            }
        }
    )*};
}

ours! {
    StoreError => Unavailable;
    ReadError => Unavailable;
    AuditError => Internal;
    KemError => Internal;
    SignatureError => Internal;
    ChannelError => Internal;
}

/// What goes wrong for a device.
#[derive(Clone, Debug, Error, PartialEq)]
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
    /// The server's fault, or an attacker's: it does not authenticate.
    #[error("the server's {0} does not verify")]
    BadSignature(&'static str),
    /// The caller's fault: a token that is none.
    #[error("this is no enrolment token; it begins with `pqfw-enrol-1.`")]
    Token,
    /// The caller's fault: there are no keys, or others than should be.
    #[error("keys in {place}: {reason}")]
    Keys {
        /// Where.
        place: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The caller's fault: something that this device cannot send.
    #[error("{0}")]
    Usage(String),
    /// The machine's fault.
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
            | Self::BadSignature(_) => Failure::Authentication,
            Self::Refused { .. } | Self::Unreadable(_) | Self::KeyFile(_) | Self::Crypto(_) => {
                Failure::Operation
            }
            Self::Token | Self::Keys { .. } | Self::Usage(_) => Failure::Usage,
        }
    }
}

impl From<ClientError> for RunError {
    fn from(error: ClientError) -> Self {
        Self::new(error.failure(), error)
    }
}

impl From<Refusal> for RunError {
    fn from(refusal: Refusal) -> Self {
        let failure = match &refusal {
            Refusal::Setting(_) => Failure::Usage,
            Refusal::Unauthorized(_) | Refusal::Forbidden(_) => Failure::Authentication,
            _ => Failure::Operation,
        };
        Self::new(failure, refusal.for_the_log())
    }
}

impl From<KemError> for ClientError {
    fn from(error: KemError) -> Self {
        Self::Crypto(error.to_string())
    }
}

impl From<SignatureError> for ClientError {
    fn from(error: SignatureError) -> Self {
        Self::Crypto(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_fault_it_is_decides_the_exit_code() {
        let refused = |status| ClientError::Refused {
            status,
            detail: String::new(),
        };
        let keys = ClientError::Keys {
            place: String::new(),
            reason: String::new(),
        };
        let file = ClientError::KeyFile(KeyFileError {
            path: String::new(),
            reason: String::new(),
        });
        for (error, failure) in [
            (refused(401), Failure::Authentication),
            (refused(403), Failure::Authentication),
            (refused(409), Failure::Operation),
            (ClientError::BadSignature("model"), Failure::Authentication),
            (ClientError::Unreadable("model"), Failure::Operation),
            (ClientError::Token, Failure::Usage),
            (keys, Failure::Usage),
            (ClientError::Usage(String::new()), Failure::Usage),
            (file, Failure::Operation),
            (ClientError::Crypto(String::new()), Failure::Operation),
            (
                ClientError::Channel(ChannelError::Closed),
                Failure::Operation,
            ),
        ] {
            assert_eq!(error.failure(), failure, "{error}");
            assert_eq!(RunError::from(error).failure, failure);
        }
        let setting = RunError::from(Refusal::Setting("qflare.rule".into()));
        assert_eq!(setting.failure, Failure::Usage);
        let hidden = RunError::from(Refusal::Internal("cause".into()));
        assert!(hidden.message.contains("cause"), "the operator hears");
    }
}
