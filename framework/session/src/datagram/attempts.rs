//! The responder's memory of handshakes under way: bounded for each address and in total, and
//! nothing before a token.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use pqfw_framework::rand_core::CryptoRng;
use pqfw_framework::secret::SecretBytes;
use pqfw_framework::transport::Packet;
use pqfw_framework::world::Now;

use super::accepting::{Accepting, Said};
use super::packet::{ANSWER, AttemptName, HELLO, NO_TOKEN, Part, demand, parts};
use super::token::Tokens;
use super::{ATTEMPT, Limits};
use crate::config::Config;
use crate::handshake::Opened;

/// An attempt that is so young is not given up for another.
const YOUNG: Duration = Duration::from_secs(2);

/// After `welcome` was sent first, it is sent again for so long.
const WELCOMING: Duration = Duration::from_secs(60);

type Key = (SocketAddr, AttemptName);

/// The responder's memory of handshakes under way.
pub(super) struct Attempts {
    config: Arc<Config>,
    limits: Limits,
    tokens: Tokens,
    cookie_key: SecretBytes,
    attempts: BTreeMap<Key, Attempt>,
    /// From the oldest to the youngest.
    order: BTreeMap<u64, Key>,
    next: u64,
    bytes: usize,
    neighbours: BTreeMap<u128, Share>,
    /// The bytes of the longest answer to a hello so far.
    longest_answer: usize,
}

struct Attempt {
    number: u64,
    began: Duration,
    over: Duration,
    accepting: Accepting,
    /// The bytes of flights that it is counted with.
    bytes: usize,
}

/// What one address has of the memory.
#[derive(Default)]
struct Share {
    attempts: usize,
    bytes: usize,
}

impl Attempts {
    pub(super) fn new(config: &Arc<Config>, limits: Limits, rng: &mut dyn CryptoRng) -> Self {
        let mut cookie_key = SecretBytes::zeroed(32);
        rng.fill_bytes(cookie_key.expose_mut());
        Self {
            config: config.clone(),
            limits,
            tokens: Tokens::new(config.sha256(), rng),
            cookie_key,
            attempts: BTreeMap::new(),
            order: BTreeMap::new(),
            next: 0,
            bytes: 0,
            neighbours: BTreeMap::new(),
            longest_answer: 0,
        }
    }

    /// How many attempts there are, and how many bytes of flights.
    pub(super) fn held(&self) -> (usize, usize) {
        (self.attempts.len(), self.bytes)
    }

    /// Takes a part of one of an initiator's flights: answers to `out`, and gives the channel that
    /// it opened.
    pub(super) fn part(
        &mut self,
        now: Now,
        rng: &mut dyn CryptoRng,
        from: SocketAddr,
        part: &Part<'_>,
        out: &mut Vec<Packet>,
    ) -> Option<Box<Opened>> {
        if self.limits.attempts == 0 {
            return None;
        }
        let key = (from, part.attempt);
        let over = |attempt: &Attempt| attempt.over <= now.since_start;
        if self.attempts.get(&key).is_some_and(over) {
            self.forget(&key);
        }
        if !self.attempts.contains_key(&key) {
            if part.flight != HELLO {
                return None;
            }
            if !self.tokens.fits(now, &part.attempt, from, &part.token) {
                let token = self.tokens.issue(now, &part.attempt, from);
                let (peer, bytes) = (from, demand(part.attempt, token));
                out.push(Packet { peer, bytes });
                return None;
            }
        }
        let known = self.attempts.get(&key);
        let wanted = match known.is_none_or(|attempt| attempt.accepting.awaits(part)) {
            // An answer costs an encapsulation and a signature: none is made that has no room.
            true if part.flight == HELLO => part.bytes.len() + self.longest_answer,
            true => part.bytes.len(),
            false => 0,
        };
        if !self.make_room(now, &key, wanted) {
            return None;
        }
        self.begin(now, key);
        let attempt = self.attempts.get_mut(&key)?;
        let (accepting, config) = (&mut attempt.accepting, &self.config);
        let said = accepting.part(now, rng, config, &self.cookie_key, part);
        self.count(&key);
        let opened = match said {
            Said::Nothing => return None,
            Said::Reply => None,
            Said::Opened(opened) => {
                let attempt = self.attempts.get_mut(&key)?;
                let welcomed = now.since_start.saturating_add(WELCOMING);
                attempt.over = attempt.over.max(welcomed);
                Some(opened)
            }
        };
        if let Some((ANSWER, reply)) = self.attempts.get(&key)?.accepting.reply() {
            self.longest_answer = self.longest_answer.max(reply.len());
        }
        if !self.make_room(now, &key, 0) {
            // The first answer of its length, for which there is no room: the attempt is not given
            // another, and the next one is asked for room before.
            self.attempts.get_mut(&key)?.accepting.end();
            self.count(&key);
            return None;
        }
        let (number, reply) = self.attempts.get(&key)?.accepting.reply()?;
        let parts = parts(part.attempt, number, NO_TOKEN, reply);
        out.extend(parts.map(|bytes| Packet { peer: from, bytes }));
        opened
    }

