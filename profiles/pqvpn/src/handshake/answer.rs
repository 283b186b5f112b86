//! The responder's job: reading S1 and making S2, the cheapest refusals first.

use std::sync::Arc;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::world::Now;

use super::call::{begin, offer_bytes};
use super::message::{Fresh, Introduction, S1, S2, Welcome, read_id};
use super::{HandshakeError, SIGNS_S1, SIGNS_S2, check_shards, unsigned};
use crate::identity::{Identity, PublicKeys, Rotation};
use crate::peer_id::PeerId;
use crate::schedule::{SessionKeys, failed};
use crate::suites::Suites;
use crate::trust::{Question, Stage, Trust, Verdict};
use crate::wire::{Hello, Ticket};

/// S1, and everything that S2 is made of.
pub(crate) struct Answer {
    pub(crate) suites: Suites,
    pub(crate) identity: Arc<Identity>,
    pub(crate) trust: Arc<dyn Trust>,
    pub(crate) now: Now,
    pub(crate) message: Vec<u8>,
    pub(crate) ticket: Ticket,
    /// The initiator's index, and the responder's.
    pub(crate) indices: (u32, u32),
    pub(crate) shards: u8,
    pub(crate) fresh: Fresh,
}

/// A session, as its responder has it, and what to say about it.
pub(crate) struct Answered {
    pub(crate) peer: PeerId,
    pub(crate) former: Option<PeerId>,
    pub(crate) keys: SessionKeys,
    pub(crate) public: PublicKeys,
    /// On how many shards the initiator sends.
    pub(crate) shards: u8,
    pub(crate) message: Vec<u8>,
}

impl Answer {
    pub(super) fn run(self, rng: &mut dyn CryptoRng) -> Result<Answered, HandshakeError> {
        let (named, s1) = S1::read(&self.message, &self.suites)?;
        // What the initiator says it offered, under its signature, must lead to this suite.
        let chosen = self.suites.choose(&s1.offer);
        if chosen.is_none_or(|chosen| chosen.id != named.id) {
            return Err(HandshakeError::Stripped);
        }
        let suite = &named.suite;
        let hello = Hello {
            nonce: s1.nonce,
            offer: s1.offer,
        };
        let mut schedule = begin(&named, self.identity.id, &self.ticket, self.indices.0)?;
        schedule.hash(&hello.nonce);
        schedule.hash(&offer_bytes(&hello));

        let own = &self.identity.decapsulation;
        schedule.hash(s1.to_static);
        schedule.mix(&suite.kem.decapsulate(own, s1.to_static)?)?;
        let id = schedule.open("S1 identity", s1.sealed_id)?;
        let id = id.ok_or(HandshakeError::Sealed("identity of S1"))?;
        schedule.hash(&id);
        let (peer, former) = read_id(&id)?;
        if peer == self.identity.id {
            return Err(HandshakeError::Oneself);
        }
        self.ask(peer, former)?;

        schedule.hash(s1.ephemeral);
        let transcript = schedule.transcript();
        let payload = schedule.open("S1 payload", s1.payload)?;
        let payload = payload.ok_or(HandshakeError::Sealed("payload of S1"))?;
        let (introduction, signed, signature) = Introduction::read(&payload, suite)?;
        let theirs = &introduction.keys;
        let shown = PeerId::of(suite, &theirs.verifying, &theirs.encapsulation);
        if shown.map_err(failed)? != peer {
            return Err(HandshakeError::Identity);
        }
        let key = suite.signature.import_verifying_key(&theirs.verifying);
        let signed: [&[u8]; 4] = [SIGNS_S1, &[0], &transcript, signed];
        let verified = key.and_then(|key| key.verify(&signed, &[], signature));
        verified.map_err(unsigned)?;
        let proven = match introduction.rotation.as_slice() {
            [] => None,
            bytes => Rotation::read(bytes, suite)?.verify(suite, peer),
        };
        if proven != former {
            return Err(HandshakeError::Rotation);
        }
        let shards = check_shards(introduction.shards)?;

        schedule.hash(&self.indices.1.to_be_bytes());
        let ephemeral = suite.kem.import_encapsulation_key(s1.ephemeral)?;
        let (to_ephemeral, secret) = ephemeral.encapsulate(rng)?;
        schedule.hash(&to_ephemeral);
        schedule.mix(&secret)?;
        let their_static = suite.kem.import_encapsulation_key(&theirs.encapsulation)?;
        let (to_static, secret) = their_static.encapsulate(rng)?;
        schedule.hash(&to_static);
        schedule.mix(&secret)?;
        let welcome = Welcome {
            shards: self.shards,
            fresh: self.fresh,
        };
        let mut payload = welcome.write();
        let signed: [&[u8]; 4] = [SIGNS_S2, &[0], &schedule.transcript(), &payload];
        let signature = self.identity.signing.sign(rng, &signed).map_err(unsigned)?;
        payload.extend_from_slice(&signature);
        let payload = schedule.seal("S2 payload", &payload)?;
        let message = S2 {
            to_ephemeral: &to_ephemeral,
            to_static: &to_static,
            payload: &payload,
        };
        Ok(Answered {
            peer,
            former,
            message: message.write(),
            keys: schedule.finish()?,
            public: introduction.keys,
            shards,
        })
    }

    /// The peer has only said who it is: nothing is remembered, but no stranger gets further.
    fn ask(&self, peer: PeerId, former: Option<PeerId>) -> Result<(), HandshakeError> {
        let verdict = self.trust.judge(&Question {
            now: self.now,
            peer,
            former,
            called: None,
            stage: Stage::Claimed,
        });
        match verdict {
            Verdict::Refused(why) => Err(HandshakeError::Untrusted { peer, why }),
            Verdict::Known | Verdict::FirstUse | Verdict::Follows { .. } => Ok(()),
        }
    }
}
