//! The initiator: from a wish to a session.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::world::Now;

use super::answers::mac1_key;
use super::{CallError, Event, Node, Output, Refusal, Session};
use crate::fragment::{Slot, checked, cut};
use crate::handshake::{
    Call as CallWork, Called, Finish, Finished, Fresh, HandshakeError, Job, Waiting,
};
use crate::identity::PublicKeys;
use crate::limits::{FIRST_RETRY, JOB_LIFETIME, TOKEN_SECS};
use crate::mac::{self, MAC_BYTES};
use crate::peer_id::PeerId;
use crate::session::{Role, Shards};
use crate::suites::NamedSuite;
use crate::token::Token;
use crate::trust::{Question, Stage as TrustStage, Verdict};
use crate::wire::{ControlHead, HEAD, Hello, Kind, Retry};

/// One handshake, as its initiator has it. Its index becomes the session's.
pub(super) struct Call {
    pub(super) name: Option<String>,
    pub(super) peer: Option<PeerId>,
    /// Whom the peer follows, by its record.
    pub(super) follows: Option<PeerId>,
    pub(super) keys: Option<Arc<PublicKeys>>,
    pub(super) address: SocketAddr,
    pub(super) hello: Hello,
    pub(super) stage: Stage,
    pub(super) tries: u32,
    pub(super) next_at: Duration,
    /// When S1 was said first.
    said_at: Duration,
    /// Whether it was said by the token of an S2, which may have died since.
    by_fresh_token: bool,
}

pub(super) enum Stage {
    /// S0 was said.
    Retry(Vec<u8>),
    /// IDREQ was said.
    Record(Vec<u8>, Token, Option<Slot>),
    /// A record has come and is being read; a job has that number. IDREQ is said again, at that
    /// time, when it is no good.
    Reading(u64, Vec<u8>, Token, Duration),
    /// S1 or the session's keys are being computed; a job has that number.
    Job(u64, Option<Token>, u32),
    /// S1 was said.
    Reply(Vec<Vec<u8>>, Token, Option<Slot>, Box<Waiting>),
}