    /// Forgets what is over.
    pub(super) fn sweep(&mut self, now: Now) {
        let over: Vec<Key> = self
            .attempts
            .iter()
            .filter(|(_, attempt)| attempt.over <= now.since_start)
            .map(|(key, _)| *key)
            .collect();
        for key in over {
            self.forget(&key);
        }
    }

    /// When something will be over.
    pub(super) fn due(&self) -> Option<Duration> {
        self.attempts.values().map(|attempt| attempt.over).min()
    }

    /// Remembers an attempt, if it is a new one.
    fn begin(&mut self, now: Now, key: Key) {
        if self.attempts.contains_key(&key) {
            return;
        }
        let attempt = Attempt {
            number: self.next,
            began: now.since_start,
            over: now.since_start.saturating_add(ATTEMPT),
            accepting: Accepting::default(),
            bytes: 0,
        };
        self.order.insert(self.next, key);
        self.next += 1;
        self.attempts.insert(key, attempt);
        self.share(&key).attempts += 1;
    }

    /// Makes room for so many bytes of an attempt, new or known: others that are older than
    /// [`YOUNG`] go. Says whether there is room now.
    fn make_room(&mut self, now: Now, key: &Key, bytes: usize) -> bool {
        let new = usize::from(!self.attempts.contains_key(key));
        let neighbour = neighbour_of(key.0.ip());
        if bytes > self.limits.bytes.min(self.limits.bytes_per_address) {
            return false;
        }
        loop {
            let share = self.neighbours.get(&neighbour);
            let (attempts, share_bytes) = share.map_or((0, 0), |s| (s.attempts, s.bytes));
            let crowded_near = attempts + new > self.limits.attempts_per_address
                || share_bytes + bytes > self.limits.bytes_per_address;
            let crowded = self.attempts.len() + new > self.limits.attempts
                || self.bytes + bytes > self.limits.bytes;
            if !crowded && !crowded_near {
                return true;
            }
            let near = |old: &Key| neighbour_of(old.0.ip()) == neighbour;
            let mut others = self.order.values().filter(|old| *old != key);
            let gives_way = others.find(|old| !crowded_near || near(old));
            let Some(old) = gives_way.copied() else {
                return false;
            };
            let began = self.attempts.get(&old).map(|attempt| attempt.began);
            if began.is_some_and(|began| now.since_start.saturating_sub(began) < YOUNG) {
                return false;
            }
            self.forget(&old);
        }
    }

    /// Counts an attempt's bytes anew.
    fn count(&mut self, key: &Key) {
        let Some(attempt) = self.attempts.get_mut(key) else {
            return;
        };
        let (before, after) = (attempt.bytes, attempt.accepting.held());
        attempt.bytes = after;
        self.bytes = self.bytes - before + after;
        let share = self.share(key);
        share.bytes = share.bytes - before + after;
    }

    fn forget(&mut self, key: &Key) {
        let Some(attempt) = self.attempts.remove(key) else {
            return;
        };
        self.order.remove(&attempt.number);
        self.bytes -= attempt.bytes;
        let share = self.share(key);
        share.bytes -= attempt.bytes;
        share.attempts -= 1;
        if share.attempts == 0 {
            self.neighbours.remove(&neighbour_of(key.0.ip()));
        }
    }

    fn share(&mut self, key: &Key) -> &mut Share {
        self.neighbours.entry(neighbour_of(key.0.ip())).or_default()
    }
}

/// What is counted as one address: of IPv6 the network, since whoever has one has all of it.
fn neighbour_of(ip: IpAddr) -> u128 {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits() >> 64 << 64,
    }
}
