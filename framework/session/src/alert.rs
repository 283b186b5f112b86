//! Alerts: one byte that says why a channel ended (`docs/protocols/channel.md` section 7).

use std::fmt;

/// Why an end refuses to go on, or that it has nothing more to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Alert {
    /// The end of a direction.
    CloseNotify,
    /// A message out of its place.
    UnexpectedMessage,
    /// A record that does not open.
    BadRecordMac,
    /// A record above its limit.
    RecordOverflow,
    /// No suite in common.
    HandshakeFailure,
    /// A key that cannot be read or is of another algorithm.
    BadIdentity,
    /// A field that contradicts the specification.
    IllegalParameter,
    /// The identity is not accepted.
    UnknownPeer,
    /// A message that cannot be read.
    DecodeError,
    /// A signature or `finished` that does not verify.
    DecryptError,
    /// A fault of the sender.
    InternalError,
    /// That protocol is not served here.
    NoApplicationProtocol,
}

impl Alert {
    /// All of them, in the order of their codes.
    pub const ALL: [Self; 12] = [
        Self::CloseNotify,
        Self::UnexpectedMessage,
        Self::BadRecordMac,
        Self::RecordOverflow,
        Self::HandshakeFailure,
        Self::BadIdentity,
        Self::IllegalParameter,
        Self::UnknownPeer,
        Self::DecodeError,
        Self::DecryptError,
        Self::InternalError,
        Self::NoApplicationProtocol,
    ];

    /// The byte on the wire.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::CloseNotify => 0,
            Self::UnexpectedMessage => 10,
            Self::BadRecordMac => 20,
            Self::RecordOverflow => 22,
            Self::HandshakeFailure => 40,
            Self::BadIdentity => 42,
            Self::IllegalParameter => 47,
            Self::UnknownPeer => 48,
            Self::DecodeError => 50,
            Self::DecryptError => 51,
            Self::InternalError => 80,
            Self::NoApplicationProtocol => 120,
        }
    }

    /// The alert with this code, if there is one.
    #[must_use]
    pub fn of(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|alert| alert.code() == code)
    }

    /// The name in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::CloseNotify => "close_notify",
            Self::UnexpectedMessage => "unexpected_message",
            Self::BadRecordMac => "bad_record_mac",
            Self::RecordOverflow => "record_overflow",
            Self::HandshakeFailure => "handshake_failure",
            Self::BadIdentity => "bad_identity",
            Self::IllegalParameter => "illegal_parameter",
            Self::UnknownPeer => "unknown_peer",
            Self::DecodeError => "decode_error",
            Self::DecryptError => "decrypt_error",
            Self::InternalError => "internal_error",
            Self::NoApplicationProtocol => "no_application_protocol",
        }
    }

    /// A code in words, also one that nobody knows.
    pub(crate) fn in_words(code: u8) -> String {
        Self::of(code).map_or_else(|| format!("alert {code}"), |alert| alert.to_string())
    }
}

impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
