//! Handshake messages, each from its bytes and back (`docs/protocols/channel.md` section 2).
//!
//! What cannot be read is `decode_error`; what can be read and is not allowed is
//! `illegal_parameter`. Every accepted message has exactly one encoding.

use pqfw_framework::transport::Delivery;
use pqfw_framework::wire::{Reader, WireError, Writer};

use crate::alert::Alert;
use crate::error::{ChannelError, refused};
use crate::negotiation::{is_list, is_name};

pub(crate) const HELLO: u8 = 1;
pub(crate) const ANSWER: u8 = 2;
pub(crate) const RETRY: u8 = 3;
pub(crate) const TERMS: u8 = 4;
pub(crate) const IDENTITY: u8 = 5;
pub(crate) const PROOF: u8 = 6;
pub(crate) const FINISHED: u8 = 7;
pub(crate) const WELCOME: u8 = 8;
pub(crate) const KEY_UPDATE: u8 = 9;
pub(crate) const FRESH_OFFER: u8 = 10;
pub(crate) const FRESH_ANSWER: u8 = 11;
pub(crate) const FRESH_DONE: u8 = 12;
pub(crate) const MESSAGE_HASH: u8 = 254;

/// The most that a message has, with its five bytes of head.
pub(crate) const MOST_MESSAGE: usize = 262_144;

/// Type and length before a body.
pub(crate) const MESSAGE_HEAD: usize = 5;

const VERSION: u8 = 1;

type Result<T> = std::result::Result<T, ChannelError>;

/// Puts type and length before a body.
pub(crate) fn frame(kind: u8, body: &[u8]) -> Result<Vec<u8>> {
    let got = body.len();
    let limit = MOST_MESSAGE - MESSAGE_HEAD;
    if got > limit {
        let field = "message";
        return Err(ChannelError::TooLong { field, got, limit });
    }
    let mut message = Writer::new();
    message.u8(kind);
    write32(&mut message, "message", body)?;
    Ok(message.finish())
}

/// The type and body of a message.
pub(crate) fn split(message: &[u8]) -> Result<(u8, &[u8])> {
    let mut reader = Reader::new(message);
    let kind = reader.u8("message type")?;
    let body = reader.vector32("message", MOST_MESSAGE - MESSAGE_HEAD)?;
    reader.finish()?;
    Ok((kind, body))
}

/// The body of a message that must be of this type.
pub(crate) fn expect(kind: u8, message: &[u8]) -> Result<&[u8]> {
    let (found, body) = split(message)?;
    if found == kind {
        return Ok(body);
    }
    refused(
        Alert::UnexpectedMessage,
        "a handshake message out of its place",
    )
}

/// `hello`: what the initiator offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    pub(crate) delivery: Delivery,
    pub(crate) random: [u8; 32],
    pub(crate) protocol: String,
    pub(crate) policy: String,
    pub(crate) suites: Vec<String>,
    pub(crate) share: usize,
    pub(crate) encapsulation_key: Vec<u8>,
    pub(crate) cookie: Vec<u8>,
}

impl Hello {
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut body = Writer::new();
        body.u8(VERSION).u8(delivery_code(self.delivery));
        body.bytes(&self.random);
        write16(&mut body, "protocol", self.protocol.as_bytes())?;
        write16(&mut body, "policy", self.policy.as_bytes())?;
        write_suites(&mut body, &self.suites)?;
        body.u8(u8::try_from(self.share).unwrap_or(u8::MAX));
        write32(&mut body, "encapsulation key", &self.encapsulation_key)?;
        write16(&mut body, "cookie", &self.cookie)?;
        frame(HELLO, &body.finish())
    }

    pub(crate) fn decode(message: &[u8]) -> Result<Self> {
        let mut body = Reader::new(expect(HELLO, message)?);
        version(&mut body)?;
        let delivery = body.u8("delivery")?;
        let hello = Self {
            random: body.array("random").map_err(ChannelError::from)?,
            protocol: name(&mut body, "protocol", 1, 64)?,
            policy: name(&mut body, "policy", 0, 255)?,
            suites: suites(&mut body)?,
            share: body.u8("share")?.into(),
            encapsulation_key: body.vector32("encapsulation key", MOST_MESSAGE)?.to_vec(),
            cookie: body.vector16("cookie", usize::from(u16::MAX))?.to_vec(),
            delivery: delivery_of(delivery)?,
        };
        body.finish()?;
        if hello.share >= hello.suites.len() {
            return refused(
                Alert::IllegalParameter,
                "the share's suite is not in the list",
            );
        }
        if hello.cookie.len() > 255 {
            return refused(Alert::IllegalParameter, "a cookie above its limit");
        }
        Ok(hello)
    }
}

