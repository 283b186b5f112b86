//! Peers and their sessions: previous, current and next, and what travels in them.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::world::Now;

use super::paths::Path;
use super::{CallError, Event, Node, Refusal};
use crate::handshake::{Done, Fresh, Outcome};
use crate::identity::PublicKeys;
use crate::limits::{MOST_QUEUED, MOST_RETRIES, PREVIOUS_LIFETIME, TOKEN_SECS};
use crate::peer_id::PeerId;
use crate::schedule::Exporter;
use crate::session::{
    Content, ContentError, Control, DataError, Role, SHARD_MASK, Shards, packet_length,
};
use crate::suites::NamedSuite;
use crate::trust::Verdict;
use crate::wire::DataHead;

/// A session of a peer; the node has it under its own index.
pub(super) struct Session {
    pub(super) peer: PeerId,
    pub(super) role: Role,
    pub(super) id: [u8; 8],
    pub(super) exporter: Exporter,
    pub(super) shards: Shards,
    pub(super) standing: Verdict,
    /// The address that the handshake's token has validated.
    pub(super) origin: SocketAddr,
    /// When it ends: half open, or followed by another.
    pub(super) expires: Option<Duration>,
    /// How often its first frame was said, and when it is said again, until something is heard.
    pub(super) confirms: Option<(u32, Duration)>,
    /// Whether a frame was opened in it.
    pub(super) heard: bool,
}

/// Another node, as this one knows it.
pub(super) struct Peer {
    pub(super) keys: Arc<PublicKeys>,
    pub(super) endpoint: Option<SocketAddr>,
    pub(super) previous: Option<u32>,
    pub(super) current: Option<u32>,
    pub(super) next: Option<u32>,
    /// A token for the next handshake.
    pub(super) fresh: Option<(Fresh, Arc<NamedSuite>, Duration)>,
    pub(super) path: Option<Path>,
    pub(super) queue: VecDeque<(usize, Vec<u8>)>,
    pub(super) rekey_at: Option<Duration>,
    pub(super) keepalive_at: Option<Duration>,
    pub(super) misses: u32,
}

impl Peer {
    fn new(keys: Arc<PublicKeys>) -> Self {
        Self {
            keys,
            endpoint: None,
            previous: None,
            current: None,
            next: None,
            fresh: None,
            path: None,
            queue: VecDeque::new(),
            rekey_at: None,
            keepalive_at: None,
            misses: 0,
        }
    }
}

impl Node {
    /// A job was done.
    pub(super) fn done(&mut self, now: Now, done: Done) -> Result<(), Refusal> {
        let Done { number, outcome } = done;
        match outcome {
            Outcome::Called(result) => self.call_made(now, number, result),
            Outcome::Finished(result) => self.call_finished(now, number, result),
            Outcome::Answered(result) => self.answer_done(now, number, result),
        }
    }

    /// The responder has a session; it is next until something is heard in it, and disturbs
    /// nothing.
    pub(super) fn await_confirmation(
        &mut self,
        peer: PeerId,
        index: u32,
        session: Session,
        keys: PublicKeys,
    ) {
        let known = self.peers.entry(peer);
        let known = known.or_insert_with(|| Peer::new(Arc::new(keys)));
        if let Some(before) = known.next.replace(index) {
            self.sessions.remove(&before);
        }
        self.sessions.insert(index, session);
    }

    /// The initiator has a session, and sends in it from here on.
    pub(super) fn begin_session(
        &mut self,
        now: Now,
        (peer, index): (PeerId, u32),
        session: Session,
        keys: Arc<PublicKeys>,
        (fresh, suite): (Fresh, Arc<NamedSuite>),
    ) {
        let at = now.since_start;
        let known = self.peers.entry(peer).or_insert_with(|| Peer::new(keys));
        let until = at + Duration::from_secs(TOKEN_SECS.into());
        known.fresh = Some((fresh, suite, until));
        self.sessions.insert(index, session);
        self.promote(now, peer, index);
        self.confirm(now, index);
        self.flush(now, peer);
    }

