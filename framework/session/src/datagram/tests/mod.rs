//! Two endpoints whose every packet is in the test's hands.

mod bounds;
mod data;
mod hostile;
mod repetition;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use chacha20::ChaCha20Rng;
use pqfw_framework::machine::{Machine, Step};
use pqfw_framework::rand_core::SeedableRng;
use pqfw_framework::transport::Packet;
use pqfw_framework::world::Now;

use super::endpoint::{ChannelId, Endpoint, Event, Output};
use super::session::Ending;
use super::{Limits, packet};
use crate::config::Config;
use crate::error::ChannelError;
use crate::people::{CHEAP, config};

pub(super) fn near_address() -> SocketAddr {
    ([192, 0, 2, 1], 4000).into()
}

pub(super) fn far_address() -> SocketAddr {
    ([192, 0, 2, 2], 4433).into()
}

/// An endpoint with its own seed.
pub(super) fn endpoint(config: Arc<Config>, seed: u64, limits: Limits) -> Endpoint {
    let rng = ChaCha20Rng::seed_from_u64(seed);
    Endpoint::new(config, Box::new(rng), limits)
}

/// What an application has learnt.
#[derive(Default)]
pub(super) struct Told {
    pub(super) opened: Vec<ChannelId>,
    pub(super) data: Vec<Vec<u8>>,
    pub(super) failed: Vec<ChannelError>,
    pub(super) ended: Vec<Ending>,
    /// The channels that have ended.
    pub(super) over: Vec<ChannelId>,
}

/// Takes everything that an endpoint has to say: packets, and when it wants to be asked again.
pub(super) fn drain(
    endpoint: &mut Endpoint,
    now: Now,
    told: &mut Told,
) -> (Vec<Packet>, Option<Duration>) {
    let mut packets = Vec::new();
    loop {
        match endpoint.poll(now) {
            Step::Do(Output::Send(packet)) => packets.push(packet),
            Step::Do(Output::Tell(event)) => match event {
                Event::Opened(secured) => told.opened.push(secured.id),
                Event::Data(_, data) => told.data.push(data),
                Event::Failed(_, error) => told.failed.push(error),
                Event::Ended(id, ending) => {
                    told.ended.push(ending);
                    told.over.push(id);
                }
            },
            Step::Wait(until) => return (packets, until),
        }
    }
}

pub(super) fn at(since_start: Duration) -> Now {
    let micros = u64::try_from(since_start.as_micros()).unwrap();
    Now {
        since_start,
        unix_micros: 1_767_225_600_000_000 + micros,
    }
}

pub(super) fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

/// Two endpoints, a clock, and a wire.
pub(super) struct Pair {
    pub(super) near: Endpoint,
    pub(super) far: Endpoint,
    pub(super) near_told: Told,
    pub(super) far_told: Told,
    pub(super) clock: Duration,
}

/// What becomes of a packet: whether it goes to the far end, and its bytes.
pub(super) type Fate<'a> = &'a mut dyn FnMut(bool, Vec<u8>) -> Vec<Vec<u8>>;

pub(super) fn all(_: bool, bytes: Vec<u8>) -> Vec<Vec<u8>> {
    vec![bytes]
}

impl Pair {
    pub(super) fn new() -> Self {
        Self::of(config(1, &[CHEAP]), config(2, &[CHEAP]))
    }

    pub(super) fn of(near: Arc<Config>, far: Arc<Config>) -> Self {
        Self::with(near, far, Limits::default())
    }

    pub(super) fn with(near: Arc<Config>, far: Arc<Config>, limits: Limits) -> Self {
        Self {
            near: endpoint(near, 11, limits),
            far: endpoint(far, 12, limits),
            near_told: Told::default(),
            far_told: Told::default(),
            clock: secs(1000),
        }
    }

    pub(super) fn now(&self) -> Now {
        at(self.clock)
    }

    pub(super) fn begin(&mut self) -> ChannelId {
        let now = self.now();
        self.near.connect(now, far_address()).unwrap()
    }

    /// Carries packets until nobody has any more to send at this moment.
    pub(super) fn carry(&mut self, fate: Fate<'_>) {
        let now = self.now();
        loop {
            let (there, _) = drain(&mut self.near, now, &mut self.near_told);
            for bytes in there.iter().flat_map(|p| fate(true, p.bytes.clone())) {
                self.far.receive(now, near_address(), &bytes);
            }
            let (back, _) = drain(&mut self.far, now, &mut self.far_told);
            for bytes in back.iter().flat_map(|p| fate(false, p.bytes.clone())) {
                self.near.receive(now, far_address(), &bytes);
            }
            if there.is_empty() && back.is_empty() {
                return;
            }
        }
    }

    /// Lets so many half seconds pass, or fewer if both ends are open or have failed before.
    pub(super) fn wait(&mut self, half_seconds: u32, fate: Fate<'_>) {
        for _ in 0..half_seconds {
            self.carry(fate);
            let near = self.near_told.opened.len() + self.near_told.failed.len();
            if near > 0 && (!self.far_told.opened.is_empty() || !self.near_told.failed.is_empty()) {
                return;
            }
            self.clock += Duration::from_millis(500);
        }
        self.carry(fate);
    }

    /// What the near end sends now.
    pub(super) fn near_sends(&mut self) -> Vec<Packet> {
        let now = self.now();
        drain(&mut self.near, now, &mut self.near_told).0
    }

    /// What the far end sends now, after it was given this.
    pub(super) fn far_answers(&mut self, packets: &[Packet]) -> Vec<Packet> {
        let now = self.now();
        for packet in packets {
            self.far.receive(now, near_address(), &packet.bytes);
        }
        drain(&mut self.far, now, &mut self.far_told).0
    }

    /// What the near end sends now, after it was given this.
    pub(super) fn near_answers(&mut self, packets: &[Packet]) -> Vec<Packet> {
        let now = self.now();
        for packet in packets {
            self.near.receive(now, far_address(), &packet.bytes);
        }
        self.near_sends()
    }

    /// A pair with an open channel: its numbers at both ends.
    pub(super) fn opened() -> (Self, ChannelId, ChannelId) {
        let mut pair = Self::new();
        let near = pair.begin();
        pair.carry(&mut all);
        assert_eq!(pair.near_told.opened, [near]);
        let far = pair.far_told.opened[0];
        (pair, near, far)
    }
}

/// The flight that a packet is a part of; 0 for anything else.
pub(super) fn flight_of(bytes: &[u8]) -> u8 {
    match packet::Datagram::read(bytes) {
        Some(packet::Datagram::Part(part)) => part.flight,
        _ => 0,
    }
}
