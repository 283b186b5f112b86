//! Why a node does not do what it is told. To the network every refusal is silence; the driver
//! counts them by kind.

use thiserror::Error;

use crate::fragment::FragmentError;
use crate::handshake::HandshakeError;
use crate::identity::RecordError;
use crate::limits::{MOST_CALLS, MOST_QUEUED};
use crate::peer_id::PeerId;
use crate::reassembly::SlotError;
use crate::session::{ContentError, DataError};
use crate::token::TokenError;
use crate::trust::Distrust;
use crate::wire::FrameError;

/// An input that was refused. No session has changed; but what the input ends is over: the place of
/// a message that was whole ([`Refusal::Rate`], [`Refusal::Busy`]: it comes again), the call whose
/// job has failed (an event says so). What a peer says in a session is heard even where its content
/// is refused. The driver polls after a refusal as after anything else.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// The sender's fault: no frame of this protocol.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// A stranger, who does not know whom it calls, or a scanner.
    #[error("the first frame's MAC is not that of this node")]
    Mac1,
    /// The operators' fault: no suite in common.
    #[error("none of the suites offered is one of ours")]
    NoSuite,
    /// A token that is old, forged or spent.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// A fragment that does not fit or has no place.
    #[error(transparent)]
    Slot(#[from] SlotError),
    /// Our limit for one address.
    #[error("that address has had its handshakes for this minute")]
    Rate,
    /// Our limit: as many answers as may be are being computed.
    #[error("as many answers as may be are being computed")]
    Busy,
    /// Our limit.
    #[error("there are as many peers as may be")]
    ManyPeers,
    /// Our limit.
    #[error("{MOST_CALLS} calls are under way, the limit")]
    ManyCalls,
    /// A handshake that came to nothing.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// Nobody's fault: both ends called, and this one's call goes on.
    #[error("both ends have called, and the other end's call is dropped")]
    Simultaneous,
    /// A record that is not accepted.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// A frame for a session, call or job that is not, or from another address than its call's.
    #[error("the frame or result is for nobody here")]
    Stray,
    /// A data frame that does not open, or a packet that is not sealed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A plaintext that means nothing.
    #[error(transparent)]
    Content(#[from] ContentError),
    /// The caller's fault: nobody who is here, or called.
    #[error("there is no session with {0}, and it is not called")]
    NoPeer(PeerId),
    /// Our limit: as many packets as may be wait for a session.
    #[error("{MOST_QUEUED} packets wait for a session, the limit")]
    Queue,
}

impl Refusal {
    /// Its kind, for counters.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Frame(_) => "frame",
            Self::Mac1 => "mac1",
            Self::NoSuite => "suite",
            Self::Token(_) => "token",
            Self::Slot(_) => "fragment",
            Self::Rate => "rate",
            Self::Busy => "busy",
            Self::ManyPeers => "peers",
            Self::ManyCalls => "calls",
            Self::Handshake(HandshakeError::Untrusted { .. }) => "untrusted",
            Self::Handshake(_) => "handshake",
            Self::Simultaneous => "simultaneous",
            Self::Record(_) => "record",
            Self::Stray => "stray",
            Self::Data(_) => "data",
            Self::Content(_) => "content",
            Self::NoPeer(_) => "no_peer",
            Self::Queue => "queue",
        }
    }
}

impl From<FragmentError> for Refusal {
    fn from(error: FragmentError) -> Self {
        Self::Slot(SlotError::Fragment(error))
    }
}

/// Why a call came to nothing.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CallError {
    /// Nobody answered, though everything was said six times, or a job was not done.
    #[error("no answer: nobody is there, or it does not accept this node")]
    Silence,
    /// The session was made, and nothing was heard in it.
    #[error("the session was never confirmed")]
    Unconfirmed,
    /// An attack, or a peer with new keys.
    #[error("another peer answered: {0}")]
    OtherPeer(PeerId),
    /// The operator's decision.
    #[error("the peer is not trusted: {0}")]
    Untrusted(Distrust),
    /// Our limit.
    #[error("there are as many peers as may be")]
    ManyPeers,
    /// The handshake failed.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
}
