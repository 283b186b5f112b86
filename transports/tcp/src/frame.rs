//! Exchange framing, version 1: bytes to messages and back, without input or output.
//!
//! ```text
//!  preface   "PQFX" version(2)                         once, in each direction
//!  frame     kind(1) flags(1) length(2) id(4) payload  until the end
//!
//!  kind  1 head    begins a message           flags bit 0: the message ends with this frame
//!        2 body    goes on with the message
//!        3 cancel  gives a message up, or asks the peer to
//!        4 goodbye the server takes nothing above this id
//! ```
//!
//! Both ends read with an [`Inbox`], which gathers one message at a time and never keeps more than
//! its limits and one frame. `docs/protocols/exchange-framing.md` has the rules and the reasons.

use std::sync::Arc;

use pqfw_framework::wire::{Reader, WireError, Writer};
use thiserror::Error;

/// What each direction begins with.
pub const PREFACE: [u8; 6] = *b"PQFX\x00\x01";

/// The version in [`PREFACE`].
pub const VERSION: u16 = 1;

const MAGIC: [u8; 4] = *b"PQFX";
const HEADER_BYTES: usize = 8;
const LAST: u8 = 1;
const HEAD: u8 = 1;
const BODY: u8 = 2;
const CANCEL: u8 = 3;
const GOODBYE: u8 = 4;

/// Which end reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Requests come in, under rising ids.
    Server,
    /// Responses come in, under the ids of their requests, in any order.
    Client,
}

/// What came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A message begins.
    Began {
        /// Whose.
        id: u32,
        /// Its head.
        head: Vec<u8>,
    },
    /// A message begins whose head is above the limit; its body is thrown away.
    HeadTooLarge {
        /// Whose.
        id: u32,
    },
    /// The message that began is whole.
    Complete {
        /// Whose.
        id: u32,
        /// Its body.
        body: Vec<u8>,
    },
    /// The body passed the limit; the rest of it is thrown away.
    BodyTooLarge {
        /// Whose.
        id: u32,
    },
    /// The peer gave that message up.
    Cancelled {
        /// Whose.
        id: u32,
    },
    /// The server takes nothing above this id.
    Goodbye {
        /// The last that it looks at.
        last: u32,
    },
}

/// Bytes that are not exchange framing: the peer's fault, and the end of the connection.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// Another protocol.
    #[error("it does not begin as exchange framing does")]
    Preface,
    /// A version that this end does not speak.
    #[error("it speaks version {0} of exchange framing, and this is version {VERSION}")]
    Version(u16),
    /// An unknown kind of frame, or a goodbye of a client.
    #[error("frame of kind {0}")]
    Kind(u8),
    /// Unknown flags, or flags of another kind.
    #[error("frame with flags {0:#04x}")]
    Flags(u8),
    /// A cancel or goodbye with a payload, or a body frame without one that ends nothing.
    #[error("frame of kind {kind} with {length} bytes")]
    Length {
        /// The kind.
        kind: u8,
        /// The length.
        length: u16,
    },
    /// A head inside a message, a body without one, or an id that does not rise.
    #[error("frame of kind {kind} for message {id}, out of order")]
    Order {
        /// The kind.
        kind: u8,
        /// The message.
        id: u32,
    },
}

/// The reading end.
#[derive(Debug)]
pub struct Inbox {
    side: Side,
    head_bytes: usize,
    body_bytes: usize,
    buffer: Vec<u8>,
    /// How many bytes of the buffer were read already.
    taken: usize,
    prefaced: bool,
    last_id: u32,
    current: Option<Current>,
    /// What the frame that was read last means beside the event that was given for it.
    next: Option<Event>,
}

#[derive(Debug)]
struct Current {
    id: u32,
    /// `None` when it is thrown away.
    body: Option<Vec<u8>>,
}

impl Inbox {
    /// Begins before the preface.
    #[must_use]
    pub fn new(side: Side, head_bytes: usize, body_bytes: usize) -> Self {
        Self {
            side,
            head_bytes,
            body_bytes,
            buffer: Vec::new(),
            taken: 0,
            prefaced: false,
            last_id: 0,
            current: None,
            next: None,
        }
    }

