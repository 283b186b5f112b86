//! Errors of the command line, and the exit code of each kind.

use std::fmt;

use pqfw_framework::aead::AeadError;
use pqfw_framework::kdf::KdfError;
use pqfw_framework::kem::KemError;
use pqfw_framework::keys::backup::BackupError;
use pqfw_framework::keys::{KeyCodecError, KeyImportError};
use pqfw_framework::policy::PolicyError;
use pqfw_framework::profile::ProfileError;
use pqfw_framework::registry::{BuildError, PreferencesError, QueryError, ResolveError};
use pqfw_framework::signature::SignatureError;
use pqfw_framework::store::StoreError;
use pqfw_framework::system::{Failure, KeyFileError, RunError};
use pqfw_framework::transport::TransportError;
use pqfw_mcp::signed::error::PqcTransportError;
use pqfw_qflare::aggregate::{AggregateError, ReadError};
use pqfw_qflare::model::FormatError;
use pqfw_qu3::error::ClientError;

/// An error on its way to the terminal: one line, and the chain below it for `--verbose`.
#[derive(Debug)]
pub(crate) struct CliError {
    pub(crate) failure: Failure,
    pub(crate) message: String,
    pub(crate) chain: Vec<String>,
}

impl CliError {
    pub(crate) fn new(failure: Failure, message: impl fmt::Display) -> Self {
        Self {
            failure,
            message: message.to_string(),
            chain: Vec::new(),
        }
    }

    pub(crate) fn usage(message: impl fmt::Display) -> Self {
        Self::new(Failure::Usage, message)
    }

    pub(crate) fn operation(message: impl fmt::Display) -> Self {
        Self::new(Failure::Operation, message)
    }

    /// Says what was being done when it happened.
    pub(crate) fn during(mut self, what: impl fmt::Display) -> Self {
        self.message = format!("{what}: {}", self.message);
        self
    }

    fn of(failure: Failure, error: &dyn std::error::Error) -> Self {
        let mut chain = Vec::new();
        let mut source = error.source();
        while let Some(error) = source {
            chain.push(error.to_string());
            source = error.source();
        }
        Self {
            failure,
            message: error.to_string(),
            chain,
        }
    }
}

/// The documented exit code of a kind of failure.
pub(crate) fn exit_code(failure: Failure) -> u8 {
    match failure {
        Failure::Operation => 1,
        Failure::Usage => 2,
        Failure::Authentication => 3,
        Failure::Policy => 4,
        Failure::Network => 5,
        _ => 70,
    }
}

macro_rules! from {
    ($($error:ty => $failure:expr;)*) => {$(
        impl From<$error> for CliError {
            fn from(error: $error) -> Self {
                let failure: fn(&$error) -> Failure = $failure;
                Self::of(failure(&error), &error)
            }
        }
    )*};
}

from! {
    RunError => |error| error.failure;
    ClientError => ClientError::failure;
    PqcTransportError => PqcTransportError::failure;
    ProfileError => |_| Failure::Usage;
    QueryError => |_| Failure::Usage;
    PolicyError => |_| Failure::Usage;
    BuildError => |_| Failure::Usage;
    PreferencesError => |_| Failure::Usage;
    AggregateError => |error| match error {
        AggregateError::Setting(_) | AggregateError::SameDeviceTwice(_) => Failure::Usage,
        _ => Failure::Operation,
    };
    FormatError => |_| Failure::Operation;
    ReadError => |_| Failure::Operation;
    KdfError => |_| Failure::Operation;
    KeyFileError => |_| Failure::Operation;
    StoreError => |_| Failure::Operation;
    TransportError => TransportError::failure;
    KeyCodecError => |error| match error {
        KeyCodecError::FormUnavailable { .. } | KeyCodecError::EmptyPassphrase => Failure::Usage,
        KeyCodecError::Passphrase => Failure::Authentication,
        _ => Failure::Operation,
    };
    KeyImportError => |_| Failure::Operation;
    BackupError => |error| match error {
        BackupError::Rejected => Failure::Authentication,
        BackupError::FileName(_) | BackupError::DuplicateName(_) => Failure::Usage,
        _ => Failure::Operation,
    };
    KemError => |_| Failure::Operation;
    AeadError => |error| match error {
        AeadError::Rejected => Failure::Authentication,
        AeadError::KeyLength { .. } | AeadError::NonceLength { .. } => Failure::Usage,
        _ => Failure::Operation,
    };
    SignatureError => |error| match error {
        SignatureError::Rejected => Failure::Authentication,
        _ => Failure::Operation,
    };
    ResolveError => |error| match error {
        ResolveError::Refused { .. } => Failure::Policy,
        ResolveError::NoSuccessor { .. } => Failure::Operation,
        _ => Failure::Usage,
    };
}