/// `answer`: the suite and the ciphertext.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) random: [u8; 32],
    pub(crate) suite: String,
    pub(crate) ciphertext: Vec<u8>,
    pub(crate) session: Vec<u8>,
}

impl Answer {
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut body = Writer::new();
        body.u8(VERSION).bytes(&self.random);
        write16(&mut body, "suite", self.suite.as_bytes())?;
        write32(&mut body, "ciphertext", &self.ciphertext)?;
        write8(&mut body, "session", &self.session)?;
        frame(ANSWER, &body.finish())
    }

    pub(crate) fn decode(body: &[u8]) -> Result<Self> {
        let mut body = Reader::new(body);
        version(&mut body)?;
        let answer = Self {
            random: body.array("random")?,
            suite: name(&mut body, "suite", 1, 255)?,
            ciphertext: body.vector32("ciphertext", MOST_MESSAGE)?.to_vec(),
            session: read8(&mut body, "session")?.to_vec(),
        };
        body.finish()?;
        Ok(answer)
    }
}

/// `retry`: send a key of that suite's KEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Retry {
    pub(crate) suite: String,
    pub(crate) cookie: Vec<u8>,
}

impl Retry {
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut body = Writer::new();
        body.u8(VERSION);
        write16(&mut body, "suite", self.suite.as_bytes())?;
        write16(&mut body, "cookie", &self.cookie)?;
        frame(RETRY, &body.finish())
    }

    pub(crate) fn decode(body: &[u8]) -> Result<Self> {
        let mut body = Reader::new(body);
        version(&mut body)?;
        let retry = Self {
            suite: name(&mut body, "suite", 1, 255)?,
            cookie: body.vector16("cookie", usize::from(u16::MAX))?.to_vec(),
        };
        body.finish()?;
        if !(1..=255).contains(&retry.cookie.len()) {
            return refused(Alert::IllegalParameter, "a cookie out of its limits");
        }
        Ok(retry)
    }
}

/// `terms`: what the responder would have taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) policy: String,
    pub(crate) suites: Vec<String>,
}

impl Terms {
    pub(crate) fn encode(&self) -> Result<Vec<u8>> {
        let mut body = Writer::new();
        write16(&mut body, "policy", self.policy.as_bytes())?;
        write_suites(&mut body, &self.suites)?;
        frame(TERMS, &body.finish())
    }

    pub(crate) fn decode(body: &[u8]) -> Result<Self> {
        let mut body = Reader::new(body);
        let terms = Self {
            policy: name(&mut body, "policy", 0, 255)?,
            suites: suites(&mut body)?,
        };
        body.finish()?;
        Ok(terms)
    }
}

/// `identity`: a key, of the one kind that there is.
pub(crate) fn encode_identity(spki: &[u8]) -> Result<Vec<u8>> {
    let mut body = Writer::new();
    body.u8(SPKI);
    write32(&mut body, "identity", spki)?;
    frame(IDENTITY, &body.finish())
}

pub(crate) fn decode_identity(body: &[u8]) -> Result<&[u8]> {
    let mut body = Reader::new(body);
    let kind = body.u8("identity type")?;
    let spki = body.vector32("identity", MOST_MESSAGE)?;
    body.finish()?;
    if kind == SPKI {
        return Ok(spki);
    }
    refused(
        Alert::BadIdentity,
        "an identity of another kind than a bare key",
    )
}

const SPKI: u8 = 1;

/// The messages whose body is one long field: `proof`, `fresh_offer`, `fresh_answer`.
pub(crate) fn encode_field(kind: u8, field: &[u8]) -> Result<Vec<u8>> {
    let mut body = Writer::new();
    write32(&mut body, "field", field)?;
    frame(kind, &body.finish())
}