    /// Takes bytes from the wire. Drain [`Self::next`] before the next ones.
    pub fn push(&mut self, bytes: &[u8]) {
        // Once a push and not once a frame, or small frames would be moved again and again.
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// Gives the next thing that came in whole.
    ///
    /// # Errors
    /// [`FrameError`]; nothing after it can be understood.
    #[expect(
        clippy::should_implement_trait,
        reason = "it is no iterator: it goes on after `None`"
    )]
    pub fn next(&mut self) -> Result<Option<Event>, FrameError> {
        if let Some(event) = self.next.take() {
            return Ok(Some(event));
        }
        let bytes = std::mem::take(&mut self.buffer);
        let mut rest = bytes.get(self.taken..).unwrap_or_default();
        let outcome = self.read(&mut rest);
        self.taken = bytes.len().saturating_sub(rest.len());
        self.buffer = bytes;
        outcome
    }

    /// Throws the body of the present message away, what is there and what still comes.
    pub fn discard(&mut self) {
        if let Some(current) = &mut self.current {
            current.body = None;
        }
    }

    /// Which message is being read.
    #[must_use]
    pub fn message(&self) -> Option<u32> {
        self.current.as_ref().map(|current| current.id)
    }

    /// Whether a frame has begun to come in and is not whole.
    #[must_use]
    pub fn is_within_frame(&self) -> bool {
        self.taken < self.buffer.len()
    }

    /// The highest id that began.
    #[must_use]
    pub fn last_id(&self) -> u32 {
        self.last_id
    }

    fn read(&mut self, rest: &mut &[u8]) -> Result<Option<Event>, FrameError> {
        if !self.prefaced {
            if !preface(rest)? {
                return Ok(None);
            }
            self.prefaced = true;
        }
        loop {
            let Some(frame) = Frame::take(rest)? else {
                return Ok(None);
            };
            let event = self.frame(&frame)?;
            if event.is_some() {
                return Ok(event);
            }
        }
    }

    fn frame(&mut self, frame: &Frame<'_>) -> Result<Option<Event>, FrameError> {
        let id = frame.id;
        match frame.kind {
            HEAD => self.begin(frame).map(Some),
            BODY => self.go_on(frame),
            CANCEL => {
                if self.message() == Some(id) {
                    self.current = None;
                }
                Ok(Some(Event::Cancelled { id }))
            }
            GOODBYE if self.side == Side::Client => Ok(Some(Event::Goodbye { last: id })),
            kind => Err(FrameError::Kind(kind)),
        }
    }

    fn begin(&mut self, frame: &Frame<'_>) -> Result<Event, FrameError> {
        let id = frame.id;
        let risen = self.side == Side::Client || id > self.last_id;
        if self.current.is_some() || !risen {
            return Err(frame.out_of_order());
        }
        self.last_id = self.last_id.max(id);
        let fits = frame.payload.len() <= self.head_bytes;
        if !frame.last {
            self.current = Some(Current {
                id,
                body: fits.then(Vec::new),
            });
        }
        if !fits {
            return Ok(Event::HeadTooLarge { id });
        }
        if frame.last {
            let body = Vec::new();
            self.next = Some(Event::Complete { id, body });
        }
        let head = frame.payload.to_vec();
        Ok(Event::Began { id, head })
    }

    fn go_on(&mut self, frame: &Frame<'_>) -> Result<Option<Event>, FrameError> {
        let limit = self.body_bytes;
        let id = frame.id;
        let Some(current) = self.current.as_mut().filter(|current| current.id == id) else {
            return Err(frame.out_of_order());
        };
        let mut event = None;
        if let Some(body) = &mut current.body {
            if frame.payload.len() > limit.saturating_sub(body.len()) {
                current.body = None;
                event = Some(Event::BodyTooLarge { id });
            } else {
                body.extend_from_slice(frame.payload);
            }
        }
        if frame.last {
            let body = self.current.take().and_then(|current| current.body);
            event = event.or(body.map(|body| Event::Complete { id, body }));
        }
        Ok(event)
    }
}

/// Reads the preface, and says whether it is whole. Its first wrong byte is refused at once.
fn preface(rest: &mut &[u8]) -> Result<bool, FrameError> {
    let there = rest.len().min(MAGIC.len());
    if rest.get(..there) != MAGIC.get(..there) {
        return Err(FrameError::Preface);
    }
    let mut reader = Reader::new(rest);
    let version = reader
        .bytes("magic", MAGIC.len())
        .and_then(|_| reader.u16("version"));
    match version {
        Ok(VERSION) => {
            *rest = rest.get(PREFACE.len()..).unwrap_or_default();
            Ok(true)
        }
        Ok(version) => Err(FrameError::Version(version)),
        Err(_) => Ok(false),
    }
}

struct Frame<'a> {
    kind: u8,
    last: bool,
    id: u32,
    payload: &'a [u8],
}

