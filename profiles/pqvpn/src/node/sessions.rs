//! The sessions of a peer: which is sent in, which are only listened to, and how one follows
//! another without losing a packet.
//!
//! ```text
//!  S2 read ───────────────────────▶ current ─followed▶ former ─30 s▶ gone
//!  S2 given ▶ next ─first frame──────▲  │
//!              ▲──never confirmed────────┘ and the former is current again
//! ```

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::world::Now;

use super::mtu::Mtu;
use super::paths::Path;
use super::{CallError, Event, Node};
use crate::handshake::Fresh;
use crate::identity::PublicKeys;
use crate::limits::{CALL_AGAIN_FIRST, MOST_FORMER, MOST_QUEUED, MOST_RETRIES, PREVIOUS_LIFETIME};
use crate::peer_id::PeerId;
use crate::schedule::Exporter;
use crate::session::{Role, Shards};
use crate::suites::NamedSuite;
use crate::trust::{Question, Stage, Verdict};

/// A session of a peer; the node has it under its own index.
pub(super) struct Session {
    pub(super) peer: PeerId,
    pub(super) role: Role,
    pub(super) id: [u8; 8],
    pub(super) exporter: Exporter,
    pub(super) shards: Shards,
    pub(super) standing: Verdict,
    /// Whom its peer follows, by that one's signature.
    pub(super) former: Option<PeerId>,
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
    /// The session that is sent in.
    pub(super) current: Option<u32>,
    /// A session that becomes current when something is heard in it.
    pub(super) next: Option<u32>,
    /// Sessions that were followed, the newest last; they are listened to for a while.
    pub(super) former: Vec<u32>,
    /// A token for the next handshake, and until when it is good.
    pub(super) fresh: Option<(Fresh, Arc<NamedSuite>, Duration)>,
    pub(super) path: Option<Path>,
    /// Before that, no path is asked again.
    pub(super) path_ask_at: Duration,
    pub(super) queue: VecDeque<(usize, Vec<u8>)>,
    pub(super) rekey_at: Option<Duration>,
    pub(super) keepalive_at: Option<Duration>,
    pub(super) misses: u32,
    /// What its way carries, once that is looked for.
    pub(super) mtu: Option<Mtu>,
}

impl Peer {
    pub(super) fn new(keys: Arc<PublicKeys>) -> Self {
        Self {
            keys,
            endpoint: None,
            current: None,
            next: None,
            former: Vec::new(),
            fresh: None,
            path: None,
            path_ask_at: Duration::ZERO,
            queue: VecDeque::new(),
            rekey_at: None,
            keepalive_at: None,
            misses: 0,
            mtu: None,
        }
    }

    /// When something is due for it.
    pub(super) fn next_moment(&self) -> Option<Duration> {
        let path = self.path.as_ref();
        let path = path.map(|path| path.next_moment().min(self.path_ask_at));
        let mtu = self.mtu.as_ref().map(|mtu| mtu.due);
        let moments = [self.rekey_at, self.keepalive_at, path, mtu];
        moments.into_iter().flatten().min()
    }
}

impl Node {
    /// The responder has a session; it is next until something is heard in it, and disturbs
    /// nothing.
    pub(super) fn await_confirmation(
        &mut self,
        now: Now,
        (peer, index): (PeerId, u32),
        session: Session,
        keys: PublicKeys,
    ) {
        self.wake_for(session.expires);
        let known = self.peers.entry(peer);
        let known = known.or_insert_with(|| Peer::new(Arc::new(keys)));
        let before = known.next.replace(index);
        self.sessions.insert(index, session);
        self.listen_for_a_while(now, peer, before);
    }

    /// The initiator has a session, and sends in it from here on.
    pub(super) fn begin_session(
        &mut self,
        now: Now,
        (peer, index): (PeerId, u32),
        session: Session,
        keys: Arc<PublicKeys>,
        fresh: Option<(Fresh, Arc<NamedSuite>, Duration)>,
    ) {
        let known = self.peers.entry(peer).or_insert_with(|| Peer::new(keys));
        known.fresh = fresh;
        // What is half open is older, and must not take the place of this one.
        let before = known.next.take();
        self.sessions.insert(index, session);
        self.listen_for_a_while(now, peer, before);
        self.promote(now, peer, index);
        self.confirm(now, index);
        self.flush(now, peer);
    }

