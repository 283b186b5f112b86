//! What was done, for whom, and whether it was verified.

use std::collections::VecDeque;
use std::sync::Arc;

use pqfw_framework::audit::AuditLog;
use pqfw_framework::python_json::Json;
use pqfw_framework::world::Now;

use super::error::PqcTransportError;
use super::hex;
use super::identity::Did;
use super::message::printable;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// A session was made, or refused.
    Handshake,
    /// A tool was called.
    ToolCall,
    /// A tool's answer was signed, or believed.
    ToolResponse,
    /// Any other message was checked.
    Verify,
}

impl Operation {
    /// The word in the log.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Handshake => "handshake",
            Self::ToolCall => "tool_call",
            Self::ToolResponse => "tool_response",
            Self::Verify => "verify",
        }
    }
}

/// One entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When, in ISO 8601.
    pub timestamp: String,
    /// The session, if there is one.
    pub session: Option<String>,
    /// What was done.
    pub operation: Operation,
    /// The method of JSON-RPC.
    pub method: Option<String>,
    /// Who signed.
    pub signer: Option<Did>,
    /// To whom, or for whom.
    pub peer: Option<Did>,
    /// What the wire calls the algorithm.
    pub algorithm: String,
    /// The first 16 bytes of the signature, in hexadecimal.
    pub signature_truncated: String,
    /// Whether everything was as it must be.
    pub verified: bool,
    /// What else there is to say.
    pub details: String,
}

impl AuditEntry {
    /// Begins an entry.
    #[must_use]
    pub fn new(now: Now, operation: Operation, algorithm: &str) -> Self {
        Self {
            timestamp: now.iso8601(),
            session: None,
            operation,
            method: None,
            signer: None,
            peer: None,
            algorithm: algorithm.to_owned(),
            signature_truncated: String::new(),
            verified: true,
            details: String::new(),
        }
    }

    /// Names the session.
    #[must_use]
    pub fn session(mut self, session: &str) -> Self {
        self.session = Some(printable(session));
        self
    }

    /// Names the method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(printable(method));
        self
    }

    /// Names the signer and shows the beginning of the signature.
    #[must_use]
    pub fn signed(mut self, signer: &Did, signature: &[u8]) -> Self {
        self.signer = Some(signer.clone());
        self.signature_truncated = hex::encode(signature.get(..16).unwrap_or(signature));
        self
    }

    /// Names the peer.
    #[must_use]
    pub fn peer(mut self, peer: &Did) -> Self {
        self.peer = Some(peer.clone());
        self
    }

    /// Says more.
    #[must_use]
    pub fn details(mut self, details: &str) -> Self {
        self.details = printable(details);
        self
    }

    /// Says that it was refused, and why.
    #[must_use]
    pub fn refused(mut self, error: &PqcTransportError) -> Self {
        self.verified = false;
        self.details = printable(&error.to_string());
        self
    }

    /// As a line of the log.
    #[must_use]
    pub fn json(&self) -> String {
        let did = |did: &Option<Did>| match did {
            Some(did) => did.as_str().into(),
            None => Json::Null,
        };
        let text = |text: &Option<String>| match text {
            Some(text) => text.as_str().into(),
            None => Json::Null,
        };
        Json::object([
            ("timestamp", self.timestamp.as_str().into()),
            ("session_id", text(&self.session)),
            ("operation", self.operation.word().into()),
            ("method", text(&self.method)),
            ("signer_did", did(&self.signer)),
            ("peer_did", did(&self.peer)),
            ("algorithm", self.algorithm.as_str().into()),
            (
                "signature_truncated",
                self.signature_truncated.as_str().into(),
            ),
            ("verified", self.verified.into()),
            ("details", self.details.as_str().into()),
        ])
        .default_text()
    }
}

/// The newest entries of one session.
#[derive(Clone, Debug, Default)]
pub struct Recent(VecDeque<AuditEntry>);

impl Recent {
    /// How many are kept.
    pub const MOST: usize = 256;

    pub(crate) fn push(&mut self, entry: AuditEntry) {
        if self.0.len() == Self::MOST {
            self.0.pop_front();
        }
        self.0.push_back(entry);
    }

    /// The oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &AuditEntry> {
        self.0.iter()
    }
}

/// The log of one process; without one, entries are only in sessions.
#[derive(Clone, Default)]
pub struct Audit(Option<Arc<AuditLog>>);

impl Audit {
    /// Writes into a log.
    #[must_use]
    pub fn new(log: Arc<AuditLog>) -> Self {
        Self(Some(log))
    }

    /// Adds an entry.
    ///
    /// # Errors
    /// [`PqcTransportError::Internal`]: what cannot be told is not done.
    pub fn write(&self, entry: &AuditEntry) -> Result<(), PqcTransportError> {
        match &self.0 {
            Some(log) => Ok(log.append(&entry.json())?),
            None => Ok(()),
        }
    }
}