    /// A session becomes the one that is sent in; the one before is kept for what is on its way.
    fn promote(&mut self, now: Now, peer: PeerId, index: u32) {
        let at = now.since_start;
        let (Some(known), Some(session)) =
            (self.peers.get_mut(&peer), self.sessions.get_mut(&index))
        else {
            return;
        };
        if known.next == Some(index) {
            known.next = None;
        }
        session.expires = None;
        let (role, standing, origin) = (session.role, session.standing, session.origin);
        known.endpoint = Some(origin);
        known.path = None;
        known.misses = 0;
        known.keepalive_at = Some(at.saturating_add(self.config.keepalive));
        let grace = match role {
            Role::Initiator => Duration::ZERO,
            Role::Responder => self.config.rekey_grace,
        };
        known.rekey_at = Some(
            at.saturating_add(self.config.rekey_after)
                .saturating_add(grace),
        );
        let before = known.current.replace(index);
        let older = match before {
            Some(before) => known.previous.replace(before),
            None => None,
        };
        if let Some(older) = older {
            self.sessions.remove(&older);
        }
        if let Some(before) = before.and_then(|before| self.sessions.get_mut(&before)) {
            before.expires = Some(at + PREVIOUS_LIFETIME);
            before.confirms = None;
        }
        self.tell(match before {
            Some(_) => Event::Rekeyed { peer, role },
            None => Event::Up {
                peer,
                standing,
                role,
                endpoint: origin,
            },
        });
    }

    /// CONF, until something is heard in the session.
    pub(super) fn confirm(&mut self, now: Now, index: u32) {
        let Some(session) = self.sessions.get_mut(&index) else {
            return;
        };
        let Some((tries, _)) = session.confirms else {
            return;
        };
        if tries > MOST_RETRIES {
            self.unconfirmed(now, index);
            return;
        }
        let (peer, to) = (session.peer, session.origin);
        let again = self.retry_at(now.since_start, tries);
        if let Some(session) = self.sessions.get_mut(&index) {
            session.confirms = Some((tries + 1, again));
        }
        let keepalive = self.keepalive(now, index, false);
        self.say(now, index, &keepalive, to);
        debug_assert!(self.peers.contains_key(&peer), "a session has its peer");
    }

    /// Nothing was heard in a session that this end began: the one before, if it lives, goes on.
    fn unconfirmed(&mut self, now: Now, index: u32) {
        let Some(session) = self.sessions.remove(&index) else {
            return;
        };
        let peer = session.peer;
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        if known.current == Some(index) {
            known.current = known.previous.take();
            if let Some(before) = known
                .current
                .and_then(|index| self.sessions.get_mut(&index))
            {
                before.expires = None;
            }
        }
        let is_down = known.current.is_none();
        self.tell(Event::CallFailed {
            name: self.name_of(peer),
            peer: Some(peer),
            why: CallError::Unconfirmed,
        });
        if is_down {
            self.call_again_now(now, peer);
        }
    }

    /// A keepalive of a session.
    pub(super) fn keepalive(&self, now: Now, index: u32, ack: bool) -> Control {
        let id = self
            .sessions
            .get(&index)
            .map_or([0; 8], |session| session.id);
        Control::Keepalive {
            sessionid: hex(&id),
            timestamp: now.unix_micros / 1_000_000,
            peerid: self.id().to_string(),
            uptime: now.since_start.as_secs(),
            ack,
        }
    }

    /// Says a word in a session; what does not seal is lost, as on the way.
    pub(super) fn say(&mut self, now: Now, index: u32, control: &Control, to: SocketAddr) {
        let Some(session) = self.sessions.get_mut(&index) else {
            return;
        };
        let (at, buckets) = (now.since_start, &self.config.buckets);
        let sealed = session.shards.seal(at, 0, buckets, &control.write());
        if let Ok(frame) = sealed {
            self.send(to, frame);
        }
    }

    /// A packet for a peer.
    pub(super) fn send_packet(
        &mut self,
        now: Now,
        peer: PeerId,
        shard: usize,
        packet: Vec<u8>,
    ) -> Result<(), Refusal> {
        if packet_length(&packet) != Some(packet.len()) {
            return Err(ContentError::Packet.into());
        }
        let known = self.peers.get_mut(&peer).ok_or(Refusal::NoPeer(peer))?;
        let (Some(index), Some(to)) = (known.current, known.endpoint) else {
            if known.queue.len() >= MOST_QUEUED {
                return Err(Refusal::Queue);
            }
            known.queue.push_back((shard, packet));
            return Ok(());
        };
        let session = self.sessions.get_mut(&index).ok_or(Refusal::NoPeer(peer))?;
        let buckets = &self.config.buckets;
        match session
            .shards
            .seal(now.since_start, shard, buckets, &packet)
        {
            Ok(frame) => {
                self.send(to, frame);
                Ok(())
            }
            Err(error) => {
                if error == DataError::Exhausted {
                    known.rekey_at = Some(now.since_start);
                }
                Err(error.into())
            }
        }
    }

