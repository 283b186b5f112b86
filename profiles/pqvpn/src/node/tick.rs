//! What happens because time has passed.

use std::time::Duration;

use pqfw_framework::world::Now;

use super::sessions::Peer;
use super::{CallError, Event, Node};
use crate::limits::{CALL_AGAIN_FIRST, MOST_MISSES, MOST_RETRIES};
use crate::peer_id::PeerId;

impl Node {
    /// Does everything that is due, and finds what is due next.
    pub(super) fn tick(&mut self, now: Now) {
        self.answers.tick(now.since_start);
        self.tick_calls(now);
        self.tick_sessions(now);
        self.tick_peers(now);
        self.tick_targets(now);
        self.wake = self.next_moment();
        #[cfg(test)]
        {
            self.ticks += 1;
        }
    }

    /// When something is due next.
    pub(super) fn next_moment(&self) -> Option<Duration> {
        let calls = self.calls.values().map(|call| call.next_at);
        let targets = self.targets.values().filter_map(|target| target.call_at);
        let sessions = self.sessions.values().flat_map(|session| {
            let confirms = session.confirms.map(|(_, again)| again);
            session.expires.into_iter().chain(confirms)
        });
        let peers = self.peers.values().filter_map(Peer::next_moment);
        let answers = self.answers.next_moment();
        let all = calls.chain(targets).chain(sessions).chain(peers);
        all.chain(answers).min()
    }

    /// Whether the moment that is waited for is not later than any timer: what [`Self::wake_for`]
    /// is there for.
    pub(super) fn wakes_in_time(&self) -> bool {
        let next = self.next_moment();
        next.is_none_or(|next| self.wake.is_some_and(|wake| wake <= next))
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
            if call.gives_up_its_token() {
                self.call_without_token(now, index);
                continue;
            }
            call.tries += 1;
            let (tries, to) = (call.tries, call.address());
            let next_at = self.retry_at(at, tries);
            if let Some(call) = self.calls.get_mut(&index) {
                call.next_at = next_at;
            }
            self.wake_for(Some(next_at));
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
            self.expired(now, index);
        }
    }

    /// Keepalives, the dead, new keys, and paths that did not answer.
    fn tick_peers(&mut self, now: Now) {
        let at = now.since_start;
        let is_due = |moment: Option<Duration>| moment.is_some_and(|moment| moment <= at);
        let due = self.peers.iter();
        let due = due.filter(|(_, peer)| is_due(peer.next_moment()));
        let ids: Vec<PeerId> = due.map(|(id, _)| *id).collect();
        for id in ids {
            self.tick_path(now, id);
            self.tick_mtu(now, id);
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

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::sync::Arc;

    use pqfw_framework::machine::{Machine, Step, drain};

    use super::*;
    use crate::RecordTerms;
    use crate::identity::PublicKeys;
    use crate::node::{Config, Input, Node, Output};
    use crate::people::{CHEAP, rng, shared, suites};
    use crate::trust::{TrustList, TrustMode};

    fn node(seed: u64) -> Node {
        let own = shared(seed, CHEAP);
        let terms = RecordTerms {
            expires_unix_secs: u64::MAX,
            ..RecordTerms::default()
        };
        let record = own.record(terms, &mut rng(7)).unwrap();
        let trust = Arc::new(TrustList::new(TrustMode::Tofu, []));
        let config = Config::new(suites(&[CHEAP]), own, record, trust);
        Node::new(config, Box::new(rng(seed))).unwrap()
    }

    fn moment(secs: u64) -> Now {
        Now {
            since_start: Duration::from_secs(secs),
            unix_micros: 1_767_225_600_000_000,
        }
    }

    /// Lets two nodes talk until nobody has anything to say; gives the data frames to the second.
    fn talk(ends: &mut [Node; 2], now: Now) -> Vec<Vec<u8>> {
        let address = |at: usize| SocketAddr::from(([192, 0, 2, at as u8], 4242));
        let mut frames = Vec::new();
        loop {
            let mut said = false;
            for at in 0..2 {
                for output in drain(&mut ends[at], now).0 {
                    said = true;
                    match output {
                        Output::Job(job) => {
                            let done = Input::Done(job.run(&mut rng(9)));
                            ends[at].handle(now, done).unwrap();
                        }
                        Output::Send { bytes, .. } => {
                            if at == 0 && bytes[1] == 3 {
                                frames.push(bytes.clone());
                            }
                            let from = address(at);
                            let _ = ends[1 - at].handle(now, Input::Datagram { from, bytes });
                        }
                        Output::Event(_) | Output::Plane(_) => {}
                    }
                }
            }
            if !said {
                return frames;
            }
        }
    }

    #[test]
    fn a_datagram_costs_no_look_at_every_peer() {
        let now = moment(100);
        let mut ends = [node(1), node(2)];
        let wish = Input::Connect {
            name: "far".into(),
            address: SocketAddr::from(([192, 0, 2, 1], 4242)),
            peer: None,
        };
        ends[0].handle(now, wish).unwrap();
        talk(&mut ends, now);
        let peer = ends[1].id();
        assert!(ends[0].is_up(peer));
        // Everybody else whom the second node knows.
        for number in 0..4000_u32 {
            let keys = PublicKeys {
                verifying: Vec::new(),
                encapsulation: Vec::new(),
            };
            let mut id = [0; 32];
            id[..4].copy_from_slice(&number.to_be_bytes());
            let mut other = Peer::new(Arc::new(keys));
            other.keepalive_at = Some(Duration::from_secs(200));
            ends[1].peers.insert(PeerId(id), other);
        }
        let before = ends[1].ticks;
        for number in 0..1000_u16 {
            let mut packet = vec![0x45, 0, 0, 24];
            packet.resize(24, 1);
            let shard = 0;
            let send = Input::Send {
                peer,
                shard,
                packet,
            };
            ends[0].handle(now, send).unwrap();
            assert_eq!(talk(&mut ends, now).len(), 1, "it arrives");
            let spoofed = Input::Datagram {
                from: SocketAddr::from(([203, 0, 113, 1], number)),
                bytes: vec![2; usize::from(number) % 1400],
            };
            ends[1].handle(now, spoofed).unwrap_err();
            assert!(matches!(ends[1].poll(now), Step::Wait(Some(_))));
        }
        assert_eq!(ends[1].ticks, before);
        // What is due is done all the same.
        assert!(matches!(ends[1].poll(moment(126)), Step::Do(_)));
        assert_eq!(ends[1].ticks, before + 1);
    }
}
