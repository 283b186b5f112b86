//! What travels in a peer's sessions: packets, keepalives and words.

use std::net::SocketAddr;

use pqfw_framework::world::Now;

use super::{Event, Node, Refusal};
use crate::handshake::{Done, Outcome};
use crate::limits::{AMPLIFICATION, CALL_AGAIN_FIRST, MOST_QUEUED};
use crate::peer_id::PeerId;
use crate::session::{
    Buckets, Content, ContentError, Control, DataError, OVERHEAD, SHARD_MASK, packet_length,
};
use crate::wire::DataHead;

impl Node {
    /// A job was done.
    pub(super) fn done(&mut self, now: Now, done: Done) -> Result<(), Refusal> {
        let Done { number, outcome } = done;
        match outcome {
            Outcome::Called(result) => self.call_made(now, number, result),
            Outcome::Finished(result) => self.call_finished(now, number, result),
            Outcome::Answered(result) => self.answer_done(now, number, result),
            Outcome::Read(result) => self.call_record_read(now, number, result),
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

    /// Says a word that is padded to a length of its own.
    pub(super) fn say_padded(
        &mut self,
        now: Now,
        index: u32,
        word: &[u8],
        length: usize,
        to: SocketAddr,
    ) {
        let Some(session) = self.sessions.get_mut(&index) else {
            return;
        };
        let length = Buckets::new(vec![length]);
        if let Ok(frame) = session.shards.seal(now.since_start, 0, &length, word) {
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
                    self.wake_for(Some(now.since_start));
                }
                Err(error.into())
            }
        }
    }

    /// Sends what has waited for a session.
    pub(super) fn flush(&mut self, now: Now, peer: PeerId) {
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
        let (index, length) = (head.receiver & !SHARD_MASK, bytes.len());
        let shard = usize::try_from(head.receiver & SHARD_MASK).unwrap_or(usize::MAX);
        let session = self.sessions.get_mut(&index).ok_or(Refusal::Stray)?;
        let peer = session.peer;
        let opener = session.shards.openers.get_mut(shard);
        let opener = opener.ok_or(Refusal::Stray)?;
        let opened = match opener.open(now.since_start, &mut bytes) {
            Ok(opened) => opened,
            Err(error) => {
                if session.shards.are_wearing_out() {
                    self.wears_out(now, peer, index);
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
            Content::Control(control) => self.word(now, index, (from, length), &control),
        }
        Ok(())
    }

    /// It is time for new keys, if that session is the one in use and they are not being made.
    pub(super) fn wears_out(&mut self, now: Now, peer: PeerId, index: u32) {
        let at = now.since_start;
        let Some(known) = self.peers.get_mut(&peer) else {
            return;
        };
        let is_far = |planned| planned > at + CALL_AGAIN_FIRST;
        if known.current == Some(index) && known.rekey_at.is_some_and(is_far) {
            known.rekey_at = Some(at);
            self.wake_for(Some(at));
        }
    }

    /// A word of the other node.
    pub(super) fn word(
        &mut self,
        now: Now,
        index: u32,
        (from, length): (SocketAddr, usize),
        control: &Control,
    ) {
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
                // The question may be a copy, and whoever is there may have asked for nothing.
                let data = data.clone();
                let answer = Control::PathResponse { data }.write();
                let padded = self.config.buckets.fit(answer.len());
                let fits = padded + OVERHEAD <= AMPLIFICATION * length;
                let padded = if fits { padded } else { answer.len() };
                self.say_padded(now, index, &answer, padded, from);
            }
            Control::PathResponse { data } => self.path_answered(now, peer, data),
            Control::Probe { data } => {
                let endpoint = self.peers.get(&peer).and_then(|known| known.endpoint);
                if let Some(to) = endpoint {
                    let data = data.clone();
                    self.say(now, index, &Control::ProbeAck { data }, to);
                }
            }
            Control::ProbeAck { data } => self.probe_answered(now, peer, data),
            // Of a former session, whose end says nothing of those that came after it.
            Control::Close {}
                if self.peers.get(&peer).and_then(|known| known.current) != Some(index) =>
            {
                self.expired(now, index);
            }
            Control::Close {} => {
                self.end_sessions(peer);
                self.tell(Event::Closed { peer });
                self.call_again_now(now, peer);
            }
        }
    }

    /// Ends the sessions with a peer for good.
    pub(super) fn drop_peer(&mut self, now: Now, peer: PeerId) -> Result<(), Refusal> {
        let known = self.peers.get(&peer);
        let current = known.and_then(|known| Some((known.current?, known.endpoint?)));
        let before = self.targets.len() + self.calls.len();
        self.targets.retain(|_, target| target.peer != Some(peer));
        self.abandon_calls(peer);
        let was_called = self.targets.len() + self.calls.len() < before;
        if !self.peers.contains_key(&peer) && !was_called {
            return Err(Refusal::NoPeer(peer));
        }
        if let Some((index, to)) = current {
            self.say(now, index, &Control::Close {}, to);
        }
        self.forget(peer);
        Ok(())
    }
}

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
