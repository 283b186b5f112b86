//! The responder: what strangers get from it, the cheapest first.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use pqfw_framework::hash::AdmittedHash;
use pqfw_framework::wire::Reader;
use pqfw_framework::world::Now;

use super::{Event, Node, Output, Refusal, Session};
use crate::fragment::{checked, cut};
use crate::handshake::{Answer, Answered, Fresh, HandshakeError, Job};
use crate::limits::{
    ANSWER_AGAIN_AFTER, ANSWER_LIFETIME, HALF_OPEN_LIFETIME, JOB_LIFETIME, LEAST_REQUEST,
    MOST_ANSWERED,
};
use crate::mac::{self, MAC_BYTES};
use crate::peer_id::PeerId;
use crate::session::{Role, Shards};
use crate::token::{Purpose, TokenError};
use crate::trust::{Question, Stage, Verdict};
use crate::wire::{ControlHead, FrameError, HEAD, Hello, Kind, Retry, Ticket};

/// What the responder's half of a node keeps.
pub(super) struct Answers {
    pub(super) digest: AdmittedHash,
    /// The keys of mac1: of this node, and of those who do not know who it is.
    own: [u8; 32],
    anybody: [u8; 32],
    /// Answers that are being computed.
    answering: BTreeMap<u64, Answering>,
    /// Answers that were given, by the nonce of the token.
    answered: BTreeMap<[u8; 32], Given>,
}

struct Answering {
    from: SocketAddr,
    indices: (u32, u32),
    nonce: [u8; 32],
    key: [u8; 32],
    until: Duration,
}

struct Given {
    frames: Vec<Vec<u8>>,
    until: Duration,
    not_before: Duration,
}

/// The key of mac1 of a node.
pub(super) fn mac1_key(digest: &AdmittedHash, peer: Option<PeerId>) -> [u8; 32] {
    let id = peer.map_or([0; 32], |peer| peer.0);
    let mut key = [0; 32];
    let hash = digest.digest(&[b"pqvpn/2 mac1", &id]);
    for (to, from) in key.iter_mut().zip(hash) {
        *to = from;
    }
    key
}

impl Answers {
    pub(super) fn new(digest: AdmittedHash, own: PeerId) -> Self {
        Self {
            own: mac1_key(&digest, Some(own)),
            anybody: mac1_key(&digest, None),
            answering: BTreeMap::new(),
            answered: BTreeMap::new(),
            digest,
        }
    }

    pub(super) fn reserves(&self, index: u32) -> bool {
        let mut all = self.answering.values();
        all.any(|answering| answering.indices.1 == index)
    }

    pub(super) fn tick(&mut self, at: Duration) {
        self.answered.retain(|_, given| at < given.until);
        self.answering.retain(|_, answering| at < answering.until);
    }

    pub(super) fn next_moment(&self) -> Option<Duration> {
        let given = self.answered.values().map(|given| given.until);
        let answering = self.answering.values().map(|answering| answering.until);
        given.chain(answering).min()
    }
}

impl Node {
    /// S0: one keyed hash, and a token that nobody remembers.
    pub(super) fn answer_hello(
        &mut self,
        now: Now,
        from: SocketAddr,
        head: &ControlHead,
        frame: &[u8],
        body: &[u8],
    ) -> Result<(), Refusal> {
        let short = FrameError::Short(frame.len());
        if frame.len() < LEAST_REQUEST {
            return Err(short.into());
        }
        let (mac1, rest) = body.split_first_chunk::<MAC_BYTES>().ok_or(short)?;
        let opening = frame.get(..HEAD).unwrap_or_default();
        let answers = &self.answers;
        let is_right = |key| mac::is_right(&answers.digest, key, &[opening, rest], mac1);
        let purpose = if is_right(&answers.own) {
            Purpose::Handshake
        } else if self.config.answers_strangers && is_right(&answers.anybody) {
            Purpose::Record
        } else {
            return Err(Refusal::Mac1);
        };
        let hello = Hello::read(rest)?;
        let suite = self.config.suites.choose(&hello.offer);
        let suite = suite.ok_or(Refusal::NoSuite)?.id;
        let (at, rng) = (now.since_start, &mut self.rng);
        let token = self.mint.issue(at, rng, purpose, from, head.sender);
        let mut echo = [0; 16];
        for (to, byte) in echo.iter_mut().zip(hello.nonce) {
            *to = byte;
        }
        let body = Retry {
            suite,
            ticket: token.ticket,
            echo,
            key: token.key,
        }
        .write();
        let head = ControlHead {
            kind: Kind::Retry,
            sender: 0,
            receiver: head.sender,
            fragment: 0,
            fragments: 1,
        };
        self.send(from, [&head.write(body.len())[..], &body].concat());
        Ok(())
    }