impl Call {
    /// What is said again until there is an answer; `None` when nothing is.
    pub(super) fn frames(&self) -> Option<&[Vec<u8>]> {
        match &self.stage {
            Stage::Retry(frame) | Stage::Record(frame, ..) => Some(std::slice::from_ref(frame)),
            Stage::Reply(frames, ..) => Some(frames),
            Stage::Job(..) | Stage::Reading(..) => None,
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether S1 was said by the token of an S2, and nobody has answered it twice.
    pub(super) fn gives_up_its_token(&self) -> bool {
        self.by_fresh_token && self.tries >= 1 && matches!(self.stage, Stage::Reply(..))
    }

    /// Whether the other end has shown that it is there, and can be expected to have heard S1.
    fn is_in_earnest(&self) -> bool {
        matches!(self.stage, Stage::Job(..) | Stage::Reply(..))
    }
}

impl Node {
    /// Begins a call: with S1 where there is a token for it, else with S0.
    pub(super) fn call(
        &mut self,
        now: Now,
        name: Option<String>,
        peer: Option<PeerId>,
        address: SocketAddr,
    ) {
        let target = name.as_ref().and_then(|name| self.targets.get_mut(name));
        let asks = target.is_some_and(|target| std::mem::take(&mut target.asks_record));
        let known = peer.and_then(|peer| self.peers.get_mut(&peer));
        let known = known.filter(|_| !asks);
        let keys = known.as_ref().map(|known| known.keys.clone());
        let fresh = known.and_then(|known| known.fresh.take());
        let mut hello = Hello {
            nonce: [0; 32],
            offer: self.config.suites.offer(),
        };
        self.rng.fill_bytes(&mut hello.nonce);
        let mut call = Call {
            name,
            peer,
            follows: None,
            keys,
            address,
            hello,
            stage: Stage::Retry(Vec::new()),
            tries: 0,
            next_at: Duration::ZERO,
            said_at: Duration::ZERO,
            by_fresh_token: false,
        };
        // The token of an S2 saves S0, where it is still good and its index still free.
        let at = now.since_start;
        if let Some((fresh, suite, until)) = fresh
            && at < until
            && self.is_free(fresh.index)
        {
            let Fresh { index, token } = fresh;
            call.by_fresh_token = true;
            if self.say_opening(at, &mut call, index, &suite, token) {
                self.calls.insert(index, call);
                return;
            }
        }
        let index = self.fresh_index();
        self.say_hello(at, &mut call, index);
        self.calls.insert(index, call);
    }

    /// Begins a call anew with S0: its token, of an S2, seems to have died.
    pub(super) fn call_without_token(&mut self, now: Now, index: u32) {
        let Some(mut call) = self.calls.remove(&index) else {
            return;
        };
        call.by_fresh_token = false;
        self.rng.fill_bytes(&mut call.hello.nonce);
        let index = self.fresh_index();
        self.say_hello(now.since_start, &mut call, index);
        self.calls.insert(index, call);
    }

    /// S0.
    pub(super) fn say_hello(&mut self, at: Duration, call: &mut Call, index: u32) {
        let digest = &self.answers.digest;
        // The token of a stranger is good for the record alone.
        let known = call.keys.as_ref().and(call.peer);
        let rest = call.hello.write();
        let head = head(Kind::S0, index, 0).write(MAC_BYTES + rest.len());
        let mac1 = mac::short(digest, &mac1_key(digest, known), &[&head, &rest]);
        let frame = [&head[..], &mac1, &rest].concat();
        self.send(call.address, frame.clone());
        call.stage = Stage::Retry(frame);
        call.tries = 0;
        call.next_at = self.retry_at(at, 0);
        self.wake_for(Some(call.next_at));
    }

    /// The job that makes S1; `false` when the peer's keys are not known.
    fn say_opening(
        &mut self,
        at: Duration,
        call: &mut Call,
        index: u32,
        suite: &Arc<NamedSuite>,
        token: Token,
    ) -> bool {
        let (Some(peer), Some(keys)) = (call.peer, call.keys.clone()) else {
            return false;
        };
        let work = CallWork {
            suite: suite.clone(),
            identity: self.config.identity.clone(),
            peer,
            keys,
            hello: call.hello.clone(),
            ticket: token.ticket,
            index,
            shards: self.config.shards,
        };
        let number = self.job_number();
        call.stage = Stage::Job(number, Some(token), 0);
        call.next_at = at + JOB_LIFETIME;
        self.wake_for(Some(call.next_at));
        self.outputs.push_back(Output::Job(Job::call(number, work)));
        true
    }

    /// RETRY: a token, for S1 or for the record.
    pub(super) fn call_retry(
        &mut self,
        now: Now,
        from: SocketAddr,
        frame: &ControlHead,
        body: &[u8],
    ) -> Result<(), Refusal> {
        let retry = Retry::read(body)?;
        let index = frame.receiver;
        let mut call = self.calls.remove(&index).ok_or(Refusal::Stray)?;
        let suite = self.config.suites.find(retry.suite).cloned();
        let answers = matches!(call.stage, Stage::Retry(_))
            && call.address == from
            && call.hello.nonce.starts_with(&retry.echo);
        let (true, Some(suite)) = (answers, suite) else {
            self.calls.insert(index, call);
            return Err(Refusal::Stray);
        };
        let at = now.since_start;
        let token = Token {
            ticket: retry.ticket,
            key: retry.key,
        };
        if call.keys.is_none() {
            let frame = self.record_request(index, &token);
            self.send(from, frame.clone());
            call.stage = Stage::Record(frame, token, None);
            call.tries = 0;
            call.next_at = self.retry_at(at, 0);
            self.wake_for(Some(call.next_at));
        } else {
            self.say_opening(at, &mut call, index, &suite, token);
        }
        self.calls.insert(index, call);
        Ok(())
    }

    /// A fragment of S2.
    pub(super) fn call_reply(
        &mut self,
        now: Now,
        from: SocketAddr,
        head: &ControlHead,
        frame: &[u8],
    ) -> Result<(), Refusal> {
        let index = head.receiver;
        let call = self.calls.get_mut(&index).ok_or(Refusal::Stray)?;
        let Stage::Reply(_, token, slot, _) = &mut call.stage else {
            return Err(Refusal::Stray);
        };
        if call.address != from {
            return Err(Refusal::Stray);
        }
        let message = checked(&self.answers.digest, &token.key, frame)?;
        let chunk = message.get(HEAD..).unwrap_or_default();
        let slot = match slot {
            Some(slot) => slot,
            None => slot.insert(Slot::new(head.kind, head.fragments)?),
        };
        let Some(message) = slot.take(head, chunk)? else {
            return Ok(());
        };
        self.jobs += 1;
        let number = self.jobs;
        let stage = Stage::Job(number, None, head.sender);
        let until = now.since_start + JOB_LIFETIME;
        call.next_at = until;
        if let Stage::Reply(_, _, _, waiting) = std::mem::replace(&mut call.stage, stage) {
            let finish = Finish {
                waiting: *waiting,
                message,
                index: head.sender,
            };
            let job = Job::finish(number, finish);
            self.outputs.push_back(Output::Job(job));
        }
        self.wake_for(Some(until));
        Ok(())
    }

    /// The index of the call whose job that was.
    fn call_of(&self, number: u64) -> Result<u32, Refusal> {
        let is_of = |call: &Call| matches!(call.stage, Stage::Job(job, ..) if job == number);
        let mut all = self.calls.iter();
        let found = all.find(|(_, call)| is_of(call));
        found.map(|(index, _)| *index).ok_or(Refusal::Stray)
    }

    /// S1 was made.
    pub(super) fn call_made(
        &mut self,
        now: Now,
        number: u64,
        result: Result<Box<Called>, HandshakeError>,
    ) -> Result<(), Refusal> {
        let index = self.call_of(number)?;
        let Called { message, waiting } = match result {
            Ok(called) => *called,
            Err(error) => {
                self.call_failed(now, index, error.clone().into());
                return Err(error.into());
            }
        };
        let next_at = self.retry_at(now.since_start, 0);
        let call = self.calls.get_mut(&index).ok_or(Refusal::Stray)?;
        let Stage::Job(_, token, _) = &mut call.stage else {
            return Err(Refusal::Stray);
        };
        let token = token.take().ok_or(Refusal::Stray)?;
        let (to, digest) = (call.address, &self.answers.digest);
        let head = head(Kind::S1, index, 0);
        let frames = cut(digest, &token.key, head, Some(&token.ticket), &message);
        (call.tries, call.next_at) = (0, next_at);
        call.said_at = now.since_start;
        call.stage = Stage::Reply(frames.clone(), token, None, Box::new(waiting));
        self.wake_for(Some(next_at));
        for frame in frames {
            self.send(to, frame);
        }
        Ok(())
    }

    /// S2 was read: there is a session, whose first frame confirms it.
    pub(super) fn call_finished(
        &mut self,
        now: Now,
        number: u64,
        result: Result<Box<Finished>, HandshakeError>,
    ) -> Result<(), Refusal> {
        let index = self.call_of(number)?;
        let finished = match result {
            Ok(finished) => *finished,
            Err(error) => {
                self.call_failed(now, index, error.clone().into());
                return Err(error.into());
            }
        };
        let call = self.calls.get(&index).ok_or(Refusal::Stray)?;
        let (Some(peer), Some(keys)) = (call.peer, call.keys.clone()) else {
            return Err(Refusal::Stray);
        };
        let Stage::Job(_, _, theirs) = call.stage else {
            return Err(Refusal::Stray);
        };
        let (name, address, said_at) = (call.name.clone(), call.address, call.said_at);
        let follows = call.follows;
        if !self.peers.contains_key(&peer) && self.peers.len() >= self.config.most_peers {
            self.call_failed(now, index, CallError::ManyPeers);
            return Err(Refusal::ManyPeers);
        }
        let standing = self.config.trust.judge(&Question {
            now,
            peer,
            former: follows,
            called: name.as_deref(),
            stage: TrustStage::Proven,
        });
        if let Verdict::Refused(why) = standing {
            self.call_failed(now, index, CallError::Untrusted(why));
            return Err(HandshakeError::Untrusted { peer, why }.into());
        }
        let shards = (self.config.shards, finished.shards);
        let shards = Shards::new(&finished.keys, Role::Initiator, theirs, shards);
        let shards = shards.map_err(HandshakeError::Failed)?;
        self.calls.remove(&index);
        if let Some(name) = &name {
            self.target_answered(name, peer);
        }
        // The responder has issued the token after S1 was said; an index that cannot be is not used.
        let until = said_at + Duration::from_secs(TOKEN_SECS.into()) - FIRST_RETRY;
        let suite = finished.keys.suite.clone();
        let fresh = Some((finished.fresh, suite, until));
        let session = Session {
            peer,
            role: Role::Initiator,
            id: finished.keys.id,
            exporter: finished.keys.exporter,
            shards,
            standing,
            former: follows,
            origin: address,
            expires: None,
            confirms: Some((0, now.since_start)),
            heard: false,
        };
        self.begin_session(now, (peer, index), session, keys, fresh);
        Ok(())
    }

    /// A call has come to nothing: a target is called again, later each time.
    pub(super) fn call_failed(&mut self, now: Now, index: u32, why: CallError) {
        let Some(call) = self.calls.remove(&index) else {
            return;
        };
        let unheard = matches!(call.stage, Stage::Retry(_)) && call.keys.is_some();
        let Call { name, peer, .. } = call;
        if let Some(name) = &name {
            self.call_again_later(now, name, unheard);
        }
        self.tell(Event::CallFailed { name, peer, why });
    }

    /// Whether this end has said S1 to a peer, or is about to.
    pub(super) fn calls_in_earnest(&self, peer: PeerId) -> bool {
        let mut all = self.calls.values();
        all.any(|call| call.peer == Some(peer) && call.is_in_earnest())
    }
}

pub(super) fn head(kind: Kind, sender: u32, receiver: u32) -> ControlHead {
    ControlHead {
        kind,
        sender,
        receiver,
        fragment: 0,
        fragments: 1,
    }
}