impl<'a> Frame<'a> {
    /// Takes the first frame, or nothing when it is not whole. Its header is checked as soon as it
    /// is there.
    fn take(rest: &mut &'a [u8]) -> Result<Option<Self>, FrameError> {
        let Ok(header) = Header::read(rest) else {
            return Ok(None);
        };
        header.check()?;
        let length = usize::from(header.length);
        let Some((frame, after)) = rest.split_at_checked(HEADER_BYTES + length) else {
            return Ok(None);
        };
        *rest = after;
        Ok(Some(Self {
            kind: header.kind,
            last: header.flags == LAST,
            id: header.id,
            payload: frame.get(HEADER_BYTES..).unwrap_or_default(),
        }))
    }

    fn out_of_order(&self) -> FrameError {
        FrameError::Order {
            kind: self.kind,
            id: self.id,
        }
    }
}

struct Header {
    kind: u8,
    flags: u8,
    length: u16,
    id: u32,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, WireError> {
        let mut reader = Reader::new(bytes);
        Ok(Self {
            kind: reader.u8("kind")?,
            flags: reader.u8("flags")?,
            length: reader.u16("length")?,
            id: reader.u32("id")?,
        })
    }

    fn check(&self) -> Result<(), FrameError> {
        let &Self {
            kind,
            flags,
            length,
            ..
        } = self;
        let (message, control) = (
            [HEAD, BODY].contains(&kind),
            [CANCEL, GOODBYE].contains(&kind),
        );
        if !message && !control {
            return Err(FrameError::Kind(kind));
        }
        if flags > LAST || (control && flags != 0) {
            return Err(FrameError::Flags(flags));
        }
        let idle = kind == BODY && flags == 0 && length == 0;
        if idle || (control && length > 0) {
            return Err(FrameError::Length { kind, length });
        }
        Ok(())
    }

    fn write(kind: u8, last: bool, length: u16, id: u32, writer: &mut Writer) {
        let flags = if last { LAST } else { 0 };
        writer.u8(kind).u8(flags).u16(length).u32(id);
    }
}

/// The frame that gives a message up.
#[must_use]
pub fn cancel(id: u32) -> Vec<u8> {
    control(CANCEL, id)
}

/// The frame that says that nothing above `last` is looked at.
#[must_use]
pub fn goodbye(last: u32) -> Vec<u8> {
    control(GOODBYE, last)
}

fn control(kind: u8, id: u32) -> Vec<u8> {
    let mut writer = Writer::new();
    Header::write(kind, false, 0, id, &mut writer);
    writer.finish()
}

/// A message on its way out, frame by frame.
#[derive(Debug)]
pub struct Outgoing {
    id: u32,
    head: Option<Vec<u8>>,
    body: Arc<Vec<u8>>,
    sent: usize,
}

/// The body bytes of one frame: a cancelled message is given up after at most so many.
pub const CHUNK_BYTES: u16 = 32 << 10;

/// The longest head that a frame can carry.
pub const LONGEST_HEAD_BYTES: usize = 65_535;

impl Outgoing {
    /// Takes a message. A head beyond [`LONGEST_HEAD_BYTES`] is cut there, and the peer refuses
    /// what is left of it: ask before.
    #[must_use]
    pub fn new(id: u32, mut head: Vec<u8>, body: Arc<Vec<u8>>) -> Self {
        head.truncate(LONGEST_HEAD_BYTES);
        Self {
            id,
            head: Some(head),
            body,
            sent: 0,
        }
    }

    /// Whose it is.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.id
    }

    /// Whether some of it was given.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.head.is_none()
    }

    /// Gives the next frames to write; nothing after the last.
    pub fn chunk(&mut self) -> Option<Vec<u8>> {
        let rest = self.body.get(self.sent..).unwrap_or_default();
        let mut writer = Writer::new();
        if let Some(head) = self.head.take() {
            let length = u16::try_from(head.len()).unwrap_or(u16::MAX);
            Header::write(HEAD, rest.is_empty(), length, self.id, &mut writer);
            writer.bytes(&head);
        } else if rest.is_empty() {
            return None;
        }
        if !rest.is_empty() {
            let length = u16::try_from(rest.len()).map_or(CHUNK_BYTES, |all| all.min(CHUNK_BYTES));
            let (now, later) = rest.split_at(usize::from(length).min(rest.len()));
            Header::write(BODY, later.is_empty(), length, self.id, &mut writer);
            writer.bytes(now);
            self.sent += now.len();
        }
        Some(writer.finish())
    }
}
