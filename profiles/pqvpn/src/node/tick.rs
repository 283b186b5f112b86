//! What happens because time has passed.

use std::time::Duration;

use pqfw_framework::world::Now;

use super::{CallError, Event, Node};
use crate::limits::{CALL_AGAIN_FIRST, MOST_MISSES, MOST_RETRIES};
use crate::peer_id::PeerId;

impl Node {
    /// Does everything that is due.
    pub(super) fn tick(&mut self, now: Now) {
        self.answers.tick(now.since_start);
        self.tick_calls(now);
        self.tick_sessions(now);
        self.tick_peers(now);
        self.tick_targets(now);
    }

    /// When something is due next.
    pub(super) fn next_moment(&self) -> Option<Duration> {
        let calls = self.calls.values().map(|call| call.next_at);
        let targets = self.targets.values().filter_map(|target| target.call_at);
        let sessions = self.sessions.values().flat_map(|session| {
            let confirms = session.confirms.map(|(_, again)| again);
            session.expires.into_iter().chain(confirms)
        });
        let peers = self.peers.values().flat_map(|peer| {
            let path = peer.path.as_ref().map(|path| path.until.min(path.ask_at));
            let moments = [peer.rekey_at, peer.keepalive_at, path];
            moments.into_iter().flatten()
        });
        let answers = self.answers.next_moment();
        let all = calls.chain(targets).chain(sessions).chain(peers);
        all.chain(answers).min()
    }

    /// Says again what was not answered, or gives up.
    fn tick_calls(&mut self, now: Now) {
        let at = now.since_start;
        let due = self.calls.iter().filter(|(_, call)| call.next_at <= at);
        let due: Vec<_> = due.map(|(index, _)| *index).collect();
        for index in due {
            let Some(call) = self.calls.get_mut(&index) else {
                continue;
            };
            let frames = call.frames().map(<[_]>::to_vec);
            let (Some(frames), true) = (frames, call.tries < MOST_RETRIES) else {
                self.call_failed(now, index, CallError::Silence);
                continue;
            };
            call.tries += 1;
            let (tries, to) = (call.tries, call.address());
            let next_at = self.retry_at(at, tries);
            if let Some(call) = self.calls.get_mut(&index) {
                call.next_at = next_at;
            }
            for frame in frames {
                self.send(to, frame);
            }
        }
    }

    /// Confirms again, and ends what was half open or followed by another for too long.
    fn tick_sessions(&mut self, now: Now) {
        let at = now.since_start;
        let confirms = self.sessions.iter().filter(|(_, session)| {
            let again = session.confirms.map(|(_, again)| again);
            again.is_some_and(|again| again <= at)
        });
        let due: Vec<_> = confirms.map(|(index, _)| *index).collect();
        for index in due {
            self.confirm(now, index);
        }
        let ended = self.sessions.iter().filter(|(_, session)| {
            let expires = session.expires;
            expires.is_some_and(|expires| expires <= at)
        });
        let ended: Vec<_> = ended.map(|(index, _)| *index).collect();
        for index in ended {
            let Some(session) = self.sessions.remove(&index) else {
                continue;
            };
            let Some(peer) = self.peers.get_mut(&session.peer) else {
                continue;
            };
            for place in [&mut peer.previous, &mut peer.next] {
                if *place == Some(index) {
                    *place = None;
                }
            }
            // A session that was never confirmed leaves nobody behind, and nobody waiting for it.
            if peer.current.is_none() && peer.next.is_none() {
                self.end_sessions(session.peer);
                self.call_again_now(now, session.peer);
            }
        }
    }

    /// Keepalives, the dead, new keys, and paths that did not answer.
    fn tick_peers(&mut self, now: Now) {
        let at = now.since_start;
        let is_due = |moment: Option<Duration>| moment.is_some_and(|moment| moment <= at);
        let ids: Vec<PeerId> = self.peers.keys().copied().collect();
        for id in ids {
            let Some(peer) = self.peers.get_mut(&id) else {
                continue;
            };
            if is_due(peer.path.as_ref().map(|path| path.until)) {
                peer.path = None;
            }
            if is_due(peer.path.as_ref().map(|path| path.ask_at)) {
                self.ask_path(now, id);
            }
            let Some(peer) = self.peers.get_mut(&id) else {
                continue;
            };
            if is_due(peer.rekey_at) {
                peer.rekey_at = Some(at + CALL_AGAIN_FIRST);
                // A call that cannot be made now is made when it is due again.
                let _ = self.rekey(now, id);
            }
            let Some(peer) = self.peers.get_mut(&id) else {
                continue;
            };
            if is_due(peer.keepalive_at) {
                self.keep_alive(now, id);
            }
        }
    }

    /// Asks a peer whether it is there, or stops believing it.
    fn keep_alive(&mut self, now: Now, id: PeerId) {
        let Some(peer) = self.peers.get_mut(&id) else {
            return;
        };
        let (Some(index), Some(to)) = (peer.current, peer.endpoint) else {
            peer.keepalive_at = None;
            return;
        };
        if peer.misses >= MOST_MISSES {
            self.end_sessions(id);
            self.tell(Event::Dead { peer: id });
            self.call_again_now(now, id);
            return;
        }
        peer.misses += 1;
        peer.keepalive_at = Some(now.since_start.saturating_add(self.config.keepalive));
        let keepalive = self.keepalive(now, index, false);
        self.say(now, index, &keepalive, to);
    }

    fn tick_targets(&mut self, now: Now) {
        let at = now.since_start;
        let is_due = |call_at: Option<Duration>| call_at.is_some_and(|moment| moment <= at);
        let due = self
            .targets
            .iter()
            .filter(|(_, target)| is_due(target.call_at));
        let due: Vec<_> = due.map(|(name, _)| name.clone()).collect();
        for name in due {
            self.call_target(now, &name);
        }
    }
}
