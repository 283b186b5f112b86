//! The heads of all frames, and the two frames that are no message's fragments: S0 and RETRY.

use pqfw_framework::transport::Mark;
use pqfw_framework::wire::{Reader, WireError, Writer};
use thiserror::Error;

use crate::limits::{LEAST_REQUEST, MOST_DATAGRAM, MOST_SUITES};
use crate::mac::MAC_BYTES;

/// The first byte of every frame.
pub const VERSION: u8 = 2;
/// The head of every frame.
pub const HEAD: usize = 16;
/// The bit of a data frame's flags that says: zeros follow the packet.
pub const FLAG_PADDED: u8 = 1;

/// What a control frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The first word of an initiator.
    S0,
    /// A fragment of the first message.
    S1,
    /// A fragment of the second message.
    S2,
    /// The responder's demand for a token.
    Retry,
    /// Asks for the responder's record.
    IdRequest,
    /// A fragment of the responder's record.
    IdRecord,
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            0x00 => Self::S0,
            0x01 => Self::S1,
            0x02 => Self::S2,
            0x30 => Self::Retry,
            0x31 => Self::IdRequest,
            0x32 => Self::IdRecord,
            _ => return None,
        })
    }

    fn byte(self) -> u8 {
        match self {
            Self::S0 => 0x00,
            Self::S1 => 0x01,
            Self::S2 => 0x02,
            Self::Retry => 0x30,
            Self::IdRequest => 0x31,
            Self::IdRecord => 0x32,
        }
    }
}

const DATA: u8 = 0x03;
/// What frames of data look like to a socket.
pub(crate) const DATA_MARK: Mark = Mark {
    offset: 1,
    value: DATA,
};

/// Bytes that are no frame of this dialect: the sender's fault.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub enum FrameError {
    /// Shorter than a head, or than its kind.
    #[error("a frame of {0} bytes is too short")]
    Short(usize),
    /// Longer than its kind may be.
    #[error("a control frame of {0} bytes: at most {MOST_DATAGRAM}")]
    Long(usize),
    /// Another version of the protocol.
    #[error("version {0}, this program speaks {VERSION}")]
    Version(u8),
    /// A kind that this version does not have.
    #[error("a frame of kind {0:#04x}")]
    Kind(u8),
    /// A head whose reserved bits are set, or whose length is not the frame's.
    #[error("a head that contradicts itself")]
    Head,
    /// A body that cannot be read.
    #[error("the body of a frame: {0}")]
    Body(#[from] WireError),
}

/// The head of a control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlHead {
    /// What it is.
    pub kind: Kind,
    /// The sender's index.
    pub sender: u32,
    /// The receiver's, zero while it is not known.
    pub receiver: u32,
    /// Which fragment this is, from zero.
    pub fragment: u8,
    /// How many there are.
    pub fragments: u8,
}

impl ControlHead {
    /// The head of a frame with a body of that many bytes, which [`MOST_DATAGRAM`] bounds.
    #[must_use]
    pub fn write(&self, body: usize) -> [u8; HEAD] {
        let length = u16::try_from(body).unwrap_or(u16::MAX).to_be_bytes();
        let [s0, s1, s2, s3] = self.sender.to_be_bytes();
        let [r0, r1, r2, r3] = self.receiver.to_be_bytes();
        let (kind, [l0, l1]) = (self.kind.byte(), length);
        let (no, of) = (self.fragment, self.fragments);
        [
            VERSION, kind, 0, 0, s0, s1, s2, s3, r0, r1, r2, r3, l0, l1, no, of,
        ]
    }
}

/// The head of a data frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DataHead {
    /// [`FLAG_PADDED`] or nothing.
    pub flags: u8,
    /// The receiver's index and, in its low bits, the sender's shard.
    pub receiver: u32,
    /// The number of the frame.
    pub counter: u64,
}

impl DataHead {
    /// The head's bytes.
    #[must_use]
    pub fn write(&self) -> [u8; HEAD] {
        let mut head = [0; HEAD];
        let [version, kind, flags, _, rest @ ..] = &mut head;
        (*version, *kind, *flags) = (VERSION, DATA, self.flags);
        let (receiver, counter) = rest.split_at_mut(4);
        receiver.copy_from_slice(&self.receiver.to_be_bytes());
        counter.copy_from_slice(&self.counter.to_be_bytes());
        head
    }

    /// Reads a head; it says nothing about who wrote it.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn read(frame: &[u8]) -> Result<Self, FrameError> {
        let short = FrameError::Short(frame.len());
        let [version, kind, flags, reserved, r0, r1, r2, r3, counter @ ..] =
            frame.first_chunk::<HEAD>().ok_or(short)?;
        match (*version, *kind) {
            (VERSION, DATA) => {}
            (VERSION, kind) => return Err(FrameError::Kind(kind)),
            (version, _) => return Err(FrameError::Version(version)),
        }
        if *reserved != 0 || flags & !FLAG_PADDED != 0 {
            return Err(FrameError::Head);
        }
        Ok(Self {
            flags: *flags,
            receiver: u32::from_be_bytes([*r0, *r1, *r2, *r3]),
            counter: u64::from_be_bytes(*counter),
        })
    }
}

/// A frame by its head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame<'a> {
    /// A control frame and its body.
    Control(ControlHead, &'a [u8]),
    /// A data frame.
    Data(DataHead),
}