    /// Sends what has waited for a session.
    fn flush(&mut self, now: Now, peer: PeerId) {
        let known = self.peers.get_mut(&peer);
        let waiting = known.map(|known| std::mem::take(&mut known.queue));
        for (shard, packet) in waiting.into_iter().flatten() {
            // What does not seal is lost, as on the way.
            let _ = self.send_packet(now, peer, shard, packet);
        }
    }

    /// A data frame.
    pub(super) fn data(
        &mut self,
        now: Now,
        from: SocketAddr,
        head: DataHead,
        mut bytes: Vec<u8>,
    ) -> Result<(), Refusal> {
        let (index, at, length) = (head.receiver & !SHARD_MASK, now.since_start, bytes.len());
        let shard = usize::try_from(head.receiver & SHARD_MASK).unwrap_or(usize::MAX);
        let session = self.sessions.get_mut(&index).ok_or(Refusal::Stray)?;
        let peer = session.peer;
        let opener = session.shards.openers.get_mut(shard);
        let opener = opener.ok_or(Refusal::Stray)?;
        let opened = match opener.open(at, &mut bytes) {
            Ok(opened) => opened,
            Err(error) => {
                if session.shards.are_wearing_out()
                    && let Some(known) = self.peers.get_mut(&peer)
                {
                    known.rekey_at = known.rekey_at.map(|planned| planned.min(at));
                }
                return Err(error.into());
            }
        };
        self.heard(now, index, from, opened.newest, length);
        match Content::read(opened.plaintext)? {
            Content::Padding => {}
            Content::Packet(packet) => {
                let packet = packet.to_vec();
                self.tell(Event::Packet { peer, packet });
            }
            Content::Control(control) => self.word(now, index, from, &control),
        }
        Ok(())
    }

    /// Something was opened in a session: it is confirmed, its peer is alive, and may have moved.
    fn heard(&mut self, now: Now, index: u32, from: SocketAddr, newest: bool, length: usize) {
        let Some(session) = self.sessions.get_mut(&index) else {
            return;
        };
        let (peer, first) = (session.peer, !session.heard);
        session.heard = true;
        session.confirms = None;
        let known = self.peers.get_mut(&peer);
        let is_next = known
            .as_ref()
            .is_some_and(|known| known.next == Some(index));
        if let Some(known) = known {
            known.misses = 0;
        }
        if first && is_next {
            self.promote(now, peer, index);
            self.flush(now, peer);
        }
        let known = self.peers.get(&peer);
        if newest && known.is_some_and(|known| known.current == Some(index)) {
            self.came_from(now, peer, from, length);
        }
    }

    /// A word of the other node.
    fn word(&mut self, now: Now, index: u32, from: SocketAddr, control: &Control) {
        let Some(peer) = self.sessions.get(&index).map(|session| session.peer) else {
            return;
        };
        match control {
            Control::Keepalive { ack: true, .. } => {}
            Control::Keepalive { .. } => {
                let endpoint = self.peers.get(&peer).and_then(|known| known.endpoint);
                if let Some(to) = endpoint {
                    let answer = self.keepalive(now, index, true);
                    self.say(now, index, &answer, to);
                }
            }
            Control::PathChallenge { data } => {
                let data = data.clone();
                self.say(now, index, &Control::PathResponse { data }, from);
            }
            Control::PathResponse { data } => self.path_answered(peer, data),
            Control::Close {} => {
                self.end_sessions(peer);
                self.tell(Event::Closed { peer });
                self.call_again_now(now, peer);
            }
        }
    }

    /// Ends the sessions with a peer for good.
    pub(super) fn drop_peer(&mut self, now: Now, peer: PeerId) -> Result<(), Refusal> {
        let known = self.peers.get(&peer).ok_or(Refusal::NoPeer(peer))?;
        if let (Some(index), Some(to)) = (known.current, known.endpoint) {
            self.say(now, index, &Control::Close {}, to);
        }
        self.targets.retain(|_, target| target.peer != Some(peer));
        self.abandon_calls(peer);
        self.forget(peer);
        Ok(())
    }

    /// Nothing more is sent to a peer or taken from it. Who is wanted stays known, and what waits
    /// for a session with it goes on waiting; who is not is forgotten.
    pub(super) fn end_sessions(&mut self, peer: PeerId) {
        self.sessions.retain(|_, session| session.peer != peer);
        if self.name_of(peer).is_none() {
            self.peers.remove(&peer);
        }
        if let Some(known) = self.peers.get_mut(&peer) {
            (known.previous, known.current, known.next) = (None, None, None);
            (known.rekey_at, known.keepalive_at, known.path) = (None, None, None);
        }
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