    /// A session is not sent in any more; what is on its way in it still arrives.
    fn listen_for_a_while(&mut self, now: Now, peer: PeerId, index: Option<u32>) {
        let session = index.and_then(|index| self.sessions.get_mut(&index));
        let known = self.peers.get_mut(&peer);
        let (Some(index), Some(session), Some(known)) = (index, session, known) else {
            return;
        };
        let until = now.since_start + PREVIOUS_LIFETIME;
        session.expires = Some(until);
        session.confirms = None;
        known.former.push(index);
        if known.former.len() > MOST_FORMER {
            let oldest = known.former.remove(0);
            self.sessions.remove(&oldest);
        }
        self.wake_for(Some(until));
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
        let former = session.former;
        let was_elsewhere = known.endpoint.replace(origin) != Some(origin) || known.mtu.is_none();
        known.path = None;
        known.misses = 0;
        let keepalive_at = at.saturating_add(self.config.keepalive);
        known.keepalive_at = Some(keepalive_at);
        let grace = match role {
            Role::Initiator => Duration::ZERO,
            Role::Responder => self.config.rekey_grace,
        };
        let rekey_after = self.config.rekey_after.saturating_add(grace);
        let rekey_at = at.saturating_add(rekey_after);
        known.rekey_at = Some(rekey_at);
        let before = known.current.replace(index);
        self.wake_for(Some(keepalive_at.min(rekey_at)));
        self.listen_for_a_while(now, peer, before);
        // Only now has anybody been followed: what is never confirmed disturbs nothing.
        if let Some(former) = former {
            self.succeed(now, former, peer);
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
        if was_elsewhere {
            self.look_for_mtu(now, peer);
        }
    }

    /// A peer takes another's place, where that one is no longer trusted: what waited for it, and
    /// who wanted it.
    fn succeed(&mut self, now: Now, former: PeerId, peer: PeerId) {
        let verdict = self.config.trust.judge(&Question {
            now,
            peer: former,
            former: None,
            called: None,
            stage: Stage::Claimed,
        });
        if !matches!(verdict, Verdict::Refused(_)) {
            return;
        }
        let waiting = self.peers.get_mut(&former);
        let waiting = waiting.map(|known| std::mem::take(&mut known.queue));
        if let Some(known) = self.peers.get_mut(&peer) {
            known.queue.extend(waiting.into_iter().flatten());
            known.queue.truncate(MOST_QUEUED);
        }
        self.forget(former);
        self.rename(former, peer);
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
        self.wake_for(Some(again));
        let keepalive = self.keepalive(now, index, false);
        self.say(now, index, &keepalive, to);
        debug_assert!(self.peers.contains_key(&peer), "a session has its peer");
    }

    /// Nothing was heard in a session that this end began: the one before, if it lives, goes on,
    /// and new keys are tried for again soon. The other end may be in the session and unheard, so
    /// it is still listened to.
    fn unconfirmed(&mut self, now: Now, index: u32) {
        let at = now.since_start;
        let Some(session) = self.sessions.get_mut(&index) else {
            return;
        };
        session.confirms = None;
        let peer = session.peer;
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        if known.current != Some(index) {
            return;
        }
        let former = known.former.iter().rev().copied();
        let heard = |index: &u32| {
            let session = self.sessions.get(index);
            session.is_some_and(|session| session.heard)
        };
        let before = former.into_iter().find(heard);
        let name = self.name_of(peer);
        self.tell(Event::CallFailed {
            name,
            peer: Some(peer),
            why: CallError::Unconfirmed,
        });
        let (Some(before), Some(known)) = (before, self.peers.get_mut(&peer)) else {
            self.end_sessions(peer);
            self.call_again_now(now, peer);
            return;
        };
        known.former.retain(|former| *former != before);
        known.current = Some(before);
        known.rekey_at = Some(at + CALL_AGAIN_FIRST);
        let displaced = known.next.replace(index);
        if let Some(before) = self.sessions.get_mut(&before) {
            before.expires = None;
        }
        let until = at + PREVIOUS_LIFETIME;
        if let Some(session) = self.sessions.get_mut(&index) {
            session.expires = Some(until);
        }
        self.wake_for(Some(until.min(at + CALL_AGAIN_FIRST)));
        self.listen_for_a_while(now, peer, displaced);
    }

    /// Whether a new session with a peer is being made already: it only has to be heard in.
    pub(super) fn awaits_confirmation(&self, peer: PeerId) -> bool {
        let Some(known) = self.peers.get(&peer) else {
            return false;
        };
        let session = |index: Option<u32>| index.and_then(|index| self.sessions.get(&index));
        let unheard = session(known.current).is_some_and(|current| current.confirms.is_some());
        let half_open = session(known.next).is_some_and(|next| next.role == Role::Responder);
        unheard || half_open
    }

    /// Something was opened in a session: it is confirmed, its peer is alive, and may have moved.
    pub(super) fn heard(
        &mut self,
        now: Now,
        index: u32,
        from: SocketAddr,
        newest: bool,
        length: usize,
    ) {
        let Some(session) = self.sessions.get_mut(&index) else {
            return;
        };
        let peer = session.peer;
        session.heard = true;
        session.confirms = None;
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        known.misses = 0;
        if known.next == Some(index) {
            self.promote(now, peer, index);
            self.flush(now, peer);
        }
        let known = self.peers.get(&peer);
        if newest && known.is_some_and(|known| known.current == Some(index)) {
            self.came_from(now, peer, from, length);
        }
    }

    /// A session has been half open or former for long enough.
    pub(super) fn expired(&mut self, now: Now, index: u32) {
        let Some(session) = self.sessions.remove(&index) else {
            return;
        };
        let Some(known) = self.peers.get_mut(&session.peer) else {
            return;
        };
        known.former.retain(|former| *former != index);
        known.next = known.next.filter(|next| *next != index);
        // A session that was never confirmed leaves nobody behind, and nobody waiting for it.
        if known.current.is_none() && known.next.is_none() {
            self.end_sessions(session.peer);
            self.call_again_now(now, session.peer);
        }
    }

    /// Nothing more is sent to a peer or taken from it. Who is wanted stays known, and what waits
    /// for a session with it goes on waiting; who is not is forgotten.
    pub(super) fn end_sessions(&mut self, peer: PeerId) {
        self.end_each(peer);
        if self.name_of(peer).is_none() {
            self.peers.remove(&peer);
        }
        if let Some(known) = self.peers.get_mut(&peer) {
            (known.current, known.next) = (None, None);
            known.former.clear();
            (known.rekey_at, known.keepalive_at, known.path) = (None, None, None);
            known.mtu = None;
        }
    }

    /// Ends what a peer has, because another has followed it, or for good.
    pub(super) fn forget(&mut self, former: PeerId) {
        self.end_each(former);
        if self.peers.remove(&former).is_some() {
            self.tell(Event::Closed { peer: former });
        }
    }

    fn end_each(&mut self, peer: PeerId) {
        let Some(known) = self.peers.get(&peer) else {
            return;
        };
        let all = known.current.iter().chain(&known.next).chain(&known.former);
        for index in all {
            self.sessions.remove(index);
        }
    }
}
