//! One connection, from either end: bytes in, bytes and messages out, and nothing of the world.
//!
//! ```text
//! client                                              server
//!   ExpectGreeting        ◀── frame(greeting) ──        ServerSession::greeting
//!     │ judge
//!   ClientSession::say    ── frame(bundle) ──▶          ServerSession::receive ─▶ Said
//!                         ── frame(bundle: exit) ──▶    the end
//! ```
//!
//! The server never answers. A refused byte ends the connection: there is nothing to agree on.

use std::sync::Arc;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::suite::Suite;
use pqfw_framework::system::{Failure, RunError};
use thiserror::Error;

use crate::console;
use crate::frame::{self, FrameError, FrameReader};
use crate::pickle::Limits;
use crate::public_box::{self, BoxError};
use crate::trust::{ServerKeys, Trust, TrustError, Trusted};
use crate::wire::{Bundle, Greeting, MessageError};

/// Why a connection ends before its time.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SessionError {
    /// The framing.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The message within.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The box within that.
    #[error(transparent)]
    Box(#[from] BoxError),
    /// The server's key.
    #[error(transparent)]
    Trust(#[from] TrustError),
    /// The peer's fault: what was sealed is no text.
    #[error("the message is not UTF-8")]
    Text,
    /// The server's fault: it ended the stream before it sent its key.
    #[error("the server ended the connection without sending its key")]
    NoGreeting,
    /// The server's fault: it speaks where the protocol has it silent.
    #[error("the server sent something after its key, which no server of this protocol does")]
    Unexpected,
    /// The peer's or the network's fault: it was silent for too long.
    #[error("nothing came for {0} s, the limit of transport.limits")]
    Idle(u64),
    /// The server's or the network's fault: nobody is listening any more.
    #[error("the server ended the connection")]
    Gone,
}

/// A message that a server opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// A line. From anybody: nothing says who sealed it.
    Line(String),
    /// The line that ends the session, as it was written.
    Exit(String),
}

/// A server's end of one connection.
pub struct ServerSession {
    suite: Suite,
    keys: Arc<ServerKeys>,
    limits: Limits,
    frames: FrameReader,
}

impl ServerSession {
    /// Begins with a client that has just connected.
    #[must_use]
    pub fn new(suite: Suite, keys: Arc<ServerKeys>, max_frame_bytes: usize) -> Self {
        Self {
            suite,
            keys,
            limits: limits(max_frame_bytes),
            frames: FrameReader::new(max_frame_bytes),
        }
    }

    /// The first frame, to be sent at once.
    ///
    /// # Errors
    /// [`SessionError::Frame`] when the limit is below the suite's own keys.
    pub fn greeting(&self) -> Result<Vec<u8>, SessionError> {
        let payload = self.keys.greeting.payload(&self.suite);
        Ok(frame::encode(&payload, self.limits.bytes)?)
    }

    /// Takes bytes from the beginning of `input` until a message is whole or `input` is empty.
    ///
    /// # Errors
    /// [`SessionError`]; then the connection is over.
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<Said>, SessionError> {
        let Some(payload) = self.frames.read(input)? else {
            return Ok(None);
        };
        let bundle = Bundle::read(&self.suite, &payload, &self.limits)?;
        let opened = public_box::open(&self.suite, &self.keys.kem, &bundle)?;
        let text = str::from_utf8(opened.expose()).map_err(|_| SessionError::Text)?;
        let text = text.to_owned();
        Ok(Some(if console::is_exit(&text) {
            Said::Exit(text)
        } else {
            Said::Line(text)
        }))
    }

    /// Says that the client ended its direction.
    ///
    /// # Errors
    /// [`FrameError::Truncated`].
    pub fn end(&self) -> Result<(), SessionError> {
        Ok(self.frames.end()?)
    }
}

/// A client that waits for the server's key.
pub struct ExpectGreeting {
    suite: Suite,
    trust: Trust,
    max_frame_bytes: usize,
    frames: FrameReader,
}

impl ExpectGreeting {
    /// Begins with a server that was just reached.
    #[must_use]
    pub fn new(suite: Suite, trust: Trust, max_frame_bytes: usize) -> Self {
        Self {
            suite,
            trust,
            max_frame_bytes,
            frames: FrameReader::new(max_frame_bytes),
        }
    }

    /// Takes bytes from the beginning of `input` until the key is there and believed, or `input`
    /// is empty.
    ///
    /// # Errors
    /// [`SessionError`]; then the connection is over.
    pub fn receive(&mut self, input: &mut &[u8]) -> Result<Option<ClientSession>, SessionError> {
        let Some(payload) = self.frames.read(input)? else {
            return Ok(None);
        };
        if !input.is_empty() {
            return Err(SessionError::Unexpected);
        }
        let greeting = Greeting::read(&self.suite, &payload, &limits(self.max_frame_bytes))?;
        Ok(Some(ClientSession {
            server: self.trust.judge(&self.suite, &greeting)?,
            suite: self.suite.clone(),
            max_frame_bytes: self.max_frame_bytes,
        }))
    }

    /// Says that the server ended the stream.
    #[must_use]
    pub fn end(&self) -> SessionError {
        self.frames
            .end()
            .map_or_else(Into::into, |()| SessionError::NoGreeting)
    }
}

/// A client that knows the server's key.
pub struct ClientSession {
    suite: Suite,
    server: Trusted,
    max_frame_bytes: usize,
}

impl ClientSession {
    /// Whom it seals to, and why.
    #[must_use]
    pub fn server(&self) -> &Trusted {
        &self.server
    }

    /// Seals one line; gives the frame to be sent.
    ///
    /// # Errors
    /// [`SessionError::Frame`] for a line above the limit, [`SessionError::Box`].
    pub fn say(&self, line: &str, rng: &mut dyn CryptoRng) -> Result<Vec<u8>, SessionError> {
        let bundle = public_box::seal(&self.suite, &self.server.key, rng, line.as_bytes(), &[])?;
        Ok(frame::encode(&bundle.payload(), self.max_frame_bytes)?)
    }
}

impl SessionError {
    /// The kind of failure, for the exit code.
    #[must_use]
    pub fn failure(&self) -> Failure {
        match self {
            Self::Trust(TrustError::Key(_)) => Failure::Operation,
            Self::Trust(_) | Self::Box(BoxError::Rejected) => Failure::Authentication,
            Self::Frame(FrameError::TooLong { .. }) | Self::Message(_) | Self::Text => {
                Failure::Operation
            }
            Self::Box(BoxError::Crypto(_)) | Self::Unexpected => Failure::Operation,
            Self::Frame(FrameError::Truncated { .. })
            | Self::NoGreeting
            | Self::Idle(_)
            | Self::Gone => Failure::Network,
        }
    }
}

impl From<SessionError> for RunError {
    fn from(error: SessionError) -> Self {
        Self::new(error.failure(), error)
    }
}

fn limits(max_frame_bytes: usize) -> Limits {
    Limits {
        bytes: max_frame_bytes,
        ..Limits::default()
    }
}