impl<'a> Frame<'a> {
    /// Reads the head of a datagram. Nothing is allocated.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn read(datagram: &'a [u8]) -> Result<Self, FrameError> {
        let short = FrameError::Short(datagram.len());
        let (head, body) = datagram.split_first_chunk::<HEAD>().ok_or(short)?;
        let [
            version,
            kind,
            a,
            b,
            s0,
            s1,
            s2,
            s3,
            r0,
            r1,
            r2,
            r3,
            l0,
            l1,
            no,
            of,
        ] = *head;
        if version != VERSION {
            return Err(FrameError::Version(version));
        }
        if kind == DATA {
            return DataHead::read(datagram).map(Self::Data);
        }
        let kind = Kind::of(kind).ok_or(FrameError::Kind(kind))?;
        if datagram.len() > MOST_DATAGRAM {
            return Err(FrameError::Long(datagram.len()));
        }
        let length = usize::from(u16::from_be_bytes([l0, l1]));
        let fits = match kind {
            Kind::S0 | Kind::Retry | Kind::IdRequest => (no, of) == (0, 1),
            Kind::S1 | Kind::S2 | Kind::IdRecord => no < of,
        };
        if (a, b) != (0, 0) || length != body.len() || !fits {
            return Err(FrameError::Head);
        }
        let control = ControlHead {
            kind,
            sender: u32::from_be_bytes([s0, s1, s2, s3]),
            receiver: u32::from_be_bytes([r0, r1, r2, r3]),
            fragment: no,
            fragments: of,
        };
        Ok(Self::Control(control, body))
    }
}

/// A suite on the wire: the first four bytes of the SHA-256 of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SuiteId(pub [u8; 4]);

/// What S0 says behind its MAC.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// The initiator's nonce.
    pub nonce: [u8; 32],
    /// Its suites, best first.
    pub offer: Vec<SuiteId>,
}

impl Hello {
    /// The body behind mac1, padded with zeros to the least that an S0 weighs.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.bytes(&self.nonce);
        write_offer(&mut writer, &self.offer);
        let mut body = writer.finish();
        body.resize(LEAST_REQUEST - HEAD - MAC_BYTES, 0);
        body
    }

    /// Reads what stands behind mac1.
    ///
    /// # Errors
    /// [`FrameError`]: too short, too long an offer, padding that is not zero.
    pub fn read(body: &[u8]) -> Result<Self, FrameError> {
        if body.len() < LEAST_REQUEST - HEAD - MAC_BYTES {
            return Err(FrameError::Short(body.len() + HEAD + MAC_BYTES));
        }
        let mut reader = Reader::new(body);
        let nonce = reader.array("nonce")?;
        let offer = read_offer(&mut reader)?;
        let padding = reader.bytes("padding", reader.remaining())?;
        if padding.iter().any(|byte| *byte != 0) {
            return Err(FrameError::Head);
        }
        Ok(Self { nonce, offer })
    }
}

/// `n(1) ‖ suites(4n)`.
pub(crate) fn write_offer(writer: &mut Writer, offer: &[SuiteId]) {
    writer.u8(u8::try_from(offer.len()).unwrap_or(u8::MAX));
    for id in offer {
        writer.bytes(&id.0);
    }
}

pub(crate) fn read_offer(reader: &mut Reader<'_>) -> Result<Vec<SuiteId>, WireError> {
    let got = usize::from(reader.u8("offer")?);
    let limit = MOST_SUITES;
    if got > limit {
        let field = "offer";
        return Err(WireError::TooLong { field, got, limit });
    }
    (0..got)
        .map(|_| reader.array("suite").map(SuiteId))
        .collect()
}

/// What of a token travels in the open: everything that a responder needs to make it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// The responder's nonce, which is spent once.
    pub nonce: [u8; 32],
    /// Which secret made the token.
    pub epoch: u8,
    /// The second of the responder's own clock from which it is no good.
    pub expiry: u32,
}

impl Ticket {
    /// Its length on the wire.
    pub const BYTES: usize = 37;

    pub(crate) fn write(&self, writer: &mut Writer) {
        writer.bytes(&self.nonce).u8(self.epoch).u32(self.expiry);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, WireError> {
        Ok(Self {
            nonce: reader.array("nonce")?,
            epoch: reader.u8("epoch")?,
            expiry: reader.u32("expiry")?,
        })
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.finish()
    }
}

/// The body of RETRY.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The suite that the responder takes.
    pub suite: SuiteId,
    /// The open part of the token.
    pub ticket: Ticket,
    /// The first half of the initiator's nonce: this answers its S0.
    pub echo: [u8; 16],
    /// The token, the key of the fragments' MACs. Whoever is on the path sees it.
    pub key: [u8; 32],
}

impl Retry {
    /// The body's bytes.
    #[must_use]
    pub fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.bytes(&self.suite.0);
        self.ticket.write(&mut writer);
        writer.bytes(&self.echo).bytes(&self.key);
        writer.finish()
    }

    /// Reads a body.
    ///
    /// # Errors
    /// [`FrameError::Body`].
    pub fn read(body: &[u8]) -> Result<Self, FrameError> {
        let mut reader = Reader::new(body);
        let retry = Self {
            suite: SuiteId(reader.array("suite")?),
            ticket: Ticket::read(&mut reader)?,
            echo: reader.array("echo")?,
            key: reader.array("token")?,
        };
        reader.finish()?;
        Ok(retry)
    }
}
