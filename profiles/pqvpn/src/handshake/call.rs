//! The initiator's two jobs: making S1, and reading S2.

use std::sync::Arc;

use pqfw_framework::kem::DecapsulationKey;
use pqfw_framework::rand_core::CryptoRng;

use super::message::{Fresh, Introduction, S1, S2, Welcome, write_id};
use super::{HandshakeError, SIGNS_S1, SIGNS_S2, check_shards, unsigned};
use crate::identity::{Identity, PublicKeys, Rotation};
use crate::peer_id::PeerId;
use crate::schedule::{Schedule, SessionKeys};
use crate::suites::NamedSuite;
use crate::wire::{Hello, Ticket};

/// Everything that S1 is made of.
pub(crate) struct Call {
    pub(crate) suite: Arc<NamedSuite>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) peer: PeerId,
    pub(crate) keys: Arc<PublicKeys>,
    pub(crate) hello: Hello,
    pub(crate) ticket: Ticket,
    pub(crate) index: u32,
    pub(crate) shards: u8,
}

/// S1, and what reading S2 takes.
pub(crate) struct Called {
    pub(crate) message: Vec<u8>,
    pub(crate) waiting: Waiting,
}

/// An initiator that has said S1.
pub(crate) struct Waiting {
    schedule: Schedule,
    pub(super) ephemeral: DecapsulationKey,
    suite: Arc<NamedSuite>,
    identity: Arc<Identity>,
    keys: Arc<PublicKeys>,
}

impl Call {
    pub(super) fn run(self, rng: &mut dyn CryptoRng) -> Result<Called, HandshakeError> {
        let suite = &self.suite.suite;
        let mut schedule = begin(&self.suite, self.peer, &self.ticket, self.index)?;
        schedule.hash(&self.hello.nonce);
        schedule.hash(&offer_bytes(&self.hello));

        let theirs = suite
            .kem
            .import_encapsulation_key(&self.keys.encapsulation)?;
        let (to_static, secret) = theirs.encapsulate(rng)?;
        schedule.hash(&to_static);
        schedule.mix(&secret)?;
        let identity = &self.identity;
        let rotation = identity.rotation.as_ref();
        let former = rotation.and_then(|rotation| rotation.former(suite));
        let id = write_id(identity.id, former);
        let sealed_id = schedule.seal("S1 identity", &id)?;
        schedule.hash(&id);

        let ephemeral = suite.kem.generate(rng)?;
        let public = ephemeral.encapsulation_key();
        schedule.hash(&public);
        let introduction = Introduction {
            keys: identity.public.clone(),
            rotation: rotation.map(Rotation::bytes).unwrap_or_default(),
            shards: self.shards,
        };
        let mut payload = introduction.write()?;
        let signed: [&[u8]; 4] = [SIGNS_S1, &[0], &schedule.transcript(), &payload];
        let signature = identity.signing.sign(rng, &signed).map_err(unsigned)?;
        payload.extend_from_slice(&signature);
        let payload = schedule.seal("S1 payload", &payload)?;

        let message = S1 {
            nonce: self.hello.nonce,
            offer: self.hello.offer,
            to_static: &to_static,
            sealed_id: &sealed_id,
            ephemeral: &public,
            payload: &payload,
        };
        let message = message.write(self.suite.id);
        let waiting = Waiting {
            schedule,
            ephemeral,
            suite: self.suite,
            identity: self.identity,
            keys: self.keys,
        };
        Ok(Called { message, waiting })
    }
}

/// The schedule up to what both ends know before S1: the token's ticket, the initiator's index and
/// whom it calls.
pub(super) fn begin(
    suite: &Arc<NamedSuite>,
    responder: PeerId,
    ticket: &Ticket,
    index: u32,
) -> Result<Schedule, HandshakeError> {
    let mut schedule = Schedule::new(suite)?;
    schedule.hash(&responder.0);
    schedule.hash(&ticket.bytes());
    schedule.hash(&index.to_be_bytes());
    Ok(schedule)
}

pub(super) fn offer_bytes(hello: &Hello) -> Vec<u8> {
    hello.offer.iter().flat_map(|id| id.0).collect()
}

/// S2 and whoever waits for it.
pub(crate) struct Finish {
    pub(crate) waiting: Waiting,
    pub(crate) message: Vec<u8>,
    /// The responder's index.
    pub(crate) index: u32,
}

/// A session, as its initiator has it.
pub(crate) struct Finished {
    pub(crate) keys: SessionKeys,
    /// On how many shards the responder sends.
    pub(crate) shards: u8,
    pub(crate) fresh: Fresh,
}

impl Finish {
    pub(super) fn run(self) -> Result<Finished, HandshakeError> {
        let Waiting {
            mut schedule,
            ephemeral,
            suite: named,
            identity,
            keys,
        } = self.waiting;
        let suite = &named.suite;
        let message = S2::read(&self.message, suite)?;
        schedule.hash(&self.index.to_be_bytes());
        schedule.hash(message.to_ephemeral);
        schedule.mix(&ephemeral.decapsulate(message.to_ephemeral)?)?;
        schedule.hash(message.to_static);
        let own = &identity.decapsulation;
        schedule.mix(&suite.kem.decapsulate(own, message.to_static)?)?;
        let transcript = schedule.transcript();
        let payload = schedule.open("S2 payload", message.payload)?;
        let payload = payload.ok_or(HandshakeError::Sealed("payload of S2"))?;
        let (welcome, signed, signature) = Welcome::read(&payload)?;
        let theirs = suite.signature.import_verifying_key(&keys.verifying);
        let signed: [&[u8]; 4] = [SIGNS_S2, &[0], &transcript, signed];
        let verified = theirs.and_then(|key| key.verify(&signed, &[], signature));
        verified.map_err(unsigned)?;
        Ok(Finished {
            shards: check_shards(welcome.shards)?,
            fresh: welcome.fresh,
            keys: schedule.finish()?,
        })
    }
}
