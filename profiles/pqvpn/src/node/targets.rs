//! Who is wanted: the peers that a node calls until they answer, and again when they are dead.

use std::net::SocketAddr;
use std::time::Duration;

use pqfw_framework::world::Now;

use super::{Node, Refusal};
use crate::limits::{CALL_AGAIN_FIRST, CALL_AGAIN_MOST, MOST_CALLS};
use crate::peer_id::PeerId;

/// A peer that is called until it answers, and again when it is dead.
pub(super) struct Target {
    pub(super) address: SocketAddr,
    pub(super) peer: Option<PeerId>,
    /// When to call it; `None` while it is called or there is a session.
    pub(super) call_at: Option<Duration>,
    wait: Duration,
    /// Whether its record is asked for before the next call: it did not answer under the identity
    /// that is known, and may have another.
    pub(super) asks_record: bool,
}

impl Node {
    /// A wish to have a session for good.
    pub(super) fn connect(
        &mut self,
        now: Now,
        name: String,
        address: SocketAddr,
        peer: Option<PeerId>,
    ) -> Result<(), Refusal> {
        if !self.targets.contains_key(&name) && self.targets.len() >= MOST_CALLS {
            return Err(Refusal::ManyCalls);
        }
        let known = self.targets.get(&name).and_then(|target| target.peer);
        let target = Target {
            address,
            peer: peer.or(known),
            call_at: Some(now.since_start),
            wait: CALL_AGAIN_FIRST,
            asks_record: false,
        };
        self.targets.insert(name, target);
        self.wake_for(Some(now.since_start));
        Ok(())
    }

    /// Calls a target whose time has come.
    pub(super) fn call_target(&mut self, now: Now, name: &str) {
        let Some(target) = self.targets.get_mut(name) else {
            return;
        };
        target.call_at = None;
        let (address, peer) = (target.address, target.peer);
        let under_way = self
            .calls
            .values()
            .any(|call| call.name.as_deref() == Some(name));
        // A session that is half open needs no other; when it ends, the target is called.
        let is_up = peer.is_some_and(|peer| self.is_up(peer) || self.awaits_confirmation(peer));
        if under_way || is_up {
            return;
        }
        if self.calls.len() >= MOST_CALLS {
            self.call_again_later(now, name, false);
            return;
        }
        self.call(now, Some(name.to_owned()), peer, address);
    }

    /// Calls a peer there is a session with, for new keys; not while it is called for them, or
    /// while a new session has only to be confirmed.
    pub(super) fn rekey(&mut self, now: Now, peer: PeerId) -> Result<(), Refusal> {
        let known = self.peers.get(&peer).ok_or(Refusal::NoPeer(peer))?;
        let address = known.endpoint.ok_or(Refusal::NoPeer(peer))?;
        let is_called = self.calls.values().any(|call| call.peer == Some(peer));
        if is_called || self.awaits_confirmation(peer) {
            return Ok(());
        }
        if self.calls.len() >= MOST_CALLS {
            return Err(Refusal::ManyCalls);
        }
        let name = self.name_of(peer);
        self.call(now, name, Some(peer), address);
        Ok(())
    }

    /// A target has answered, and is that peer.
    pub(super) fn target_answered(&mut self, name: &str, peer: PeerId) {
        if let Some(target) = self.targets.get_mut(name) {
            (target.peer, target.call_at) = (Some(peer), None);
            target.wait = CALL_AGAIN_FIRST;
        }
    }

    /// Calls a target again, later each time.
    pub(super) fn call_again_later(&mut self, now: Now, name: &str, asks_record: bool) {
        if let Some(target) = self.targets.get_mut(name) {
            let call_at = now.since_start + target.wait;
            target.call_at = Some(call_at);
            target.asks_record = asks_record;
            target.wait = (target.wait * 2).min(CALL_AGAIN_MOST);
            self.wake_for(Some(call_at));
        }
    }

    /// The other end's call goes on.
    pub(super) fn abandon_calls(&mut self, peer: PeerId) {
        let targets = &mut self.targets;
        self.calls.retain(|_, call| {
            let goes = call.peer == Some(peer);
            let name = call.name.as_deref().filter(|_| goes);
            if let Some(target) = name.and_then(|name| targets.get_mut(name)) {
                target.peer = Some(peer);
            }
            !goes
        });
    }

    /// The name under which a peer is called, if it is.
    pub(super) fn name_of(&self, peer: PeerId) -> Option<String> {
        let mut all = self.targets.iter();
        let target = all.find(|(_, target)| target.peer == Some(peer));
        target.map(|(name, _)| name.clone())
    }

    /// Calls a peer again at once, if it is wanted.
    pub(super) fn call_again_now(&mut self, now: Now, peer: PeerId) {
        for target in self.targets.values_mut() {
            if target.peer == Some(peer) {
                target.call_at.get_or_insert(now.since_start);
            }
        }
        self.wake_for(Some(now.since_start));
    }

    /// A peer that is wanted has another identity now.
    pub(super) fn rename(&mut self, former: PeerId, peer: PeerId) {
        for target in self.targets.values_mut() {
            if target.peer == Some(former) {
                target.peer = Some(peer);
            }
        }
    }
}