pub(crate) fn decode_field<'a>(name: &'static str, body: &'a [u8]) -> Result<&'a [u8]> {
    let mut body = Reader::new(body);
    let field = body.vector32(name, MOST_MESSAGE)?;
    body.finish()?;
    Ok(field)
}

/// A message whose body says nothing.
pub(crate) fn decode_empty(body: &[u8]) -> Result<()> {
    Ok(Reader::new(body).finish()?)
}

/// `key_update`: whether the peer is asked for one, too.
pub(crate) fn decode_key_update(body: &[u8]) -> Result<bool> {
    let mut body = Reader::new(body);
    let wants_answer = body.u8("key_update")?;
    body.finish()?;
    match wants_answer {
        0 => Ok(false),
        1 => Ok(true),
        _ => refused(
            Alert::IllegalParameter,
            "a key_update that is neither 0 nor 1",
        ),
    }
}

fn delivery_code(delivery: Delivery) -> u8 {
    match delivery {
        Delivery::Stream => 0,
        Delivery::Exchange => 1,
        Delivery::Datagram => 2,
    }
}

fn delivery_of(code: u8) -> Result<Delivery> {
    [Delivery::Stream, Delivery::Exchange, Delivery::Datagram]
        .into_iter()
        .find(|delivery| delivery_code(*delivery) == code)
        .map_or_else(
            || refused(Alert::IllegalParameter, "an unknown delivery"),
            Ok,
        )
}

fn version(body: &mut Reader<'_>) -> Result<()> {
    if body.u8("version")? == VERSION {
        return Ok(());
    }
    refused(Alert::IllegalParameter, "another version")
}

fn name(body: &mut Reader<'_>, field: &'static str, least: usize, most: usize) -> Result<String> {
    let bytes = body.vector16(field, usize::from(u16::MAX))?;
    match std::str::from_utf8(bytes) {
        Ok(text) if is_name(text, least, most) => Ok(text.into()),
        _ => refused(Alert::IllegalParameter, field),
    }
}

fn suites(body: &mut Reader<'_>) -> Result<Vec<String>> {
    let count = body.u8("suites")?;
    let mut suites = Vec::new();
    for _ in 0..count {
        suites.push(name(body, "suite", 1, 255)?);
    }
    if is_list(&suites) {
        return Ok(suites);
    }
    refused(
        Alert::IllegalParameter,
        "a list of suites that is empty, too long or repeats itself",
    )
}

fn write_suites(body: &mut Writer, suites: &[String]) -> Result<()> {
    body.u8(u8::try_from(suites.len()).unwrap_or(u8::MAX));
    for suite in suites {
        write16(body, "suite", suite.as_bytes())?;
    }
    Ok(())
}

pub(crate) fn read8<'a>(
    reader: &mut Reader<'a>,
    field: &'static str,
) -> std::result::Result<&'a [u8], WireError> {
    let length = reader.u8(field)?;
    reader.bytes(field, length.into())
}

pub(crate) fn write8(writer: &mut Writer, field: &'static str, bytes: &[u8]) -> Result<()> {
    let (got, limit) = (bytes.len(), usize::from(u8::MAX));
    let length = u8::try_from(got).map_err(|_| ChannelError::TooLong { field, got, limit })?;
    writer.u8(length).bytes(bytes);
    Ok(())
}

pub(crate) fn write16(writer: &mut Writer, field: &'static str, bytes: &[u8]) -> Result<()> {
    writer.vector16(field, bytes).map(drop).map_err(own_fault)
}

pub(crate) fn write32(writer: &mut Writer, field: &'static str, bytes: &[u8]) -> Result<()> {
    writer.vector32(field, bytes).map(drop).map_err(own_fault)
}

/// What does not fit when it is written is the caller's fault, not the peer's.
fn own_fault(error: WireError) -> ChannelError {
    match error {
        WireError::TooLong { field, got, limit } => ChannelError::TooLong { field, got, limit },
        WireError::Truncated { field, missing } => ChannelError::TooLong {
            field,
            got: missing,
            limit: 0,
        },
        WireError::Trailing(got) => ChannelError::TooLong {
            field: "message",
            got,
            limit: 0,
        },
    }
}