    /// The token of a frame and what stands between it and the MAC, once both are right.
    fn with_token<'a>(
        &self,
        now: Now,
        purpose: Purpose,
        from: SocketAddr,
        head: &ControlHead,
        frame: &'a [u8],
    ) -> Result<(Ticket, [u8; 32], &'a [u8]), Refusal> {
        let body = frame.get(HEAD..).unwrap_or_default();
        let ticket = Ticket::read(&mut Reader::new(body)).map_err(FrameError::Body)?;
        let at = now.since_start;
        let key = self.mint.key(at, purpose, from, head.sender, &ticket)?;
        let message = checked(&self.answers.digest, &key, frame)?;
        let chunk = message.get(HEAD + Ticket::BYTES..);
        let chunk = chunk.ok_or(FrameError::Short(frame.len()))?;
        Ok((ticket, key, chunk))
    }

    /// IDREQ: this node's record, for an address that was seen to be real.
    pub(super) fn answer_record(
        &mut self,
        now: Now,
        from: SocketAddr,
        head: &ControlHead,
        frame: &[u8],
        _: &[u8],
    ) -> Result<(), Refusal> {
        if frame.len() < LEAST_REQUEST {
            return Err(FrameError::Short(frame.len()).into());
        }
        let (_, key, zeros) = self.with_token(now, Purpose::Record, from, head, frame)?;
        if zeros.iter().any(|byte| *byte != 0) {
            return Err(FrameError::Head.into());
        }
        if !self.rate.admits(now.since_start, from) {
            return Err(Refusal::Rate);
        }
        let head = ControlHead {
            kind: Kind::IdRecord,
            sender: 0,
            receiver: head.sender,
            fragment: 0,
            fragments: 1,
        };
        let record = self.config.record.as_bytes();
        for frame in cut(&self.answers.digest, &key, head, None, record) {
            self.send(from, frame);
        }
        Ok(())
    }

    /// A fragment of S1: token, MAC, whether it is new, a place; and when the message is whole,
    /// the address's rate and the number of answers under way.
    pub(super) fn answer_opening(
        &mut self,
        now: Now,
        from: SocketAddr,
        head: &ControlHead,
        frame: &[u8],
        _: &[u8],
    ) -> Result<(), Refusal> {
        let at = now.since_start;
        let (ticket, key, chunk) = self.with_token(now, Purpose::Handshake, from, head, frame)?;
        if self.mint.is_spent(&ticket) {
            return self.answer_again(at, from, &ticket);
        }
        let message = self.slots.take(at, from, ticket.nonce, head, chunk)?;
        let Some(message) = message else {
            return Ok(());
        };
        if !self.rate.admits(at, from) {
            return Err(Refusal::Rate);
        }
        if self.answers.answering.len() >= self.config.most_answering {
            return Err(Refusal::Busy);
        }
        self.mint.spend(at, &ticket)?;
        let indices = (head.sender, self.fresh_index());
        let fresh_index = self.fresh_index();
        let purpose = Purpose::Handshake;
        let token = self
            .mint
            .issue(at, &mut self.rng, purpose, from, fresh_index);
        let answer = Answer {
            suites: self.config.suites.clone(),
            identity: self.config.identity.clone(),
            trust: self.config.trust.clone(),
            now,
            message,
            ticket,
            indices,
            shards: self.config.shards,
            fresh: Fresh {
                index: fresh_index,
                token,
            },
        };
        let number = self.job_number();
        let answering = Answering {
            from,
            indices,
            nonce: ticket.nonce,
            key,
            until: at + JOB_LIFETIME,
        };
        self.wake_for(Some(answering.until));
        self.answers.answering.insert(number, answering);
        let job = Job::answer(number, answer);
        self.outputs.push_back(Output::Job(job));
        Ok(())
    }

    /// A repeated S1: the same S2 again, for a while and not too often.
    fn answer_again(
        &mut self,
        at: Duration,
        from: SocketAddr,
        ticket: &Ticket,
    ) -> Result<(), Refusal> {
        let given = self.answers.answered.get_mut(&ticket.nonce);
        match given {
            Some(given) if at < given.until => {
                if at >= given.not_before {
                    given.not_before = at + ANSWER_AGAIN_AFTER;
                    for bytes in given.frames.clone() {
                        self.send(from, bytes);
                    }
                }
                Ok(())
            }
            _ => Err(TokenError::Spent.into()),
        }
    }

    /// An answer was computed.
    pub(super) fn answer_done(
        &mut self,
        now: Now,
        number: u64,
        result: Result<Box<Answered>, HandshakeError>,
    ) -> Result<(), Refusal> {
        let answering = self.answers.answering.remove(&number);
        let answering = answering.ok_or(Refusal::Stray)?;
        let answered = *result.inspect_err(|error| self.refused(answering.from, error))?;
        let (at, peer) = (now.since_start, answered.peer);
        if self.calls_in_earnest(peer) && self.id() < peer {
            return Err(Refusal::Simultaneous);
        }
        let ask = |stage| {
            self.config.trust.judge(&Question {
                now,
                peer,
                former: answered.former,
                called: None,
                stage,
            })
        };
        // Strangers who come by themselves leave room for the others, and are not remembered when
        // there is none for them.
        let most = match ask(Stage::Claimed).is_first_use() {
            true => self.config.most_peers - self.config.most_peers / 4,
            false => self.config.most_peers,
        };
        if !self.peers.contains_key(&peer) && self.peers.len() >= most {
            return Err(Refusal::ManyPeers);
        }
        let standing = ask(Stage::Proven);
        if let Verdict::Refused(why) = standing {
            let error = HandshakeError::Untrusted { peer, why };
            self.refused(answering.from, &error);
            return Err(error.into());
        }
        let (theirs, own) = answering.indices;
        let shards = (self.config.shards, answered.shards);
        let shards = Shards::new(&answered.keys, Role::Responder, theirs, shards);
        let shards = shards.map_err(HandshakeError::Failed)?;
        self.abandon_calls(peer);
        let head = ControlHead {
            kind: Kind::S2,
            sender: own,
            receiver: theirs,
            fragment: 0,
            fragments: 1,
        };
        let digest = &self.answers.digest;
        let frames = cut(digest, &answering.key, head, None, &answered.message);
        for bytes in &frames {
            self.send(answering.from, bytes.clone());
        }
        if self.answers.answered.len() >= MOST_ANSWERED {
            self.answers.answered.pop_first();
        }
        let given = Given {
            frames,
            until: at + ANSWER_LIFETIME,
            not_before: at + ANSWER_AGAIN_AFTER,
        };
        self.wake_for(Some(given.until));
        self.answers.answered.insert(answering.nonce, given);
        let session = Session {
            peer,
            role: Role::Responder,
            id: answered.keys.id,
            exporter: answered.keys.exporter,
            shards,
            standing,
            former: answered.former,
            origin: answering.from,
            expires: Some(at + HALF_OPEN_LIFETIME),
            confirms: None,
            heard: false,
        };
        self.await_confirmation(now, (peer, own), session, answered.public);
        Ok(())
    }

    /// Somebody has called who is not trusted: an operator who has forgotten it wants to know.
    fn refused(&mut self, endpoint: SocketAddr, error: &HandshakeError) {
        if let HandshakeError::Untrusted { peer, why } = *error {
            self.tell(Event::Refused {
                peer,
                endpoint,
                why,
            });
        }
    }
}
