//! S1 and S2, to the byte, and what their sealed parts hold.

use std::sync::Arc;

use pqfw_framework::suite::Suite;
use pqfw_framework::wire::{Reader, WireError, Writer};

use super::HandshakeError;
use crate::identity::PublicKeys;
use crate::peer_id::PeerId;
use crate::suites::{NamedSuite, Suites};
use crate::token::Token;
use crate::wire::{SuiteId, Ticket, read_offer, write_offer};

/// The first message, in its parts.
pub(super) struct S1<'a> {
    pub(super) nonce: [u8; 32],
    pub(super) offer: Vec<SuiteId>,
    pub(super) to_static: &'a [u8],
    pub(super) sealed_id: &'a [u8],
    pub(super) ephemeral: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// Who the initiator says it is, and whom it follows: zeros for nobody.
const ID_BYTES: usize = 64;

impl<'a> S1<'a> {
    pub(super) fn write(&self, suite: SuiteId) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.bytes(&suite.0).bytes(&self.nonce);
        write_offer(&mut writer, &self.offer);
        for part in [self.to_static, self.sealed_id, self.ephemeral, self.payload] {
            writer.bytes(part);
        }
        writer.finish()
    }

    /// Reads a message and finds its suite, which tells the lengths of the parts.
    pub(super) fn read(
        message: &'a [u8],
        suites: &Suites,
    ) -> Result<(Arc<NamedSuite>, Self), HandshakeError> {
        let mut reader = Reader::new(message);
        let id = SuiteId(reader.array("suite")?);
        let named = suites.find(id).ok_or(HandshakeError::Suite(id))?;
        let (kem, aead) = (named.suite.kem.sizes(), named.suite.aead.sizes());
        let read = Self {
            nonce: reader.array("nonce")?,
            offer: read_offer(&mut reader)?,
            to_static: reader.bytes("ciphertext", kem.ciphertext)?,
            sealed_id: reader.bytes("identity", ID_BYTES + aead.tag)?,
            ephemeral: reader.bytes("ephemeral key", kem.encapsulation_key)?,
            payload: reader.bytes("payload", reader.remaining())?,
        };
        Ok((named.clone(), read))
    }
}

/// The sealed identity of S1.
pub(super) fn write_id(id: PeerId, former: Option<PeerId>) -> Vec<u8> {
    let former = former.map_or([0; 32], |former| former.0);
    [id.0, former].concat()
}

pub(super) fn read_id(bytes: &[u8]) -> Result<(PeerId, Option<PeerId>), WireError> {
    let mut reader = Reader::new(bytes);
    let id = PeerId(reader.array("identity")?);
    let former = PeerId(reader.array("former identity")?);
    reader.finish()?;
    Ok((id, (former.0 != [0; 32]).then_some(former)))
}

/// The sealed payload of S1, without the signature behind it.
pub(super) struct Introduction {
    pub(super) keys: PublicKeys,
    pub(super) rotation: Vec<u8>,
    pub(super) shards: u8,
}

impl Introduction {
    pub(super) fn write(&self) -> Result<Vec<u8>, WireError> {
        let mut writer = Writer::new();
        writer
            .bytes(&self.keys.verifying)
            .bytes(&self.keys.encapsulation)
            .vector16("rotation", &self.rotation)?
            .u8(self.shards);
        Ok(writer.finish())
    }

    /// Reads a payload; the signature is what remains, and what it signs is what came before.
    pub(super) fn read<'a>(
        payload: &'a [u8],
        suite: &Suite,
    ) -> Result<(Self, &'a [u8], &'a [u8]), WireError> {
        let mut reader = Reader::new(payload);
        let verifying = reader.bytes("signature key", suite.signature.sizes().verifying_key)?;
        let kem_key = reader.bytes("KEM key", suite.kem.sizes().encapsulation_key)?;
        let read = Self {
            keys: PublicKeys {
                verifying: verifying.to_vec(),
                encapsulation: kem_key.to_vec(),
            },
            rotation: reader.vector16("rotation", payload.len())?.to_vec(),
            shards: reader.u8("shards")?,
        };
        let (signed, signature) = split(payload, &reader);
        Ok((read, signed, signature))
    }
}

/// The second message, in its parts.
pub(super) struct S2<'a> {
    pub(super) to_ephemeral: &'a [u8],
    pub(super) to_static: &'a [u8],
    pub(super) payload: &'a [u8],
}

impl<'a> S2<'a> {
    pub(super) fn write(&self) -> Vec<u8> {
        [self.to_ephemeral, self.to_static, self.payload].concat()
    }

    pub(super) fn read(message: &'a [u8], suite: &Suite) -> Result<Self, WireError> {
        let length = suite.kem.sizes().ciphertext;
        let mut reader = Reader::new(message);
        Ok(Self {
            to_ephemeral: reader.bytes("ciphertext", length)?,
            to_static: reader.bytes("ciphertext", length)?,
            payload: reader.bytes("payload", reader.remaining())?,
        })
    }
}

/// A token for the next handshake, and the index that its owner is to use in it.
#[derive(Clone)]
pub(crate) struct Fresh {
    pub(crate) index: u32,
    pub(crate) token: Token,
}

/// The sealed payload of S2, without the signature behind it.
pub(super) struct Welcome {
    pub(super) shards: u8,
    pub(super) fresh: Fresh,
}

impl Welcome {
    pub(super) fn write(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer.u8(self.shards).u32(self.fresh.index);
        self.fresh.token.ticket.write(&mut writer);
        writer.bytes(&self.fresh.token.key);
        writer.finish()
    }

    pub(super) fn read(payload: &[u8]) -> Result<(Self, &[u8], &[u8]), WireError> {
        let mut reader = Reader::new(payload);
        let shards = reader.u8("shards")?;
        let index = reader.u32("index")?;
        let ticket = Ticket::read(&mut reader)?;
        let key = reader.array("token")?;
        let fresh = Fresh {
            index,
            token: Token { ticket, key },
        };
        let (signed, signature) = split(payload, &reader);
        Ok((Self { shards, fresh }, signed, signature))
    }
}

/// What a reader has read, and what remains.
fn split<'a>(all: &'a [u8], reader: &Reader<'_>) -> (&'a [u8], &'a [u8]) {
    let read = all.len().saturating_sub(reader.remaining());
    all.split_at_checked(read).unwrap_or_default()
}
